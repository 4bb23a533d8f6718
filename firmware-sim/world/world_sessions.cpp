// The collector's half of what devices say: sessions, their submissions, and what they are told.
#include "common/base/check.hpp"
#include "firmware-sim/world/world_collector.hpp"

namespace longhaul::sim {

using namespace longhaul::collector;

void WorldCollector::on_connected(ConnectionId id, std::uint32_t device, MonotonicMs now) {
    Gateway& gateway = gateway_for(device);
    SessionSettings settings;
    settings.journal = journal_->id();
    settings.shard = journal_->shard_of(world_tenant, names_[device]);
    settings.credit_bytes = settings_.credit_bytes;
    settings.sealing_keys = std::make_shared<const std::vector<SealingKeyId>>(keys_.ids());
    settings.intake = &gateway.intake->of(world_tenant);
    ++counts_.sessions;
    Conversation& conversation = conversations_[id];
    conversation.gateway = &gateway;
    conversation.device = device;
    counts_.sessions_max = std::max<std::uint64_t>(counts_.sessions_max, conversations_.size());
    conversation.begun = now;
    conversation.name = {world_environment, world_tenant, names_[device]};
    conversation.session = std::make_unique<Session>(conversation.name, settings, gateway.known,
                                                     std::span{&authority_.certificate(), 1}, now);
    conversation.watched =
        gateway.clones.begin(world_tenant, names_[device], std::to_string(id), now);
}

void WorldCollector::on_bytes(ConnectionId id, Bytes bytes, MonotonicMs now) {
    if (const auto found = conversations_.find(id); found != conversations_.end()) {
        found->second.wire.received += bytes.size();
        found->second.untold.received += bytes.size();
        if (found->second.gateway->clones.spoke(found->second.watched, now))
            tell_clone(found->second.device, now);
        found->second.session->on_bytes(bytes, wall(now), now);
        note_life(found->second, now);
        if (!obey(id, now)) return go_down(now, by_disk);
    }
    run_at(now);
}

void WorldCollector::note_life(Conversation& conversation, MonotonicMs now) {
    const auto life = conversation.session->life();
    if (conversation.life_noted || !life) return;
    conversation.life_noted = true;
    if (conversation.gateway->clones.greeted(conversation.watched, *life, now))
        tell_clone(conversation.device, now);
}

void WorldCollector::tell_clone(std::uint32_t device, MonotonicMs now) {
    ++counts_.clone_alarms;
    told_twice_.insert(first_of_name_[device]);
    log_.add(now, EventLog::collector, Happening::clone_told, device);
    if (!is_double(device) && !may_seem_double_.contains(device))
        violate(now, names_[device] + " is taken for a clone of itself");
}

void WorldCollector::on_closed(ConnectionId id, MonotonicMs now) { end_conversation(id, now); }

void WorldCollector::end_conversation(ConnectionId id, MonotonicMs now) {
    const auto found = conversations_.find(id);
    if (found == conversations_.end()) return;
    found->second.gateway->clones.end(found->second.watched, now);
    tell_cost(found->second, now, true);
    note_cost(found->second, now);
    conversations_.erase(found);
}

// What the journal does not take is left out: then the collector goes down soon.
void WorldCollector::tell_cost(Conversation& conversation, MonotonicMs now, bool ended) {
    const auto cost = conversation.session->take_cost(now, conversation.untold, ended);
    if (!cost) return;
    std::array<std::byte, connection_cost_bytes_max> bytes;
    ByteWriter body{bytes};
    write_connection_cost(*cost, body);
    const std::string& device = names_[conversation.device];
    (void)journal_->append(
        journal_->shard_of(world_tenant, device),
        {wall(now), JournalKind::connection, world_tenant, device, body.written()}, now);
    run_at(now);
}

std::map<std::string, ConnectionCost> WorldCollector::costs() const {
    std::map<std::string, ConnectionCost> costs = costs_;
    for (const auto& [id, conversation] : conversations_)
        add_cost(conversation, scheduler_.now(), costs[names_[conversation.device]]);
    return costs;
}

void WorldCollector::add_cost(const Conversation& conversation, MonotonicMs now,
                              ConnectionCost& all) {
    all.connected_ms += static_cast<std::uint64_t>(now - conversation.begun);
    all.wire.received += conversation.wire.received;
    all.wire.sent += conversation.wire.sent;
}

// False: the journal takes nothing any more.
bool WorldCollector::obey(ConnectionId id, MonotonicMs now) {
    for (;;) {
        const auto found = conversations_.find(id);
        if (found == conversations_.end()) return true;
        const SessionAction action = found->second.session->next();
        switch (action.kind) {
            case SessionAction::Kind::wait:
                found->second.session->rest();
                ask_later(id, found->second, now);
                return true;
            case SessionAction::Kind::write:
                found->second.wire.sent += action.bytes.size();
                found->second.untold.sent += action.bytes.size();
                network_.write_down(id, action.bytes, now);
                break;
            case SessionAction::Kind::close:
                if (found->second.session->broken_by_device()) ++counts_.refused_sessions;
                log_.add(now, EventLog::collector, Happening::refused,
                         static_cast<std::int64_t>(id));
                end_conversation(id, now);
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
        waiting.block = {first_of_name_[conversation.device], header.value().name};
        waiting.samples = header.value().samples;
    }
    waiting_[shard].push_back(waiting);
    return true;
}

void WorldCollector::tick_sessions(MonotonicMs now) {
    for (Gateway* gateway : gateways_up()) {
        gateway->intake->set_date(wall(now), now);
        gateway->intake->set_disk_short(full_);
    }
    std::vector<ConnectionId> late;
    for (const auto& [id, conversation] : conversations_) {
        if (conversation.session->deadline() <= now) late.push_back(id);
    }
    for (const ConnectionId id : late) tick_session(id, now);
}

void WorldCollector::tick_session(ConnectionId id, MonotonicMs now) {
    const auto found = conversations_.find(id);
    if (found == conversations_.end()) return;
    found->second.session->on_tick(now);
    tell_cost(found->second, now, false);
    if (!obey(id, now)) go_down(now, by_disk);
}

// One that has no credit asks again when there may be some; all others are looked at with the tick.
void WorldCollector::ask_later(ConnectionId id, Conversation& conversation, MonotonicMs now) {
    if (conversation.session->waits_for() == CreditWait::nothing) return;
    const MonotonicMs at = std::max(conversation.session->deadline(), now + 1);
    if (at >= conversation.asks_at) return;
    if (conversation.asks_at == MonotonicMs::never()) ++counts_.waits;
    conversation.asks_at = at;
    scheduler_.at(at, *this, session + id);
}

void WorldCollector::ask_for_credit(ConnectionId id, MonotonicMs now) {
    const auto found = conversations_.find(id);
    if (found == conversations_.end() || found->second.asks_at > now) return;
    found->second.asks_at = MonotonicMs::never();
    tick_session(id, now);
    run_at(now);
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
            if (!waiting.front().block) continue;
            acked_.emplace(*waiting.front().block, waiting.front().samples);
            counts_.gateway_blocks += writer_ ? 0U : 1U;
        }
    }
    for (const ConnectionId id : told) {
        const Conversation& conversation = conversations_.at(id);
        conversation.session->on_durable(conversation.durable);
        if (!obey(id, now)) return false;
    }
    return true;
}

}  // namespace longhaul::sim
