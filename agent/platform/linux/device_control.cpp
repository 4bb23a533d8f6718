#include "agent/platform/linux/device_control.hpp"

namespace longhaul::agent {

Result<void, Message> DeviceControl::open(const std::string& path) {
    LH_TRY_ASSIGN(socket_, ControlSocket::open(path, *this));
    return {};
}

void DeviceControl::request(std::uint64_t ticket, std::string_view line, MonotonicMs now) {
    if (line == "why" || line == "why json")
        return answer(ticket, "ok " + why_(line != "why", now));
    if (put_.empty())
        return answer(ticket, "error bad nothing can be put: agent.toml has no [[put]]");
    put(ticket, line, now);
}

void DeviceControl::put(std::uint64_t ticket, std::string_view line, MonotonicMs now) {
    auto parsed = parse_put_line(line);
    if (!parsed.ok()) return answer(ticket, "error bad " + parsed.error().text);
    const std::string& stream = parsed.value().stream;
    std::string names;
    for (PutSource* const source : put_) {
        if (source->has(stream)) return source->put(ticket, std::move(parsed).value(), now);
        for (const StreamInfo& info : source->streams())
            names += (names.empty() ? "" : ", ") + std::string{info.name};
    }
    answer(ticket, "error bad no stream \"" + stream + "\" can be put; there is " + names);
}

void DeviceControl::answer(std::uint64_t ticket, const std::string& text) {
    socket_->answer(ticket, text);
}

}  // namespace longhaul::agent
