// The part of agent.toml that says what the device measures.
#pragma once

#include "agent/platform/linux/agent_config.hpp"
#include "common/host/config.hpp"

namespace longhaul::agent {

// Problems are told to the file that `root` belongs to.
void read_sources(ConfigTable& root, AgentConfig& config);

}  // namespace longhaul::agent
