// A schema that is constant data, together with the encoding that an agent needs of it. For hosts.
#pragma once

#include <vector>

#include "common/base/check.hpp"
#include "common/block/schema.hpp"

namespace longhaul::agent {

class BuiltinSchema {
 public:
    // `schema` is valid, which a test shows, and outlives the object.
    explicit BuiltinSchema(const Schema& schema)
        : schema_{schema}, encoded_(limits::schema_bytes_max) {
        ByteWriter out{encoded_};
        LH_CHECK(encode_schema(schema, out).ok());
        encoded_.resize(out.size());
    }
    const Schema& schema() const { return schema_; }
    Bytes encoded() const { return encoded_; }

 private:
    const Schema& schema_;
    std::vector<std::byte> encoded_;
};

}  // namespace longhaul::agent
