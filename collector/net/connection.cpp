#include "collector/net/connection.hpp"

#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include "collector/net/endpoint.hpp"

namespace longhaul::collector {

using boost::asio::awaitable;
using boost::asio::ip::tcp;

namespace {

constexpr int rounds_before_yield = 16;  // so that one busy device does not starve the others
constexpr std::int64_t write_deadline_ms = 30'000;  // without any byte taken by the peer
constexpr std::size_t goodbye_bytes_max = 1 << 20;

std::string peer_of(const tcp::socket& socket) {
    boost::system::error_code error;
    const tcp::endpoint endpoint = socket.remote_endpoint(error);
    return error ? "unknown" : text_of(endpoint);
}

}  // namespace

Connection::Connection(tcp::socket socket, Gateway& gateway, Handshakes& handshakes)
    : socket_{std::move(socket)},
      gateway_{gateway},
      handshakes_{handshakes},
      entrance_{gateway.entrance},
      wakeup_{socket_.get_executor()},
      peer_{peer_of(socket_)} {}

awaitable<void> Connection::run() {
    boost::system::error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay{true}, ignored);
    if (co_await shake_hands()) {
        if (const auto admitted = admit()) begin_session(*admitted);
        // Awaited here and not in another coroutine, whose memory a waiting device would take.
        for (Pause pause = converse(); pause != Pause::for_ever; pause = converse()) {
            if (pause == Pause::for_others) {
                co_await boost::asio::post(socket_.get_executor(), boost::asio::deferred);
            } else {
                co_await wakeup_.wait_until(session_ ? std::min(session_->deadline(), out_deadline_)
                                                     : out_deadline_);
            }
        }
    }
    co_await say_goodbye();
    count();
    tell_cost(true);
    tls_.reset();  // the journal may know this connection for longer than there is a TlsContext
    socket_.close(ignored);
}

void Connection::finish() {
    finishing_ = true;
    if (session_) session_->finish();
    wakeup_.wake();
}

void Connection::abort() {
    aborted_ = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
    wakeup_.wake();
}

void Connection::expel(const Refusal& refusal) {
    refuse(refusal.reason, refusal.text);
    session_->dismiss(longhaul_ByeReason_BYE_REASON_DENIED, refusal.text, denied_retry_after_ms);
    wakeup_.wake();
}

void Connection::on_durable(std::uint64_t count) {
    durable_ += count;
    session_->on_durable(durable_);
    wakeup_.wake();
}

// Holds no memory of TLS before the first byte has come.
awaitable<bool> Connection::shake_hands() {
    const MonotonicMs deadline = monotonic_now() + gateway_.handshake_deadline_ms;
    handshakes_.enter(*this, gateway_.handshakes_max);
    bool going_on = co_await hear_hello(deadline);
    HandshakeStep step = tls_ && tls_->resumed() ? HandshakeStep::resume : HandshakeStep::begin;
    while (going_on) {
        co_await work_apart(step, deadline);
        step = HandshakeStep::go_on;
        if (!worked_.ok() || worked_.value() == TlsWant::nothing) break;
        going_on = co_await wait_for_peer(worked_.value(), deadline);
    }
    handshakes_.leave(*this);
    if (aborted_) co_return false;
    if (dropped_) {
        refuse(RefusalReason::handshakes, "others wanted the place of this slow handshake");
        co_return false;
    }
    if (!going_on) co_return false;
    if (!worked_.ok()) {
        const bool late = monotonic_now() >= deadline;
        refuse(late ? RefusalReason::handshake_deadline : RefusalReason::handshake,
               late ? "the handshake took too long" : tls_->last_error());
        co_return false;
    }
    if (finishing_) co_return false;  // a session that begins now would be finished by nobody
    ++(tls_->resumed() ? gateway_.counters.handshakes_resumed : gateway_.counters.handshakes_full);
    co_return true;
}

awaitable<bool> Connection::hear_hello(MonotonicMs deadline) {
    TlsWant want = TlsWant::read;
    while (want != TlsWant::nothing) {
        const bool ready = co_await wait_for_peer(want, deadline);
        if (!ready) co_return false;
        if (!tls_) {
            auto tls = TlsStream::make(*entrance_->tls, socket_.native_handle());
            if (!tls.ok()) {
                refuse(RefusalReason::handshake, to_string(tls.error()));
                co_return false;
            }
            tls_ = std::move(tls).value();
        }
        const auto heard = tls_->read_hello();
        if (!heard.ok()) {
            refuse(RefusalReason::handshake, tls_->last_error());
            co_return false;
        }
        want = heard.value();
    }
    co_return true;
}

awaitable<bool> Connection::wait_for_peer(TlsWant want, MonotonicMs deadline) {
    arm(want);
    const bool& under_way = want == TlsWant::read ? reading_ : writing_;
    while (under_way) {
        if (aborted_ || finishing_ || dropped_) co_return false;
        if (monotonic_now() >= deadline) {
            refuse(RefusalReason::handshake_deadline, "the handshake took too long");
            co_return false;
        }
        co_await wakeup_.wait_until(deadline);
    }
    co_return !dropped_;
}

// A thread that has begun is waited for: it takes milliseconds. What takes less than changing
// threads is done here.
awaitable<void> Connection::work_apart(HandshakeStep step, MonotonicMs deadline) {
    if (tls_->resumed_cheaply()) {
        work();
        co_return;
    }
    working_ = true;
    handshakes_.submit(shared_from_this(), step);
    while (working_) {
        const bool enough = aborted_ || monotonic_now() >= deadline;
        if (enough && handshakes_.withdraw(*this)) {
            working_ = false;
            worked_ = Error{ErrorCode::closed, "TLS"};
            break;
        }
        co_await wakeup_.wait_until(enough ? MonotonicMs::never() : deadline);
    }
}

void Connection::work() { worked_ = tls_->handshake(); }

void Connection::on_worked() {
    working_ = false;
    wakeup_.wake();
}

void Connection::on_dropped() {
    dropped_ = true;
    working_ = false;
    wakeup_.wake();
}

// Without a session only what is in out_ is sent.
Connection::Pause Connection::converse() {
    for (int rounds = 0; !aborted_ && !ended_;) {
        const MonotonicMs now = monotonic_now();
        if (session_) session_->on_tick(now);
        tell_cost(false);
        const bool flowing = flush();
        if (flowing && !session_) break;
        if (flowing && obey()) continue;
        if (ended_) break;
        if (flowing && read()) {
            if (++rounds < rounds_before_yield) continue;
            rest();
            return Pause::for_others;
        }
        if (ended_) break;
        if (now >= out_deadline_) {
            end("the device takes no bytes");
            break;
        }
        count();
        rest();
        return Pause::until_news;
    }
    return Pause::for_ever;
}

// Carries out what the session wants. True: its answer has to be flushed first.
bool Connection::obey() {
    while (true) {
        const SessionAction action = session_->next();
        switch (action.kind) {
            case SessionAction::Kind::submit: {
                const DeviceName& name = session_->peer();
                gateway_.submissions.submit(
                    shared_from_this(), shard_,
                    {wall_now(), action.entry_kind, name.tenant,
                     is_of_tenant(action.entry_kind) ? std::string_view{}
                                                     : std::string_view{name.device},
                     action.bytes});
                break;
            }
            case SessionAction::Kind::write:
                out_.assign(action.bytes.begin(), action.bytes.end());
                out_deadline_ = monotonic_now() + write_deadline_ms;
                return true;
            case SessionAction::Kind::close:
                if (session_->broken_by_device())
                    refuse(RefusalReason::protocol, session_->end_reason());
                end(session_->end_reason());
                return false;
            case SessionAction::Kind::wait:
                return false;
        }
    }
}

// Before anything is waited for: other connections use the gateway's room meanwhile.
void Connection::rest() {
    if (session_) session_->rest();
    if (out_.empty()) out_ = std::vector<std::byte>{};
}

// True: bytes came.
bool Connection::read() {
    if (finishing_) return false;
    const auto got = tls_->read(gateway_.in_room);
    if (!got.ok()) {
        end("the connection broke: " + tls_->last_error());
        return false;
    }
    if (got.value().want != TlsWant::nothing) {
        arm(got.value().want);
        return false;
    }
    if (got.value().bytes == 0) {
        end("the device closed the connection");
        return false;
    }
    watch_for_clones();
    session_->on_bytes(Bytes{gateway_.in_room}.first(got.value().bytes), wall_now(),
                       monotonic_now());
    return true;
}

// True: nothing is left to send.
bool Connection::flush() {
    while (out_sent_ < out_.size()) {
        const auto sent = tls_->write(Bytes{out_}.subspan(out_sent_));
        if (!sent.ok()) {
            end("the connection broke: " + tls_->last_error());
            return false;
        }
        if (sent.value().want != TlsWant::nothing) {
            arm(sent.value().want);
            return false;
        }
        out_sent_ += sent.value().bytes;
        out_deadline_ = monotonic_now() + write_deadline_ms;
    }
    out_.clear();
    out_sent_ = 0;
    out_deadline_ = MonotonicMs::never();
    return true;
}

void Connection::arm(TlsWant want) {
    bool& under_way = want == TlsWant::read ? reading_ : writing_;
    if (under_way) return;
    under_way = true;
    const auto on_ready = [self = shared_from_this(),
                           &under_way](const boost::system::error_code&) {
        under_way = false;
        self->wakeup_.wake();
    };
    socket_.async_wait(want == TlsWant::read ? tcp::socket::wait_read : tcp::socket::wait_write,
                       on_ready);
}

// Closing a socket with unread bytes resets the connection and may take our last words with it, so
// what still comes is read and thrown away for a moment. Not for one whose place another has.
awaitable<void> Connection::say_goodbye() {
    if (aborted_ || dropped_ || !tls_) co_return;
    tls_->close_notify();
    boost::system::error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    const MonotonicMs deadline = monotonic_now() + goodbye_deadline_ms;
    for (std::size_t total = 0; total < goodbye_bytes_max && !aborted_;) {
        boost::system::error_code error;
        const std::size_t got = socket_.read_some(boost::asio::buffer(gateway_.in_room), error);
        total += got;
        if (!error) continue;
        if (error != boost::asio::error::would_block || monotonic_now() >= deadline) co_return;
        arm(TlsWant::read);
        co_await wakeup_.wait_until(deadline);
    }
}

void Connection::end(std::string reason) {
    ended_ = true;
    gateway_.log.debug("connection ends", {{"peer", peer_}, {"text", reason}});
}

void Connection::refuse(RefusalReason reason, std::string text) {
    gateway_.refuse(peer_, identity_ ? &identity_->name : nullptr, {reason, std::move(text)});
}

// What has happened since it was called the last time.
void Connection::count() {
    if (!tls_) return;
    GatewayCounters& all = gateway_.counters;
    const std::uint64_t received = tls_->wire().received;
    all.bytes_received += received - counted_bytes_;
    counted_bytes_ = received;
    if (!session_) return;
    note_life();
    const SessionCounters& now = session_->counters();
    all.blocks += now.blocks - counted_.blocks;
    all.block_bytes += now.block_bytes - counted_.block_bytes;
    all.acked_blocks += now.acked_blocks - counted_.acked_blocks;
    all.acked_bytes += now.acked_bytes - counted_.acked_bytes;
    counted_ = now;
    count_waiting(session_->waits_for());
}

void Connection::count_waiting(CreditWait wait) {
    if (wait == counted_wait_) return;
    auto& waiting = gateway_.counters.waiting;
    if (counted_wait_ != CreditWait::nothing) --waiting[static_cast<std::size_t>(counted_wait_)];
    if (wait != CreditWait::nothing) ++waiting[static_cast<std::size_t>(wait)];
    counted_wait_ = wait;
}

}  // namespace longhaul::collector
