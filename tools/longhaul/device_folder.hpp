// `longhaul device add`: a folder with all that a device needs to run longhaul-agent.
#pragma once

#include <string>
#include <vector>

#include "collector/registry/registry.hpp"
#include "tools/longhaul/authority.hpp"

namespace longhaul::tools {

struct DeviceRequest {
    std::string tenant;
    std::vector<std::string> names;
    std::string out;            // a folder of device folders
    std::string collector;      // address; empty: the authority's
    std::string trace_mapping;  // path; empty: the device has no recording
    std::string trace_file;     // path; empty: the one that the mapping names
    WallUs now;
};

// Makes <out>/<name> for each and allows them in the registry. A folder appears whole or not at
// all; one that is there already is an error before anything is made. Returns the folders.
Result<std::vector<std::string>, Message> add_devices(const Authority& authority,
                                                      const DeviceRequest& request);

// The registry, open, lets in devices that were just given certificates of `device_days`; the audit
// trail beside it says how they got them.
inline constexpr int device_days = 90;
Result<void, Message> allow_new_devices(collector::Registry& registry, const Authority& authority,
                                        const DeviceRequest& request, const char* how);

}  // namespace longhaul::tools
