// Attacks session tickets: as bytes from a stranger, and as content that a leaked key has sealed.
#include "collector/net/ticket.hpp"

using namespace longhaul;
using namespace longhaul::collector;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool ready = crypto_init().ok();
    LH_CHECK(ready);
    const Bytes bytes = std::as_bytes(std::span{data, size});
    constexpr WallUs now{20'000 * std::int64_t{86'400'000'000}};
    Tickets tickets;
    tickets.use({TicketKey{20'000, {}}});
    LH_CHECK(!tickets.open(bytes, now).ok());  // nobody guesses a tag

    const auto parsed = parse_ticket_content(bytes);
    if (!parsed.ok()) return 0;
    const PeerIdentity& who = parsed.value().who;
    LH_CHECK(is_name_part(who.name.environment) && is_name_part(who.name.tenant) &&
             is_name_part(who.name.device));
    std::vector<std::byte> ticket(ticket_bytes_max);
    const auto sealed = tickets.seal(who, parsed.value().session, now, ticket);
    if (!sealed.ok()) return 0;
    const auto opened = tickets.open(Bytes{ticket}.first(sealed.value()), now);
    LH_CHECK(opened.ok() == (now < who.expires));
    if (opened.ok()) LH_CHECK(opened.value().who.name == who.name);
    return 0;
}
