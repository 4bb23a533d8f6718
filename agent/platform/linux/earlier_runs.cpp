#include "agent/platform/linux/earlier_runs.hpp"

#include <array>

#include "agent/core/epoch_maker.hpp"

namespace longhaul::agent {

Result<EarlierRuns> EarlierRuns::read(Spool& spool) {
    LH_TRY_ASSIGN(const EpochEnd end, spool.previous_end());
    EarlierRuns runs{end.epoch, {}, {}};
    std::array<std::byte, 8> room;
    const Result<Bytes> state = spool.read_state(state_clean_epochs, room);
    if (!state.ok() && state.error() == ErrorCode::not_found) return runs;
    LH_TRY_ASSIGN(const Bytes value, state);
    ByteReader in{value};
    runs.clean_from = {in.u32()};
    runs.clean_to = {in.u32()};
    return runs;
}

bool EarlierRuns::cut_off(Epoch newest_now) const {
    if (newest.value == 0) return false;
    if (newest < clean_from || clean_to < newest) return true;
    // An epoch between the last clean one and this run's stored no block, and did not end.
    return newest < newest_now && newest_now.value != clean_to.value + 1;
}

}  // namespace longhaul::agent
