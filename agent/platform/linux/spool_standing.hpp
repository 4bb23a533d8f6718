// How far the blocks of a spool have come, for people: what is acknowledged, what waits.
#pragma once

#include <vector>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/host/sqlite.hpp"

namespace longhaul::agent {

// One class of one epoch; its blocks are numbered from 1 to `last`.
struct SpoolStanding {
    Epoch epoch;
    BlockClass block_class = BlockClass::normal;
    std::uint32_t last = 0;
    std::uint32_t waiting = 0;  // not acknowledged; those are from first_waiting to last_waiting
    std::uint32_t first_waiting = 0;
    std::uint32_t last_waiting = 0;
    std::uint64_t samples_waiting = 0;
    std::uint64_t bytes_waiting = 0;
};

struct SpoolOverview {
    std::vector<SpoolStanding> standing;  // in the order of epochs and classes
    std::uint64_t lost_samples = 0;       // that ever were stored, or were to be, and are not sent
};

Result<SpoolOverview> read_overview(SqliteDatabase& database);
// Of a spool that no agent has open; error not_found: there is no such file.
Result<SpoolOverview> read_overview(const std::string& path);

}  // namespace longhaul::agent
