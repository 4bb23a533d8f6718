// A schema together with the bytes that its texts lie in. For hosts; a firmware image has constant
// schemas.
#pragma once

#include <memory>
#include <vector>

#include "common/block/schema.hpp"

namespace longhaul {

class StoredSchema {
 public:
    static Result<std::unique_ptr<StoredSchema>> parse(Bytes encoded) {
        std::unique_ptr<StoredSchema> stored{new StoredSchema{encoded}};
        LH_TRY_ASSIGN(stored->schema_, parse_schema(stored->encoded_, stored->fields_));
        stored->hash_ = schema_hash(stored->encoded_);
        return stored;
    }
    StoredSchema(const StoredSchema&) = delete;
    StoredSchema& operator=(const StoredSchema&) = delete;

    const Schema& schema() const { return schema_; }
    Bytes encoded() const { return encoded_; }
    const SchemaHash& hash() const { return hash_; }

 private:
    explicit StoredSchema(Bytes encoded) : encoded_{encoded.begin(), encoded.end()} {}

    std::vector<std::byte> encoded_;
    std::array<Field, limits::schema_fields_max> fields_{};
    Schema schema_;
    SchemaHash hash_{};
};

}  // namespace longhaul
