// Enrolment in a thread of its own: whatever strangers do there, the devices that are let in wait
// for none of it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <thread>

#include "collector/net/enrolment_listener.hpp"
#include "collector/net/gateway.hpp"
#include "collector/registry/audit_trail.hpp"

namespace longhaul::collector {

// Lives as long as the entrance does.
inline std::shared_ptr<const EnrolmentDesk> desk_of(
    const std::shared_ptr<const EnrolmentEntrance>& entrance) {
    return {entrance, &entrance->desk};
}

class Enrolment {
 public:
    // All of it lives longer.
    struct Ports {
        Gateway& gateway;  // counters and notes, for which any thread may come
        Log& log;
        const AuditTrail& trail;
    };
    // Listens; start() serves.
    static Result<std::unique_ptr<Enrolment>, Message> open(
        const std::string& address, const std::string& registry_path,
        std::shared_ptr<const EnrolmentEntrance> entrance, const Ports& ports);
    ~Enrolment() { stop(); }
    Enrolment(const Enrolment&) = delete;
    Enrolment& operator=(const Enrolment&) = delete;

    unsigned short port() const { return listener_->port(); }
    void start();
    void replace(std::shared_ptr<const EnrolmentEntrance> entrance);
    void stop();

 private:
    explicit Enrolment(const Ports& ports) : ports_{ports} {}
    void on_refused(const std::string& peer, const EnrolmentRefusal& refusal);
    void on_enrolled(const std::string& peer, const Enrolled& enrolled);

    Ports ports_;
    std::unique_ptr<EnrolmentCodes> codes_;
    LineLimit lines_;
    boost::asio::io_context context_{1};
    std::unique_ptr<EnrolmentListener> listener_;
    std::unique_ptr<TaskGroup> tasks_;
    std::thread thread_;
};

}  // namespace longhaul::collector
