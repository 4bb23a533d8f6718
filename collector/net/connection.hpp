// One connection: a thin coroutine that moves bytes between a TLS stream and a Session and obeys
// it.
//
// It sleeps in one place, until the socket is ready, the journal has news, the collector stops or a
// deadline passes, and then looks at all of them. While it sleeps it holds no buffer: ten thousand
// devices that say nothing cost little more than what TLS has to know of them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/net/gateway.hpp"
#include "collector/net/wakeup.hpp"

namespace longhaul::collector {

class Connection final : public Submitter,
                         public Shaker,
                         public std::enable_shared_from_this<Connection> {
 public:
    Connection(boost::asio::ip::tcp::socket socket, Gateway& gateway, Handshakes& handshakes);

    // The whole life of the connection; its caller holds a reference until it has ended.
    boost::asio::awaitable<void> run();

    // The first step of a shutdown: read nothing more, acknowledge what was accepted, say goodbye.
    void finish();
    // The second step: end now.
    void abort();
    void on_durable(std::uint64_t count) override;
    void work() override;
    void on_worked() override;
    void on_dropped() override;
    // Its place is free again, however it ended.
    void on_left();

    // Whose session this is and until when its certificate is valid; nullptr: there is no session.
    const PeerIdentity* peer() const {
        return session_ && session_->end_reason().empty() ? &*identity_ : nullptr;
    }
    // The entrance has another sealing key, perhaps.
    void offer_sealing_key();
    // Ends the session of a device that may not go on.
    void expel(const Refusal& refusal);

 private:
    static constexpr std::int64_t goodbye_deadline_ms = 2'000;
    static constexpr std::uint32_t denied_retry_after_ms = 15 * 60 * 1000;

    boost::asio::awaitable<bool> shake_hands();
    boost::asio::awaitable<bool> hear_hello(MonotonicMs deadline);
    boost::asio::awaitable<bool> wait_for_peer(TlsWant want, MonotonicMs deadline);
    boost::asio::awaitable<void> work_apart(HandshakeStep step, MonotonicMs deadline);
    std::optional<Admitted> admit();
    boost::asio::awaitable<void> say_goodbye();
    // How long there is nothing to do; for_ever: it has ended.
    enum class Pause { for_others, until_news, for_ever };
    Pause converse();
    bool take_place(const DeviceName& name);
    void begin_session(const Admitted& admitted);
    void queue_bye(longhaul_ByeReason why, const std::string& text, std::uint32_t retry_after_ms);
    void watch_for_clones();
    void note_life();
    void count_waiting(CreditWait wait);
    bool obey();
    bool read();
    bool flush();
    void rest();
    void arm(TlsWant want);
    void end(std::string reason);
    void refuse(RefusalReason reason, std::string text);
    void count();
    void tell_cost(bool ended);

    boost::asio::ip::tcp::socket socket_;
    Gateway& gateway_;
    Handshakes& handshakes_;
    const std::shared_ptr<const Entrance> entrance_;  // whose TLS this is
    std::shared_ptr<const Entrance> admitted_by_;     // whose authorities the session uses
    Wakeup wakeup_;
    std::string peer_;  // address and port
    std::optional<PeerIdentity> identity_;
    std::unique_ptr<TlsStream> tls_;
    std::optional<Session> session_;
    TenantIntake* intake_ = nullptr;  // in which it has a place
    CloneWatch::Session watched_;
    bool life_noted_ = false;
    Shard shard_ = 0;
    std::uint64_t durable_ = 0;  // submissions of the session
    std::vector<std::byte> out_;
    std::size_t out_sent_ = 0;
    MonotonicMs out_deadline_ = MonotonicMs::never();
    bool reading_ = false;  // a readiness wait is under way
    bool writing_ = false;
    bool working_ = false;  // its handshake waits for a thread or has one
    bool dropped_ = false;
    Result<TlsWant> worked_ = TlsWant::read;
    bool ended_ = false;
    bool finishing_ = false;
    bool aborted_ = false;
    SessionCounters counted_;
    CreditWait counted_wait_ = CreditWait::nothing;
    std::uint64_t counted_bytes_ = 0;  // of tls_->wire()
};

}  // namespace longhaul::collector
