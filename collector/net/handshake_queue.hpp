// Which handshake is worked on next: no input or output, no threads.
//
// A full handshake takes 3 ms of a processor, a resumed one a fraction of that. What was begun is
// finished first, then come those who resume, and full ones begin only as often as is allowed: so
// that a herd of strangers cannot keep the devices away that have been here.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "common/base/time.hpp"

namespace longhaul::collector {

enum class HandshakeStep : std::uint8_t { go_on, resume, begin };  // in the order of their turns

template <class Job>
class HandshakeQueue {
 public:
    // `full_per_s` may begin in a second, and as many at once after a quiet one.
    HandshakeQueue(std::size_t at_once, std::int64_t full_per_s)
        : at_once_{at_once}, full_per_s_{full_per_s}, tokens_{full_per_s * per_token} {}

    void set_full_per_s(std::int64_t full_per_s) { full_per_s_ = full_per_s; }
    void add(HandshakeStep step, Job job) { line_of(step).push_back(std::move(job)); }

    // The next one to work on; nothing: none waits, enough are worked on, or none may begin yet.
    std::optional<Job> next(MonotonicMs now) {
        refill(now);
        if (running_ >= at_once_) return std::nullopt;
        for (auto& line : lines_) {
            if (line.empty()) continue;
            if (&line == &line_of(HandshakeStep::begin)) {
                if (tokens_ < per_token) return std::nullopt;
                tokens_ -= per_token;
            }
            Job job = std::move(line.front());
            line.pop_front();
            ++running_;
            return job;
        }
        return std::nullopt;
    }
    // One that next() gave has been worked on.
    void done() { --running_; }

    // When next() has to be asked again, should nothing else happen.
    MonotonicMs due(MonotonicMs now) const {
        if (running_ >= at_once_ || lines_.back().empty() || tokens_ >= per_token)
            return MonotonicMs::never();
        return now + (per_token - tokens_ + full_per_s_ - 1) / full_per_s_;
    }

    // True: it waited, and does so no more.
    template <class Same>
    bool withdraw(Same same) {
        for (auto& line : lines_) {
            const auto found = std::find_if(line.begin(), line.end(), same);
            if (found == line.end()) continue;
            line.erase(found);
            return true;
        }
        return false;
    }
    // The oldest of those whose turn comes last; nothing: none waits.
    std::optional<Job> withdraw_last() {
        for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) {
            if (line->empty()) continue;
            Job job = std::move(line->front());
            line->pop_front();
            return job;
        }
        return std::nullopt;
    }
    std::size_t waiting() const {
        std::size_t count = 0;
        for (const auto& line : lines_) count += line.size();
        return count;
    }

 private:
    static constexpr std::int64_t per_token = 1000;  // so that a millisecond counts exactly

    std::deque<Job>& line_of(HandshakeStep step) { return lines_[static_cast<std::size_t>(step)]; }
    void refill(MonotonicMs now) {
        const std::int64_t passed_ms = std::clamp<std::int64_t>(now - refilled_at_, 0, 1000);
        refilled_at_ = now;
        tokens_ = std::min(tokens_ + passed_ms * full_per_s_, full_per_s_ * per_token);
    }

    std::size_t at_once_;
    std::int64_t full_per_s_;
    std::int64_t tokens_;
    MonotonicMs refilled_at_;
    std::size_t running_ = 0;
    std::array<std::deque<Job>, 3> lines_;
};

}  // namespace longhaul::collector
