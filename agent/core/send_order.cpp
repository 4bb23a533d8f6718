#include "agent/core/send_order.hpp"

namespace longhaul::agent {

void SendOrder::begin(const Places& newest) {
    marks_ = {};
    for (std::size_t i = 0; i < block_class_count; ++i) {
        marks_.classes[i].live_after = newest[i];
        marks_.classes[i].live = newest[i];
    }
    empty_.fill(false);
    live_in_a_row_ = 0;
}

// The first lane from class `from` on that may have a block.
std::optional<Lane> SendOrder::first_of(bool live, std::size_t from) const {
    for (std::size_t i = from; i < block_class_count; ++i) {
        const Lane lane{static_cast<BlockClass>(i), live};
        if (!empty_[index_of(lane)]) return lane;
    }
    return std::nullopt;
}

std::optional<Lane> SendOrder::next() const {
    const std::optional<Lane> backlog = first_of(false, 0);
    if (live_in_a_row_ >= live_in_a_row_max && backlog) return backlog;
    constexpr Lane live_alarms{BlockClass::alarm, true};
    if (!empty_[index_of(live_alarms)]) return live_alarms;
    if (backlog && backlog->block_class == BlockClass::alarm) return backlog;
    const std::optional<Lane> live = first_of(true, 1);
    return live ? live : backlog;
}

BlockPlace SendOrder::after(const Lane& lane) const {
    return lane.live ? marks_of(lane).live : marks_of(lane).backlog;
}

void SendOrder::sent(const Lane& lane, const BlockPlace& place) {
    SentOfClass& marks = marks_.classes[static_cast<std::size_t>(lane.block_class)];
    (lane.live ? marks.live : marks.backlog) = place;
    live_in_a_row_ = lane.live ? live_in_a_row_ + 1 : 0;
}

}  // namespace longhaul::agent
