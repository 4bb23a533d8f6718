// How the runs before this one ended, for `why`; the collector learns the same from the epoch
// record.
#pragma once

#include "agent/core/spool.hpp"

namespace longhaul::agent {

struct EarlierRuns {
    Epoch newest;      // that stored a block; 0: there is none
    Epoch clean_from;  // epochs in a row that ended with every sample stored
    Epoch clean_to;    // 0: there are none

    // Of a spool whose agent has not begun its epoch.
    static Result<EarlierRuns> read(Spool& spool);

    // One of them was cut off, and what it had in memory is gone. `newest_now` is the newest epoch
    // that has stored a block by now, which may be this run's.
    bool cut_off(Epoch newest_now) const;
};

}  // namespace longhaul::agent
