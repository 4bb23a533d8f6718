// Which block goes next in a session: what is new before what waited, and what waited with a share
// that nothing takes from it. Pure decisions; the uplink carries them out.
//
// A class has two lanes: its backlog, which is what waited when the session began, and what came
// since, live. Each is sent oldest first. The order of the lanes:
//
//   live alarms, alarms of the backlog, live blocks by class, the backlog by class
//
// After three live blocks in a row the next one is of the backlog, as long as there is any.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "agent/core/sent_marks.hpp"

namespace longhaul::agent {

struct Lane {
    BlockClass block_class = BlockClass::alarm;
    bool live = false;
    friend constexpr bool operator==(const Lane&, const Lane&) = default;
};

class SendOrder {
 public:
    static constexpr unsigned live_in_a_row_max = 3;
    using Places = std::array<BlockPlace, block_class_count>;

    // A session begins; `newest` of each class is not before the newest block that waits, and
    // before every block that will be made.
    void begin(const Places& newest);
    // It has ended: no acknowledgement is on its way any more.
    void end() { marks_ = {}; }

    // The lane to look into; none: nothing waits.
    std::optional<Lane> next() const;
    // The block that goes next is the first one of the class behind this place.
    BlockPlace after(const Lane& lane) const;
    // What was found there belongs to the lane; otherwise the lane is empty.
    bool holds(const Lane& lane, const BlockPlace& found) const {
        return lane.live || found <= marks_of(lane).live_after;
    }
    void is_empty(const Lane& lane) { empty_[index_of(lane)] = true; }
    void sent(const Lane& lane, const BlockPlace& place);
    // A block of the class was stored.
    void stored(BlockClass block_class) { empty_[index_of({block_class, true})] = false; }

    const SentMarks& marks() const { return marks_; }

 private:
    static std::size_t index_of(const Lane& lane) {
        return static_cast<std::size_t>(lane.block_class) +
               (lane.live ? std::size_t{0} : block_class_count);
    }
    const SentOfClass& marks_of(const Lane& lane) const {
        return marks_.classes[static_cast<std::size_t>(lane.block_class)];
    }
    std::optional<Lane> first_of(bool live, std::size_t from) const;

    SentMarks marks_;
    std::array<bool, 2 * block_class_count> empty_{};
    unsigned live_in_a_row_ = 0;
};

}  // namespace longhaul::agent
