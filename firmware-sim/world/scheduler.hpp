// The clock of a simulated world and what is to happen on it: a queue of events in milliseconds.
//
// Events of one moment happen in the order in which they were asked for, so a run is decided by its
// seed and nothing else.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "common/base/time.hpp"

namespace longhaul::sim {

class Actor {
 public:
    virtual void on_event(MonotonicMs now, std::uint64_t tag) = 0;

 protected:
    ~Actor() = default;
};

class Scheduler {
 public:
    MonotonicMs now() const { return now_; }

    // Not before now; the actor outlives the event. never() is no event.
    void at(MonotonicMs time, Actor& actor, std::uint64_t tag) {
        if (time == MonotonicMs::never()) return;
        events_.push({time < now_ ? now_ : time, asked_++, &actor, tag});
    }
    // The next event, if there is one up to `end`; otherwise it is `end` now.
    bool step(MonotonicMs end) {
        if (events_.empty() || events_.top().time > end) {
            now_ = end;
            return false;
        }
        const Event event = events_.top();
        events_.pop();
        now_ = event.time;
        ++happened_;
        event.actor->on_event(now_, event.tag);
        return true;
    }
    std::uint64_t happened() const { return happened_; }

 private:
    struct Event {
        MonotonicMs time;
        std::uint64_t asked;
        Actor* actor;
        std::uint64_t tag;
    };
    struct Later {
        bool operator()(const Event& a, const Event& b) const {
            return a.time != b.time ? a.time > b.time : a.asked > b.asked;
        }
    };

    std::priority_queue<Event, std::vector<Event>, Later> events_;
    MonotonicMs now_;
    std::uint64_t asked_ = 0;
    std::uint64_t happened_ = 0;
};

}  // namespace longhaul::sim
