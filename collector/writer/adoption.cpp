#include "collector/writer/adoption.hpp"

#include <algorithm>

#include "collector/writer/device_codec.hpp"

namespace longhaul::collector {
namespace {

enum class Item : std::uint8_t { table = 1, epoch = 2, end = 3, close = 4 };
enum EpochFlag : std::uint8_t { flag_listed = 1, flag_any_class = 2, flag_record = 4 };
constexpr int known_flags = flag_listed | flag_any_class | flag_record;

// An entry of the journal has 64 KiB at most; a run 10 bytes at most.
constexpr std::size_t runs_per_entry = 4096;
constexpr std::size_t runs_of_a_name = 16;  // that take as much room
constexpr std::size_t txns_per_entry = 512;

void encode_head(const AdoptedEpoch& epoch, ByteSink& out) {
    std::uint8_t flags = 0;
    if (epoch.state.adopted && epoch.state.adopted->listed) flags |= flag_listed;
    if (epoch.state.cut.any_class) flags |= flag_any_class;
    const bool has_record = epoch.state.adopted && epoch.state.adopted->record;
    if (has_record) flags |= flag_record;
    out.u8(static_cast<std::uint8_t>(Item::epoch));
    out.u32(epoch.incarnation);
    out.varint(epoch.number);
    out.u8(flags);
    if (has_record) out.u64(*epoch.state.adopted->record);
    out.u8(epoch.state.cut.classes);
    out.zigzag_varint(epoch.first_heard.value);
    out.zigzag_varint(epoch.last_heard.value);
}

AdoptedTable decode_table(ByteReader& in) {
    AdoptedTable table;
    table.name = as_text(read_counted(in));
    for (std::size_t left = read_count(in, txns_per_entry); left != 0 && in.ok(); --left) {
        std::string app{as_text(read_counted(in))};
        table.txns[std::move(app)] = in.zigzag_varint();
    }
    return table;
}

AdoptedEpoch decode_epoch(ByteReader& in) {
    AdoptedEpoch epoch;
    epoch.incarnation = in.u32();
    const std::uint64_t number = in.varint();
    if (number > UINT32_MAX) in.fail();
    epoch.number = static_cast<std::uint32_t>(number);
    const std::uint8_t flags = in.u8();
    if ((flags & ~known_flags) != 0) in.fail();
    AdoptedBlocks& adopted = epoch.state.adopted.emplace();
    adopted.listed = (flags & flag_listed) != 0;
    if ((flags & flag_record) != 0) adopted.record = in.u64();
    epoch.state.cut.any_class = (flags & flag_any_class) != 0;
    epoch.state.cut.classes = in.u8();
    epoch.first_heard.value = in.zigzag_varint();
    epoch.last_heard.value = in.zigzag_varint();
    decode_anchors(in, epoch.state);
    decode_adopted_tables(in, adopted);
    return epoch;
}

}  // namespace

Status encode_adoption(const AdoptedTable& table, const TakeBody& take) {
    auto at = table.txns.begin();
    do {
        const std::size_t left = static_cast<std::size_t>(std::distance(at, table.txns.end()));
        ByteSink body;
        body.u8(static_cast<std::uint8_t>(Item::table));
        body.text(table.name);
        body.varint(std::min(left, txns_per_entry));
        for (std::size_t i = 0; i < txns_per_entry && at != table.txns.end(); ++i, ++at) {
            body.text(at->first);
            body.zigzag_varint(at->second);
        }
        LH_TRY(take(body.written()));
    } while (at != table.txns.end());
    return {};
}

// The first entry has all that is small; further ones have what is left of the runs.
Status encode_adoption(const AdoptedEpoch& epoch, const TakeBody& take) {
    ByteSink body;
    encode_head(epoch, body);
    encode_anchors(epoch.state, body);
    AdoptedBlocks part;
    std::size_t runs = 0;
    const auto end_entry = [&] {
        encode_adopted_tables(part, body);
        const Status taken = take(body.written());
        body.clear();
        encode_head(epoch, body);
        encode_anchors({}, body);
        part = {};
        runs = 0;
        return taken;
    };
    if (epoch.state.adopted) {
        for (const auto& [name, seqs] : epoch.state.adopted->tables) {
            for (const SeqRun& run : seqs.runs()) {
                runs += part.tables.contains(name) ? 1 : runs_of_a_name;
                part.tables[name].add(run);
                if (runs >= runs_per_entry) LH_TRY(end_entry());
            }
        }
    }
    return end_entry();
}

Status encode_adoption(const AdoptionEnd& end, const TakeBody& take) {
    ByteSink body;
    body.u8(static_cast<std::uint8_t>(Item::end));
    body.varint(end.entries);
    return take(body.written());
}

Status encode_adoption(const AdoptionClose&, const TakeBody& take) {
    const std::byte body{static_cast<std::uint8_t>(Item::close)};
    return take(Bytes{&body, 1});
}

Result<Adoption> decode_adoption(Bytes body) {
    ByteReader in{body};
    Adoption adoption;
    switch (static_cast<Item>(in.u8())) {
        case Item::table:
            adoption = decode_table(in);
            break;
        case Item::epoch:
            adoption = decode_epoch(in);
            break;
        case Item::end:
            adoption = AdoptionEnd{in.varint()};
            break;
        case Item::close:
            adoption = AdoptionClose{};
            break;
        default:
            in.fail();
    }
    if (!in.at_end()) return Error{ErrorCode::malformed, "an adoption"};
    return adoption;
}

}  // namespace longhaul::collector
