// The schemas that devices have sent, as a collector's journal has them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/block/stored_schema.hpp"

namespace longhaul::tools {

struct SentSchema {
    WallUs received;  // for the first time
    std::unique_ptr<StoredSchema> stored;
};
using SentSchemas = std::map<std::pair<std::string, SchemaHash>, SentSchema>;  // by tenant and hash

// None where there is no journal yet.
Result<SentSchemas, Message> read_schemas(const std::string& journal);

}  // namespace longhaul::tools
