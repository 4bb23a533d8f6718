#include "collector/app/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace longhaul::collector {
namespace {

std::string_view variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view{} : std::string_view{value};
}

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

Notifier Notifier::from_environment() {
    Notifier notifier{std::string{variable("NOTIFY_SOCKET")}};
    const auto interval_us = number(variable("WATCHDOG_USEC"));
    const std::string_view pid = variable("WATCHDOG_PID");
    const bool meant = pid.empty() || number(pid) == ::getpid();
    if (interval_us && *interval_us > 0 && meant) notifier.watchdog_ms_ = *interval_us / 1000;
    return notifier;
}

Notifier::Notifier(std::string address) : address_{std::move(address)} {
    const bool known_kind = address_.starts_with('/') || address_.starts_with('@');
    if (!known_kind || address_.size() >= sizeof(sockaddr_un::sun_path)) return;
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

Notifier::Notifier(Notifier&& other) noexcept
    : address_{std::move(other.address_)},
      socket_{std::exchange(other.socket_, -1)},
      watchdog_ms_{other.watchdog_ms_} {}

Notifier::~Notifier() {
    if (socket_ >= 0) ::close(socket_);
}

void Notifier::tell(std::string_view lines) const {
    if (socket_ < 0) return;
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address_.data(), address_.size());
    if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
    const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
    [[maybe_unused]] const ssize_t sent =
        ::sendto(socket_, lines.data(), lines.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&to), bytes);
}

}  // namespace longhaul::collector
