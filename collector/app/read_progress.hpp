// Says every few seconds how far a long reading has come, how fast it goes and how long it still
// takes. What is done sooner gets no line.
#pragma once

#include <cstdint>

#include "collector/net/log.hpp"
#include "common/base/time.hpp"

namespace longhaul::collector {

class ReadProgress {
 public:
    static constexpr std::int64_t every_ms = 5'000;

    // `what` is read, of so many bytes; a literal.
    ReadProgress(Log& log, const char* what, std::uint64_t bytes, MonotonicMs now)
        : log_{log}, what_{what}, bytes_{bytes}, began_{now}, next_{now + every_ms} {}

    void at(std::uint64_t done, MonotonicMs now);
    // Behind lines of at(), one more.
    void end(MonotonicMs now);

 private:
    Log& log_;
    const char* what_;
    std::uint64_t bytes_;
    MonotonicMs began_;
    MonotonicMs next_;
    bool told_ = false;
};

}  // namespace longhaul::collector
