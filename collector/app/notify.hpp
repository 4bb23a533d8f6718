// What a service tells its manager, by systemd's notification protocol: datagrams of KEY=value
// lines to the socket that NOTIFY_SOCKET names. Without that variable nothing is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace longhaul::collector {

class Notifier {
 public:
    // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
    static Notifier from_environment();
    // `address`: of a Unix socket; one that begins with @ has no name in the file system.
    explicit Notifier(std::string address);
    ~Notifier();
    Notifier(Notifier&& other) noexcept;
    Notifier& operator=(Notifier&&) = delete;

    // "READY=1\nSTATUS=serving". A manager that does not listen is no trouble of ours.
    void tell(std::string_view lines) const;
    // How often WATCHDOG=1 is waited for; absent: never.
    std::optional<std::int64_t> watchdog_ms() const { return watchdog_ms_; }

 private:
    std::string address_;
    int socket_ = -1;
    std::optional<std::int64_t> watchdog_ms_;
};

}  // namespace longhaul::collector
