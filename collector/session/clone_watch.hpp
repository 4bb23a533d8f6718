// Whether somebody else speaks with a device's key: two sessions of one device that both go on.
//
// A device that lost its connection comes back beside a session that nobody has ended yet; that
// one says nothing more, but for what was still on its way. So both have to have spoken in turn,
// more than once, well after the younger one began. The time is an argument.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/time.hpp"

namespace longhaul::collector {

class CloneWatch {
 public:
    static constexpr std::int64_t settle_ms = 10'000;  // what was on its way has come by then
    static constexpr std::int64_t turn_ms = 1'000;     // or is read at once
    static constexpr int turns_of_clones = 4;          // each of them twice

    class Device;
    struct Session {
        Device* device = nullptr;
        std::uint64_t number = 0;
    };

    // `from`: where the session comes from, for whom it may concern.
    Session begin(const std::string& tenant, const std::string& device, std::string from,
                  MonotonicMs now) {
        Device& its = devices_[{tenant, device}];
        its.key_ = {tenant, device};
        its.lives_.emplace_back(++newest_, std::move(from));
        its.watch_anew(now);
        return {&its, newest_};
    }
    // Something came from the device. Once for two sessions: where the other one comes from.
    std::optional<std::string> spoke(Session session, MonotonicMs now) {
        return session.device->spoke(session.number, now);
    }
    void end(Session session, MonotonicMs now) {
        Device& its = *session.device;
        std::erase_if(its.lives_, [&](const auto& each) { return each.first == session.number; });
        its.watch_anew(now);
        if (its.lives_.empty()) devices_.erase(devices_.find(its.key_));
    }

    class Device {
        friend class CloneWatch;
        void watch_anew(MonotonicMs now) {
            settled_at_ = now + settle_ms;
            turns_ = 0;
            spoke_last_ = 0;
        }
        std::optional<std::string> spoke(std::uint64_t number, MonotonicMs now) {
            const bool takes_turn = lives_.size() > 1 && now >= settled_at_ &&
                                    number != spoke_last_ && now - turned_at_ >= turn_ms;
            if (!takes_turn) return std::nullopt;
            const std::uint64_t other = std::exchange(spoke_last_, number);
            turned_at_ = now;
            if (++turns_ != turns_of_clones) return std::nullopt;
            const auto found = std::find_if(lives_.begin(), lives_.end(),
                                            [&](const auto& each) { return each.first == other; });
            return found->second;
        }

        std::pair<std::string, std::string> key_;
        std::vector<std::pair<std::uint64_t, std::string>> lives_;
        MonotonicMs settled_at_;
        MonotonicMs turned_at_;
        std::uint64_t spoke_last_ = 0;
        int turns_ = 0;
    };

 private:
    std::map<std::pair<std::string, std::string>, Device> devices_;
    std::uint64_t newest_ = 0;
};

}  // namespace longhaul::collector
