// Fields of a schema in a configuration file, as mappings of recordings and [[put]] have them:
//
//   [[field]]
//   name = "temperature"
//   kind = "decimal"
//   scale = 2
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/block/stored_schema.hpp"
#include "common/host/config.hpp"

namespace longhaul::agent {

// Keeps the texts that a Field points to until the schema is stored.
class SchemaTexts {
 public:
    std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

 private:
    std::deque<std::string> texts_;
};

// What is wrong with it is told to the table.
Field read_field(ConfigTable table, SchemaTexts& texts);
// "alarm", "live", "normal", "bulk" under `key`.
BlockClass read_class(ConfigTable& table, std::string_view key, std::string_view absent);

// The schema with texts of its own; the error says what is wrong with it.
Result<std::shared_ptr<const StoredSchema>, Message> own_schema(const Schema& schema);

}  // namespace longhaul::agent
