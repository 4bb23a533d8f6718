// The listener for devices that have no certificate yet: TLS in which only the server shows one, an
// Enrol in, an answer out, closed. Whatever comes, it is bounded in time, memory and number.
// Specification: docs/spec/enrolment.md.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "collector/net/task_group.hpp"
#include "collector/net/tls.hpp"
#include "collector/session/enrolment.hpp"

namespace longhaul::collector {

struct EnrolmentLimits {
    std::size_t connections_max = 16;
    std::int64_t handshake_deadline_ms = 10'000;
    std::int64_t frame_deadline_ms = 5'000;  // of Enrol, and of the answer
};

// What a reload may replace; a connection keeps what it began with.
struct EnrolmentEntrance {
    EnrolmentDesk desk;
    std::unique_ptr<TlsContext> tls;
};

class EnrolmentListener {
 public:
    // All on the executor's one thread.
    struct Told {
        std::function<void(const std::string& peer, const EnrolmentRefusal&)> refused;
        // Before the device is told.
        std::function<void(const std::string& peer, const Enrolled&)> enrolled;
    };
    static Result<std::unique_ptr<EnrolmentListener>, Message> open(
        const boost::asio::any_io_executor& executor, const std::string& address,
        std::shared_ptr<const EnrolmentEntrance> entrance, EnrolmentCodes& codes, Told told,
        const EnrolmentLimits& limits = {});
    ~EnrolmentListener();

    std::string address() const;
    unsigned short port() const { return acceptor_.local_endpoint().port(); }
    void replace(std::shared_ptr<const EnrolmentEntrance> entrance) {
        entrance_ = std::move(entrance);
    }
    boost::asio::awaitable<void> run();  // until finish()
    void finish();                       // ends what is under way, too

 private:
    class Exchange;
    EnrolmentListener(boost::asio::ip::tcp::acceptor acceptor,
                      std::shared_ptr<const EnrolmentEntrance> entrance, EnrolmentCodes& codes,
                      Told told, const EnrolmentLimits& limits);
    void serve(boost::asio::ip::tcp::socket socket);

    boost::asio::ip::tcp::acceptor acceptor_;
    std::shared_ptr<const EnrolmentEntrance> entrance_;
    EnrolmentCodes& codes_;
    Told told_;
    EnrolmentLimits limits_;
    Wakeup pause_;
    std::set<std::shared_ptr<Exchange>> exchanges_;
    TaskGroup tasks_;
    bool finishing_ = false;
};

}  // namespace longhaul::collector
