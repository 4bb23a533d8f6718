// The join code: what a person gives to a device so that it may ask for its first certificate.
// Specification: docs/spec/enrolment.md. For hosts.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "common/block/crypto.hpp"

namespace longhaul {

using JoinCodeId = std::array<std::byte, 5>;
using JoinSecret = std::array<std::byte, 16>;
using CollectorFingerprint = std::array<std::byte, 16>;

// Of who a device may believe: the certificate that its root issued for this name.
CollectorFingerprint collector_fingerprint(std::string_view server_name, Bytes root_der);

struct JoinCode {
    JoinCodeId id{};
    JoinSecret secret{};
    CollectorFingerprint fingerprint{};
    std::string address{};  // of the enrolment listener, "host:port"; may be empty
    friend bool operator==(const JoinCode&, const JoinCode&) = default;
};

std::string text_of(const JoinCodeId& id);  // the eight digits that it begins with
Result<JoinCodeId> parse_join_code_id(std::string_view text);

std::string text_of(const JoinCode& code);
// A sentence for the person who typed it.
Result<JoinCode, Message> parse_join_code(std::string_view text);

}  // namespace longhaul
