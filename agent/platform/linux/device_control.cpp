#include "agent/platform/linux/device_control.hpp"

namespace longhaul::agent {

Result<void, Message> DeviceControl::open(const std::string& path) {
    LH_TRY_ASSIGN(socket_, ControlSocket::open(path, *this));
    return {};
}

void DeviceControl::request(std::uint64_t ticket, std::string_view line, MonotonicMs now) {
    if (line == "why" || line == "why json")
        return answer(ticket, "ok " + why_(line != "why", now));
    if (put_ == nullptr)
        return answer(ticket, "error bad nothing can be put: agent.toml has no [[put]]");
    put_->put(ticket, line, now);
}

void DeviceControl::answer(std::uint64_t ticket, const std::string& text) {
    socket_->answer(ticket, text);
}

}  // namespace longhaul::agent
