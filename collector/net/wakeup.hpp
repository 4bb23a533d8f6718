// Where a coroutine waits for one of several kinds of news, and never longer than its deadline.
//
// Whoever has news notes it where the coroutine will look and calls wake(). One timer does both
// jobs, and the coroutine waits for it itself: no other takes memory meanwhile. Everything happens
// on the executor's one thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/steady_timer.hpp>

#include "collector/net/clock.hpp"

namespace longhaul::collector {

class Wakeup {
 public:
    explicit Wakeup(const boost::asio::any_io_executor& executor) : timer_{executor} {}

    void wake() {
        const bool nobody_waits = timer_.cancel() == 0;
        woken_ = woken_ || nobody_waits;
    }

    // To be awaited at once. Returns at once when wake() was called since the last wait.
    auto wait_until(MonotonicMs deadline) {
        timer_.expires_at(time_point_of(woken_ ? MonotonicMs{0} : deadline));
        woken_ = false;
        return timer_.async_wait(boost::asio::as_tuple(boost::asio::deferred));
    }

 private:
    boost::asio::steady_timer timer_;
    bool woken_ = false;
};

}  // namespace longhaul::collector
