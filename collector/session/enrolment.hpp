// The collector's half of an enrolment: one Enrol in, one answer out, nothing else, and no input or
// output of its own. Specification: docs/spec/enrolment.md.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collector/registry/enrolment_codes.hpp"
#include "common/wire/frame.hpp"

namespace longhaul::collector {

// What all enrolments of a collector share; outlives them.
struct EnrolmentDesk {
    std::string environment;
    Issuers issuers;
    int certificate_days = 90;
    std::string collector{};  // where devices send to, as Enrolled says it
    // Whose devices are renewed, by the certificate of their direct issuer: those that have the
    // same authority of the tenant above them as the new certificate will, since what they seal for
    // is of that one; and those of an older one, if they can take a new one of that as well.
    std::set<Sha256> renewed{};
    std::set<Sha256> rotated{};
};

class EnrolmentSession {
 public:
    EnrolmentSession(const EnrolmentDesk& desk, EnrolmentCodes& codes)
        : desk_{desk}, codes_{codes}, buffer_(inbound_bytes), frames_{buffer_} {}
    EnrolmentSession(const EnrolmentSession&) = delete;
    EnrolmentSession& operator=(const EnrolmentSession&) = delete;

    // Once the answer is there, nothing more is taken.
    void on_bytes(Bytes bytes, WallUs now);
    // Whole; empty: more bytes are needed.
    Bytes answer() const { return answer_; }
    // Why it is refused, or who was enrolled; one of them once there is an answer.
    const std::optional<EnrolmentRefusal>& refusal() const { return refusal_; }
    const std::optional<Enrolled>& enrolled() const { return enrolled_; }

 private:
    static constexpr std::size_t inbound_bytes = frame_header_bytes + longhaul_Enrol_size;
    void on_enrol(const longhaul_Enrol& enrol, WallUs now);
    void refuse(EnrolmentRefusal refusal);

    const EnrolmentDesk& desk_;
    EnrolmentCodes& codes_;
    std::vector<std::byte> buffer_;
    FrameReader frames_;
    std::vector<std::byte> answer_;
    std::optional<EnrolmentRefusal> refusal_;
    std::optional<Enrolled> enrolled_;
};

}  // namespace longhaul::collector
