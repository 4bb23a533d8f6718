#include "agent/platform/cortexm/identity_block.hpp"

#include <algorithm>

#include "common/base/crc32c.hpp"

namespace longhaul::agent {
namespace {

constexpr std::size_t head_bytes = 8;
constexpr std::size_t address_tag = 5, private_tag = 9, sealing_tag = 11, codecs_tag = 13;

}  // namespace

Result<IdentityBlock> IdentityBlock::read(Flash& flash, MutableBytes room) {
    const MutableBytes head = room.first(head_bytes);
    LH_TRY(flash.read(0, 0, head));
    ByteReader in{head};
    if (in.text(4) != "LHID") return Error{ErrorCode::not_found, "no identity block"};
    const std::uint16_t version = in.u16();
    const std::size_t body_bytes = in.u16();
    if (version != 1) return Error{ErrorCode::unsupported, "identity block of another version"};
    if (head_bytes + body_bytes + 4 > room.size())
        return Error{ErrorCode::too_large, "identity block"};
    LH_TRY(flash.read(0, head_bytes, room.subspan(head_bytes, body_bytes + 4)));
    ByteReader sum{room.subspan(head_bytes + body_bytes, 4)};
    if (sum.u32() != crc32c(room.first(head_bytes + body_bytes)))
        return Error{ErrorCode::corrupt, "identity block"};

    IdentityBlock block;
    ByteReader fields{room.subspan(head_bytes, body_bytes)};
    while (fields.ok() && !fields.at_end()) {
        const std::size_t tag = fields.u16();
        const Bytes value = fields.bytes(fields.u16());
        if (tag < tags) block.fields_[tag] = value;  // others are for later versions
    }
    if (!fields.ok() || !block.whole()) return Error{ErrorCode::malformed, "identity block"};
    return block;
}

bool IdentityBlock::whole() const {
    for (std::size_t tag = 1; tag < first_optional; ++tag)
        if (fields_[tag].empty()) return false;
    return fields_[address_tag].size() == 6 && fields_[private_tag].size() == 32 &&
           fields_[sealing_tag].size() == PublicKey{}.size() && device_secret().size() >= 16 &&
           seed().size() == 32;
}

Status IdentityBlock::keep_key() {
    PrivateKey key;
    std::copy_n(fields_[private_tag].begin(), key.bytes.size(), key.bytes.begin());
    LH_TRY_ASSIGN(key_, keep_signing_key(key));
    return {};
}

std::array<std::uint8_t, 4> IdentityBlock::collector_address() const {
    std::array<std::uint8_t, 4> address;
    std::transform(fields_[address_tag].begin(), fields_[address_tag].begin() + 4, address.begin(),
                   [](std::byte each) { return std::to_integer<std::uint8_t>(each); });
    return address;
}

std::uint16_t IdentityBlock::collector_port() const {
    return ByteReader{fields_[address_tag].subspan(4)}.u16();
}

std::optional<std::uint8_t> IdentityBlock::codecs() const {
    if (field(codecs_tag).size() != 1) return std::nullopt;
    return std::to_integer<std::uint8_t>(field(codecs_tag).front());
}

PublicKey IdentityBlock::sealing_key() const {
    PublicKey key;
    std::copy_n(fields_[sealing_tag].begin(), key.size(), key.begin());
    return key;
}

}  // namespace longhaul::agent
