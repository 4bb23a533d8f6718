#include "firmware-sim/world/world_collector.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::sim {
namespace {

using namespace longhaul::collector;

constexpr std::int64_t second_ms = 1000;
constexpr std::int64_t tick_ms = 30'000;
constexpr std::int64_t retry_ms_max = 60'000;
constexpr std::int64_t clean_up_ms = 3'600'000;
constexpr int writer_steps_max = 64;

// Of what has been cut off the journal.
void learn_from(const Writer& writer, KnownDevices& known) {
    writer.for_each_known(
        {[&](Shard shard, const std::string& tenant, const SchemaHash& hash) {
             known.add_schema(shard, tenant, hash);
         },
         [&](Shard shard, const std::string& tenant, const ModelHash& hash) {
             known.add_model(shard, tenant, hash);
         },
         [&](const std::string& tenant, const std::string& device, Incarnation incarnation,
             Epoch number) { known.add_epoch(tenant, device, incarnation, number); }});
}

}  // namespace

Result<BlockKey> WorldCollector::Keys::unwrap(const PrivateKey& key,
                                              const longhaul_EpochRecord& record) const {
    const auto text = [](const auto& bytes) {
        return std::string{reinterpret_cast<const char*>(&bytes), sizeof(bytes)};
    };
    const std::string name = std::string{record.device} + "/" + std::to_string(record.incarnation) +
                             "/" + std::to_string(record.epoch) + "/" +
                             text(record.encapsulated_key) + text(record.wrapped_block_key);
    if (const auto found = known_.find(name); found != known_.end()) return found->second;
    LH_TRY_ASSIGN(const BlockKey unwrapped, KeyRing::unwrap(key, record));
    known_.emplace(name, unwrapped);
    return unwrapped;
}

WorldCollector::WorldCollector(const CollectorSettings& settings, const Authority& authority,
                               std::vector<std::string> device_names, Scheduler& scheduler,
                               Network& network, EventLog& log)
    : settings_{settings},
      authority_{authority},
      names_{std::move(device_names)},
      scheduler_{scheduler},
      network_{network},
      log_{log},
      random_{settings.seed, "collector"},
      store_{disk_, settings.faults.store, settings.seed, scheduler, log} {
    std::map<std::string_view, std::uint32_t> first;
    for (const std::string& name : names_) {
        const auto number = static_cast<std::uint32_t>(first_of_name_.size());
        const auto [known, is_new] = first.try_emplace(name, number);
        first_of_name_.push_back(known->second);
        if (!is_new) doubles_.insert(known->second);
    }
    LH_CHECK(keys_.add(authority_.sealing_key()).ok());
    waiting_.resize(settings_.shards);
    promised_.resize(settings_.shards);
    gateways_.resize(settings_.gateways);
    last_gateway_.resize(names_.size());
    for (std::size_t i = 0; i < gateways_.size(); ++i)
        gateways_[i].number = static_cast<std::int64_t>(i);
    const CollectorFaults& faults = settings_.faults;
    plan(kill, faults.kill_every_s);
    plan(power, faults.power_every_s);
    plan(bad_disk, faults.disk_every_s);
    plan(bad_sync, faults.sync_every_s);
    plan(full, faults.full_every_s);
    plan(snapshot, faults.snapshot_every_s);
    plan(commit, faults.commit_every_s);
    plan(rot, faults.rot_every_s);
    plan(kill_gateway, faults.gateway_every_s);
    if (settings_.gateway_s != 0)
        scheduler_.at({second_ms * settings_.gateway_s}, *this, begin_writing);
    scheduler_.at({}, *this, start);
    scheduler_.at(settings_.healed_at, *this, heal);
    scheduler_.at({tick_ms}, *this, tick);
    scheduler_.at({settings_.upkeep.interval_ms}, *this, upkeep);
}

void WorldCollector::on_event(MonotonicMs now, std::uint64_t tag) {
    disk_.set_time(wall(now));
    if (tag >= session) return ask_for_credit(tag - session, now);
    switch (static_cast<Tag>(tag)) {
        case serve:
            return run(now);
        case start:
            if (!up_ && !try_start(now)) go_down(now, by_disk);
            return;
        case tick:
            tick_sessions(now);
            return scheduler_.at(now + tick_ms, *this, tick);
        case upkeep:
            if (upkeep_) look_after_tables(now);
            return scheduler_.at(now + settings_.upkeep.interval_ms, *this, upkeep);
        case power_behind_snapshot:
            if (up_ && now < settings_.healed_at) go_down(now, by_power);
            return;
        case gateways_back:
            return open_gateways_again(now);
        case begin_writing:
            return end_as_gateway(now);
        case room:
            disk_.set_full(full_ = false);
            log_.add(now, EventLog::collector, Happening::disk_full, 0);
            return;
        case heal:  // nothing waits for the disk's next step any more
            store_.heal();
            disk_.fail_after(UINT64_MAX, {});
            return disk_.fail_after(UINT64_MAX);
        default:
            return begin_fault(static_cast<Tag>(tag), now);
    }
}

bool WorldCollector::try_start(MonotonicMs now) {
    if (!open_journal(now) || (!is_gateway(now) && !open_writer(now))) return false;
    up_ = true;
    trouble_.clear();
    ++counts_.starts;
    writer_again_at_ = sync_done_at_ = now;
    writer_retry_ms_ = 0;
    log_.add(now, EventLog::collector, Happening::collector_up,
             static_cast<std::int64_t>(journal_->durable_end(0)));
    if (barrier_requested_ && writer_) writer_->request_barrier();
    run_at(now);
    return true;
}

bool WorldCollector::open_journal(MonotonicMs now) {
    LocalJournalSettings settings;
    Random{settings_.seed, "journal"}.fill(settings.uuid_if_new);
    settings.salt_if_new = Random{settings_.seed, "salt"}.next();
    settings.shards_if_new = settings_.shards;
    settings.group_ms_max = settings_.group_ms;
    settings.segment_bytes_max = settings_.segment_bytes_max;
    auto journal = LocalJournal::open(disk_, settings);
    if (!journal.ok()) {
        trouble_ = "the journal cannot be opened: " + to_string(journal.error());
        return false;
    }
    journal_ = std::move(journal).value();
    check_promises(now);
    for (Gateway& gateway : gateways_)
        if (!open_gateway(gateway, now)) return false;
    return true;
}

bool WorldCollector::open_writer(MonotonicMs now) {
    if (const Status cleaned = store_.begin_process(); !cleaned.ok()) {
        trouble_ = "the lake cannot be cleaned up: " + to_string(cleaned.error());
        return false;
    }
    auto writer = std::make_unique<Writer>(*journal_, store_, keys_, settings_.writer, &disk_);
    const auto opened = writer->open();
    const bool resumed = !writer->take_notes().empty();
    if (!opened.ok()) {
        trouble_ = opened.error().text;
        if (writer->fatal() && !disk_.failed())
            violate(now, "the writer does not start: " + trouble_);
        return false;
    }
    counts_.resumed += resumed ? 1 : 0;
    rotten_ = false;
    for (Gateway& gateway : gateways_) learn_from(*writer, gateway.known);
    writer_ = std::move(writer);
    upkeep_ = std::make_unique<Upkeep>(store_, settings_.upkeep, Upkeep::Ports{});
    return true;
}

// Somebody stops it, and starts it again with keys and a lake.
void WorldCollector::end_as_gateway(MonotonicMs now) {
    if (disk_.list(world_tenant).ok()) violate(now, "a gateway has written tables");
    if (up_) go_down(now, killed);
}

// As its thread does it, between two steps of the writer.
void WorldCollector::look_after_tables(MonotonicMs now) {
    const bool clean = now >= cleans_at_;
    if (clean) cleans_at_ = now + clean_up_ms;
    const std::uint64_t conflicts = upkeep_->counters().conflicts;
    upkeep_->look_after_all(clean ? Upkeep::all_work : Upkeep::compacting, wall(now));
    if (upkeep_->counters().conflicts != conflicts)
        violate(now, "the upkeep takes a commit of its own for another program's");
    if (disk_.failed()) go_down(now, by_disk);
}

// What devices were told to be durable is still there.
void WorldCollector::check_promises(MonotonicMs now) {
    for (Shard shard = 0; shard < journal_->shards(); ++shard) {
        if (journal_->durable_end(shard) >= promised_[shard]) continue;
        violate(now, "the journal's shard " + std::to_string(shard) + " ends at " +
                         std::to_string(journal_->durable_end(shard)) +
                         ", but was acknowledged up to " + std::to_string(promised_[shard]));
        promised_[shard] = journal_->durable_end(shard);
    }
}

void WorldCollector::go_down(MonotonicMs now, int how) {
    if (how == by_disk && cuts_snapshot_ && disk_.failed()) {
        ++counts_.halfway;
        cuts_snapshot_ = false;
        cuts_disk_ = random_.one_in(2);
    }
    if (how == by_disk && cuts_commit_ && disk_.failed()) {
        ++counts_.broken;
        cuts_commit_ = false;
        cuts_behind_snapshot_ = true;
    }
    const bool cut = how == by_power || (how == by_disk && cuts_disk_);
    log_.add(now, EventLog::collector, Happening::collector_down, how);
    ++counts_.crashes;
    count_what_ran();
    for (auto at = conversations_.begin(); at != conversations_.end();)
        at = drop_conversation(at, now);
    for (Gateway& gateway : gateways_) gateway.intake.reset();
    for (auto& each : waiting_) each.clear();
    upkeep_.reset();
    writer_.reset();
    up_ = false;
    store_.end_process();
    journal_.reset();
    if (cut) {
        std::mt19937_64 torn{random_.next()};
        // Each draw has a line of its own: in an argument list every compiler has its own order.
        const bool holes = random_.one_in(2);
        disk_.cut_power(random_.one_in(4) ? nullptr : &torn, holes);
    }
    disk_.fail_after(UINT64_MAX);
    cuts_disk_ = false;
    if (rots_) damage_snapshot(now);
    const std::int64_t restart_ms = second_ms * settings_.faults.restart_s;
    scheduler_.at(now + random_.between(second_ms, std::max(2 * second_ms, restart_ms)), *this,
                  start);
}

void WorldCollector::run_at(MonotonicMs time) {
    if (time >= runs_at_) return;
    runs_at_ = time;
    scheduler_.at(time, *this, serve);
}

// Journal and writer, as their threads would drive them.
void WorldCollector::run(MonotonicMs now) {
    if (runs_at_ <= now) runs_at_ = MonotonicMs::never();
    if (!up_) return;
    if (!step_journal(now) || (writer_ && !step_writer(now))) go_down(now, by_disk);
}

bool WorldCollector::step_journal(MonotonicMs now) {
    if (now < sync_done_at_) {
        run_at(sync_done_at_);
        return true;
    }
    if (!tell_durable(now)) return false;  // of the sync before, if it took its time
    std::uint64_t before = 0;
    for (Shard shard = 0; shard < settings_.shards; ++shard) before += journal_->durable_end(shard);
    const Status done = journal_->step(now);
    if (!done.ok()) {
        trouble_ = "the journal failed: " + to_string(done.error());
        return false;
    }
    std::uint64_t after = 0;
    for (Shard shard = 0; shard < settings_.shards; ++shard) after += journal_->durable_end(shard);
    run_at(journal_->due());
    if (after == before) return true;
    log_.add(now, EventLog::collector, Happening::durable, static_cast<std::int64_t>(after));
    sync_done_at_ = now + settings_.sync_ms;
    run_at(sync_done_at_);
    return settings_.sync_ms != 0 || tell_durable(now);
}

bool WorldCollector::step_writer(MonotonicMs now) {
    if (now < writer_again_at_) {
        run_at(writer_again_at_);
        return true;
    }
    const WriterCounters before = writer_->counters();
    MonotonicMs next = now;
    for (int i = 0; i < writer_steps_max && next <= now; ++i) {
        const auto done = writer_->step(now, wall(now));
        if (done.ok()) {
            next = done.value();
            writer_retry_ms_ = 0;
            continue;
        }
        trouble_ = done.error().text;
        if (writer_->fatal() && !disk_.failed())
            violate(now, "the writer cannot go on: " + trouble_);
        if (writer_->fatal() || disk_.failed()) return false;
        writer_retry_ms_ = std::min(std::max(second_ms, 2 * writer_retry_ms_), retry_ms_max);
        writer_again_at_ = next = now + writer_retry_ms_;
    }
    const WriterCounters& after = writer_->counters();
    if (after.commits != before.commits)
        log_.add(now, EventLog::collector, Happening::committed,
                 static_cast<std::int64_t>(after.commits));
    if (after.snapshots != before.snapshots) {
        log_.add(now, EventLog::collector, Happening::snapshot,
                 static_cast<std::int64_t>(after.snapshots));
        measure_snapshot();
        if (cuts_behind_snapshot_) scheduler_.at(now, *this, power_behind_snapshot);
        cuts_behind_snapshot_ = false;
    }
    run_at(next <= now ? now + 1 : next);
    return true;
}

void WorldCollector::measure_snapshot() {
    const auto numbers = snapshot_numbers(disk_);
    if (!numbers.ok() || numbers.value().empty()) return;
    auto file = disk_.open(snapshot_path(numbers.value().front()));
    if (!file.ok()) return;
    const auto bytes = file.value()->size();
    if (bytes.ok())
        counts_.snapshot_bytes_max = std::max(counts_.snapshot_bytes_max, bytes.value());
}

// Of the process that is up, which ends with it.
void WorldCollector::count_what_ran() {
    counts_ = counts();
    counts_.cut_bytes = 0;
}

CollectorCounts WorldCollector::counts() const {
    CollectorCounts counts = counts_;
    if (writer_) {
        counts.commits += writer_->counters().commits;
        counts.snapshots += writer_->counters().snapshots;
    }
    for (Shard shard = 0; journal_ && shard < journal_->shards(); ++shard)
        counts.cut_bytes += journal_->begin(shard).ok() ? journal_->begin(shard).value() : 0;
    if (upkeep_) {
        counts.merges += upkeep_->counters().compactions;
        counts.checkpoints += upkeep_->counters().checkpoints;
    }
    return counts;
}

void WorldCollector::request_barrier(MonotonicMs now) {
    barrier_requested_ = true;
    if (!writer_) return;
    writer_->request_barrier();
    run_at(now);
}

std::size_t WorldCollector::waiting_entries() const {
    std::size_t count = 0;
    for (const auto& each : waiting_) count += each.size();
    return count;
}

void WorldCollector::violate(MonotonicMs now, std::string text) {
    log_.add(now, EventLog::collector, Happening::violation);
    violations_.push_back("collector: " + std::move(text));
}

}  // namespace longhaul::sim
