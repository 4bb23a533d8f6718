// agent/port/link.hpp
#include <algorithm>
#include <array>

#include "tests/port/board/contract.hpp"

namespace longhaul::port {
namespace {

using agent::Link;
using agent::LinkState;

constexpr std::int64_t open_ms_max = 30'000, echo_ms_max = 60'000;
// As an upper bound for "does not wait": a board under an emulator loses its processor now and
// then.
constexpr std::int64_t call_ms_max = 250;
constexpr std::size_t echoed_bytes = 20'000;

std::byte sent_at(std::size_t at) { return static_cast<std::byte>(at * 13 + at / 251); }

// The longest that a call has taken.
class Stopwatch {
 public:
    explicit Stopwatch(const Pace& pace) : pace_{pace} {}
    template <class Call>
    auto time(Call call) {
        const MonotonicMs began = pace_.now();
        auto result = call();
        longest_ = std::max(longest_, pace_.now() - began);
        return result;
    }
    std::int64_t longest_ms() const { return longest_; }

 private:
    const Pace& pace_;
    std::int64_t longest_ = 0;
};

// Where it stands after opening: open, or closed when it could not be.
LinkState open(Link& link, const Pace& pace) {
    const MonotonicMs until = pace.now() + open_ms_max;
    while (pace.now() < until) {
        if (link.open(pace.now()).ok()) break;
        link.close();  // no address yet, for example
        pace.wait();
    }
    LinkState state = link.poll(pace.now());
    while (state == LinkState::opening && pace.now() < until) {
        pace.wait();
        state = link.poll(pace.now());
    }
    return state;
}

// Bytes that came back as they were sent, until one did not.
std::size_t echo(Link& link, const Pace& pace, Stopwatch& watch) {
    std::array<std::byte, 700> room;
    std::size_t sent = 0, back = 0;
    const MonotonicMs until = pace.now() + echo_ms_max;
    while (back < echoed_bytes && pace.now() < until) {
        const std::size_t count = std::min(echoed_bytes - sent, 1 + sent % room.size());
        for (std::size_t i = 0; i < count; ++i) room[i] = sent_at(sent + i);
        const auto taken = watch.time([&] { return link.write(Bytes{room}.first(count)); });
        if (!taken.ok() || taken.value() > count) return back;
        sent += taken.value();
        const auto got = watch.time([&] { return link.read(MutableBytes{room}.first(500)); });
        if (!got.ok()) return back;
        for (std::size_t i = 0; i < got.value(); ++i)
            if (room[i] != sent_at(back++)) return 0;
        pace.wait();
        if (watch.time([&] { return link.poll(pace.now()); }) != LinkState::open) return back;
    }
    return back;
}

bool is_closed(Link& link, const Pace& pace) {
    std::array<std::byte, 1> byte{};
    return link.poll(pace.now()) == LinkState::closed && !link.write(byte).ok() &&
           !link.read(byte).ok() && link.last_error() != nullptr;
}

}  // namespace

void check_link(Link& link, Link& refused, const Pace& pace, Contract& contract) {
    contract.begin("link");
    contract.check(is_closed(link, pace), "one that was never opened is closed");
    link.close();
    link.close();
    contract.check(is_closed(link, pace), "closing once more does nothing");
    const bool opened = open(link, pace) == LinkState::open;
    contract.check(opened, "it opens within half a minute");
    if (!opened) return;
    Stopwatch watch{pace};
    contract.check(echo(link, pace, watch) == echoed_bytes,
                   "20,000 bytes come back in order, unchanged, once");
    contract.check(watch.longest_ms() <= call_ms_max, "no call waits for the network");
    link.close();
    contract.check(is_closed(link, pace), "it is closed when it was told to");
    contract.check(open(refused, pace) == LinkState::closed && *refused.last_error() != '\0',
                   "where nobody listens it closes, and says why");
    refused.close();
    contract.check(open(link, pace) == LinkState::open && echo(link, pace, watch) == echoed_bytes,
                   "it opens again, and carries");
    link.close();
}

}  // namespace longhaul::port
