// What an agent is told when it is built. All texts outlive it.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/base/ids.hpp"
#include "common/block/crypto.hpp"
#include "common/block/epoch.hpp"
#include "common/block/limits.hpp"
#include "common/block/section_codec.hpp"
#include "system.pb.h"

namespace longhaul::agent {

struct AgentSettings {
    std::string_view environment;
    std::string_view tenant;
    std::string_view device;
    std::string_view firmware;
    longhaul_BootCause boot_cause = longhaul_BootCause_BOOT_CAUSE_UNKNOWN;
    std::string_view last_words;  // of the boot before: limits::name_bytes_max; empty: none
    PublicKey sealing_key{};      // of the collector; the platform has checked who signed it

    std::size_t body_bytes_max = 4096;  // of a block, tag included; 1,100 on constrained links
    CodecSet codecs = usual_codecs;     // that it may write, as far as its tools go
    // Of a model that the device may ask its collector for; 0: of none. The longest takes 16,384.
    std::size_t model_bytes_max = 0;
    bool renews = false;  // its certificate, in a session; then it has slots for that
    // Of blocks that the spool may still hold from a time with other settings: they have to fit
    // into a frame.
    std::size_t stored_body_bytes_max = limits::block_body_bytes_max;
    // Of this device's signed epoch records and schemas, and of those that the spool may still
    // hold: they have to fit into a frame, too.
    std::size_t epoch_bytes_max = signed_epoch_bytes_max;
    std::size_t schema_bytes_max = limits::schema_bytes_max;
    std::size_t staging_bytes = 64 * 1024;  // for the open block of each class that has streams
    // A block that has so many of one stream is full; 64 at least, and no more than the limit.
    std::size_t section_samples_max = limits::section_samples_max;
    // Of sealed blocks that are handed to the spool together, for it syncs once a call. More is for
    // sources that have much at once, as recordings do; a block never waits for another one.
    std::size_t blocks_per_append = 1;
    // What the spool may write; 0: as much as it likes. While more was written, a block waits
    // beyond its deadline until it is full.
    std::uint64_t write_bytes_per_day = 0;
    std::uint32_t rated_erases = 100'000;  // of a flash sector, as its maker says
};

// Bounds that are the same for every agent.
inline constexpr std::size_t body_bytes_min = 256;
inline constexpr std::size_t streams_of_sources_max = limits::streams_max - 1;  // 0 is the system's
inline constexpr std::size_t samples_per_poll_max = 256;  // times blocks_per_append

}  // namespace longhaul::agent
