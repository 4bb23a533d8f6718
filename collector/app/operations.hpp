// What a running collector tells those who look after it: health, readiness and metrics over HTTP,
// its state to the service manager, why devices were refused to the registry and the audit trails;
// and their wish that it reads its configuration again.
//
// All of that on a thread of its own. So it answers while the journal is still being read, nothing
// it does holds up a device, and it notices when the network's thread no longer turns.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "collector/app/config.hpp"
#include "collector/app/metrics.hpp"
#include "collector/app/notify.hpp"
#include "collector/app/writer_thread.hpp"
#include "collector/net/http_listener.hpp"

namespace longhaul::collector {

enum class Phase : std::uint8_t { starting, serving, stopping, failed };

class Operations {
 public:
    // What a collector that serves has to look at. Outlives stop().
    struct Parts {
        Gateway* gateway = nullptr;
        const JournalThread* journal_thread = nullptr;
        const WriterThread* writer_thread = nullptr;  // a gateway has none
        const UpkeepThread* upkeep_thread = nullptr;  // nor this
        const Journal* journal = nullptr;
        boost::asio::io_context* network = nullptr;
    };

    // `on_reload` is called on the operations' thread, at every SIGHUP from open() on; for those
    // that come while the collector starts, once it serves.
    Operations(const CollectorConfig& config, Notifier notifier, Log& log,
               std::function<void()> on_reload);
    ~Operations() { stop(); }

    // Listens, if [http] says so. `port_file`: where the port is written; may be empty.
    Result<void, Message> open(const std::string& port_file);
    void attach(const Parts& parts);
    // `reason` is told by /readyz while the collector does not serve, and by /healthz if it failed.
    void set_phase(Phase phase, std::string reason);
    void set_certificate_expiry(WallUs expires) { certificate_expires_us_ = expires.value; }
    // A reload begins or has ended.
    void tell_reloading(bool begins);
    void stop();

 private:
    HttpAnswer answer(std::string_view path);
    HttpAnswer health();
    HttpAnswer readiness();
    boost::asio::awaitable<void> watch();
    void watch_signals();
    Phase phase();
    void tell_phase();
    void look();
    std::optional<DiskSpace> lake_space() const;
    void look_at_disks(MonotonicMs now);
    void tell_free_room(std::uint64_t bytes);
    void look_at_network(MonotonicMs now);
    void keep_notes(bool all);
    void keep_in_registry(Gateway& gateway);
    std::string trouble_of_network() const;
    std::string status_text();
    Readings read();

    const std::string listen_;
    const std::string registry_path_;
    const AuditTrail trail_;
    const std::string journal_path_;
    const std::string lake_path_;  // empty: a gateway
    const Notifier notifier_;
    Log& log_;
    const std::function<void()> on_reload_;
    const WallUs started_;
    std::atomic<std::int64_t> certificate_expires_us_{0};

    std::mutex mutex_;  // of what other threads set
    Phase phase_ = Phase::starting;
    std::string reason_ = "it is starting";
    Parts parts_;

    // Of the operations' thread.
    DiskForecast journal_forecast_;
    DiskForecast lake_forecast_;
    std::unique_ptr<Registry> registry_;
    // When the network's thread was asked for a sign of life, and gave the last one.
    MonotonicMs asked_at_ = MonotonicMs::never();
    std::atomic<std::int64_t> answered_at_ms_{0};

    boost::asio::io_context context_{1};
    boost::asio::signal_set signals_{context_};
    Wakeup tick_{context_.get_executor()};
    TaskGroup tasks_;
    std::unique_ptr<HttpListener> http_;
    bool reload_wanted_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace longhaul::collector
