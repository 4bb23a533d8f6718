#include "collector/lake/file_names.hpp"

#include <algorithm>

#include "common/base/hex.hpp"

namespace longhaul::collector {
namespace {

constexpr std::size_t hash_bytes = 8;
constexpr std::string_view suffix = ".parquet";

bool consists_of(std::string_view text, std::string_view characters) {
    return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

bool is_stem(std::string_view stem) {
    if (stem == expired_stem || stem == state_stem) return true;
    if (stem.starts_with(late_prefix)) stem.remove_prefix(late_prefix.size());
    return stem == "merged" ||
           (consists_of(stem, "0123456789-") && std::count(stem.begin(), stem.end(), '-') == 2);
}

}  // namespace

std::string data_file_path(std::string_view receive_date, std::string_view stem,
                           const Sha256& content) {
    return "receive_date=" + std::string{receive_date} + "/" + std::string{stem} + "-" +
           hex(Bytes{content}.first(hash_bytes)) + std::string{suffix};
}

DataFileName parse_data_file_name(std::string_view path) {
    if (!path.ends_with(suffix)) return {};
    path.remove_suffix(suffix.size());
    path.remove_prefix(path.rfind('/') + 1);
    const std::size_t dash = path.rfind('-');
    if (dash == std::string_view::npos) return {};
    const std::string_view stem = path.substr(0, dash);
    const std::string_view hash = path.substr(dash + 1);
    const bool ours = hash.size() == 2 * hash_bytes && consists_of(hash, "0123456789abcdef");
    if (!ours || !is_stem(stem)) return {};
    return {hash, stem, stem.starts_with(late_prefix)};
}

Status check_content(std::string_view path, Bytes content) {
    const DataFileName name = parse_data_file_name(path);
    if (!name || name.hash == hex(Bytes{sha256(content)}.first(hash_bytes))) return {};
    return Error{ErrorCode::corrupt, "a batch file has not the content that it is named by"};
}

}  // namespace longhaul::collector
