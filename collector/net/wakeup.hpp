// Where a coroutine waits for one of several kinds of news, and never longer than its deadline.
//
// Whoever has news notes it where the coroutine will look and calls wake(). One timer does both
// jobs, so a wait costs no further coroutine. Everything happens on the executor's one thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "collector/net/clock.hpp"

namespace longhaul::collector {

class Wakeup {
 public:
    explicit Wakeup(const boost::asio::any_io_executor& executor) : timer_{executor} {}

    void wake() {
        woken_ = true;
        timer_.cancel();
    }

    // Returns at once when wake() was called since the last wait.
    boost::asio::awaitable<void> wait_until(MonotonicMs deadline) {
        if (!woken_) {
            timer_.expires_at(time_point_of(deadline));
            co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        }
        woken_ = false;
    }

 private:
    boost::asio::steady_timer timer_;
    bool woken_ = false;
};

}  // namespace longhaul::collector
