// Why devices are refused: told by reasons that can be counted, and by a sentence for people.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/registry/registry.hpp"

namespace longhaul::collector {

enum class RefusalReason : std::uint8_t {
    connections,         // too many are open
    handshake,           // TLS: no certificate, one that is not trusted or expired, no TLS at all
    handshake_deadline,  // TLS took too long
    application,         // the protocol longhaul/1 was not asked for
    certificate,         // it names no device
    environment,
    tenant,     // not registered
    authority,  // of another tenant
    unknown_device,
    revoked,
    protocol,            // of the session
    registry,            // it could not be asked
    expired,             // the certificate, while its session went on
    handshakes,          // too many were under way, and this was the oldest
    tenant_connections,  // the tenant has as many as it may have
    tenant_handshakes,   // in this second
    enrolment,           // of its listener, whatever it was
};
inline constexpr std::size_t refusal_reason_count = 17;
const char* name_of(RefusalReason reason);

struct Refusal {
    RefusalReason reason;
    std::string text;
};

// The last note of each device, on its way from the network's thread to the registry. Bounded:
// what does not fit before it is taken is not kept, for strangers can refuse themselves a name.
template <class Note>
class DeviceNotes {
 public:
    static constexpr std::size_t notes_max = 1000;

    void add(Note note) {
        const std::lock_guard lock{mutex_};
        const auto known = std::find_if(notes_.begin(), notes_.end(), [&](const Note& each) {
            return each.tenant == note.tenant && each.device == note.device;
        });
        if (known != notes_.end()) {
            *known = std::move(note);
        } else if (notes_.size() < notes_max) {
            notes_.push_back(std::move(note));
        }
    }
    std::vector<Note> take() {
        const std::lock_guard lock{mutex_};
        return std::exchange(notes_, {});
    }

 private:
    std::mutex mutex_;
    std::vector<Note> notes_;
};
using RefusalNotes = DeviceNotes<NotedRefusal>;
using CloneNotes = DeviceNotes<NotedClone>;

// The newest of something, on its way from one thread to another.
template <class Note>
class NewestNote {
 public:
    void set(Note note) {
        const std::lock_guard lock{mutex_};
        if (note != last_) fresh_ = true;
        last_ = std::move(note);
    }
    // Nothing: it has not changed since.
    std::optional<Note> take() {
        const std::lock_guard lock{mutex_};
        return std::exchange(fresh_, false) ? std::optional{last_} : std::nullopt;
    }

 private:
    std::mutex mutex_;
    Note last_{};
    bool fresh_ = false;
};

// So many lines at once and so many a second; those that are left out are counted.
class LineLimit {
 public:
    static constexpr std::int64_t burst = 100;
    static constexpr std::int64_t ms_per_line = 100;

    bool take(std::int64_t now_ms) {
        const std::int64_t gained = (now_ms - counted_at_ms_) / ms_per_line;
        if (gained > 0) {
            counted_at_ms_ = gained >= burst ? now_ms : counted_at_ms_ + gained * ms_per_line;
            lines_ = gained >= burst - lines_ ? burst : lines_ + gained;
        }
        if (lines_ == 0) {
            ++left_out_;
            return false;
        }
        --lines_;
        return true;
    }
    // Since it was asked the last time.
    std::uint64_t left_out() {
        const std::uint64_t count = left_out_;
        left_out_ = 0;
        return count;
    }

 private:
    std::int64_t lines_ = burst;
    std::int64_t counted_at_ms_ = 0;
    std::uint64_t left_out_ = 0;
};

}  // namespace longhaul::collector
