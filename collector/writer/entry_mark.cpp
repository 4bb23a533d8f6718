#include "collector/writer/entry_mark.hpp"

#include "collector/journal/segment.hpp"

namespace longhaul::collector {
namespace {

// From the lowest bit: checksum, length, the lowest bits of the end.
constexpr unsigned length_shift = 32;
constexpr unsigned end_shift = 49;
constexpr std::uint64_t length_max = (std::uint64_t{1} << (end_shift - length_shift)) - 1;
constexpr std::uint64_t end_bits = (std::uint64_t{1} << (63 - end_shift)) - 1;
static_assert(entry_bytes_max <= length_max);

// Whether a whole entry lies over the place of one that is not there. If none does, that place is
// damaged.
Result<bool> is_taken_by_another(Journal& journal, Shard shard, Offset begin,
                                 const EntryMark& mark) {
    LH_TRY_ASSIGN(const auto reader, journal.read(shard, begin));
    while (reader->offset() < mark.end) {
        const auto read = reader->next();
        if (read.ok() && read.value().end > mark.offset) return read.value().offset < mark.end;
        if (read.ok() || read.error().code == ErrorCode::corrupt) continue;
        if (read.error().code == ErrorCode::not_found) break;
        return read.error();
    }
    return false;
}

}  // namespace

std::int64_t EntryMark::packed() const {
    return static_cast<std::int64_t>((end & end_bits) << end_shift |
                                     (end - offset) << length_shift | checksum);
}

std::optional<EntryMark> EntryMark::unpack(std::int64_t packed, Offset end) {
    if (packed < 0) return std::nullopt;
    const auto bits = static_cast<std::uint64_t>(packed);
    const std::uint64_t length = bits >> length_shift & length_max;
    if (bits >> end_shift != (end & end_bits) || length == 0 || length > end) return std::nullopt;
    return EntryMark{end - length, end, static_cast<std::uint32_t>(bits)};
}

Result<bool> has_entry(Journal& journal, Shard shard, const EntryMark& mark) {
    LH_TRY_ASSIGN(const Offset begin, journal.begin(shard));
    if (mark.offset < begin) return true;
    LH_TRY_ASSIGN(const auto reader, journal.read(shard, mark.offset));
    const auto read = reader->next();
    if (read.ok()) return read.value().end == mark.end && read.value().checksum == mark.checksum;
    if (read.error().code != ErrorCode::corrupt) return read.error();
    LH_TRY_ASSIGN(const bool taken, is_taken_by_another(journal, shard, begin, mark));
    return !taken;
}

}  // namespace longhaul::collector
