// Finds out which columns of a schema codec 3 had best take, and how, by trying.
#pragma once

#include <functional>
#include <vector>

#include "common/block/model.hpp"
#include "tools/model/recordings.hpp"

namespace longhaul {

// The encoded contexts of a column, as a model has them; 0 is time.
using ColumnOf = std::function<std::vector<std::byte>(std::size_t column)>;

// Entries of a model's mixing part, in the order of their columns.
std::vector<MixEntry> search_plan(const Schema& schema, const std::vector<SampleRun>& sections,
                                  const ColumnOf& column_of);

}  // namespace longhaul
