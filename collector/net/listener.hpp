// Accepts connections and looks after them until the last one has ended.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "collector/net/connection.hpp"
#include "collector/net/task_group.hpp"

namespace longhaul::collector {

class Listener {
 public:
    // Binds and listens at once; run() accepts. The gateway outlives the listener.
    static Result<std::unique_ptr<Listener>, Message> open(
        const boost::asio::any_io_executor& executor, const std::string& address, Gateway& gateway);

    unsigned short port() const { return acceptor_.local_endpoint().port(); }
    std::string address() const;
    std::size_t connections() const { return connections_.size(); }
    Handshakes& handshakes() { return handshakes_; }

    // Ends the sessions that `judge` has something against.
    using Judge = std::function<std::optional<Refusal>(const PeerIdentity&)>;
    void expel(const Judge& judge);
    void offer_sealing_keys();
    boost::asio::any_io_executor executor() { return acceptor_.get_executor(); }

    // Until finish() was called.
    boost::asio::awaitable<void> run();

    // The two steps of a shutdown; the second one is for what is left after the first.
    void finish();
    void abort();
    // Until no connection is left; false: the deadline came first.
    boost::asio::awaitable<bool> ended(MonotonicMs deadline) { return tasks_.wait_until(deadline); }

 private:
    Listener(boost::asio::ip::tcp::acceptor acceptor, Gateway& gateway);
    void serve(std::shared_ptr<Connection> connection);
    void refuse_one_more(const boost::asio::ip::tcp::socket& socket);
    void tell_failed_accept(const boost::system::error_code& error);

    boost::asio::ip::tcp::acceptor acceptor_;
    Gateway& gateway_;
    Wakeup pause_;
    Handshakes handshakes_;
    std::set<std::shared_ptr<Connection>> connections_;
    TaskGroup tasks_;
    bool finishing_ = false;
};

}  // namespace longhaul::collector
