#include "collector/net/ticket.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace longhaul::collector {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t clear_bytes = 1 + 4;
constexpr std::size_t head_bytes = clear_bytes + sizeof(Nonce);
constexpr std::size_t content_bytes_max = ticket_bytes_max - head_bytes - aead_tag_bytes;

Result<std::string> read_name(ByteReader& in) {
    const std::string_view name = in.short_text();
    if (!is_name_part(name)) return Error{ErrorCode::malformed, "ticket"};
    return std::string{name};
}

}  // namespace

void Tickets::use(std::vector<TicketKey> keys) {
    auto next = std::make_shared<const std::vector<TicketKey>>(std::move(keys));
    const std::lock_guard lock{mutex_};
    keys_.swap(next);
}

std::shared_ptr<const std::vector<TicketKey>> Tickets::keys() const {
    const std::lock_guard lock{mutex_};
    return keys_;
}

Result<std::size_t> Tickets::seal(const PeerIdentity& who, Bytes session, WallUs now,
                                  MutableBytes out) const {
    const auto keys = this->keys();
    if (keys->empty() || !ticket_key_opens(keys->front().generation, now))
        return Error{ErrorCode::not_found, "no ticket key of this day"};
    std::array<std::byte, content_bytes_max> content;
    ByteWriter plain{content};
    plain.i64(who.expires.value);
    plain.bytes(who.authority);
    plain.short_text(who.name.environment);
    plain.short_text(who.name.tenant);
    plain.short_text(who.name.device);
    plain.u16(static_cast<std::uint16_t>(session.size()));
    plain.bytes(session);
    const std::size_t size = head_bytes + plain.size() + aead_tag_bytes;
    if (!plain.ok() || size > out.size()) return Error{ErrorCode::full, "ticket"};

    ByteWriter head{out.first(head_bytes)};
    head.u8(version);
    head.u32(static_cast<std::uint32_t>(keys->front().generation));
    Nonce nonce;
    LH_TRY(random_bytes(nonce));
    head.bytes(nonce);
    LH_TRY(aead_seal(keys->front().key, nonce, out.first(clear_bytes), plain.written(),
                     out.subspan(head_bytes, plain.size() + aead_tag_bytes)));
    return size;
}

Result<Tickets::Opened> Tickets::open(Bytes ticket, WallUs now) const {
    if (ticket.size() < head_bytes + aead_tag_bytes || ticket.size() > ticket_bytes_max)
        return Error{ErrorCode::malformed, "ticket"};
    ByteReader head{ticket.first(head_bytes)};
    if (head.u8() != version) return Error{ErrorCode::malformed, "ticket"};
    const std::int64_t generation = head.u32();
    const auto keys = this->keys();
    const auto key = std::find_if(keys->begin(), keys->end(), [&](const TicketKey& each) {
        return each.generation == generation;
    });
    if (key == keys->end() || !ticket_key_opens(generation, now))
        return Error{ErrorCode::denied, "the ticket's key is rotated out"};
    Nonce nonce;
    std::memcpy(nonce.data(), head.bytes(nonce.size()).data(), nonce.size());
    const Bytes sealed = ticket.subspan(head_bytes);
    std::array<std::byte, content_bytes_max> content;
    const MutableBytes plain = MutableBytes{content}.first(sealed.size() - aead_tag_bytes);
    LH_TRY(aead_open(key->key, nonce, ticket.first(clear_bytes), sealed, plain));
    LH_TRY_ASSIGN(Opened opened, parse_ticket_content(plain));
    if (now >= opened.who.expires)
        return Error{ErrorCode::denied, "the ticket's certificate has expired"};
    return opened;
}

Result<Tickets::Opened> parse_ticket_content(Bytes content) {
    ByteReader in{content};
    Tickets::Opened opened;
    opened.who.expires = {in.i64()};
    const Bytes authority = in.bytes(opened.who.authority.size());
    if (!in.ok()) return Error{ErrorCode::malformed, "ticket"};
    std::memcpy(opened.who.authority.data(), authority.data(), authority.size());
    LH_TRY_ASSIGN(opened.who.name.environment, read_name(in));
    LH_TRY_ASSIGN(opened.who.name.tenant, read_name(in));
    LH_TRY_ASSIGN(opened.who.name.device, read_name(in));
    const std::size_t size = in.u16();
    const Bytes session = in.bytes(size);
    if (!in.at_end()) return Error{ErrorCode::malformed, "ticket"};
    opened.session.assign(session.begin(), session.end());
    return opened;
}

}  // namespace longhaul::collector
