// One enrolment over the network: connects, finds out who answers, asks, and waits for the answer.
#pragma once

#include <functional>
#include <string>

#include "agent/platform/linux/certificate_request.hpp"
#include "common/wire/frame.hpp"

namespace longhaul::agent {

// What keeps a device from being enrolled, and the exit code for it.
struct EnrollFailure {
    std::string text;
    int exit_code;
};

// `accept` judges who answers; nothing has been sent before it returns ok.
using AcceptServer = std::function<Result<void, EnrollFailure>(const EnrolmentServer&)>;
Result<longhaul_Enrolled, EnrollFailure> ask_to_enrol(const std::string& address,
                                                      const longhaul_Enrol& enrol,
                                                      const AcceptServer& accept);

}  // namespace longhaul::agent
