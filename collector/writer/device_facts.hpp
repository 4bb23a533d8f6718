// What is known of a device beside its blocks: when it was heard of, in which rhythm, and what it
// said of itself. All of it follows from the journal. Specification: docs/spec/lake.md, `_devices`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "common/base/bytes.hpp"
#include "common/base/time.hpp"

namespace longhaul::collector {

struct DeviceFacts {
    static constexpr std::size_t pauses_max = 8;
    static constexpr std::int64_t pause_s_min = 300;  // shorter ones are none

    WallUs first_heard;
    WallUs last_heard;
    std::int64_t clock_error_us = -1;  // of the newest epoch's newest anchor; -1: no bound known
    std::uint32_t incarnation = 0;     // of the newest record
    std::uint32_t epoch = 0;           // 0: no record has come
    std::uint32_t backlog = 0;         // blocks that it had to send when it connected
    std::uint32_t backlog_s = 0;       // that was then, since 1970; 0: it never said
    std::uint16_t firmware = 0;        // its number on the shelf; 0: none
    std::uint8_t clock_state = 0;
    std::uint8_t pauses = 0;
    std::array<std::uint16_t, pauses_max> pause_minutes{};  // the latest first

    // Something came of it.
    void heard(WallUs time);
    // It said what it had to send when it connected, which was told later. Entries of two
    // connections may overlap; a time that is still to come was a clock's fault, and gives way.
    void said_backlog(WallUs connected, WallUs told, std::uint32_t blocks);
    // A record came; whether it is of the newest epoch that is known.
    bool boot(std::uint32_t its_incarnation, std::uint32_t its_epoch);
    // How long it is silent at times: the second longest of its last pauses, so that one outage
    // does not count.
    std::int64_t rhythm_s() const;
    bool is_silent(WallUs now) const {
        return now.value - last_heard.value > 3 * rhythm_s() * 1'000'000;
    }
};

}  // namespace longhaul::collector
