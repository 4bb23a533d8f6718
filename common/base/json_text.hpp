// Any text as a text of JSON. For hosts.
#pragma once

#include <string>
#include <string_view>

namespace longhaul {

// In quotes, escaped as JSON wants it; what is not UTF-8 or could steer a terminal as well.
std::string in_json(std::string_view text);

}  // namespace longhaul
