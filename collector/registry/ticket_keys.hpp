// The keys that session tickets are sealed with: in the registry, so that all collectors of a site
// open each other's tickets. Each key seals for a day and opens for one more; then it is gone, and
// with it what could decrypt recorded TLS 1.2 sessions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/base/time.hpp"
#include "common/block/crypto.hpp"
#include "common/host/sqlite.hpp"

namespace longhaul::collector {

struct TicketKey {
    std::int64_t generation = 0;  // the day since 1970 on which it seals
    BlockKey key;
};

std::int64_t ticket_generation(WallUs now);
// A key opens on its day and on the next one. A day ahead is allowed: another collector's clock.
bool ticket_key_opens(std::int64_t generation, WallUs now);
inline constexpr std::uint32_t ticket_lifetime_s_max = 2 * 86'400;

class TicketKeys {
 public:
    // The file of the registry, which is made when it is not there.
    static Result<std::unique_ptr<TicketKeys>> open(const std::string& path);

    // Those that open now, the sealing one first; makes the key of the day when nobody has yet, and
    // forgets what is rotated out.
    Result<std::vector<TicketKey>> at(WallUs now);

 private:
    explicit TicketKeys(SqliteDatabase database) : database_{std::move(database)} {}
    Result<std::vector<TicketKey>> read(WallUs now);
    Status rotate(WallUs now);

    SqliteDatabase database_;
};

}  // namespace longhaul::collector
