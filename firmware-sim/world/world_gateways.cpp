// The gateways in front of the simulated journal: which one a connection comes to, and how one of
// them dies and starts again while the others go on.
#include <algorithm>

#include "firmware-sim/world/world_collector.hpp"

namespace longhaul::sim {

using namespace longhaul::collector;

namespace {

constexpr std::int64_t second_ms = 1000;

}  // namespace

bool WorldCollector::listens() const {
    return up_ && std::any_of(gateways_.begin(), gateways_.end(),
                              [](const Gateway& gateway) { return gateway.intake != nullptr; });
}

std::vector<WorldCollector::Gateway*> WorldCollector::gateways_up() {
    std::vector<Gateway*> up;
    for (Gateway& gateway : gateways_)
        if (gateway.intake) up.push_back(&gateway);
    return up;
}

// As a balancer does it that knows nothing of devices.
WorldCollector::Gateway& WorldCollector::gateway_for(std::uint32_t device) {
    const std::vector<Gateway*> up = gateways_up();
    Gateway& gateway = *(settings_.gateways == 1 ? up.front() : up[random_.below(up.size())]);
    const Gateway*& last = last_gateway_[device];
    if (last != nullptr && last != &gateway) ++counts_.wandered;
    last = &gateway;
    return gateway;
}

// It knows what the journal has, and nothing of what the others are about.
bool WorldCollector::open_gateway(Gateway& gateway, MonotonicMs now) {
    gateway.known = {};
    gateway.clones = CloneWatch{};
    auto intake = std::make_unique<Intake>();
    intake->set_date(wall(now), now);
    intake->set_limits({{std::string{world_tenant}, settings_.limits}}, now);
    intake->set_disk_short(full_);
    const Status loaded = gateway.known.load(*journal_, [&](const ReadEntry& read) {
        const JournalEntry& entry = read.entry;
        if (entry.kind == JournalKind::block)
            intake->count_taken(entry.tenant, entry.body.size(), entry.receive_time, now);
    });
    if (!loaded.ok()) {
        trouble_ = "the journal cannot be read: " + to_string(loaded.error());
        return false;
    }
    gateway.intake = std::move(intake);
    return true;
}

// What it appended is in the journal's hands and becomes durable; nobody is told.
void WorldCollector::kill_one_gateway(MonotonicMs now) {
    const std::vector<Gateway*> up = gateways_up();
    if (up.empty()) return;
    Gateway& gateway = *up[random_.below(up.size())];
    ++counts_.gateway_kills;
    log_.add(now, EventLog::collector, Happening::gateway_down, gateway.number);
    for (auto at = conversations_.begin(); at != conversations_.end();)
        at = at->second.gateway == &gateway ? drop_conversation(at, now) : std::next(at);
    gateway.intake.reset();
    const std::int64_t restart_ms = second_ms * settings_.faults.restart_s;
    gateway.back_at = now + random_.between(second_ms, std::max(2 * second_ms, restart_ms));
    scheduler_.at(gateway.back_at, *this, gateways_back);
}

void WorldCollector::open_gateways_again(MonotonicMs now) {
    if (!up_) return;  // a start of all of it opens them
    for (Gateway& gateway : gateways_) {
        if (gateway.intake || gateway.back_at > now) continue;
        if (!open_gateway(gateway, now)) return go_down(now, by_disk);
        log_.add(now, EventLog::collector, Happening::gateway_up, gateway.number);
    }
}

WorldCollector::Conversations::iterator WorldCollector::drop_conversation(
    Conversations::iterator at, MonotonicMs now) {
    note_cost(at->second, now);
    network_.close_down(at->first, now);
    return conversations_.erase(at);
}

}  // namespace longhaul::sim
