// A lake in a folder: synced temporary files that are linked to their names.
#pragma once

#include <atomic>

#include "collector/disk/disk.hpp"
#include "collector/lake/object_store.hpp"

namespace longhaul::collector {

class LocalStore final : public ObjectStore {
 public:
    // `writer` is the beginning of the names of unfinished files; each of several processes that
    // write to a lake at a time has another one.
    explicit LocalStore(Disk& disk, std::string writer = "")
        : disk_{disk}, writer_{std::move(writer)} {}

    // Removes what a crash left half-written. Only while nobody else writes to this folder.
    Status clean_up();

    Status put_if_absent(std::string_view path, Bytes bytes) override;
    Result<std::unique_ptr<ObjectWriter>> begin() override;
    Result<std::vector<std::byte>> read(std::string_view path) override;
    Result<std::vector<std::string>> list(std::string_view folder) override;
    Result<std::vector<StoredObject>> entries(std::string_view folder) override;
    Status remove(std::string_view path) override;
    Status make_durable(std::string_view folder) override;
    Status replace(std::string_view path, Bytes bytes) override;

 private:
    class LocalWriter;
    Result<std::unique_ptr<LocalWriter>> begin_local();

    Disk& disk_;
    std::string writer_;
    std::atomic<std::uint64_t> written_ = 0;  // the writer and the upkeep share a store
};

}  // namespace longhaul::collector
