// `longhaul model add` and `list`: the models that a collector has for its devices.
#pragma once

#include <string>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::tools {

struct ModelAddOptions {
    std::string config;  // the collector's
    std::string file;
    std::string tenant;  // empty: the only one there is
    std::string schema;  // its name, or its SHA-256 as 64 digits
    WallUs now;
};

// Whether the collector runs or not; one that runs has to be told to read its registry again.
Result<void, Message> model_add(const ModelAddOptions& options);

struct ModelListOptions {
    std::string config;
    bool json = false;
};

Result<void, Message> model_list(const ModelListOptions& options);

}  // namespace longhaul::tools
