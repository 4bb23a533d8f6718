#include "collector/app/operations.hpp"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <utility>

#include "common/host/files.hpp"

namespace longhaul::collector {

using boost::asio::awaitable;

namespace {

constexpr std::int64_t look_ms = 1'000;
constexpr std::int64_t network_silence_ms_max = 10'000;
constexpr const char* plain_text = "text/plain; charset=utf-8";
constexpr const char* metrics_type = "text/plain; version=0.0.4; charset=utf-8";

// "12,480"
std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
    return text;
}

std::string full_in(std::int64_t seconds) {
    constexpr std::int64_t hour_s = 3600;
    constexpr std::int64_t day_s = 24 * hour_s;
    if (seconds >= 2 * day_s) return std::to_string(seconds / day_s) + " days";
    if (seconds >= 2 * hour_s) return std::to_string(seconds / hour_s) + " hours";
    return std::to_string(seconds / 60) + " minutes";
}

}  // namespace

Operations::Operations(const CollectorConfig& config, Notifier notifier, Log& log,
                       std::function<void()> on_reload)
    : listen_{config.http_listen},
      registry_path_{config.registry},
      trail_{AuditTrail::folder_beside(config.registry)},
      journal_path_{config.journal_path},
      lake_path_{config.gateway ? "" : config.lake_path},
      notifier_{std::move(notifier)},
      log_{log},
      on_reload_{std::move(on_reload)},
      started_{wall_now()},
      tasks_{context_.get_executor(), [this](const std::string& what) {
                 log_.error("health and metrics ended by an exception", {{"text", what}});
             }} {}

Result<void, Message> Operations::open(const std::string& port_file) {
    if (!listen_.empty()) {
        const auto handler = [this](std::string_view path) { return answer(path); };
        LH_TRY_ASSIGN(http_, HttpListener::open(context_.get_executor(), listen_, handler));
        if (!port_file.empty()) {
            const std::string port = std::to_string(http_->port()) + "\n";
            LH_TRY(longhaul::replace_file(port_file, as_bytes(port), public_file_mode));
        }
        log_.info("health and metrics", {{"address", http_->address()}});
        tasks_.start(http_->run());
    }
    signals_.add(SIGHUP);
    watch_signals();
    tasks_.start(watch());
    thread_ = std::thread{[this] { context_.run(); }};
    return {};
}

void Operations::attach(const Parts& parts) {
    const std::lock_guard lock{mutex_};
    parts_ = parts;
}

void Operations::set_phase(Phase phase, std::string reason) {
    {
        const std::lock_guard lock{mutex_};
        if (phase_ == Phase::failed) return;
        phase_ = phase;
        reason_ = std::move(reason);
    }
    boost::asio::post(context_, [this] { tell_phase(); });
}

Phase Operations::phase() {
    const std::lock_guard lock{mutex_};
    return phase_;
}

void Operations::tell_phase() {
    const std::string status = status_text();
    const Phase now = phase();
    const bool ends = now == Phase::stopping || now == Phase::failed;
    const char* const news = now == Phase::serving ? "READY=1\n" : ends ? "STOPPING=1\n" : "";
    notifier_.tell(news + ("STATUS=" + status));
    if (now == Phase::serving && std::exchange(reload_wanted_, false)) on_reload_();
}

void Operations::tell_reloading(bool begins) {
    const auto tell = [this, begins] {
        if (begins) registry_.reset();  // another file may have taken the name
        const auto now_us = std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::steady_clock::now().time_since_epoch());
        notifier_.tell(begins ? "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now_us.count())
                              : "READY=1\nSTATUS=" + status_text());
    };
    boost::asio::dispatch(context_, tell);
}

void Operations::stop() {
    if (!thread_.joinable()) return;
    const auto finish = [this] {
        stopping_ = true;
        tick_.wake();
        signals_.cancel();
        if (http_) http_->finish();
    };
    boost::asio::post(context_, finish);
    thread_.join();
}

void Operations::watch_signals() {
    const auto on_signal = [this](const boost::system::error_code& error, int) {
        if (error) return;
        reload_wanted_ = true;
        if (phase() == Phase::serving && std::exchange(reload_wanted_, false)) on_reload_();
        watch_signals();
    };
    signals_.async_wait(on_signal);
}

awaitable<void> Operations::watch() {
    const std::int64_t interval_ms =
        std::clamp<std::int64_t>(notifier_.watchdog_ms().value_or(2 * look_ms) / 2, 10, look_ms);
    while (!stopping_) {
        look();
        co_await tick_.wait_until(monotonic_now() + interval_ms);
    }
    keep_notes(true);
}

// --- once a second ---

void Operations::look() {
    const MonotonicMs now = monotonic_now();
    look_at_disks(now);
    look_at_network(now);
    keep_notes(false);
    std::string lines = "STATUS=" + status_text();
    if (notifier_.watchdog_ms() && trouble_of_network().empty()) lines += "\nWATCHDOG=1";
    notifier_.tell(lines);
}

// A gateway has none.
std::optional<DiskSpace> Operations::lake_space() const {
    return lake_path_.empty() ? std::nullopt : disk_space(lake_path_);
}

void Operations::look_at_disks(MonotonicMs now) {
    if (const auto space = disk_space(journal_path_)) {
        journal_forecast_.add(now, space->free_bytes);
        tell_free_room(space->free_bytes);
    }
    if (const auto space = lake_space()) lake_forecast_.add(now, space->free_bytes);
}

void Operations::tell_free_room(std::uint64_t bytes) {
    const std::lock_guard lock{mutex_};
    if (parts_.network == nullptr || phase_ != Phase::serving) return;
    boost::asio::post(*parts_.network,
                      [gateway = parts_.gateway, bytes] { gateway->look_at_disk(bytes); });
}

// The network's thread answers when it comes to it.
void Operations::look_at_network(MonotonicMs now) {
    const std::lock_guard lock{mutex_};
    if (parts_.network == nullptr || phase_ != Phase::serving) return;
    const bool answered = answered_at_ms_ >= asked_at_.value || asked_at_ == MonotonicMs::never();
    if (!answered) return;
    asked_at_ = now;
    boost::asio::post(*parts_.network, [this] { answered_at_ms_ = monotonic_now().value; });
}

std::string Operations::trouble_of_network() const {
    if (asked_at_ == MonotonicMs::never() || answered_at_ms_ >= asked_at_.value) return {};
    const std::int64_t silence_ms = monotonic_now() - asked_at_;
    if (silence_ms < network_silence_ms_max) return {};
    return "the network's thread has not moved for " + std::to_string(silence_ms / 1000) + " s";
}

void Operations::keep_notes(bool all) {
    Gateway* gateway = nullptr;
    {
        const std::lock_guard lock{mutex_};
        gateway = parts_.gateway;
    }
    if (gateway == nullptr) return;
    keep_in_registry(*gateway);
    const auto kept = trail_.append(gateway->trail.take(wall_now(), monotonic_now(), all));
    if (!kept.ok()) log_.warn("the audit trail cannot be written", {{"text", kept.error().text}});
}

void Operations::keep_in_registry(Gateway& gateway) {
    const std::vector<NotedRefusal> refusals = gateway.refusals.take();
    const std::vector<NotedClone> clones = gateway.clone_notes.take();
    const std::optional<DayIntake> taken = gateway.day_intake.take();
    if (refusals.empty() && clones.empty() && !taken) return;
    if (!registry_) {
        if (auto opened = Registry::open(registry_path_); opened.ok())
            registry_ = std::move(opened).value();
    }
    const bool kept = registry_ && registry_->note_refusals(refusals).ok() &&
                      registry_->note_clones(clones).ok() &&
                      (!taken || registry_->keep_intake(*taken).ok());
    if (kept) return;
    log_.warn(
        "the registry cannot keep why devices were refused, which were there twice and what "
        "tenants sent today",
        {{"registry", registry_path_}});
}

// --- what is told ---

std::string Operations::status_text() {
    const Readings readings = read();
    if (!readings.ready) {
        const std::lock_guard lock{mutex_};
        return reason_;
    }
    std::uint64_t devices = 0;
    if (readings.gateway != nullptr) devices = readings.gateway->sessions_open;
    std::string text = grouped(devices) + " devices, oldest unacked " +
                       std::to_string(static_cast<std::int64_t>(readings.oldest_unacknowledged_s)) +
                       " s";
    const auto journal = journal_forecast_.full_in_s();
    const auto lake = lake_forecast_.full_in_s();
    if (journal || lake) {
        text += ", disk full in " +
                full_in(std::min(journal.value_or(INT64_MAX), lake.value_or(INT64_MAX)));
    }
    return text;
}

Readings Operations::read() {
    const std::lock_guard lock{mutex_};
    Readings readings;
    readings.ready = phase_ == Phase::serving;
    readings.now = wall_now();
    readings.started = started_;
    readings.certificate_expires = {certificate_expires_us_};
    if (const auto space = disk_space(journal_path_))
        readings.folders.push_back({"journal", *space});
    if (const auto space = lake_space()) readings.folders.push_back({"lake", *space});
    if (parts_.gateway == nullptr) return readings;
    readings.gateway = &parts_.gateway->counters;
    readings.journal = &parts_.journal_thread->counters();
    for (Shard shard = 0; shard < parts_.journal->shards(); ++shard)
        readings.durable_ends.push_back(parts_.journal->durable_end(shard));
    for (const Offset end : readings.durable_ends) readings.durable_bytes += end;
    if (const MonotonicMs since = parts_.journal_thread->waiting_since();
        since != MonotonicMs::never()) {
        readings.oldest_unacknowledged_s = static_cast<double>(monotonic_now() - since) / 1000;
    }
    if (parts_.writer_thread == nullptr) return readings;
    readings.writer = parts_.writer_thread->progress();
    readings.writer_failing = !parts_.writer_thread->trouble().empty();
    if (parts_.upkeep_thread != nullptr) readings.upkeep = parts_.upkeep_thread->progress();
    return readings;
}

HttpAnswer Operations::health() {
    const std::lock_guard lock{mutex_};
    if (phase_ == Phase::failed) return {503, plain_text, reason_ + "\n"};
    const std::string trouble = trouble_of_network();
    if (phase_ == Phase::serving && !trouble.empty()) return {503, plain_text, trouble + "\n"};
    return {200, plain_text, "ok\n"};
}

HttpAnswer Operations::readiness() {
    const std::lock_guard lock{mutex_};
    if (phase_ == Phase::serving) return {200, plain_text, "ready\n"};
    return {503, plain_text, reason_ + "\n"};
}

HttpAnswer Operations::answer(std::string_view path) {
    if (path == "/metrics") return {200, metrics_type, metrics_text(read())};
    if (path == "/healthz") return health();
    if (path == "/readyz") return readiness();
    return {404, plain_text, "here are /metrics, /healthz and /readyz\n"};
}

}  // namespace longhaul::collector
