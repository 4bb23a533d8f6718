#include "firmware-sim/world/world_collector.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::sim {
namespace {

using namespace longhaul::collector;

constexpr std::int64_t second_ms = 1000;
constexpr std::int64_t tick_ms = 30'000;
constexpr std::int64_t retry_ms_max = 60'000;
constexpr int writer_steps_max = 64;
enum Down : std::uint8_t { killed, by_disk, by_power };

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
      random_{settings.seed, "collector"} {
    LH_CHECK(keys_.add(authority_.sealing_key()).ok());
    waiting_.resize(settings_.shards);
    promised_.resize(settings_.shards);
    const CollectorFaults& faults = settings_.faults;
    plan(kill, faults.kill_every_s);
    plan(power, faults.power_every_s);
    plan(bad_disk, faults.disk_every_s);
    plan(bad_sync, faults.sync_every_s);
    plan(full, faults.full_every_s);
    scheduler_.at({}, *this, start);
    scheduler_.at({tick_ms}, *this, tick);
}

void WorldCollector::plan(Tag tag, std::int64_t every_s) {
    if (every_s == 0) return;
    const MonotonicMs at = scheduler_.now() + random_.between(second_ms, 2 * second_ms * every_s);
    if (at < settings_.healed_at) scheduler_.at(at, *this, tag);
}

void WorldCollector::on_event(MonotonicMs now, std::uint64_t tag) {
    switch (static_cast<Tag>(tag)) {
        case serve:
            return run(now);
        case start:
            if (!listens() && !try_start(now)) go_down(now, by_disk);
            return;
        case tick:
            tick_sessions(now);
            return scheduler_.at(now + tick_ms, *this, tick);
        case room:
            disk_.set_full(false);
            log_.add(now, EventLog::collector, Happening::disk_full, 0);
            return;
        default:
            return begin_fault(static_cast<Tag>(tag), now);
    }
}

void WorldCollector::begin_fault(Tag tag, MonotonicMs now) {
    const CollectorFaults& faults = settings_.faults;
    switch (tag) {
        case kill:
            if (listens()) go_down(now, killed);
            return plan(tag, faults.kill_every_s);
        case power:
            cut_power(now);
            return plan(tag, faults.power_every_s);
        case bad_disk:
            disk_.fail_after(1 + random_.below(60));
            cuts_disk_ = random_.one_in(2);
            return plan(tag, faults.disk_every_s);
        case bad_sync:
            ++counts_.failed_syncs;
            log_.add(now, EventLog::collector, Happening::sync_failed);
            disk_.fail_next_sync();
            return plan(tag, faults.sync_every_s);
        default:
            ++counts_.times_full;
            disk_.set_full(true);
            log_.add(now, EventLog::collector, Happening::disk_full, 1);
            scheduler_.at(now + random_.between(second_ms, 2 * second_ms * faults.full_s), *this,
                          room);
            return plan(tag, faults.full_every_s);
    }
}

// Between two steps of the disk, or in one of the next ones.
void WorldCollector::cut_power(MonotonicMs now) {
    if (!listens()) return;
    if (random_.one_in(2)) return go_down(now, by_power);
    disk_.fail_after(1 + random_.below(8));
    cuts_disk_ = true;
}

bool WorldCollector::try_start(MonotonicMs now) {
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
    store_ = std::make_unique<LocalStore>(disk_);
    known_ = {};
    if (!store_->clean_up().ok() || !known_.load(*journal_).ok()) {
        trouble_ = "lake or journal cannot be read";
        return false;
    }
    check_promises(now);
    WriterSettings writing;
    writing.commit_interval_ms = settings_.commit_interval_ms;
    writer_ = std::make_unique<Writer>(*journal_, *store_, keys_, writing);
    trouble_.clear();
    ++counts_.starts;
    writer_again_at_ = sync_done_at_ = now;
    writer_retry_ms_ = 0;
    log_.add(now, EventLog::collector, Happening::collector_up,
             static_cast<std::int64_t>(journal_->durable_end(0)));
    if (barrier_requested_) writer_->request_barrier();
    run_at(now);
    return true;
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
    const bool cut = how == by_power || (how == by_disk && cuts_disk_);
    log_.add(now, EventLog::collector, Happening::collector_down, how);
    ++counts_.crashes;
    if (writer_) counts_.commits += writer_->counters().commits;
    for (const auto& [id, conversation] : conversations_) network_.close_down(id, now);
    conversations_.clear();
    for (auto& each : waiting_) each.clear();
    writer_.reset();
    store_.reset();
    journal_.reset();
    if (cut) {
        std::mt19937_64 torn{random_.next()};
        disk_.cut_power(random_.one_in(4) ? nullptr : &torn, random_.one_in(2));
    }
    disk_.fail_after(UINT64_MAX);
    cuts_disk_ = false;
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
    if (!listens()) return;
    if (!step_journal(now) || !step_writer(now)) go_down(now, by_disk);
}

bool WorldCollector::step_journal(MonotonicMs now) {
    if (now < sync_done_at_) {
        run_at(sync_done_at_);
        return true;
    }
    if (!tell_durable(now)) return false;  // of the sync before, if it took its time
    std::uint64_t before = 0;
    for (Shard shard = 0; shard < settings_.shards; ++shard) before += journal_->durable_end(shard);
    const auto next = journal_->step(now);
    if (!next.ok()) {
        trouble_ = "the journal failed: " + to_string(next.error());
        return false;
    }
    std::uint64_t after = 0;
    for (Shard shard = 0; shard < settings_.shards; ++shard) after += journal_->durable_end(shard);
    run_at(next.value());
    if (after == before) return true;
    log_.add(now, EventLog::collector, Happening::durable, static_cast<std::int64_t>(after));
    sync_done_at_ = now + settings_.sync_ms;
    run_at(sync_done_at_);
    return settings_.sync_ms != 0 || tell_durable(now);
}

bool WorldCollector::tell_durable(MonotonicMs now) {
    std::set<ConnectionId> told;
    for (Shard shard = 0; shard < settings_.shards; ++shard) {
        const Offset durable = journal_->durable_end(shard);
        std::deque<Waiting>& waiting = waiting_[shard];
        for (; !waiting.empty() && waiting.front().end <= durable; waiting.pop_front()) {
            const auto found = conversations_.find(waiting.front().connection);
            if (found == conversations_.end()) continue;
            ++found->second.durable;
            told.insert(found->first);
            promised_[shard] = std::max(promised_[shard], waiting.front().end);
            if (waiting.front().block)
                acked_.emplace(*waiting.front().block, waiting.front().samples);
        }
    }
    for (const ConnectionId id : told) {
        const Conversation& conversation = conversations_.at(id);
        conversation.session->on_durable(conversation.durable);
        if (!obey(id, now)) return false;
    }
    return true;
}

bool WorldCollector::step_writer(MonotonicMs now) {
    if (now < writer_again_at_) {
        run_at(writer_again_at_);
        return true;
    }
    const std::uint64_t commits = writer_->counters().commits;
    MonotonicMs next = now;
    for (int i = 0; i < writer_steps_max && next <= now; ++i) {
        const auto done = writer_->step(now, wall(now));
        if (done.ok()) {
            next = done.value();
            writer_retry_ms_ = 0;
            continue;
        }
        trouble_ = done.error().text;
        if (writer_->fatal()) violate(now, "the writer cannot go on: " + trouble_);
        if (writer_->fatal() || disk_.failed()) return false;
        writer_retry_ms_ = std::min(std::max(second_ms, 2 * writer_retry_ms_), retry_ms_max);
        writer_again_at_ = next = now + writer_retry_ms_;
    }
    if (writer_->counters().commits != commits)
        log_.add(now, EventLog::collector, Happening::committed,
                 static_cast<std::int64_t>(writer_->counters().commits));
    run_at(next <= now ? now + 1 : next);
    return true;
}

void WorldCollector::on_connected(ConnectionId id, std::uint32_t device, MonotonicMs now) {
    SessionSettings settings;
    settings.journal = journal_->id();
    settings.shard = journal_->shard_of(world_tenant, names_[device]);
    settings.credit_bytes = settings_.credit_bytes;
    settings.sealing_keys = keys_.ids();
    ++counts_.sessions;
    conversations_[id] = {
        device,
        std::make_unique<Session>(DeviceName{world_environment, world_tenant, names_[device]},
                                  settings, known_, std::span{&authority_.certificate(), 1}, now),
        0};
}

void WorldCollector::on_bytes(ConnectionId id, Bytes bytes, MonotonicMs now) {
    while (!bytes.empty()) {
        const auto found = conversations_.find(id);
        if (found == conversations_.end()) return;
        const std::size_t taken = found->second.session->on_bytes(bytes, wall(now), now);
        bytes = bytes.subspan(taken);
        if (!obey(id, now)) return go_down(now, by_disk);
    }
    run_at(now);
}

void WorldCollector::on_closed(ConnectionId id, MonotonicMs) { conversations_.erase(id); }

// False: the journal takes nothing any more.
bool WorldCollector::obey(ConnectionId id, MonotonicMs now) {
    for (;;) {
        const auto found = conversations_.find(id);
        if (found == conversations_.end()) return true;
        const SessionAction action = found->second.session->next();
        switch (action.kind) {
            case SessionAction::Kind::wait:
                found->second.session->rest();
                return true;
            case SessionAction::Kind::write:
                network_.write_down(id, action.bytes, now);
                break;
            case SessionAction::Kind::close:
                if (found->second.session->broken_by_device()) ++counts_.refused_sessions;
                log_.add(now, EventLog::collector, Happening::refused,
                         static_cast<std::int64_t>(id));
                conversations_.erase(found);
                network_.close_down(id, now);
                return true;
            case SessionAction::Kind::submit:
                if (!submit(id, found->second, action, now)) return false;
                break;
        }
    }
}

bool WorldCollector::submit(ConnectionId id, Conversation& conversation,
                            const SessionAction& action, MonotonicMs now) {
    const std::string& device = names_[conversation.device];
    const Shard shard = journal_->shard_of(world_tenant, device);
    const std::string_view of_device =
        is_of_tenant(action.entry_kind) ? std::string_view{} : std::string_view{device};
    const auto end = journal_->append(
        shard, {wall(now), action.entry_kind, world_tenant, of_device, action.bytes}, now);
    if (!end.ok()) return false;
    Waiting waiting{end.value(), id, std::nullopt, 0};
    if (action.entry_kind == JournalKind::block) {
        const auto header = parse_block_header(action.bytes);
        LH_CHECK(header.ok());
        waiting.block = {conversation.device, header.value().name};
        waiting.samples = header.value().samples;
    }
    waiting_[shard].push_back(waiting);
    return true;
}

void WorldCollector::tick_sessions(MonotonicMs now) {
    std::vector<ConnectionId> late;
    for (const auto& [id, conversation] : conversations_) {
        if (conversation.session->deadline() <= now) late.push_back(id);
    }
    for (const ConnectionId id : late) {
        conversations_.at(id).session->on_tick(now);
        if (!obey(id, now)) return go_down(now, by_disk);
    }
}

CollectorCounts WorldCollector::counts() const {
    CollectorCounts counts = counts_;
    if (writer_) counts.commits += writer_->counters().commits;
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
