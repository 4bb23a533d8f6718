#include "collector/net/http_listener.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <optional>
#include <thread>

#include "tests/support/tls_client.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

class Served {
 public:
    explicit Served(const HttpLimits& limits = {}) {
        const auto handler = [](std::string_view path) {
            return HttpAnswer{path == "/there" ? 200U : 404U, "text/plain", "what was asked for\n"};
        };
        listener_ =
            HttpListener::open(network_.get_executor(), "127.0.0.1:0", handler, limits).value();
        tasks_.start(listener_->run());
        thread_ = std::thread{[this] { network_.run(); }};
    }
    ~Served() {
        boost::asio::post(network_, [this] { listener_->finish(); });
        thread_.join();
    }
    int connect() const { return test::connect_to(listener_->port()); }
    std::string ask(const std::string& request) const {
        const int socket = connect();
        (void)::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
        std::string answer = rest_of(socket);
        ::close(socket);
        return answer;
    }
    static std::string rest_of(int socket) {
        std::string text;
        std::array<char, 4096> room;
        for (ssize_t got = 0; (got = ::read(socket, room.data(), room.size())) > 0;)
            text.append(room.data(), static_cast<std::size_t>(got));
        return text;
    }

 private:
    boost::asio::io_context network_{1};
    TaskGroup tasks_{network_.get_executor(), [](const std::string&) {}};
    std::unique_ptr<HttpListener> listener_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("http: what is asked is answered, or refused with its status") {
    struct Case {
        const char* what;
        std::string request;
        const char* begins;
        const char* has;
    };
    const std::string end = " HTTP/1.1\r\nHost: x\r\n\r\n";
    const Case cases[] = {
        {"a path", "GET /there" + end, "HTTP/1.1 200", "\r\n\r\nwhat was asked for\n"},
        {"a query is left out", "GET /there?a=b" + end, "HTTP/1.1 200", "what was asked for\n"},
        {"the old version", "GET /there HTTP/1.0\r\n\r\n", "HTTP/1.1 200", "what was asked for\n"},
        {"another path", "GET /elsewhere" + end, "HTTP/1.1 404", ""},
        {"a head", "HEAD /there" + end, "HTTP/1.1 200", "Content-Length: 19\r\n\r\n"},
        {"another method", "DELETE /there" + end, "HTTP/1.1 405", "Allow: GET, HEAD\r\n"},
        {"a method that nobody knows", "STEAL /there" + end, "HTTP/1.1 405", ""},
        {"a body", "POST /there HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 413", ""},
        {"a body in chunks", "POST /there HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "HTTP/1.1 413", ""},
        {"a header that is too long", "GET /" + std::string(9000, 'a') + end, "HTTP/1.1 431", ""},
        {"no request at all", "\x16\x03\x01 whatever\r\n\r\n", "HTTP/1.1 400", ""},
    };
    Served served;
    for (const Case& each : cases) {
        CAPTURE(each.what);
        const std::string answer = served.ask(each.request);
        CHECK_THAT(answer, StartsWith(each.begins));
        CHECK_THAT(answer, ContainsSubstring(each.has));
        CHECK_THAT(answer, ContainsSubstring("Connection: close\r\n"));
    }
    CHECK(served.ask("HEAD /there" + end).ends_with("\r\n\r\n"));
}

TEST_CASE("http: who says nothing, or too little, is let go after the deadline") {
    HttpLimits limits;
    limits.request_deadline_ms = 50;
    Served served{limits};
    const int silent = served.connect();
    const int half = served.connect();
    (void)::send(half, "GET /there", 10, MSG_NOSIGNAL);
    CHECK(Served::rest_of(silent).empty());
    CHECK(Served::rest_of(half).empty());
    ::close(silent);
    ::close(half);
}

TEST_CASE("http: no more connections than allowed, and what is open does not hold up the end") {
    HttpLimits limits;
    limits.connections_max = 1;
    std::optional<Served> served{limits};
    const int first = served->connect();
    const int second = served->connect();
    CHECK(Served::rest_of(second).empty());  // closed at once
    served.reset();                          // long before the first one's deadline
    CHECK(Served::rest_of(first).empty());
    ::close(first);
    ::close(second);
}
