// The image of a device's flash, as a file: what geometry the spool in it was made for.
#pragma once

#include <optional>
#include <string>

#include "agent/port/flash.hpp"

namespace longhaul::agent {

// Told by where the erase marks and headers of its sectors stand (docs/spec/spool.md, Flash ring);
// nothing: the file is not the image of a spool. A granularity below 16 bytes leaves no trace and
// is told as 1.
std::optional<FlashGeometry> geometry_of_image(const std::string& path);

}  // namespace longhaul::agent
