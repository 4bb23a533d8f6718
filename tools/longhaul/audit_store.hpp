// The lake as the audit reads it: nothing is written, and a batch file whose content is not what
// its name says is damaged. So a value that has changed is found, although only the names of rows
// are compared with the journal. Files that other programs wrote have other names and are read as
// they are; collector/lake/rewritten.hpp compares their values.
#pragma once

#include "collector/lake/file_names.hpp"
#include "collector/lake/object_store.hpp"

namespace longhaul::tools {

class AuditStore final : public collector::ObjectStore {
 public:
    // The lake outlives it.
    explicit AuditStore(collector::ObjectStore& lake) : lake_{lake} {}

    Status put_if_absent(std::string_view, Bytes) override { return ErrorCode::denied; }
    Result<std::unique_ptr<collector::ObjectWriter>> begin() override { return ErrorCode::denied; }
    Result<std::vector<std::byte>> read(std::string_view path) override {
        auto content = lake_.read(path);
        if (content.ok()) LH_TRY(collector::check_content(path, content.value()));
        return content;
    }
    Result<std::vector<std::string>> list(std::string_view folder) override {
        return lake_.list(folder);
    }
    Result<std::vector<collector::StoredObject>> entries(std::string_view folder) override {
        return lake_.entries(folder);
    }
    Status remove(std::string_view) override { return ErrorCode::denied; }
    Status make_durable(std::string_view) override { return {}; }
    Status replace(std::string_view, Bytes) override { return ErrorCode::denied; }

 private:
    collector::ObjectStore& lake_;
};

}  // namespace longhaul::tools
