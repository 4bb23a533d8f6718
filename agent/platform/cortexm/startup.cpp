// From reset to lh_run(): vectors, memory, constructors, a painted stack.
#include <cstddef>
#include <cstdint>

#include "agent/platform/cortexm/last_words.hpp"
#include "agent/platform/cortexm/startup.hpp"

extern "C" {
// From the linker script; only their addresses count.
extern std::uint32_t __data_load, __data_start, __data_end, __bss_start, __bss_end, __stack_limit,
    __stack_top;
extern void (*__init_array_start[])();
extern void (*__init_array_end[])();
void lh_run();
[[noreturn]] void reset_handler();
}

namespace {

constexpr std::uint32_t paint = 0xdeadbeef;

}  // namespace

extern "C" {
// Where it happened: the program counter that the processor has put on the stack.
[[noreturn, gnu::used]] void lh_fault_at(const std::uint32_t* frame) {
    constexpr std::size_t program_counter = 6;
    longhaul::agent::die(longhaul::agent::Death::fault, "processor fault", frame[program_counter]);
}
[[gnu::naked, gnu::used]] static void fault_handler() {
    asm volatile("mrs r0, msp\n b lh_fault_at");
}
void tick_handler();
void board_handler();
}

namespace {

using Handler = void (*)();
constexpr std::size_t interrupts = 64;
struct Vectors {
    std::uint32_t* stack;
    Handler handlers[15 + interrupts];
};

constexpr Vectors make_vectors() {
    Vectors vectors{&__stack_top, {}};
    for (std::size_t i = 0; i < 15; ++i) vectors.handlers[i] = fault_handler;
    vectors.handlers[0] = reset_handler;
    vectors.handlers[14] = tick_handler;
    for (std::size_t i = 15; i < 15 + interrupts; ++i) vectors.handlers[i] = board_handler;
    return vectors;
}

}  // namespace

extern "C" {
[[gnu::section(".vectors"), gnu::used]] extern constinit const Vectors lh_vectors = make_vectors();

void reset_handler() {
    std::uint32_t* from = &__data_load;
    for (std::uint32_t* to = &__data_start; to < &__data_end;) *to++ = *from++;
    for (std::uint32_t* to = &__bss_start; to < &__bss_end;) *to++ = 0;
    std::uint32_t* here = nullptr;
    asm volatile("mov %0, sp" : "=r"(here));
    for (std::uint32_t* to = &__stack_limit; to < here - 16;) *to++ = paint;
#if defined(__ARM_FP)
    *reinterpret_cast<volatile std::uint32_t*>(0xe000ed88) |= 0xfU << 20;
    asm volatile("dsb\n isb");
#endif
    for (auto* each = __init_array_start; each < __init_array_end; ++each) (*each)();
    lh_run();
    for (;;) asm volatile("wfi");
}
}

namespace longhaul::agent {

std::size_t stack_bytes_max() {
    const std::uint32_t* deepest = &__stack_limit;
    while (deepest < &__stack_top && *deepest == paint) ++deepest;
    return static_cast<std::size_t>(&__stack_top - deepest) * sizeof(std::uint32_t);
}

}  // namespace longhaul::agent
