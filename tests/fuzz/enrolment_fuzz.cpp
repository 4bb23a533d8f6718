// Attacks what strangers may send before anybody knows them: join codes, requests for certificates,
// and everything at the enrolment listener. The first byte chooses.
#include "collector/registry/signing_request.hpp"
#include "collector/session/enrolment.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

void read_code(std::string_view text) {
    const auto code = parse_join_code(text);
    if (!code.ok()) return;
    const auto again = parse_join_code(text_of(code.value()));
    LH_CHECK(again.ok() && again.value() == code.value());
}

void read_request(Bytes bytes) {
    const auto request = parse_signing_request(bytes);
    if (request.ok() && request.value().name)
        LH_CHECK(parse_device_uri(device_uri(*request.value().name)).ok());
}

// A registry without tenants: nothing can be issued, and nothing may be.
void enrol(Bytes bytes, std::size_t piece) {
    static const auto codes = EnrolmentCodes::open(":memory:");
    static const EnrolmentDesk desk{"demo", {}, 90, ":7600"};
    LH_CHECK(codes.ok());
    EnrolmentSession session{desk, *codes.value()};
    for (; !bytes.empty(); bytes = bytes.subspan(std::min(piece, bytes.size())))
        session.on_bytes(bytes.first(std::min(piece, bytes.size())), WallUs{1});
    LH_CHECK(!session.enrolled());
    LH_CHECK(session.answer().empty() == !session.refusal().has_value());
    LH_CHECK(session.answer().size() <= frame_header_bytes + longhaul_Bye_size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool ready = crypto_init().ok();
    LH_CHECK(ready);
    if (size == 0) return 0;
    const Bytes rest = std::as_bytes(std::span{data + 1, size - 1});
    switch (data[0] % 4) {
        case 0:
            read_code(as_text(rest));
            break;
        case 1:
            read_request(rest);
            break;
        case 2:
            enrol(rest, 1);
            break;
        default:
            enrol(rest, 1000);
            break;
    }
    return 0;
}
