// `longhaul model train`: a model for one schema, from recordings or from a collector's tables.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace longhaul::tools {

struct ModelTrainOptions {
    std::vector<std::string> traces;  // mapping files of recordings, all of one schema
    std::string config;               // or the collector's configuration,
    std::string tenant;               // empty: the only one there is
    std::string schema;               // name of a table
    std::string out;
    bool json = false;
};

// The exit code: exit_check_failed, and no file, when the model is not worth it. A message: what is
// needed cannot be read or written, or is too little.
Result<int, Message> model_train(const ModelTrainOptions& options);

}  // namespace longhaul::tools
