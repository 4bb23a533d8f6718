// The other end of the control socket, for `longhaul-agent put` and `longhaul-agent why`.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace longhaul::agent {

struct ControlAnswer {
    enum class Kind : std::uint8_t {
        answered,
        unreachable,  // nobody listens there
        silent,       // the agent took the line, and ended or did not answer in time
    };
    Kind kind = Kind::answered;
    std::string text;  // the answer without its line end, or what went wrong
};

// Sends one line and waits for its answer, for a bounded time.
ControlAnswer ask_agent(const std::string& socket_path, const std::string& line);

// The commands; they return exit codes. `put` are field=value.
int put_command(const std::string& config_path, const std::string& stream,
                const std::vector<std::string>& put);
int why_command(const std::string& config_path, bool json);

}  // namespace longhaul::agent
