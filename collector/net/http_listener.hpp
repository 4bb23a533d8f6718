// Answers GET and HEAD over plain HTTP, for the programs that watch a collector. No keep-alive, no
// bodies in requests, everything bounded: nobody can hold more than a few sockets for some seconds.
// The only file pair that knows Boost.Beast.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "collector/net/task_group.hpp"
#include "common/base/result.hpp"

namespace longhaul::collector {

struct HttpAnswer {
    unsigned status = 200;
    std::string content_type;
    std::string body;
};

struct HttpLimits {
    std::size_t connections_max = 32;
    std::uint32_t header_bytes_max = 8192;
    std::int64_t request_deadline_ms = 5'000;
    std::int64_t answer_deadline_ms = 10'000;
};

class HttpListener {
 public:
    // Told the path, without what stands behind a '?'. Called on the executor's one thread.
    using Handler = std::function<HttpAnswer(std::string_view path)>;

    static Result<std::unique_ptr<HttpListener>, Message> open(
        const boost::asio::any_io_executor& executor, const std::string& address, Handler handler,
        const HttpLimits& limits = {});
    ~HttpListener();

    std::string address() const;
    unsigned short port() const { return acceptor_.local_endpoint().port(); }
    boost::asio::awaitable<void> run();  // until finish()
    void finish();                       // ends what is under way, too

 private:
    struct Exchange;
    HttpListener(boost::asio::ip::tcp::acceptor acceptor, Handler handler,
                 const HttpLimits& limits);
    boost::asio::awaitable<void> serve(std::shared_ptr<Exchange> exchange);
    HttpAnswer answer(const Exchange& exchange, const boost::system::error_code& error) const;

    boost::asio::ip::tcp::acceptor acceptor_;
    Handler handler_;
    HttpLimits limits_;
    Wakeup pause_;
    std::set<std::shared_ptr<Exchange>> exchanges_;
    TaskGroup tasks_;
    bool finishing_ = false;
};

}  // namespace longhaul::collector
