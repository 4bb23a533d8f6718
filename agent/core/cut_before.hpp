// An epoch's record tells of the power cut before it. When the last block of the epoch is lost
// nobody needs the record any more, and it is not sent; then the account tells of the cut.
// docs/spec/spool.md, section Loss account.
#pragma once

#include "agent/core/loss_ledger.hpp"
#include "common/block/epoch.hpp"

namespace longhaul::agent {

// An entry for each class that stored something in the epoch before, unless there is one already or
// that epoch ended in good order. Its place is the one behind the last block, which never was.
void list_cut_before(const longhaul_EpochBefore& before, LossLedger& losses);

}  // namespace longhaul::agent
