#include "collector/app/collector.hpp"

#include <boost/asio/post.hpp>
#include <csignal>

#include "common/host/exit_codes.hpp"
#include "common/host/files.hpp"

namespace longhaul::collector {

using boost::asio::awaitable;

namespace {

constexpr std::int64_t finish_ms = 6'000;    // for sessions to acknowledge what was accepted
constexpr std::int64_t shutdown_ms = 9'500;  // for everything

}  // namespace

Collector::Collector(CollectorConfig config, Credentials credentials, spdlog::logger& log)
    : config_{std::move(config)}, credentials_{std::move(credentials)}, log_{log} {}

Result<void, Message> Collector::open_journal() {
    auto disk = PosixDisk::open_root(config_.journal_path);
    if (!disk.ok()) return Message{config_.journal_path + ": " + to_string(disk.error())};
    journal_disk_ = std::move(disk).value();
    LH_TRY_ASSIGN(lock_, FolderLock::take(config_.journal_path));
    if (!random_bytes(config_.journal.uuid_if_new).ok() ||
        !random_bytes(std::as_writable_bytes(std::span{&config_.journal.salt_if_new, 1})).ok()) {
        return Message{"no random bytes"};
    }
    auto journal = LocalJournal::open(*journal_disk_, config_.journal);
    if (!journal.ok()) return Message{config_.journal_path + ": " + to_string(journal.error())};
    journal_ = std::move(journal).value();
    if (journal_->trimmed_bytes() != 0) {
        log_.warn("journal: {} bytes of an unfinished group were trimmed",
                  journal_->trimmed_bytes());
    }
    if (const Status loaded = known_.load(*journal_); !loaded.ok()) {
        return Message{config_.journal_path + ": " + to_string(loaded.error())};
    }
    return {};
}

Result<void, Message> Collector::open_lake() {
    auto disk = PosixDisk::open_root(config_.lake_path);
    if (!disk.ok()) return Message{config_.lake_path + ": " + to_string(disk.error())};
    lake_disk_ = std::move(disk).value();
    store_ = std::make_unique<LocalStore>(*lake_disk_);
    if (const Status cleaned = store_->clean_up(); !cleaned.ok()) {
        return Message{config_.lake_path + ": " + to_string(cleaned.error())};
    }
    writer_ = std::make_unique<Writer>(*journal_, *store_, credentials_.keys, config_.writer);
    return {};
}

Result<void, Message> Collector::open(const std::string& port_file) {
    LH_TRY(open_journal());
    LH_TRY(open_lake());
    const auto on_durable_here = [this](std::vector<DurableNews> news) {
        on_durable(std::move(news));
    };
    const auto on_journal_failure = [this](Message message) {
        on_failure(std::move(message), exit_retry_later);
    };
    const auto on_writer_failure = [this](Message message) {
        on_failure(std::move(message), exit_bad_data);
    };
    journal_thread_ = std::make_unique<JournalThread>(
        *journal_, JournalThread::Callbacks{on_durable_here, on_journal_failure});
    writer_thread_ = std::make_unique<WriterThread>(*writer_, log_, on_writer_failure);

    SessionSettings session;
    session.journal = journal_->id();
    session.credit_bytes = config_.credit_bytes;
    session.sealing_keys = credentials_.keys.ids();
    session.hello_deadline_ms = config_.hello_deadline_ms;
    session.idle_deadline_ms = config_.idle_deadline_ms;
    gateway_.reset(new Gateway{*credentials_.tls,
                               *credentials_.admission,
                               known_,
                               *journal_thread_,
                               *journal_,
                               log_,
                               session,
                               config_.handshake_deadline_ms,
                               config_.connections_max,
                               {}});
    LH_TRY_ASSIGN(listener_, Listener::open(network_.get_executor(), config_.listen, *gateway_));
    if (!port_file.empty()) {
        const std::string port = std::to_string(listener_->port()) + "\n";
        LH_TRY(longhaul::replace_file(port_file, as_bytes(port), public_file_mode));
    }
    return {};
}

int Collector::run() {
    log_.info("listening on {}", listener_->address());
    watch_signals();
    TaskGroup tasks{network_.get_executor(), [this](const std::string& what) {
                        on_failure({"unexpected exception: " + what}, exit_check_failed);
                    }};
    tasks.start(listener_->run());
    tasks.start(supervise());
    network_.run();

    journal_thread_->stop();
    const bool drained = writer_thread_->stop(stop_deadline_);
    network_.restart();
    network_.poll();  // a failure of theirs that came after the last connection
    if (!drained && !failed_)
        log_.warn("the writer had no time to commit everything; it goes on at the next start");
    report();
    return exit_code_;
}

awaitable<void> Collector::supervise() {
    while (signals_seen_ == 0 && !failed_) co_await news_.wait_until(MonotonicMs::never());
    stop_deadline_ = monotonic_now() + shutdown_ms;
    log_.info("stopping: {} connections finish what was accepted", listener_->connections());
    listener_->finish();
    const bool in_time = co_await listener_->ended(monotonic_now() + finish_ms);
    if (!in_time) {
        log_.warn("{} connections did not finish in time", listener_->connections());
        listener_->abort();
        co_await listener_->ended(MonotonicMs::never());
    }
    signals_.cancel();
}

void Collector::watch_signals() {
    if (signals_seen_ == 0) {
        signals_.add(SIGTERM);
        signals_.add(SIGINT);
    }
    const auto on_signal = [this](const boost::system::error_code& error, int) {
        if (error) return;
        if (++signals_seen_ > 1) listener_->abort();  // somebody is impatient
        news_.wake();
        watch_signals();
    };
    signals_.async_wait(on_signal);
}

void Collector::on_durable(std::vector<DurableNews> news) {
    writer_thread_->wake();
    auto tell = [news = std::move(news)] {
        for (const DurableNews& each : news) each.submitter->on_durable(each.count);
    };
    boost::asio::post(network_, std::move(tell));
}

void Collector::on_failure(Message message, int exit_code) {
    auto fail = [this, message = std::move(message), exit_code] {
        log_.critical("{}", message.text);
        failed_ = true;
        exit_code_ = exit_code;
        listener_->abort();
        news_.wake();
    };
    boost::asio::post(network_, std::move(fail));
}

void Collector::report() const {
    const GatewayCounters& gateway = gateway_->counters;
    const WriterCounters& writer = writer_->counters();
    log_.info(
        "connections {} accepted, {} refused, {} ended by an exception; blocks {} received, {} "
        "acknowledged",
        gateway.accepted, gateway.refused, gateway.exceptions, gateway.blocks,
        gateway.acked_blocks);
    log_.info(
        "writer: {} rows of {} blocks in {} commits; {} duplicates, {} quarantined, {} damaged "
        "entries",
        writer.rows, writer.blocks, writer.commits, writer.duplicates, writer.quarantined,
        writer.damaged);
}

}  // namespace longhaul::collector
