// A lake in a folder: synced temporary files that are linked to their names.
#pragma once

#include "collector/disk/disk.hpp"
#include "collector/lake/object_store.hpp"

namespace longhaul::collector {

class LocalStore final : public ObjectStore {
 public:
    explicit LocalStore(Disk& disk) : disk_{disk} {}

    // Removes what a crash left half-written. Only while nobody else writes to this folder.
    Status clean_up();

    Status put_if_absent(std::string_view path, Bytes bytes) override;
    Result<std::unique_ptr<ObjectWriter>> begin() override;
    Result<std::vector<std::byte>> read(std::string_view path) override;
    Result<std::vector<std::string>> list(std::string_view folder) override;

 private:
    class LocalWriter;
    Result<std::unique_ptr<LocalWriter>> begin_local();

    Disk& disk_;
    std::uint64_t written_ = 0;
};

}  // namespace longhaul::collector
