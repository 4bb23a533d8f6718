// Addresses of sockets: how people write them, and listening on one.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "common/base/result.hpp"

namespace longhaul::collector {

// "127.0.0.1:7600", "[::1]:7600"; malformed otherwise.
Result<boost::asio::ip::tcp::endpoint> parse_endpoint(const std::string& text);
std::string text_of(const boost::asio::ip::tcp::endpoint& endpoint);

// Binds and listens.
Result<boost::asio::ip::tcp::acceptor, Message> open_acceptor(
    const boost::asio::any_io_executor& executor, const std::string& address);

}  // namespace longhaul::collector
