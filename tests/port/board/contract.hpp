// What a port promises to the agent's core, checked where the port runs: on a board, in an
// emulator, on a host. No library of tests is needed, and no heap; each promise is a line of text.
#pragma once

#include <string_view>

#include "agent/port/entropy.hpp"
#include "agent/port/flash.hpp"
#include "agent/port/link.hpp"

namespace longhaul::port {

class Contract {
 public:
    // `say` takes the pieces of lines.
    using Say = void (*)(std::string_view text);
    explicit Contract(Say say) : say_{say} {}

    void begin(std::string_view port) { port_ = port; }
    void check(bool holds, std::string_view promise) {
        ++(holds ? held_ : failed_);
        line(promise, holds ? "holds" : "FAILS");
    }
    void leave_out(std::string_view promise) {
        ++left_out_;
        line(promise, "left out");
    }
    unsigned held() const { return held_; }
    unsigned failed() const { return failed_; }
    unsigned left_out() const { return left_out_; }

 private:
    void line(std::string_view promise, std::string_view what) const {
        for (const std::string_view piece :
             {std::string_view{"contract: "}, port_, std::string_view{": "}, promise,
              std::string_view{": "}, what, std::string_view{"\n"}})
            say_(piece);
    }

    Say say_;
    std::string_view port_;
    unsigned held_ = 0;
    unsigned failed_ = 0;
    unsigned left_out_ = 0;
};

// The clock that the agent is driven by, and how its main loop sleeps.
struct Pace {
    MonotonicMs (*now)();
    void (*wait)();  // does also what the network needs
};

// Erases sectors `first` and the one after it and leaves a pattern there.
void check_flash(agent::Flash& flash, std::uint32_t first, Contract& contract);
// After a reset or a power cut: the pattern is still there.
void check_flash_kept(agent::Flash& flash, std::uint32_t first, Contract& contract);
void check_clock(const Pace& pace, Contract& contract);
void check_entropy(agent::Entropy& entropy, Contract& contract);
// `echo` leads to who sends everything back, `refused` to where nobody listens.
void check_link(agent::Link& echo, agent::Link& refused, const Pace& pace, Contract& contract);

}  // namespace longhaul::port
