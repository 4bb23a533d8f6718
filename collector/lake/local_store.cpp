#include "collector/lake/local_store.hpp"

namespace longhaul::collector {
namespace {

constexpr std::string_view temporary_folder =
    "_unfinished";  // readers of Delta skip names with '_'
constexpr int leftovers_max = 1000;

}  // namespace

class LocalStore::LocalWriter final : public ObjectWriter {
 public:
    LocalWriter(Disk& disk, std::string temporary, std::unique_ptr<DiskFile> file)
        : disk_{disk}, temporary_{std::move(temporary)}, file_{std::move(file)} {}
    ~LocalWriter() override { (void)disk_.remove(temporary_).ok(); }

    Status append(Bytes bytes) override { return file_->append(bytes); }

    Status finish(std::string_view path) override {
        LH_TRY(file_->sync());
        LH_TRY(disk_.make_directories(folder_of(path)));
        LH_TRY(disk_.rename(temporary_, path));
        return disk_.sync_directory(folder_of(path));
    }

    // Error exists: another object has the name. Either way the name that is there is durable
    // afterwards.
    Status link_to(std::string_view path) {
        LH_TRY(file_->sync());
        LH_TRY(disk_.make_directories(folder_of(path)));
        const Status linked = disk_.link(temporary_, path);
        if (!linked.ok() && linked.error().code != ErrorCode::exists) return linked;
        LH_TRY(disk_.sync_directory(folder_of(path)));
        return linked;
    }

 private:
    Disk& disk_;
    std::string temporary_;
    std::unique_ptr<DiskFile> file_;
};

Status LocalStore::clean_up() {
    const auto entries = disk_.list(temporary_folder);
    if (!entries.ok()) return {};  // there never was one
    for (const DiskEntry& entry : entries.value()) {
        LH_TRY(disk_.remove(std::string{temporary_folder} + "/" + entry.name));
    }
    return {};
}

Status LocalStore::put_if_absent(std::string_view path, Bytes bytes) {
    LH_TRY_ASSIGN(const auto writer, begin_local());
    LH_TRY(writer->append(bytes));
    return writer->link_to(path);
}

Result<std::unique_ptr<ObjectWriter>> LocalStore::begin() {
    LH_TRY_ASSIGN(std::unique_ptr<LocalWriter> writer, begin_local());
    return std::unique_ptr<ObjectWriter>{std::move(writer)};
}

Result<std::unique_ptr<LocalStore::LocalWriter>> LocalStore::begin_local() {
    LH_TRY(disk_.make_directories(temporary_folder));
    for (int tries = 0;; ++tries) {
        const std::string temporary =
            std::string{temporary_folder} + "/" + writer_ + std::to_string(written_++);
        auto file = disk_.create(temporary);
        if (file.ok())
            return std::make_unique<LocalWriter>(disk_, temporary, std::move(file).value());
        // A name that is still there must not look as if the object to be put existed.
        if (file.error().code != ErrorCode::exists) return file.error();
        if (tries == leftovers_max)
            return Error{ErrorCode::io, "the folder of unfinished files is not cleaned up"};
    }
}

Result<std::vector<std::byte>> LocalStore::read(std::string_view path) {
    return read_file(disk_, path);
}

Result<std::vector<std::string>> LocalStore::list(std::string_view folder) {
    LH_TRY_ASSIGN(std::vector<StoredObject> objects, entries(folder));
    std::vector<std::string> names;
    for (StoredObject& object : objects) names.push_back(std::move(object.name));
    return names;
}

Result<std::vector<StoredObject>> LocalStore::entries(std::string_view folder) {
    const auto found = disk_.list(folder);
    if (!found.ok() && found.error().code == ErrorCode::not_found)
        return std::vector<StoredObject>{};
    if (!found.ok()) return found.error();
    std::vector<StoredObject> objects;
    for (const DiskEntry& entry : found.value())
        objects.push_back({entry.name, entry.bytes, entry.directory, entry.modified});
    return objects;
}

// The name may come back after a power cut; then it is removed again.
Status LocalStore::remove(std::string_view path) {
    const Status removed = disk_.remove(path);
    return !removed.ok() && removed.error().code == ErrorCode::not_found ? Status{} : removed;
}

Status LocalStore::make_durable(std::string_view folder) {
    const Status synced = disk_.sync_directory(folder);
    return !synced.ok() && synced.error().code == ErrorCode::not_found ? Status{} : synced;
}

Status LocalStore::replace(std::string_view path, Bytes bytes) {
    LH_TRY_ASSIGN(const auto writer, begin_local());
    LH_TRY(writer->append(bytes));
    return writer->finish(path);
}

}  // namespace longhaul::collector
