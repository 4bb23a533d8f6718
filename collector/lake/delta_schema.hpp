// A table's schema as the text that a metaData action carries, and our columns in it.
//
// Other programs may have added columns, properties and remarks of their own; they are kept.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collector/lake/batch.hpp"
#include "common/base/result.hpp"

namespace longhaul::collector {

inline constexpr std::string_view partition_column = "receive_date";

// The columns of types that we write, without the partition column. Error corrupt: no Delta schema.
Result<std::vector<Column>> columns_of_schema(std::string_view schema);

// `schema` with those of `columns` that it lacks added behind its own, and labels and scales of the
// others widened; an empty one is begun. Error denied: a column of that name is there and has
// another type.
Result<std::string> schema_with(std::string_view schema, const std::vector<Column>& columns);

}  // namespace longhaul::collector
