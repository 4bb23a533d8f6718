// The audit trail: who may send, what was refused, which keys were used, one line a fact. Lines are
// added only, and each names the hash of the one before (docs/spec/audit-trail.md).
//
// One trail a tenant and one for the site, in a folder beside the registry. The collector and the
// tools write the same files: each append takes a lock, reads where the trail ends, and syncs.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::collector {

struct TrailFact {
    std::string tenant;  // whose trail; empty: the site's
    WallUs time;
    std::string who;    // acted: "collector", "person root"
    std::string what;   // a word: "refused"
    std::string about;  // a device, a key, an address
    std::string why;    // a sentence; may be empty
};

inline constexpr std::string_view site_trail = "_site";  // no tenant can have this name

class AuditTrail {
 public:
    static constexpr std::uint64_t file_bytes_max = 16 << 20;
    // For another writer. A collector's watchdog waits as well.
    static constexpr std::chrono::milliseconds lock_wait_max{3000};

    // `folder` holds a folder for each trail; it is made when the first fact comes.
    explicit AuditTrail(std::string folder, std::uint64_t bytes_max = file_bytes_max,
                        std::chrono::milliseconds lock_wait = lock_wait_max)
        : folder_{std::move(folder)}, file_bytes_max_{bytes_max}, lock_wait_{lock_wait} {}
    static std::string folder_beside(const std::string& registry_path);

    // All of them are on disk afterwards. After an error some may be missing, in their order; the
    // trail stays whole. Texts that are too long are cut.
    Result<void, Message> append(const std::vector<TrailFact>& facts) const;
    // What a power cut has left behind the last whole line is cut off in every trail, as the next
    // append would, and a line says so.
    Result<void, Message> mend(WallUs now) const;

 private:
    std::string folder_;
    std::uint64_t file_bytes_max_;
    std::chrono::milliseconds lock_wait_;
};

}  // namespace longhaul::collector
