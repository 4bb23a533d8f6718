// A block opened and taken apart, all of it or nothing.
#pragma once

#include <vector>

#include "common/block/block.hpp"
#include "common/block/codec.hpp"
#include "common/block/epoch.hpp"

namespace longhaul::collector {

struct DecodedSection {
    std::uint8_t stream = 0;
    std::vector<std::int64_t> times;
    std::vector<std::vector<Value>> columns;  // by field; texts point into the block's body
};

struct DecodedBlock {
    std::vector<longhaul_SystemEntry> system;
    std::vector<DecodedSection> sections;
};

// `schemas` has the schema of each stream of the epoch, or nullptr. The error's detail is the
// reason that goes into quarantine; not_found: the schema of one of its streams is missing.
Result<DecodedBlock> decode_block(Bytes body, std::span<const Schema* const> schemas,
                                  std::uint16_t samples);

}  // namespace longhaul::collector
