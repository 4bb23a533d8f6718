#include "collector/app/collector.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdlib>
#include <future>
#include <thread>

#include "collector/app/read_progress.hpp"
#include "collector/lake/lake_marker.hpp"
#include "common/base/hex.hpp"
#include "common/host/exit_codes.hpp"
#include "common/host/files.hpp"

namespace longhaul::collector {

using boost::asio::awaitable;

namespace {

constexpr std::int64_t finish_ms = 6'000;         // for sessions to acknowledge what was accepted
constexpr std::int64_t shutdown_ms = 9'000;       // for the writer to begin its last step
constexpr std::chrono::milliseconds last{9'500};  // for everything
constexpr std::chrono::milliseconds last_words{200};

// Whether a new attempt would help: not with what is damaged or closed to this user.
StartFailure folder_failure(const std::string& path, const Error& error) {
    const bool damaged = error.code == ErrorCode::corrupt || error.code == ErrorCode::malformed ||
                         error.code == ErrorCode::unsupported;
    const int otherwise = error.code == ErrorCode::denied ? exit_denied : exit_retry_later;
    return {{path + ": " + to_string(error)}, damaged ? exit_bad_data : otherwise};
}

// In the first reading of the journal. `progress` outlives it.
std::function<void(const ReadEntry&)> count_in(Intake& intake, ReadProgress& progress) {
    return [&intake, &progress, done = std::uint64_t{0}](const ReadEntry& read) mutable {
        const MonotonicMs now = monotonic_now();
        progress.at(done += read.end - read.offset, now);
        const JournalEntry& entry = read.entry;
        if (entry.kind == JournalKind::block)
            intake.count_taken(entry.tenant, entry.body.size(), entry.receive_time, now);
    };
}

Result<std::uint64_t> bytes_of(const Journal& journal) {
    std::uint64_t bytes = 0;
    for (Shard shard = 0; shard < journal.shards(); ++shard) {
        LH_TRY_ASSIGN(const Offset begin, journal.begin(shard));
        bytes += journal.durable_end(shard) - begin;
    }
    return bytes;
}

std::vector<TrailFact> facts_of_keys(const std::vector<SealingKeyId>& ids) {
    std::vector<TrailFact> facts;
    for (const SealingKeyId& id : ids)
        facts.push_back({"", wall_now(), "collector", "key_used", hex(id), "to open blocks"});
    return facts;
}

}  // namespace

Collector::Collector(CollectorConfig config, Credentials credentials, Log& log,
                     std::function<Result<CollectorConfig, Message>()> read_again)
    : config_{std::move(config)},
      credentials_{std::move(credentials)},
      log_{log},
      trail_{AuditTrail::folder_beside(config_.registry)},
      read_again_{std::move(read_again)} {}

Result<void, StartFailure> Collector::open_journal() {
    const std::string& path = config_.journal_path;
    auto disk = PosixDisk::open_root(path);
    if (!disk.ok()) return folder_failure(path, disk.error());
    journal_disk_ = std::move(disk).value();
    auto lock = FolderLock::take(path);
    if (!lock.ok()) return StartFailure{lock.error()};
    lock_ = std::move(lock).value();
    if (!random_bytes(config_.journal.uuid_if_new).ok() ||
        !random_bytes(std::as_writable_bytes(std::span{&config_.journal.salt_if_new, 1})).ok()) {
        return StartFailure{{"no random bytes"}};
    }
    auto journal = LocalJournal::open(*journal_disk_, config_.journal);
    if (!journal.ok()) return folder_failure(path, journal.error());
    journal_ = std::move(journal).value();
    if (journal_->trimmed_bytes() != 0) {
        log_.warn("an unfinished group at the end of the journal was trimmed",
                  {{"bytes", journal_->trimmed_bytes()}});
    }
    intake_.set_date(wall_now(), monotonic_now());
    const auto bytes = bytes_of(*journal_);
    if (!bytes.ok()) return folder_failure(path, bytes.error());
    ReadProgress progress{log_, "the journal is read", bytes.value(), monotonic_now()};
    if (const Status loaded = known_.load(*journal_, count_in(intake_, progress)); !loaded.ok())
        return folder_failure(path, loaded.error());
    progress.end(monotonic_now());
    // What was cut off from the journal counts as well.
    const auto taken = credentials_.entrance->registry->intake();
    if (!taken.ok()) return StartFailure{{config_.registry + ": " + to_string(taken.error())}};
    intake_.restore(taken.value(), monotonic_now());
    return {};
}

// Before anything is changed in it.
Result<void, StartFailure> Collector::check_environment() {
    auto marker = read_lake_marker(*store_);
    if (!marker.ok()) return folder_failure(config_.lake_path, marker.error());
    if (!marker.value()) {
        std::array<std::byte, 16> id;
        if (!random_bytes(id).ok()) return StartFailure{{"no random bytes"}};
        const auto marked = mark_lake(*store_, {config_.environment, hex(id)});
        if (!marked.ok()) return folder_failure(config_.lake_path, marked.error());
        marker = std::optional{marked.value()};
    }
    const std::string foreign = foreign_lake(*marker.value(), config_.environment);
    if (!foreign.empty())
        return StartFailure{{config_.lake_path + ": " + foreign}, exit_configuration};
    return {};
}

Result<void, StartFailure> Collector::open_lake() {
    auto disk = PosixDisk::open_root(config_.lake_path);
    if (!disk.ok()) return folder_failure(config_.lake_path, disk.error());
    lake_disk_ = std::move(disk).value();
    store_ = std::make_unique<LocalStore>(*lake_disk_);
    LH_TRY(check_environment());
    if (const Status cleaned = store_->clean_up(); !cleaned.ok())
        return folder_failure(config_.lake_path, cleaned.error());
    writer_ = std::make_unique<Writer>(*journal_, *store_, *credentials_.keys, config_.writer,
                                       journal_disk_.get());
    return open_writer();
}

// What was cut off from the journal is known from the writer's snapshot.
Result<void, StartFailure> Collector::open_writer() {
    const auto opened = writer_->open();
    for (const std::string& note : writer_->take_notes()) log_.warn(note);
    if (!opened.ok())
        return StartFailure{opened.error(), writer_->fatal() ? exit_bad_data : exit_retry_later};
    const auto schema = [this](Shard shard, const std::string& tenant, const SchemaHash& hash) {
        known_.add_schema(shard, tenant, hash);
    };
    const auto model = [this](Shard shard, const std::string& tenant, const ModelHash& hash) {
        known_.add_model(shard, tenant, hash);
    };
    const auto epoch = [this](const std::string& tenant, const std::string& device,
                              Incarnation incarnation, Epoch number) {
        known_.add_epoch(tenant, device, incarnation, number);
    };
    writer_->for_each_known({schema, model, epoch});
    return {};
}

void Collector::start_threads() {
    const auto on_durable_here = [this](std::vector<DurableNews> news) {
        on_durable(std::move(news));
    };
    const auto on_journal_failure = [this](Message message) {
        on_failure(std::move(message), exit_retry_later);
    };
    journal_thread_ = std::make_unique<JournalThread>(
        *journal_, JournalThread::Callbacks{on_durable_here, on_journal_failure});
    if (writer_) start_writer();
}

void Collector::start_writer() {
    const auto on_writer_failure = [this](Message message) {
        on_failure(std::move(message), exit_bad_data);
    };
    const auto find_model = [this](const std::string& tenant, const ModelHash& hash) {
        return credentials_.models->find(tenant, hash);
    };
    const auto append = [this](Shard shard, const JournalEntry& entry) -> Status {
        if (!journal_thread_->submit(nullptr, shard, entry)) return ErrorCode::closed;
        log_.info(entry.kind == JournalKind::model ? "a model goes into the journal"
                                                   : "a block is released from quarantine",
                  {{"tenant", std::string{entry.tenant}}, {"device", std::string{entry.device}}});
        return {};
    };
    releases_ = std::make_unique<Releases>(*store_, *writer_, Releases::Ports{find_model, append});
    writer_thread_ = std::make_unique<WriterThread>(*writer_, *releases_, log_, on_writer_failure);
    const auto ask = [this](const std::string& after) { return writer_thread_->survey(after); };
    upkeep_thread_ = std::make_unique<UpkeepThread>(*store_, config_.upkeep, ask, log_);
}

Result<void, StartFailure> Collector::open(const PortFiles& files) {
    operations_ = std::make_unique<Operations>(config_, Notifier::from_environment(), log_,
                                               [this] { reload(); });
    operations_->set_certificate_expiry(credentials_.certificate_expires);
    if (const auto opened = operations_->open(files.http); !opened.ok())
        return StartFailure{opened.error()};
    operations_->set_phase(Phase::starting, "it reads the journal");
    LH_TRY(open_journal());
    if (!config_.gateway) LH_TRY(open_lake());
    start_threads();

    SessionSettings session;
    session.journal = journal_->id();
    gateway_.reset(new Gateway{credentials_.entrance, known_, intake_, *journal_thread_, *journal_,
                               log_, session});
    gateway_->session.sealing_keys = sealing_ids();
    if (const auto mended = trail_.mend(wall_now()); !mended.ok())
        log_.warn("the audit trail cannot be written", {{"text", mended.error().text}});
    if (!config_.gateway) note_in_trail(facts_of_keys(*gateway_->session.sealing_keys));
    gateway_->session.models = credentials_.models.get();
    LH_TRY(open_renewals());
    auto listener = Listener::open(network_.get_executor(), config_.listen, *gateway_);
    if (!listener.ok()) return StartFailure{listener.error()};
    listener_ = std::move(listener).value();
    watch_signals();  // before anybody can read the port and send one
    last_moment_.emplace(last, [this] { give_up(); });
    apply_limits(config_);
    if (const auto space = disk_space(config_.journal_path))
        gateway_->look_at_disk(space->free_bytes);
    guard_ = std::make_unique<Guard>(config_.registry, *gateway_, *listener_);
    guard_->look(wall_now());
    LH_TRY(open_enrolment(files.enrolment));
    if (!files.devices.empty()) {
        const std::string port = std::to_string(listener_->port()) + "\n";
        if (const auto written =
                longhaul::replace_file(files.devices, as_bytes(port), public_file_mode);
            !written.ok()) {
            return StartFailure{written.error()};
        }
    }
    return {};
}

Result<void, StartFailure> Collector::open_renewals() {
    auto codes = EnrolmentCodes::open(config_.registry);
    if (!codes.ok()) return StartFailure{{config_.registry + ": " + to_string(codes.error())}};
    const auto told = [this](const DeviceName& name, const std::string& why) {
        const char* const what = why.empty() ? "renewed" : "renewal_refused";
        log_.info(what, {{"device", name.tenant + "/" + name.device}, {"text", why}});
        TrailFact fact{name.tenant, wall_now(), "collector", what, name.device, why};
        if (why.empty())
            gateway_->trail.add_always(std::move(fact));
        else
            gateway_->trail.add(std::move(fact), "", monotonic_now());
    };
    renewals_ =
        std::make_unique<Renewals>(std::move(codes).value(), desk_of(credentials_.enrolment), told);
    gateway_->session.renewals = renewals_.get();
    return {};
}

Result<void, StartFailure> Collector::open_enrolment(const std::string& port_file) {
    if (config_.enrolment_listen.empty()) return {};
    auto opened = Enrolment::open(config_.enrolment_listen, config_.registry,
                                  credentials_.enrolment, {*gateway_, log_, trail_});
    if (!opened.ok()) return StartFailure{opened.error()};
    enrolment_ = std::move(opened).value();
    if (port_file.empty()) return {};
    const std::string port = std::to_string(enrolment_->port()) + "\n";
    const auto written = longhaul::replace_file(port_file, as_bytes(port), public_file_mode);
    if (!written.ok()) return StartFailure{written.error()};
    return {};
}

int Collector::run() {
    log_.info("listening", {{"address", listener_->address()}});
    if (config_.gateway) log_.info("a gateway: blocks are kept, and nobody here can open them", {});
    operations_->attach({gateway_.get(), journal_thread_.get(), writer_thread_.get(),
                         upkeep_thread_.get(), journal_.get(), &network_});
    operations_->set_phase(Phase::serving, "");
    if (enrolment_) enrolment_->start();
    TaskGroup tasks{network_.get_executor(), [this](const std::string& what) {
                        on_failure({"unexpected exception: " + what}, exit_check_failed);
                    }};
    tasks.start(listener_->run());
    tasks.start(guard_->run());
    tasks.start(supervise());
    network_.run();
    if (enrolment_) enrolment_->stop();

    if (upkeep_thread_) upkeep_thread_->stop();
    journal_thread_->stop();
    const bool drained = !writer_thread_ || writer_thread_->stop(stop_deadline_);
    network_.restart();
    network_.poll();  // a failure of theirs that came after the last connection
    if (!drained && !failed_)
        log_.warn("the writer had no time to commit everything; it goes on at the next start");
    report();
    gateway_->day_intake.set(intake_.taken_today(monotonic_now()));
    operations_->stop();
    return exit_code_;
}

awaitable<void> Collector::supervise() {
    while (signals_seen_ == 0 && !failed_) co_await news_.wait_until(MonotonicMs::never());
    stop_deadline_ = monotonic_now() + shutdown_ms;
    last_moment_->begin();  // if nobody has asked, and something has failed
    if (upkeep_thread_) upkeep_thread_->ask_to_stop();  // it has until the sessions have ended
    tell_stopping();
    guard_->finish();
    listener_->finish();
    const bool in_time = co_await listener_->ended(monotonic_now() + finish_ms);
    if (!in_time) {
        tell_late();
        listener_->abort();
        co_await listener_->ended(MonotonicMs::never());
    }
    signals_.cancel();
}

void Collector::tell_stopping() {
    operations_->set_phase(Phase::stopping, "it is stopping");
    log_.info("stopping, what was accepted is finished",
              {{"connections", listener_->connections()}});
}

void Collector::give_up() {
    // Whoever reads the log may be what does not answer.
    std::promise<void> said;
    std::thread{[&] {
        log_.error(
            "it does not come to its end, as if a disk did not answer: the process ends as it is");
        said.set_value();
    }}.detach();
    (void)said.get_future().wait_for(last_words);
    std::_Exit(exit_code_);
}

void Collector::tell_late() {
    log_.warn("connections did not finish in time", {{"connections", listener_->connections()}});
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
    if (writer_thread_) writer_thread_->wake();
    auto tell = [news = std::move(news)] {
        for (const DurableNews& each : news) {
            if (each.submitter != nullptr) each.submitter->on_durable(each.count);
        }
    };
    boost::asio::post(network_, std::move(tell));
}

void Collector::on_failure(Message message, int exit_code) {
    auto fail = [this, message = std::move(message), exit_code] {
        log_.critical(message.text);
        operations_->set_phase(Phase::failed, message.text);
        failed_ = true;
        exit_code_ = exit_code;
        listener_->abort();
        news_.wake();
    };
    boost::asio::post(network_, std::move(fail));
}

// On any thread. What is not written does not hold up the devices.
void Collector::note_in_trail(const std::vector<TrailFact>& facts) {
    if (const auto kept = trail_.append(facts); !kept.ok())
        log_.warn("the audit trail cannot be written", {{"text", kept.error().text}});
}

std::shared_ptr<const std::vector<SealingKeyId>> Collector::sealing_ids() const {
    return std::make_shared<const std::vector<SealingKeyId>>(credentials_.sealing_ids.begin(),
                                                             credentials_.sealing_ids.end());
}

void Collector::report() const {
    const GatewayCounters& gateway = gateway_->counters;
    log_.info("connections", {{"accepted", std::uint64_t{gateway.accepted}},
                              {"refused", gateway.refused()},
                              {"ended_by_exception", std::uint64_t{gateway.exceptions}},
                              {"blocks", std::uint64_t{gateway.blocks}},
                              {"acknowledged", std::uint64_t{gateway.acked_blocks}}});
    if (!writer_) return;
    const WriterCounters& writer = writer_->counters();
    log_.info("writer", {{"rows", writer.rows},
                         {"blocks", writer.blocks},
                         {"commits", writer.commits},
                         {"duplicates", writer.duplicates},
                         {"quarantined", writer.quarantined},
                         {"released", writer.released},
                         {"damaged", writer.damaged}});
}

}  // namespace longhaul::collector
