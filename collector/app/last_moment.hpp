// The end of a process that should have ended by itself. A disk, a file server or the reader of the
// log that does not answer holds up the thread that waits for it, and nobody can take that back.
// Whatever lasts is on the disk in any moment, so what is left then is what a crash leaves.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

namespace longhaul::collector {

// Waits on a thread of its own, which touches nothing that may not answer.
class LastMoment {
 public:
    // Calls `act` so long after the first SIGTERM, SIGINT or begin(), if this is still there.
    LastMoment(std::chrono::milliseconds after, std::function<void()> act)
        : after_{after}, act_{std::move(act)} {
        signals_.async_wait([this](const boost::system::error_code& error, int) {
            if (!error) start();
        });
        thread_ = std::thread{[this] { io_.run(); }};
    }
    ~LastMoment() {
        io_.stop();
        thread_.join();
    }
    LastMoment(const LastMoment&) = delete;
    LastMoment& operator=(const LastMoment&) = delete;

    void begin() {  // any thread
        boost::asio::post(io_, [this] { start(); });
    }

 private:
    void start() {
        if (begun_) return;
        begun_ = true;
        timer_.expires_after(after_);
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) act_();
        });
    }

    std::chrono::milliseconds after_;
    std::function<void()> act_;
    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_{io_, SIGTERM, SIGINT};
    boost::asio::steady_timer timer_{io_};
    bool begun_ = false;
    std::thread thread_;
};

}  // namespace longhaul::collector
