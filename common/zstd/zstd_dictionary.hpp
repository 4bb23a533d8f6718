// Trains a dictionary for zstd, by its own fast cover.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/base/bytes.hpp"

namespace longhaul {

// Of `samples`, which lie one after the other in `bytes`; none where zstd says there are too few.
// The same samples give the same dictionary with the same version of zstd.
std::vector<std::byte> train_zstd_dictionary(Bytes bytes, std::span<const std::size_t> samples,
                                             std::size_t bytes_max);

}  // namespace longhaul
