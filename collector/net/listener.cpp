#include "collector/net/listener.hpp"

#include <charconv>
#include <sstream>

namespace longhaul::collector {

using boost::asio::awaitable;
using boost::asio::ip::tcp;

namespace {

constexpr std::int64_t accept_pause_ms = 100;  // after an error such as too many open files

}  // namespace

Result<tcp::endpoint> parse_endpoint(const std::string& text) {
    const Error refused{ErrorCode::malformed, "an address is written 127.0.0.1:7600 or [::1]:7600"};
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) return refused;
    std::string host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    unsigned short port = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return refused;
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(host, error);
    if (error) return refused;
    return tcp::endpoint{address, port};
}

Listener::Listener(tcp::acceptor acceptor, Gateway& gateway)
    : acceptor_{std::move(acceptor)},
      gateway_{gateway},
      pause_{acceptor_.get_executor()},
      tasks_{acceptor_.get_executor(), [&gateway](const std::string& what) {
                 ++gateway.counters.exceptions;
                 gateway.log.error("a connection ended by an exception: {}", what);
             }} {}

Result<std::unique_ptr<Listener>, Message> Listener::open(
    const boost::asio::any_io_executor& executor, const std::string& address, Gateway& gateway) {
    const auto endpoint = parse_endpoint(address);
    if (!endpoint.ok()) return Message{"listen = \"" + address + "\": " + endpoint.error().detail};
    tcp::acceptor acceptor{executor};
    boost::system::error_code error;
    acceptor.open(endpoint.value().protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error) acceptor.bind(endpoint.value(), error);
    if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
    if (error) return Message{"cannot listen on " + address + ": " + error.message()};
    return std::unique_ptr<Listener>{new Listener{std::move(acceptor), gateway}};
}

std::string Listener::address() const {
    std::ostringstream text;
    text << acceptor_.local_endpoint();
    return text.str();
}

awaitable<void> Listener::run() {
    while (!finishing_) {
        auto accepted =
            co_await acceptor_.async_accept(boost::asio::as_tuple(boost::asio::use_awaitable));
        if (finishing_) break;
        if (const auto error = std::get<0>(accepted)) {
            gateway_.log.warn("cannot accept a connection: {}", error.message());
            co_await pause_.wait_until(monotonic_now() + accept_pause_ms);
            continue;
        }
        ++gateway_.counters.accepted;
        if (connections_.size() >= gateway_.connections_max) {
            ++gateway_.counters.refused;
            gateway_.log.warn("refused: {} connections are open already", connections_.size());
            continue;
        }
        auto connection = std::make_shared<Connection>(std::move(std::get<1>(accepted)), gateway_);
        connections_.insert(connection);
        tasks_.start(serve(std::move(connection)));
    }
}

awaitable<void> Listener::serve(std::shared_ptr<Connection> connection) {
    struct Leave {
        Listener& listener;
        const std::shared_ptr<Connection>& connection;
        ~Leave() { listener.connections_.erase(connection); }
    };
    const Leave leave{*this, connection};
    co_await connection->run();
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
