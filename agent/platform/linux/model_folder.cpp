#include "agent/platform/linux/model_folder.hpp"

#include <algorithm>
#include <filesystem>

#include "common/base/hex.hpp"
#include "common/host/files.hpp"

namespace longhaul::agent {
namespace {

constexpr std::string_view suffix = ".model";

}  // namespace

std::string ModelFolder::file_of(const ModelHash& hash) const {
    return (path_ + "/" + hex(hash)).append(suffix);
}

// A file that is not what its name says counts as not there.
Bytes ModelFolder::find(const ModelHash& hash) {
    const auto known = found_.find(hash);
    if (known != found_.end()) return known->second;
    auto bytes = read_file(file_of(hash));
    if (!bytes.ok() || model_hash(bytes.value()) != hash) return {};
    return found_.emplace(hash, std::move(bytes).value()).first->second;
}

Status ModelFolder::keep(const ModelHash& hash, Bytes model) {
    std::error_code error;
    std::filesystem::create_directories(path_, error);
    if (error) return Error{ErrorCode::denied, "the folder of models cannot be made"};
    if (!replace_file(file_of(hash), model, public_file_mode).ok())
        return Error{ErrorCode::denied, "a model cannot be stored"};
    return {};
}

void ModelFolder::keep_only(std::span<const ModelHash> wanted) {
    const auto files = paths_in(path_);
    if (!files.ok()) return;  // there is none yet
    for (const std::string& file : files.value()) {
        const bool is_wanted =
            std::any_of(wanted.begin(), wanted.end(),
                        [&](const ModelHash& hash) { return file_of(hash) == file; });
        std::error_code ignored;
        if (!is_wanted && file.ends_with(suffix)) std::filesystem::remove(file, ignored);
    }
}

}  // namespace longhaul::agent
