#include "agent/core/flash_spool.hpp"

#include "tests/port/flash_spool_harness.hpp"
#include "tests/port/spool_contract.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

// Serial NOR flash; flash with error correction inside a microcontroller; one that takes pages.
using NorFlashSpool = test::FlashSpoolHarness<4096, 1, 6>;
using EccFlashSpool = test::FlashSpoolHarness<4096, 8, 6>;
using PageFlashSpool = test::FlashSpoolHarness<65536, 256, 3>;
using NorBlockFlashSpool = test::FlashSpoolHarness<65536, 1, 3>;

}  // namespace

LH_SPOOL_CONTRACT(NorFlashSpool)
LH_SPOOL_CONTRACT(EccFlashSpool)
LH_SPOOL_CONTRACT(PageFlashSpool)
LH_SPOOL_CONTRACT(NorBlockFlashSpool)
