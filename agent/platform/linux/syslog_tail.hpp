// Syslog from a file that grows: every new line, also when the file is renamed and begun anew, or
// cut. What was written to it while no agent ran is passed over, unless all of it is wanted.
#pragma once

#include "agent/platform/linux/syslog_source.hpp"

namespace longhaul::agent {

inline constexpr std::int64_t syslog_tail_interval_ms = 250;
// A program goes on writing to a renamed file until it is told of the new one: this long.
inline constexpr std::int64_t syslog_tail_farewell_ms = 5000;

std::unique_ptr<SyslogInput> make_syslog_tail(const std::string& path, bool from_start);

}  // namespace longhaul::agent
