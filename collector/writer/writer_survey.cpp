// What the writer notes of each device beside its blocks, and tells who asks.
#include "collector/writer/writer.hpp"
#include "common/base/wrapping.hpp"

namespace longhaul::collector {

std::optional<TenantSurvey> Writer::survey(const std::string& after) const {
    const auto tenant = tenants_.upper_bound(after);
    if (tenant == tenants_.end()) return std::nullopt;
    TenantSurvey survey;
    survey.tenant = tenant->first;
    const DeviceShelf& shelf = tenant->second.devices;
    survey.devices.reserve(shelf.size());
    shelf.look_at_all(
        [&](const std::string& name, const DeviceFacts& facts, const DeviceMemory& memory) {
            survey.add(name, facts, shelf.firmware(facts.firmware), memory);
        });
    return survey;
}

// Of a device of which nothing is remembered, as one that sends nothing but nonsense, there are no
// facts either.
void Writer::note_heard(const Place& place, const JournalEntry& entry) {
    if (place.device.empty() || entry.kind == JournalKind::release) return;
    // A connection that ends was heard long before, or never.
    if (entry.kind == JournalKind::adoption || entry.kind == JournalKind::connection) return;
    DeviceFacts* const facts = tenants_[place.tenant].devices.facts(place.device);
    if (facts != nullptr) facts->heard(place.receive_time);
}

void Writer::note_boot(const Place& place, const longhaul_EpochRecord& record) {
    DeviceShelf& shelf = tenants_[place.tenant].devices;
    DeviceFacts& facts = *shelf.facts(place.device);
    if (!facts.boot(record.incarnation, record.epoch)) return;
    facts.firmware = shelf.firmware_number(record.firmware);
    facts.clock_state = static_cast<std::uint8_t>(record.clock_state);
}

void Writer::note_anchor(const Place& place, const EpochName& name, const Anchor& anchor) {
    DeviceFacts& facts = *tenants_[place.tenant].devices.facts(place.device);
    if (facts.incarnation != name.first || facts.epoch != name.second) return;
    facts.clock_error_us = anchor.error_us ? static_cast<std::int64_t>(*anchor.error_us) : -1;
}

// An entry is of when it was appended, and the first of a session says how long that has gone on.
void Writer::note_backlog(const Place& place, const ConnectionCost& cost) {
    DeviceFacts* const facts = tenants_[place.tenant].devices.facts(place.device);
    if (facts == nullptr || !cost.backlog) return;
    const auto connected_us = static_cast<std::int64_t>(cost.connected_ms * 1000);
    facts->said_backlog({wrapping_subtract(place.receive_time.value, connected_us)},
                        place.receive_time, *cost.backlog);
}

}  // namespace longhaul::collector
