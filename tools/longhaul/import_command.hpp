// `longhaul import`: a spool that was exported from a device, into the collector's journal.
#pragma once

#include <string>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::tools {

struct ImportOptions {
    std::string config;  // the collector's configuration
    std::string file;
    bool json = false;
    WallUs now;
};

// The exit code: 0 all of it is durable, 65 not all of it could be taken, 75 a collector is using
// the journal or it has no room, 77 the device may not send, 78 the configuration. A message is
// about what cannot be read: 65.
Result<int, Message> import_spool(const ImportOptions& options);

}  // namespace longhaul::tools
