// Every key of collector.toml with its value as text, and what a running collector makes of a new
// one.
#pragma once

#include <string>
#include <vector>

#include "collector/app/config.hpp"

namespace longhaul::collector {

enum class Effect : std::uint8_t { at_once, new_connections, restart };
const char* text_of(Effect effect);  // "for new connections"

struct ConfigChange {
    const char* key;  // "session.credit_bytes"
    std::string from;
    std::string to;
    Effect effect;
};

// Takes over what does not need a restart; all that differs is in the answer.
std::vector<ConfigChange> take_over(CollectorConfig& current, const CollectorConfig& wanted);

std::vector<const char*> config_keys();

}  // namespace longhaul::collector
