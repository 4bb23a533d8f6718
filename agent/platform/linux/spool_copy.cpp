#include "agent/platform/linux/spool_copy.hpp"

#include <stdlib.h>

#include <cstring>
#include <filesystem>

#include "agent/platform/linux/flash_image.hpp"
#include "common/host/files.hpp"
#include "common/host/sqlite.hpp"

namespace longhaul::agent {
namespace {

namespace fs = std::filesystem;

// Nothing is stored into a copy, so nothing has to go.
SpoolPolicy keep_everything() {
    SpoolPolicy policy;
    policy.bytes_max = UINT64_MAX / 2;
    return policy;
}

// A copy of a file that is being written would be torn.
Result<void, Message> check_unused(const std::string& path) {
    auto database = SqliteDatabase::open(path, SqliteAccess::read_only, 0);
    const Status looked = database.ok()
                              ? database.value().execute("SELECT count(*) FROM sqlite_master")
                              : Status{database.error()};
    if (looked.ok() || looked.error() != ErrorCode::denied) return {};  // the copy tells the rest
    return Message{path + ": the agent has it open; stop it, or ask it: longhaul-agent why"};
}

}  // namespace

Result<std::unique_ptr<SpoolCopy>, Message> SpoolCopy::make(const std::string& path) {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) return Message{path + ": there is no such file"};
    const auto geometry = geometry_of_image(path);
    if (!geometry) LH_TRY(check_unused(path));
    std::unique_ptr<SpoolCopy> made{new SpoolCopy};
    LH_TRY(made->copy(path));
    LH_TRY(geometry ? made->open_flash(path, *geometry) : made->open_sqlite(path));
    return made;
}

Result<void, Message> SpoolCopy::open_sqlite(const std::string& path) {
    const std::string name = folder_ + "/spool";
    auto opened = SqliteSpool::open(name, keep_everything(), entropy_);
    if (!opened.ok()) return Message{path + opened.error().text.substr(name.size())};
    sqlite_ = std::move(opened).value();
    return {};
}

Result<void, Message> SpoolCopy::open_flash(const std::string& path,
                                            const FlashGeometry& geometry) {
    LH_TRY_ASSIGN(FileFlash image,
                  FileFlash::open(folder_ + "/spool", geometry, FileFlash::Syncs::no));
    image_.emplace(std::move(image));
    memory_.resize(FlashSpool::memory_bytes(geometry));
    flash_ = std::make_unique<FlashSpool>(*image_, keep_everything(), entropy_, memory_);
    if (const Status opened = flash_->open(); !opened.ok())
        return Message{path + ": " + to_string(opened.error())};
    return {};
}

Result<void, Message> SpoolCopy::copy(const std::string& path) {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "longhaul-spool-XXXXXX").string();
    if (error || ::mkdtemp(name.data()) == nullptr)
        return Message{name + ": " + std::strerror(errno)};
    folder_ = name;
    for (const std::string suffix : {"", "-wal"}) {
        if (!fs::exists(path + suffix, error)) continue;
        LH_TRY(copy_file(path + suffix, folder_ + "/spool" + suffix, private_file_mode));
    }
    return {};
}

SpoolCopy::~SpoolCopy() {
    sqlite_.reset();
    flash_.reset();
    image_.reset();
    std::error_code error;
    if (!folder_.empty()) fs::remove_all(folder_, error);
}

}  // namespace longhaul::agent
