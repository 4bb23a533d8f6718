#include "collector/net/http_listener.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>

#include "collector/net/endpoint.hpp"

namespace longhaul::collector {

namespace http = boost::beast::http;
using boost::asio::as_tuple;
using boost::asio::awaitable;
using boost::asio::use_awaitable;
using boost::asio::ip::tcp;

namespace {

constexpr std::int64_t accept_pause_ms = 100;
constexpr const char* plain_text = "text/plain; charset=utf-8";

void fill(http::response<http::string_body>& response, HttpAnswer answer, bool head) {
    response.result(answer.status);
    response.set(http::field::content_type, answer.content_type);
    response.set(http::field::cache_control, "no-store");
    if (answer.status == 405) response.set(http::field::allow, "GET, HEAD");
    response.keep_alive(false);
    response.content_length(answer.body.size());
    if (!head) response.body() = std::move(answer.body);
}

}  // namespace

struct HttpListener::Exchange {
    Exchange(tcp::socket socket, const HttpLimits& limits)
        : stream{std::move(socket)}, buffer{limits.header_bytes_max} {
        parser.header_limit(limits.header_bytes_max);
        parser.body_limit(0);
    }
    boost::beast::tcp_stream stream;
    boost::beast::flat_buffer buffer;
    http::request_parser<http::empty_body> parser;
    http::response<http::string_body> response;
};

HttpListener::HttpListener(tcp::acceptor acceptor, Handler handler, const HttpLimits& limits)
    : acceptor_{std::move(acceptor)},
      handler_{std::move(handler)},
      limits_{limits},
      pause_{acceptor_.get_executor()},
      tasks_{acceptor_.get_executor(), [](const std::string&) {}} {}

HttpListener::~HttpListener() = default;

Result<std::unique_ptr<HttpListener>, Message> HttpListener::open(
    const boost::asio::any_io_executor& executor, const std::string& address, Handler handler,
    const HttpLimits& limits) {
    LH_TRY_ASSIGN(tcp::acceptor acceptor, open_acceptor(executor, address));
    return std::unique_ptr<HttpListener>{
        new HttpListener{std::move(acceptor), std::move(handler), limits}};
}

std::string HttpListener::address() const { return text_of(acceptor_.local_endpoint()); }

awaitable<void> HttpListener::run() {
    while (!finishing_) {
        auto accepted = co_await acceptor_.async_accept(as_tuple(use_awaitable));
        if (finishing_) break;
        const bool failed = static_cast<bool>(std::get<0>(accepted));
        if (failed) co_await pause_.wait_until(monotonic_now() + accept_pause_ms);
        if (failed || exchanges_.size() >= limits_.connections_max) continue;
        auto exchange = std::make_shared<Exchange>(std::move(std::get<1>(accepted)), limits_);
        exchanges_.insert(exchange);
        tasks_.start(serve(std::move(exchange)));
    }
    co_await tasks_.wait_until(MonotonicMs::never());
}

awaitable<void> HttpListener::serve(std::shared_ptr<Exchange> exchange) {
    struct Leave {
        HttpListener& listener;
        const std::shared_ptr<Exchange>& exchange;
        ~Leave() { listener.exchanges_.erase(exchange); }
    };
    const Leave leave{*this, exchange};
    Exchange& at = *exchange;
    at.stream.expires_after(std::chrono::milliseconds{limits_.request_deadline_ms});
    auto read =
        co_await http::async_read_header(at.stream, at.buffer, at.parser, as_tuple(use_awaitable));
    const boost::system::error_code error = std::get<0>(read);
    // A peer that is gone, or too slow, gets no answer.
    if (error && error.category() != boost::beast::error_code{http::error::bad_method}.category())
        co_return;
    if (error == http::error::end_of_stream || error == http::error::partial_message) co_return;
    fill(at.response, answer(at, error), at.parser.get().method() == http::verb::head);
    at.stream.expires_after(std::chrono::milliseconds{limits_.answer_deadline_ms});
    co_await http::async_write(at.stream, at.response, as_tuple(use_awaitable));
    boost::system::error_code ignored;
    at.stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
}

HttpAnswer HttpListener::answer(const Exchange& exchange,
                                const boost::system::error_code& error) const {
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return {431, plain_text, "the request is too long\n"};
    if (error == http::error::body_limit || exchange.parser.chunked())
        return {413, plain_text, "a request has no body here\n"};
    if (error) return {400, plain_text, "this is no request of HTTP\n"};
    const auto& request = exchange.parser.get();
    if (request.method() != http::verb::get && request.method() != http::verb::head)
        return {405, plain_text, "only GET and HEAD are answered here\n"};
    const std::string_view target{request.target().data(), request.target().size()};
    return handler_(target.substr(0, target.find('?')));
}

void HttpListener::finish() {
    finishing_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.wake();
    for (const auto& exchange : exchanges_) exchange->stream.cancel();
}

}  // namespace longhaul::collector
