#include "agent/platform/linux/enroll_link.hpp"

#include <poll.h>

#include <array>

#include "agent/platform/linux/linux_ports.hpp"
#include "agent/platform/linux/tcp_link.hpp"
#include "agent/tls/tls_link.hpp"
#include "common/host/exit_codes.hpp"

namespace longhaul::agent {
namespace {

constexpr std::int64_t whole_ms_max = 30'000;
constexpr int wait_ms_max = 100;

class Enrolling {
 public:
    explicit Enrolling(const std::string& address)
        : address_{address}, tcp_{address}, deadline_{monotonic_now() + whole_ms_max} {}

    Result<void, EnrollFailure> open() {
        TlsSettings settings;
        settings.for_enrolment = true;
        auto tls = TlsLink::make(settings, tcp_);
        if (!tls.ok()) return EnrollFailure{to_string(tls.error()), exit_check_failed};
        tls_ = std::move(tls).value();
        if (!tls_->open(monotonic_now()).ok()) return unreachable();
        for (;;) {
            const LinkState state = tls_->poll(monotonic_now());
            if (state == LinkState::open) return {};
            if (state == LinkState::closed) return unreachable();
            LH_TRY(wait());
        }
    }
    Result<EnrolmentServer, EnrollFailure> server() const {
        auto server = enrolment_server(tls_->peer_certificates());
        if (server.ok()) return std::move(server).value();
        return EnrollFailure{address_ + ": " + server.error().detail, exit_denied};
    }
    Result<void, EnrollFailure> send(Bytes bytes) {
        while (!bytes.empty()) {
            const auto sent = tls_->write(bytes);
            if (!sent.ok()) return unreachable();
            bytes = bytes.subspan(sent.value());
            if (sent.value() == 0) LH_TRY(wait());
        }
        return {};
    }
    // The only frame that comes; `room` keeps it.
    Result<Frame, EnrollFailure> receive(MutableBytes room) {
        FrameReader frames{{}};
        for (std::size_t come = 0; come < room.size();) {
            const auto got = tls_->read(room.subspan(come));
            if (!got.ok()) return unreachable();
            if (got.value() == 0) {
                LH_TRY(wait());
                continue;
            }
            come += got.value();
            Bytes in = room.first(come);
            const auto frame = frames.next(in);
            if (frame.ok()) return frame.value();
            if (frame.error() != ErrorCode::not_found) break;
        }
        return EnrollFailure{address_ + ": does not answer as a collector would", exit_bad_data};
    }

 private:
    EnrollFailure unreachable() const {
        return {address_ + ": " + tls_->last_error() +
                    "; is it the address of the collector's [enrolment]?",
                exit_unreachable};
    }
    Result<void, EnrollFailure> wait() {
        if (monotonic_now() >= deadline_)
            return EnrollFailure{address_ + ": does not answer in time", exit_unreachable};
        const short writable = tcp_.wants_write() ? POLLOUT : short{0};
        pollfd watched{tcp_.descriptor(), static_cast<short>(POLLIN | writable), 0};
        static_cast<void>(::poll(&watched, 1, wait_ms_max));
        return {};
    }

    std::string address_;
    TcpLink tcp_;
    MonotonicMs deadline_;
    std::unique_ptr<TlsLink> tls_;
};

}  // namespace

Result<longhaul_Enrolled, EnrollFailure> ask_to_enrol(const std::string& address,
                                                      const longhaul_Enrol& enrol,
                                                      const AcceptServer& accept) {
    Enrolling enrolling{address};
    LH_TRY(enrolling.open());
    LH_TRY_ASSIGN(const EnrolmentServer server, enrolling.server());
    LH_TRY(accept(server));
    std::array<std::byte, frame_header_bytes + longhaul_Enrol_size> asked;
    ByteWriter out{asked};
    if (!write_message(enrol, out).ok())
        return EnrollFailure{"the request cannot be written", exit_check_failed};
    LH_TRY(enrolling.send(out.written()));
    std::vector<std::byte> room(frame_bytes_max);
    LH_TRY_ASSIGN(const Frame frame, enrolling.receive(room));
    longhaul_Enrolled enrolled;
    if (frame.type == FrameType::enrolled && parse_message(frame.body, enrolled).ok())
        return enrolled;
    longhaul_Bye bye;
    if (frame.type != FrameType::collector_bye || !parse_message(frame.body, bye).ok())
        return EnrollFailure{address + ": does not answer as a collector would", exit_bad_data};
    const bool later = bye.reason == longhaul_ByeReason_BYE_REASON_BUSY;
    return EnrollFailure{std::string{"the collector refuses: "} + bye.text,
                         later ? exit_retry_later : exit_denied};
}

}  // namespace longhaul::agent
