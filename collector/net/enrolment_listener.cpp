#include "collector/net/enrolment_listener.hpp"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "collector/net/endpoint.hpp"

namespace longhaul::collector {

using boost::asio::as_tuple;
using boost::asio::awaitable;
using boost::asio::use_awaitable;
using boost::asio::ip::tcp;

namespace {

constexpr std::int64_t accept_pause_ms = 100;
constexpr std::size_t read_bytes = 2048;

}  // namespace

// One connection. The timer ends its waits.
class EnrolmentListener::Exchange
    : public std::enable_shared_from_this<EnrolmentListener::Exchange> {
 public:
    Exchange(tcp::socket socket, const EnrolmentListener& listener)
        : socket_{std::move(socket)},
          timer_{socket_.get_executor()},
          entrance_{listener.entrance_},
          told_{listener.told_},
          limits_{listener.limits_},
          session_{entrance_->desk, listener.codes_} {
        boost::system::error_code error;
        const tcp::endpoint peer = socket_.remote_endpoint(error);
        peer_ = error ? "unknown" : text_of(peer);
        socket_.non_blocking(true, error);
    }

    awaitable<void> run() {
        auto tls = TlsStream::make(*entrance_->tls, socket_.native_handle());
        if (!tls.ok()) co_return;
        tls_ = std::move(tls).value();
        const bool agreed = co_await shake_hands();
        if (!agreed) {
            told_.refused(
                peer_, {"handshake", late_ ? "the handshake took too long"
                                           : "no TLS for longhaul-enrol/1: " + tls_->last_error()});
            co_return;
        }
        const bool heard = co_await hear();
        if (!heard) {
            told_.refused(peer_, {"protocol", "no Enrol came in time"});
            co_return;
        }
        if (session_.refusal()) told_.refused(peer_, *session_.refusal());
        if (session_.enrolled()) told_.enrolled(peer_, *session_.enrolled());
        co_await answer();
        tls_->close_notify();
    }
    void abort() {
        late_ = true;
        boost::system::error_code ignored;
        socket_.cancel(ignored);
    }

 private:
    // False: the deadline came first, or the connection is gone.
    awaitable<bool> wait(TlsWant want, MonotonicMs deadline) {
        if (late_) co_return false;
        timer_.expires_at(time_point_of(deadline));
        // May be called when the exchange has ended.
        const auto give_up = [self = shared_from_this(),
                              this](const boost::system::error_code& error) {
            if (error) return;
            late_ = true;
            boost::system::error_code ignored;
            socket_.cancel(ignored);
        };
        timer_.async_wait(give_up);
        const auto direction =
            want == TlsWant::read ? tcp::socket::wait_read : tcp::socket::wait_write;
        auto waited = co_await socket_.async_wait(direction, as_tuple(use_awaitable));
        timer_.cancel();
        co_return !std::get<0>(waited) && !late_;
    }

    awaitable<bool> shake_hands() {
        const MonotonicMs deadline = monotonic_now() + limits_.handshake_deadline_ms;
        for (;;) {
            const auto want = tls_->handshake();
            if (!want.ok()) co_return false;
            if (want.value() == TlsWant::nothing) co_return tls_->agreed_on_protocol();
            const bool ready = co_await wait(want.value(), deadline);
            if (!ready) co_return false;
        }
    }

    awaitable<bool> hear() {
        const MonotonicMs deadline = monotonic_now() + limits_.frame_deadline_ms;
        std::array<std::byte, read_bytes> room;
        while (session_.answer().empty()) {
            const auto got = tls_->read(room);
            if (!got.ok()) co_return false;
            const TlsProgress progress = got.value();
            if (progress.want != TlsWant::nothing) {
                const bool ready = co_await wait(progress.want, deadline);
                if (!ready) co_return false;
                continue;
            }
            if (progress.bytes == 0) co_return false;
            session_.on_bytes(Bytes{room}.first(progress.bytes), wall_now());
        }
        co_return true;
    }

    awaitable<void> answer() {
        const MonotonicMs deadline = monotonic_now() + limits_.frame_deadline_ms;
        for (Bytes left = session_.answer(); !left.empty();) {
            const auto sent = tls_->write(left);
            if (!sent.ok()) co_return;
            left = left.subspan(sent.value().bytes);
            if (sent.value().want == TlsWant::nothing) continue;
            const bool ready = co_await wait(sent.value().want, deadline);
            if (!ready) co_return;
        }
    }

    tcp::socket socket_;
    boost::asio::steady_timer timer_;
    std::string peer_;
    std::shared_ptr<const EnrolmentEntrance> entrance_;
    const Told& told_;
    EnrolmentLimits limits_;
    EnrolmentSession session_;
    std::unique_ptr<TlsStream> tls_;
    bool late_ = false;
};

EnrolmentListener::EnrolmentListener(tcp::acceptor acceptor,
                                     std::shared_ptr<const EnrolmentEntrance> entrance,
                                     EnrolmentCodes& codes, Told told,
                                     const EnrolmentLimits& limits)
    : acceptor_{std::move(acceptor)},
      entrance_{std::move(entrance)},
      codes_{codes},
      told_{std::move(told)},
      limits_{limits},
      pause_{acceptor_.get_executor()},
      tasks_{acceptor_.get_executor(),
             [this](const std::string& what) { told_.refused("", {"exception", what}); }} {}

EnrolmentListener::~EnrolmentListener() = default;

Result<std::unique_ptr<EnrolmentListener>, Message> EnrolmentListener::open(
    const boost::asio::any_io_executor& executor, const std::string& address,
    std::shared_ptr<const EnrolmentEntrance> entrance, EnrolmentCodes& codes, Told told,
    const EnrolmentLimits& limits) {
    LH_TRY_ASSIGN(tcp::acceptor acceptor, open_acceptor(executor, address));
    return std::unique_ptr<EnrolmentListener>{new EnrolmentListener{
        std::move(acceptor), std::move(entrance), codes, std::move(told), limits}};
}

std::string EnrolmentListener::address() const { return text_of(acceptor_.local_endpoint()); }

awaitable<void> EnrolmentListener::run() {
    while (!finishing_) {
        auto accepted = co_await acceptor_.async_accept(as_tuple(use_awaitable));
        if (finishing_) break;
        const bool failed = static_cast<bool>(std::get<0>(accepted));
        if (failed) co_await pause_.wait_until(monotonic_now() + accept_pause_ms);
        if (failed) continue;
        if (exchanges_.size() >= limits_.connections_max) {
            boost::system::error_code ignored;
            told_.refused(text_of(std::get<1>(accepted).remote_endpoint(ignored)),
                          {"connections", "as many enrol already as may at once"});
            continue;
        }
        serve(std::move(std::get<1>(accepted)));
    }
    co_await tasks_.wait_until(MonotonicMs::never());
}

void EnrolmentListener::serve(tcp::socket socket) {
    auto exchange = std::make_shared<Exchange>(std::move(socket), *this);
    exchanges_.insert(exchange);
    Exchange& served = *exchange;
    const auto leave = [this, exchange = std::move(exchange)] { exchanges_.erase(exchange); };
    tasks_.start(served.run(), leave);
}

void EnrolmentListener::finish() {
    finishing_ = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.wake();
    for (const auto& exchange : exchanges_) exchange->abort();
}

}  // namespace longhaul::collector
