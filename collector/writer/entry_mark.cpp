#include "collector/writer/entry_mark.hpp"

#include <algorithm>

#include "collector/journal/segment.hpp"

namespace longhaul::collector {
namespace {

// From the lowest bit: checksum, length, the lowest bits of the end.
constexpr unsigned length_shift = 32;
constexpr unsigned end_shift = 49;
constexpr std::uint64_t length_max = (std::uint64_t{1} << (end_shift - length_shift)) - 1;
constexpr std::uint64_t end_bits = (std::uint64_t{1} << (63 - end_shift)) - 1;
static_assert(entry_bytes_max <= length_max);

// The entry itself is not there: is it because another lies over its place?
EntryFound find_another(Journal& journal, Shard shard, Offset begin, const EntryMark& mark) {
    const Offset before = mark.offset - std::min<Offset>(mark.offset, entry_bytes_max);
    const auto reader = journal.read(shard, std::max(begin, before));
    if (!reader.ok()) return EntryFound::unreadable;
    while (reader.value()->offset() < mark.end) {
        const auto read = reader.value()->next();
        if (!read.ok() && read.error().code != ErrorCode::corrupt) break;
        if (read.ok() && read.value().end > mark.offset && read.value().offset < mark.end)
            return EntryFound::another;
    }
    return EntryFound::unreadable;
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

EntryFound find_entry(Journal& journal, Shard shard, const EntryMark& mark) {
    const auto begin = journal.begin(shard);
    if (!begin.ok()) return EntryFound::unreadable;
    if (mark.end <= begin.value()) return EntryFound::cut_off;
    if (mark.offset < begin.value()) return EntryFound::another;  // it begins with an entry
    const auto reader = journal.read(shard, mark.offset);
    if (!reader.ok()) return EntryFound::unreadable;
    const auto read = reader.value()->next();
    if (!read.ok()) return find_another(journal, shard, begin.value(), mark);
    const bool same = read.value().end == mark.end && read.value().checksum == mark.checksum;
    return same ? EntryFound::there : EntryFound::another;
}

}  // namespace longhaul::collector
