// How a static program ends when nobody catches an exception. The C++ library's own handler has a
// demangler with it, 47 KB; this definition takes its place when the program is linked.
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace longhaul::agent {
namespace {

[[noreturn]] void end_by_exception() {
    if (std::current_exception() != nullptr) {
        try {
            throw;
        } catch (const std::exception& error) {
            std::fprintf(stderr, "longhaul-agent: nobody caught: %s\n", error.what());
        } catch (...) {
            std::fputs("longhaul-agent: nobody caught an exception\n", stderr);
        }
    }
    std::abort();
}

}  // namespace
}  // namespace longhaul::agent

namespace __cxxabiv1 {
// NOLINTNEXTLINE(readability-identifier-naming): the library's name
extern std::terminate_handler __terminate_handler;
// NOLINTNEXTLINE(readability-identifier-naming)
std::terminate_handler __terminate_handler = longhaul::agent::end_by_exception;
}  // namespace __cxxabiv1
