// The start of a program on a Cortex-M4 or M3 under QEMU: memory, semihosting, main().
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/base/check.hpp"

extern "C" {
extern std::uint32_t data_begin;
extern std::uint32_t data_end;
extern std::uint32_t data_load;
extern std::uint32_t bss_begin;
extern std::uint32_t bss_end;
extern std::uint32_t stack_top;
void initialise_monitor_handles();
int main();
[[noreturn]] void reset_handler();
[[noreturn]] void fault_handler();
}

void reset_handler() {
    const auto data_bytes =
        reinterpret_cast<std::uintptr_t>(&data_end) - reinterpret_cast<std::uintptr_t>(&data_begin);
    const auto bss_bytes =
        reinterpret_cast<std::uintptr_t>(&bss_end) - reinterpret_cast<std::uintptr_t>(&bss_begin);
    std::memcpy(&data_begin, &data_load, data_bytes);
    std::memset(&bss_begin, 0, bss_bytes);
    initialise_monitor_handles();
    std::exit(main());
}

void fault_handler() { std::_Exit(70); }

namespace longhaul {
void check_failed(const char* condition, const char* file, int line) {
    std::printf("%s:%d: %s\n", file, line, condition);
    std::fflush(stdout);
    std::_Exit(71);
}
}  // namespace longhaul

using Handler = void (*)();
struct Vectors {
    std::uint32_t* stack;
    Handler reset;
    Handler others[14];
};
extern const Vectors vectors;
__attribute__((section(".vectors"), used)) const Vectors vectors{
    &stack_top,
    reset_handler,
    {fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, nullptr, nullptr,
     nullptr, nullptr, fault_handler, fault_handler, nullptr, fault_handler, fault_handler}};
