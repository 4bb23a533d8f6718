// Whether somebody else speaks with a device's key.
//
// Two sessions of one device that both go on: a device that lost its connection comes back beside a
// session that nobody has ended yet; that one says nothing more, but for what was still on its way.
// So both have to have spoken in turn, more than once, well after the younger one began.
//
// Or short sessions one after the other, each of another life of the device: a life ends with its
// boot, or with the incarnation of its spool, and never comes again. One that does, time and again,
// goes on somewhere else. The time is an argument.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/time.hpp"

namespace longhaul::collector {

// As a Hello says it.
struct DeviceLife {
    Incarnation incarnation;
    std::uint64_t boot = 0;  // 0: the device does not say

    bool operator==(const DeviceLife&) const = default;
};

class CloneWatch {
 public:
    static constexpr std::int64_t settle_ms = 10'000;  // what was on its way has come by then
    static constexpr std::int64_t turn_ms = 1'000;     // or is read at once
    static constexpr int turns_of_clones = 4;          // each of them twice
    static constexpr int returns_of_clones = 2;        // each of them once
    static constexpr std::size_t lives_max = 4;        // of a device that are remembered
    static constexpr std::int64_t told_again_ms = 3'600'000;

    // `remembered_max`: devices whose lives are known; those that were silent the longest are
    // forgotten.
    explicit CloneWatch(std::size_t remembered_max = 100'000) : remembered_max_{remembered_max} {}

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
    // The session's Hello came. If lives take turns, and that was not told for long: where the
    // other one came from.
    std::optional<std::string> greeted(Session session, const DeviceLife& life, MonotonicMs now);
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
            return from(other);
        }
        const std::string& from(std::uint64_t number) const {
            return std::find_if(lives_.begin(), lives_.end(),
                                [&](const auto& each) { return each.first == number; })
                ->second;
        }

        std::pair<std::string, std::string> key_;
        std::vector<std::pair<std::uint64_t, std::string>> lives_;
        MonotonicMs settled_at_;
        MonotonicMs turned_at_;
        std::uint64_t spoke_last_ = 0;
        int turns_ = 0;
    };

 private:
    using Key = std::pair<std::string, std::string>;  // tenant, device
    struct Past {
        Key key;
        std::vector<std::pair<DeviceLife, std::string>> lives{};  // the newest first
        int returns = 0;
        std::optional<MonotonicMs> told_at{};
    };
    Past& past_of(const Key& key);

    std::map<Key, Device> devices_;
    std::uint64_t newest_ = 0;
    std::size_t remembered_max_;
    std::list<Past> pasts_;  // those that spoke last first
    std::map<Key, std::list<Past>::iterator> known_;
};

}  // namespace longhaul::collector
