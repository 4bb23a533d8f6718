// Attacks what a collector reads from its own disk: journal.meta, and a segment with any bytes in
// it. The first byte chooses; an opened journal must read to its end, and take and give back one
// entry more.
#include <cstddef>
#include <cstdint>

#include "collector/journal/connection_cost.hpp"
#include "collector/journal/local_journal.hpp"
#include "collector/journal/segment.hpp"
#include "firmware-sim/sim_disk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

void put(Disk& disk, std::string_view path, Bytes bytes) {
    LH_CHECK(write_synced(disk, path, bytes).ok());
}

// There is one way to write what a connection cost.
void attack_cost(Bytes body) {
    const auto cost = parse_connection_cost(body);
    if (!cost.ok()) return;
    std::array<std::byte, connection_cost_bytes_max> room;
    ByteWriter again{room};
    write_connection_cost(cost.value(), again);
    LH_CHECK(equal(again.written(), body));
}

// The number of whole entries; every call goes forward.
std::size_t read_to_the_end(LocalJournal& journal, std::string_view last) {
    const auto reader = journal.read(0, 0);
    LH_CHECK(reader.ok());
    std::size_t entries = 0;
    std::string body;
    for (;;) {
        const Offset before = reader.value()->offset();
        const auto entry = reader.value()->next();
        if (!entry.ok() && entry.error().code == ErrorCode::not_found) break;
        LH_CHECK(reader.value()->offset() > before);
        if (!entry.ok()) {
            LH_CHECK(entry.error().code == ErrorCode::corrupt);
            continue;
        }
        ++entries;
        body = as_text(entry.value().entry.body);
        attack_cost(entry.value().entry.body);
    }
    if (!last.empty()) LH_CHECK(body == last);
    return entries;
}

void open_segment(Bytes bytes) {
    sim::SimDisk disk;
    LH_CHECK(disk.make_directories(shard_folder(0)).ok());
    put(disk, journal_meta_path, write_journal_meta({}));
    put(disk, segment_path(0, 0), bytes);
    auto journal = LocalJournal::open(disk, {});
    if (!journal.ok()) return;
    const std::size_t before = read_to_the_end(*journal.value(), {});
    const JournalEntry one_more{{1}, JournalKind::block, "acme", "bus-1", as_bytes("one more")};
    LH_CHECK(journal.value()->append(0, one_more, {0}).ok());
    LH_CHECK(journal.value()->flush().ok());
    LH_CHECK(read_to_the_end(*journal.value(), "one more") == before + 1);
    journal = LocalJournal::open(disk, {});
    LH_CHECK(journal.ok());
    LH_CHECK(journal.value()->trimmed_bytes() == 0);
    LH_CHECK(read_to_the_end(*journal.value(), "one more") == before + 1);
}

// Entries with their checksums put right, so that what lies behind the checksum is reached.
void open_entries(Bytes bytes) {
    std::vector<std::byte> segment = write_segment_header({});
    ByteReader in{bytes};
    while (in.remaining() > 2) {
        const Bytes content = in.bytes(std::min<std::size_t>(in.u16() % 600, in.remaining()));
        std::vector<std::byte> entry;
        const JournalEntry any{{}, JournalKind::block, {}, {}, content};
        LH_CHECK(add_entry(any, {0, segment.size() - segment_header_bytes}, entry).ok());
        segment.insert(segment.end(), entry.begin(), entry.end());
        if (in.remaining() % 7 == 0 && !content.empty()) segment.back() ^= std::byte{1};
    }
    open_segment(segment);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes bytes = std::as_bytes(std::span{data, size});
    const Bytes rest = bytes.subspan(1);
    switch (data[0] % 3) {
        case 0: {
            const auto meta = parse_journal_meta(rest);
            if (meta.ok()) LH_CHECK(equal(write_journal_meta(meta.value()), rest));
            break;
        }
        case 1:
            open_segment(rest);
            break;
        default:
            open_entries(rest);
            break;
    }
    return 0;
}
