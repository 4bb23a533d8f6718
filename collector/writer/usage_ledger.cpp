#include "collector/writer/usage_ledger.hpp"

#include <algorithm>

namespace longhaul::collector {
namespace {

constexpr std::int64_t hour_us = std::int64_t{3600} * 1'000'000;

std::int64_t hour_of(WallUs time) {
    const std::int64_t cut = time.value / hour_us;
    return time.value % hour_us < 0 ? cut - 1 : cut;
}

const Error damaged{ErrorCode::malformed, "an hour's usage that cannot be read"};

}  // namespace

std::optional<UsageLedger::Ended> UsageLedger::reach(WallUs received) {
    const std::int64_t hour = hour_of(received);
    if (hour <= hour_) return std::nullopt;
    const std::int64_t ended = std::exchange(hour_, hour);
    if (devices_.empty()) return std::nullopt;
    return Ended{{ended * hour_us}, std::exchange(devices_, {})};
}

void UsageLedger::encode(const std::function<void(const ByteSink&)>& put) const {
    ByteSink item;
    item.zigzag_varint(hour_);
    item.text({});
    put(item);  // the hour counts, too, when nobody has used anything in it yet
    for (const auto& [key, usage] : devices_) {
        item.clear();
        item.zigzag_varint(hour_);
        item.text(key.first);
        item.text(key.second);
        for (const std::uint64_t count :
             {usage.received_bytes, usage.blocks, usage.duplicate_blocks, usage.sealed_bytes,
              usage.samples, usage.decoded_bytes, usage.connected_ms, usage.wire_received_bytes,
              usage.wire_sent_bytes})
            item.varint(count);
        put(item);
    }
}

Status UsageLedger::take(ByteReader& in) {
    hour_ = in.zigzag_varint();
    const std::string tenant{as_text(read_counted(in))};
    if (tenant.empty()) return in.at_end() ? Status{} : damaged;
    const std::string device{as_text(read_counted(in))};
    Usage usage;
    for (std::uint64_t* const count :
         {&usage.received_bytes, &usage.blocks, &usage.duplicate_blocks, &usage.sealed_bytes,
          &usage.samples, &usage.decoded_bytes})
        *count = in.varint();
    if (!in.at_end())  // snapshots of version 3 have nothing of connections
        for (std::uint64_t* const count :
             {&usage.connected_ms, &usage.wire_received_bytes, &usage.wire_sent_bytes})
            *count = in.varint();
    const bool in_range = hour_ >= hour_of({INT64_MIN}) && hour_ <= hour_of({INT64_MAX});
    const bool good = in.at_end() && in_range;
    return good && devices_.try_emplace({tenant, device}, usage).second ? Status{} : damaged;
}

}  // namespace longhaul::collector
