#include "collector/session/enrolment.hpp"

#include <algorithm>
#include <cstring>

#include "collector/registry/signing_request.hpp"

namespace longhaul::collector {
namespace {

constexpr std::uint32_t later_ms = 60'000;

template <std::size_t Size>
void copy_text(char (&to)[Size], const std::string& from) {
    from.copy(to, Size - 1);
}

template <class Field>
void copy_bytes(Field& to, Bytes from) {
    LH_CHECK(from.size() <= sizeof(to.bytes));
    to.size = static_cast<pb_size_t>(from.size());
    std::memcpy(to.bytes, from.data(), from.size());
}

// What a device is told: not whether a code exists whose secret it does not have.
std::string told(const EnrolmentRefusal& refusal) {
    return std::string{refusal.reason} + ": " + refusal.text;
}

}  // namespace

void EnrolmentSession::on_bytes(Bytes bytes, WallUs now) {
    while (answer_.empty()) {
        const auto frame = frames_.next(bytes);
        if (!frame.ok() && frame.error() == ErrorCode::not_found) {
            if (!bytes.empty()) refuse({"protocol", "the frame is longer than an Enrol"});
            return;
        }
        if (!frame.ok()) return refuse({"protocol", to_string(frame.error())});
        longhaul_Enrol enrol;
        if (frame.value().type != FrameType::enrol ||
            !parse_message(frame.value().body, enrol).ok()) {
            return refuse({"protocol", "only an Enrol that can be read is answered here"});
        }
        on_enrol(enrol, now);
    }
}

void EnrolmentSession::on_enrol(const longhaul_Enrol& enrol, WallUs now) {
    JoinCodeId id;
    JoinSecret secret;
    std::memcpy(id.data(), enrol.code, id.size());
    std::memcpy(secret.data(), enrol.secret, secret.size());
    const auto request =
        parse_signing_request(std::as_bytes(std::span{enrol.request.bytes, enrol.request.size}));
    if (!request.ok()) return refuse({"request", to_string(request.error())});
    const CertificateWanted wanted{enrol.device, request.value().key, request.value().name};
    auto redeemed = codes_.redeem(id, secret, wanted,
                                  {desk_.environment, desk_.issuers, desk_.certificate_days, now});
    if (!redeemed.ok()) return refuse(redeemed.error());
    enrolled_ = std::move(redeemed).value();

    longhaul_Enrolled answer = longhaul_Enrolled_init_zero;
    copy_bytes(answer.chain, enrolled_->chain);
    if (const Issuer* const issuer = desk_.issuers.find(enrolled_->tenant))
        copy_bytes(answer.sealing, issuer->sealing());
    copy_text(answer.environment, desk_.environment);
    copy_text(answer.tenant, enrolled_->tenant);
    copy_text(answer.device, enrolled_->device);
    copy_text(answer.collector, desk_.collector);
    answer_.resize(frame_header_bytes + longhaul_Enrolled_size);
    ByteWriter out{answer_};
    const Status written = write_message(answer, out);
    LH_CHECK(written.ok());
    answer_.resize(out.size());
}

void EnrolmentSession::refuse(EnrolmentRefusal refusal) {
    longhaul_Bye bye = longhaul_Bye_init_zero;
    const bool for_now = std::string_view{refusal.reason} == "registry";
    bye.reason =
        for_now ? longhaul_ByeReason_BYE_REASON_BUSY : longhaul_ByeReason_BYE_REASON_DENIED;
    bye.retry_after_ms = for_now ? later_ms : 0;
    copy_text(bye.text, told(refusal));
    answer_.resize(frame_header_bytes + longhaul_Bye_size);
    ByteWriter out{answer_};
    const Status written = write_bye(FrameType::collector_bye, bye, out);
    LH_CHECK(written.ok());
    answer_.resize(out.size());
    refusal_ = std::move(refusal);
}

}  // namespace longhaul::collector
