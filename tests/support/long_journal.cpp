// Makes a journal long: long_journal FOLDER MIB appends the blocks that it has, again and again,
// until its shards have so many MiB together. For a writer each of them is one that came again. No
// collector may run on it.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "collector/disk/posix_disk.hpp"
#include "collector/journal/local_journal.hpp"
#include "common/base/check.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

constexpr std::size_t blocks_max = 1000;

struct Block {
    Shard shard;
    WallUs receive_time;
    std::string tenant;
    std::string device;
    std::vector<std::byte> body;
};

std::vector<Block> blocks_of(LocalJournal& journal) {
    std::vector<Block> blocks;
    for (Shard shard = 0; shard < journal.shards(); ++shard) {
        const auto reader = journal.read(shard, journal.begin(shard).value());
        LH_CHECK(reader.ok());
        for (auto next = reader.value()->next(); next.ok(); next = reader.value()->next()) {
            const JournalEntry& entry = next.value().entry;
            if (entry.kind != JournalKind::block) continue;
            if (blocks.size() == blocks_max) return blocks;
            blocks.push_back({shard,
                              entry.receive_time,
                              std::string{entry.tenant},
                              std::string{entry.device},
                              {entry.body.begin(), entry.body.end()}});
        }
    }
    return blocks;
}

std::uint64_t bytes_of(const LocalJournal& journal) {
    std::uint64_t bytes = 0;
    for (Shard shard = 0; shard < journal.shards(); ++shard)
        bytes += journal.durable_end(shard) - journal.begin(shard).value();
    return bytes;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: long_journal FOLDER MIB\n");
        return 64;
    }
    const std::uint64_t wanted = std::strtoull(argv[2], nullptr, 10) << 20;
    auto disk = PosixDisk::open_root(argv[1]);
    LH_CHECK(disk.ok());
    auto opened = LocalJournal::open(*disk.value(), {});
    LH_CHECK(opened.ok());
    LocalJournal& journal = *opened.value();
    const std::vector<Block> blocks = blocks_of(journal);
    LH_CHECK(!blocks.empty());
    std::uint64_t entries = 0;
    while (bytes_of(journal) < wanted) {
        for (const Block& block : blocks) {
            const JournalEntry entry{block.receive_time, JournalKind::block, block.tenant,
                                     block.device, block.body};
            LH_CHECK(journal.append(block.shard, entry, {0}).ok());
            LH_CHECK(journal.step({0}).ok());  // groups and segments as long as a collector's
            ++entries;
        }
        LH_CHECK(journal.flush().ok());
    }
    std::printf("%llu entries appended, %llu bytes\n", static_cast<unsigned long long>(entries),
                static_cast<unsigned long long>(bytes_of(journal)));
    return 0;
}
