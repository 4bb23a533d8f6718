// `longhaul device image`: the flash of a device without an operating system.
// docs/spec/identity-block.md.
#pragma once

#include <string>

#include "common/base/result.hpp"

namespace longhaul::tools {

struct ImageRequest {
    std::string device;     // folder of `device add`
    std::string out;        // a new file
    std::string collector;  // IPv4 address and port; empty: what agent.toml says
};

// Says what is wrong with the folder, or that the file is there already. The file is for its owner.
Result<void, Message> write_device_image(const ImageRequest& request);

}  // namespace longhaul::tools
