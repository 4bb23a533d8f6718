// How often the device has started, and why. Two sectors in turn; docs/spec/identity-block.md.
#pragma once

#include "agent/platform/cortexm/last_words.hpp"
#include "agent/port/flash.hpp"

namespace longhaul::agent {

// Counts this start on the flash and keeps the last words beside it; returns the count. It never
// comes twice, so random numbers that are made of it do not either.
Result<std::uint32_t> count_boot(Flash& two_sectors, const Remembered& remembered);

}  // namespace longhaul::agent
