#include "collector/net/listener.hpp"

#include "collector/net/endpoint.hpp"

namespace longhaul::collector {

using boost::asio::awaitable;
using boost::asio::ip::tcp;

namespace {

constexpr std::int64_t accept_pause_ms = 100;  // after an error such as too many open files

}  // namespace

Listener::Listener(tcp::acceptor acceptor, Gateway& gateway)
    : acceptor_{std::move(acceptor)},
      gateway_{gateway},
      pause_{acceptor_.get_executor()},
      handshakes_{acceptor_.get_executor()},
      tasks_{acceptor_.get_executor(), [&gateway](const std::string& what) {
                 ++gateway.counters.exceptions;
                 gateway.log.error("a connection ended by an exception", {{"text", what}});
             }} {}

Result<std::unique_ptr<Listener>, Message> Listener::open(
    const boost::asio::any_io_executor& executor, const std::string& address, Gateway& gateway) {
    LH_TRY_ASSIGN(tcp::acceptor acceptor, open_acceptor(executor, address));
    return std::unique_ptr<Listener>{new Listener{std::move(acceptor), gateway}};
}

std::string Listener::address() const { return text_of(acceptor_.local_endpoint()); }

void Listener::refuse_one_more(const tcp::socket& socket) {
    boost::system::error_code ignored;
    gateway_.refuse(text_of(socket.remote_endpoint(ignored)), nullptr,
                    {RefusalReason::connections,
                     std::to_string(connections_.size()) + " connections are open already"});
}

void Listener::tell_failed_accept(const boost::system::error_code& error) {
    gateway_.log.warn("cannot accept a connection", {{"text", error.message()}});
}

awaitable<void> Listener::run() {
    while (!finishing_) {
        auto accepted =
            co_await acceptor_.async_accept(boost::asio::as_tuple(boost::asio::use_awaitable));
        if (finishing_) break;
        if (const auto error = std::get<0>(accepted)) {
            tell_failed_accept(error);
            co_await pause_.wait_until(monotonic_now() + accept_pause_ms);
            continue;
        }
        ++gateway_.counters.accepted;
        // Whoever hangs in a handshake makes room for one who may be quicker.
        if (connections_.size() >= gateway_.connections_max && !handshakes_.drop_oldest()) {
            refuse_one_more(std::get<1>(accepted));
            continue;
        }
        serve(
            std::make_shared<Connection>(std::move(std::get<1>(accepted)), gateway_, handshakes_));
    }
}

void Listener::serve(std::shared_ptr<Connection> connection) {
    connections_.insert(connection);
    ++gateway_.counters.connections;
    Connection& served = *connection;
    const auto leave = [this, connection = std::move(connection)] {
        handshakes_.leave(*connection);  // an exception may have ended it in its handshake
        connections_.erase(connection);
        --gateway_.counters.connections;
        connection->on_left();
    };
    tasks_.start(served.run(), leave);
}

void Listener::expel(const Judge& judge) {
    for (const auto& connection : connections_) {
        const PeerIdentity* const peer = connection->peer();
        if (peer == nullptr) continue;
        if (const auto refusal = judge(*peer)) connection->expel(*refusal);
    }
}

void Listener::offer_sealing_keys() {
    for (const auto& connection : connections_) connection->offer_sealing_key();
}

void Listener::finish() {
    finishing_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.wake();
    for (const auto& connection : connections_) connection->finish();
}

void Listener::abort() {
    for (const auto& connection : connections_) connection->abort();
}

}  // namespace longhaul::collector
