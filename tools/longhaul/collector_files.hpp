// What the tools open of a collector, found by its configuration.
#pragma once

#include <memory>
#include <string>

#include "collector/registry/registry.hpp"
#include "common/base/result.hpp"

namespace longhaul::tools {

// The message is about the configuration: exit 78.
Result<std::string, Message> registry_path(const std::string& config);
// It has to be there: only `longhaul ca init` makes one.
Result<std::unique_ptr<collector::Registry>, Message> open_registry(const std::string& path);

}  // namespace longhaul::tools
