#include "collector/net/endpoint.hpp"

#include <charconv>
#include <sstream>

namespace longhaul::collector {

using boost::asio::ip::tcp;

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

std::string text_of(const tcp::endpoint& endpoint) {
    std::ostringstream text;
    text << endpoint;
    return text.str();
}

Result<tcp::acceptor, Message> open_acceptor(const boost::asio::any_io_executor& executor,
                                             const std::string& address) {
    const auto endpoint = parse_endpoint(address);
    if (!endpoint.ok()) return Message{"listen = \"" + address + "\": " + endpoint.error().detail};
    tcp::acceptor acceptor{executor};
    boost::system::error_code error;
    acceptor.open(endpoint.value().protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error) acceptor.bind(endpoint.value(), error);
    if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
    if (error) return Message{"cannot listen on " + address + ": " + error.message()};
    return acceptor;
}

}  // namespace longhaul::collector
