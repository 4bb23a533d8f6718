// Which devices may have lost their right to be connected since somebody looked the last time.
//
// The registry notes by itself, in triggers, whose row was changed or deleted, whatever program did
// it. Who looks pays for what has changed and not for how many devices there are.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/host/sqlite.hpp"

namespace longhaul::collector {

struct RegistryChange {
    std::string tenant;
    std::string device;  // empty: the whole tenant
};

class RegistryChanges {
 public:
    // Begins at what is true now.
    static Result<std::unique_ptr<RegistryChanges>> open(const std::string& path);

    struct News {
        std::vector<RegistryChange> changes;
        bool everything = false;  // more has changed than is noted: ask for every device
    };
    Result<News> take();

    static constexpr std::int64_t noted_max = 100'000;

 private:
    explicit RegistryChanges(SqliteDatabase database) : database_{std::move(database)} {}

    SqliteDatabase database_;
    std::int64_t seen_ = 0;
};

}  // namespace longhaul::collector
