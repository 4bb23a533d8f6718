// The lake as the audit reads it: nothing is written, and a batch file whose content is not what
// its name says is damaged. So a value that has changed is found, although only the names of rows
// are compared with the journal. Files that other programs wrote have other names and are taken as
// they are.
#pragma once

#include <algorithm>

#include "collector/lake/object_store.hpp"
#include "common/block/crypto.hpp"
#include "tools/longhaul/text.hpp"

namespace longhaul::tools {

class AuditStore final : public collector::ObjectStore {
 public:
    // The lake outlives it.
    explicit AuditStore(collector::ObjectStore& lake) : lake_{lake} {}

    Status put_if_absent(std::string_view, Bytes) override { return ErrorCode::denied; }
    Result<std::unique_ptr<collector::ObjectWriter>> begin() override { return ErrorCode::denied; }
    Result<std::vector<std::byte>> read(std::string_view path) override {
        auto content = lake_.read(path);
        const std::string_view hash = hash_in(path);
        if (content.ok() && !hash.empty() &&
            hash != hex(Bytes{sha256(content.value())}.first(hash_bytes))) {
            return Error{ErrorCode::corrupt,
                         "a batch file has not the content that it is named by"};
        }
        return content;
    }
    Result<std::vector<std::string>> list(std::string_view folder) override {
        return lake_.list(folder);
    }

 private:
    static constexpr std::size_t hash_bytes = 8;

    // <shard>-<first>-<end>-<hash>.parquet, see docs/spec/lake.md; empty: the name has another
    // form.
    static std::string_view hash_in(std::string_view path) {
        constexpr std::string_view suffix = ".parquet";
        if (!path.ends_with(suffix)) return {};
        path.remove_suffix(suffix.size());
        path.remove_prefix(path.rfind('/') + 1);
        const std::size_t dash = path.rfind('-');
        if (dash == std::string_view::npos) return {};
        const std::string_view place = path.substr(0, dash);
        const std::string_view hash = path.substr(dash + 1);
        const bool ours = place.find_first_not_of("0123456789-") == std::string_view::npos &&
                          std::count(place.begin(), place.end(), '-') == 2 &&
                          hash.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
                          hash.size() == 2 * hash_bytes;
        return ours ? hash : std::string_view{};
    }

    collector::ObjectStore& lake_;
};

}  // namespace longhaul::tools
