// The formats of recordings.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agent/sources/trace_mapping.hpp"
#include "agent/sources/trace_rows.hpp"

namespace longhaul::agent {

// The rows of a recording in the format that the mapping names. Text and mapping outlive them;
// `path` is for messages.
Result<std::unique_ptr<TraceRows>, Message> open_rows(const TraceMapping& mapping,
                                                      std::string_view text,
                                                      const std::string& path);

}  // namespace longhaul::agent
