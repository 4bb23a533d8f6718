#include "collector/app/enrolment.hpp"

#include <boost/asio/post.hpp>

namespace longhaul::collector {

Result<std::unique_ptr<Enrolment>, Message> Enrolment::open(
    const std::string& address, const std::string& registry_path,
    std::shared_ptr<const EnrolmentEntrance> entrance, const Ports& ports) {
    std::unique_ptr<Enrolment> enrolment{new Enrolment{ports}};
    Enrolment& made = *enrolment;
    auto codes = EnrolmentCodes::open(registry_path);
    if (!codes.ok()) return Message{registry_path + ": " + to_string(codes.error())};
    made.codes_ = std::move(codes).value();
    const EnrolmentListener::Told told{
        [&made](const std::string& peer, const EnrolmentRefusal& refusal) {
            made.on_refused(peer, refusal);
        },
        [&made](const std::string& peer, const Enrolled& enrolled) {
            made.on_enrolled(peer, enrolled);
        }};
    LH_TRY_ASSIGN(made.listener_, EnrolmentListener::open(made.context_.get_executor(), address,
                                                          std::move(entrance), *made.codes_, told));
    return enrolment;
}

void Enrolment::start() {
    ports_.log.info("devices may enrol", {{"address", listener_->address()}});
    tasks_ = std::make_unique<TaskGroup>(context_.get_executor(), [this](const std::string& what) {
        ports_.log.error("enrolment ended by an exception", {{"text", what}});
    });
    tasks_->start(listener_->run());
    thread_ = std::thread{[this] { context_.run(); }};
}

void Enrolment::replace(std::shared_ptr<const EnrolmentEntrance> entrance) {
    auto here = [this, entrance = std::move(entrance)] { listener_->replace(entrance); };
    boost::asio::post(context_, std::move(here));
}

void Enrolment::stop() {
    if (!thread_.joinable()) return;
    boost::asio::post(context_, [this] { listener_->finish(); });
    thread_.join();
}

void Enrolment::on_refused(const std::string& peer, const EnrolmentRefusal& refusal) {
    Gateway& gateway = ports_.gateway;
    ++gateway.counters.refused_by[static_cast<std::size_t>(RefusalReason::enrolment)];
    const std::string who =
        refusal.tenant.empty() ? "" : refusal.tenant + "/" + refusal.device + " ";
    gateway.trail.add({refusal.tenant, wall_now(), "collector", "enrolment_refused",
                       who + "from " + peer, refusal.text},
                      refusal.reason, monotonic_now());
    if (!lines_.take(monotonic_now().value)) return;
    if (const std::uint64_t left_out = lines_.left_out(); left_out != 0)
        ports_.log.warn("refused enrolments without a line of their own", {{"count", left_out}});
    ports_.log.warn("enrolment refused",
                    {{"peer", peer}, {"reason", refusal.reason}, {"text", refusal.text}});
}

// Written down before the device has it. The same once more can come without end, and is told
// within the limits of refusals.
void Enrolment::on_enrolled(const std::string& peer, const Enrolled& enrolled) {
    const std::string device = enrolled.tenant + "/" + enrolled.device;
    if (enrolled.again) {
        ports_.gateway.trail.add({enrolled.tenant, wall_now(), "collector", "enrolled",
                                  enrolled.device, "its certificate was sent again, to " + peer},
                                 "again", monotonic_now());
        if (lines_.take(monotonic_now().value))
            ports_.log.info("enrolled again", {{"peer", peer}, {"device", device}});
        return;
    }
    ports_.log.info("enrolled", {{"peer", peer}, {"device", device}});
    const auto kept = ports_.trail.append({{enrolled.tenant, wall_now(), "collector", "enrolled",
                                            enrolled.device, "by a join code, to " + peer}});
    if (!kept.ok())
        ports_.log.warn("the audit trail cannot be written", {{"text", kept.error().text}});
}

}  // namespace longhaul::collector
