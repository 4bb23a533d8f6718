#include "agent/core/retry_timer.hpp"

#include <algorithm>
#include <array>

#include "agent/core/epoch_maker.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint8_t failures_max = 10;  // 2^10 s is more than 15 minutes
static_assert((RetryTimer::delay_ms_min << failures_max) >= RetryTimer::delay_ms_max);

}  // namespace

RetryTimer::RetryTimer(Spool& spool, Entropy& entropy) : spool_{spool}, entropy_{entropy} {
    std::array<std::byte, 1> room;
    const Result<Bytes> state = spool_.read_state(state_retries, room);
    if (state.ok()) failures_ = std::min(ByteReader{state.value()}.u8(), failures_max);
}

std::int64_t RetryTimer::delay_ms_bound() const {
    return std::min(delay_ms_max, delay_ms_min << failures_);
}

std::int64_t RetryTimer::delay_ms() {
    std::array<std::byte, 8> random{};
    // Without a random source all that is lost is the spread.
    if (!entropy_.fill(random).ok()) return delay_ms_bound();
    return static_cast<std::int64_t>(ByteReader{random}.u64() %
                                     static_cast<std::uint64_t>(delay_ms_bound() + 1));
}

void RetryTimer::failed() {
    set(std::min<std::uint8_t>(static_cast<std::uint8_t>(failures_ + 1), failures_max));
}

void RetryTimer::succeeded() { set(0); }

void RetryTimer::set(std::uint8_t failures) {
    if (failures == failures_) return;
    failures_ = failures;
    const std::byte value{failures};
    // A spool that cannot keep the number costs politeness after a reboot and nothing else.
    const Status kept = spool_.put_state(state_retries, Bytes{&value, 1});
    static_cast<void>(kept);
}

}  // namespace longhaul::agent
