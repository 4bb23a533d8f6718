// What a port promises to the agent's core, checked where the port runs: on a board, in an
// emulator, on a host. No library of tests is needed, and no heap; each promise is a line of text.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/port/entropy.hpp"
#include "agent/port/flash.hpp"
#include "agent/port/link.hpp"

namespace longhaul::port {

struct ContractCounts {
    std::uint32_t held = 0;
    std::uint32_t failed = 0;
    std::uint32_t left_out = 0;
};

class Contract {
 public:
    // `say` takes the pieces of lines.
    using Say = void (*)(std::string_view text);
    // `before`: what was checked already, before a restart.
    explicit Contract(Say say, const ContractCounts& before = {}) : say_{say}, counts_{before} {}

    void begin(std::string_view port) { port_ = port; }
    void check(bool holds, std::string_view promise) {
        ++(holds ? counts_.held : counts_.failed);
        line(promise, holds ? "holds" : "FAILS");
    }
    void leave_out(std::string_view promise) {
        ++counts_.left_out;
        line(promise, "left out");
    }
    const ContractCounts& counts() const { return counts_; }
    unsigned held() const { return counts_.held; }
    unsigned failed() const { return counts_.failed; }
    unsigned left_out() const { return counts_.left_out; }

 private:
    void line(std::string_view promise, std::string_view what) const {
        for (const std::string_view piece :
             {std::string_view{"contract: "}, port_, std::string_view{": "}, promise,
              std::string_view{": "}, what, std::string_view{"\n"}})
            say_(piece);
    }

    Say say_;
    std::string_view port_;
    ContractCounts counts_;
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
