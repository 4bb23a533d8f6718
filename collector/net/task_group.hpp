// Coroutines that somebody waits for: none outlives its group's owner, none fails unheard.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <cstddef>
#include <exception>
#include <functional>
#include <string>
#include <utility>

#include "collector/net/wakeup.hpp"

namespace longhaul::collector {

class TaskGroup {
 public:
    // `on_exception` is told what a library threw out of a coroutine; it cost that one coroutine.
    TaskGroup(boost::asio::any_io_executor executor,
              std::function<void(const std::string&)> on_exception)
        : executor_{std::move(executor)},
          ended_{executor_},
          on_exception_{std::move(on_exception)} {}

    // `then` is called when the task has ended, however that was.
    template <class Then>
    void start(boost::asio::awaitable<void> task, Then then) {
        ++running_;
        const auto ended = [this, then = std::move(then)](const std::exception_ptr& failure) {
            then();
            on_end(failure);
        };
        boost::asio::co_spawn(executor_, std::move(task), ended);
    }
    void start(boost::asio::awaitable<void> task) {
        start(std::move(task), [] {});
    }

    std::size_t running() const { return running_; }

    // Until the last one has ended; false: the deadline came first.
    boost::asio::awaitable<bool> wait_until(MonotonicMs deadline) {
        while (running_ != 0 && monotonic_now() < deadline) co_await ended_.wait_until(deadline);
        co_return running_ == 0;
    }

 private:
    void on_end(const std::exception_ptr& failure) {
        --running_;
        ended_.wake();
        if (!failure) return;
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& error) {
            on_exception_(error.what());
        } catch (...) {
            on_exception_("an exception of unknown type");
        }
    }

    boost::asio::any_io_executor executor_;
    Wakeup ended_;
    std::function<void(const std::string&)> on_exception_;
    std::size_t running_ = 0;
};

}  // namespace longhaul::collector
