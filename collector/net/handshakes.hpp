// Handshakes are worked on by threads of their own, which give way to the network's and the
// journal's, so that devices that are connected get their acknowledgements whatever knocks.
//
// It also knows who waits for its peer in the middle of a handshake: when there is no room for
// another one, the oldest of these goes, for an honest device needs no time to speak of. If none
// does, one goes whose turn is far.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "collector/net/handshake_queue.hpp"
#include "collector/net/wakeup.hpp"

namespace longhaul::collector {

// A connection in its handshake.
class Shaker {
 public:
    virtual ~Shaker() = default;
    virtual void work() = 0;       // on a thread of the pool; nobody else touches its TLS meanwhile
    virtual void on_worked() = 0;  // on the network's thread from here on
    virtual void on_dropped() = 0;  // it gives up its place; on_worked() will not come

 private:
    friend class Handshakes;
    std::uint64_t place_ = 0;  // 0: none
};

class Handshakes {
 public:
    static constexpr std::int64_t full_per_s_default = 500;
    static constexpr std::size_t places_max_default = 1000;

    explicit Handshakes(const boost::asio::any_io_executor& network);
    ~Handshakes();
    Handshakes(const Handshakes&) = delete;
    Handshakes& operator=(const Handshakes&) = delete;

    void set_full_per_s(std::int64_t count) { queue_.set_full_per_s(count); }
    // Places of those whose handshake holds memory; more than `places_max` have the oldest dropped.
    void enter(Shaker& shaker, std::size_t places_max);
    void leave(Shaker& shaker);  // may be called again
    // False: all of them are worked on right now.
    bool drop_oldest();

    void submit(const std::shared_ptr<Shaker>& shaker, HandshakeStep step);
    // True: on_worked() will not come.
    bool withdraw(const Shaker& shaker);

 private:
    void begin_work();
    void run_thread();

    boost::asio::any_io_executor network_;
    HandshakeQueue<std::shared_ptr<Shaker>> queue_;
    std::map<std::uint64_t, Shaker*> waiting_;  // by place: for their peers
    std::size_t places_ = 0;
    std::uint64_t next_place_ = 1;
    boost::asio::steady_timer timer_;
    boost::asio::io_context work_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    std::vector<std::thread> threads_;
};

}  // namespace longhaul::collector
