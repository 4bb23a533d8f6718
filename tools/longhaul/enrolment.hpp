// Join codes, and the authority that issues for them: `longhaul tenant enrolment`, `longhaul
// enroll-code`, `longhaul enroll --batch`. docs/spec/enrolment.md.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::tools {

// An enrolment authority for the tenant, into the collector's folder and registry; the tenant's
// sealing certificate and the root's go with it.
Result<void, Message> make_enrolment(const std::string& folder, const std::string& tenant,
                                     WallUs now);
// After a rotation of the tenant: a new one below the new authority, if one that was made here
// still issues. Whether there is one.
Result<bool, Message> renew_enrolment(const std::string& folder, const std::string& tenant,
                                      WallUs now);
// Nothing that the tenant's enrolment authorities issued is good any more. How many there were.
Result<int, Message> drop_enrolment(const std::string& folder, const std::string& tenant,
                                    WallUs now);

struct CodeRequest {
    std::string config;  // the collector's configuration
    std::string tenant;
    std::string device;   // empty: any new one
    std::string address;  // of the enrolment listener; empty: as the configuration has it
    std::int64_t uses = 1;
    std::string valid = "15m";
    WallUs now;
};
// Its text.
Result<std::string, Message> make_code(const CodeRequest& request);

// A line a device: serial number, then its name if that is another one. What is written has a code
// on each line. How many.
Result<std::size_t, Message> make_batch(const CodeRequest& request, const std::string& list,
                                        const std::string& out);

struct CodesOptions {
    std::string config;
    std::string id;  // the first eight digits behind LH1-
    WallUs now;
};
Result<void, Message> list_codes(const CodesOptions& options);
Result<void, Message> revoke_code(const CodesOptions& options);

// "15m", "2h", "30d" in microseconds; at most a year.
Result<std::int64_t, Message> parse_duration(const std::string& text);

}  // namespace longhaul::tools
