// The journal: groups of sixteen entries, synced, beside plain writes and syncs of the same bytes.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <vector>

#include "collector/disk/posix_disk.hpp"
#include "collector/journal/local_journal.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

constexpr std::size_t group_entries = 16;
constexpr std::size_t block_bytes = 1100;

// A folder of its own on the disk that the build lies on.
struct Folder {
    std::string path;
    explicit Folder(const char* name) : path{std::string{"bench."} + name} {
        std::filesystem::remove_all(path);
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

void append_ours(benchmark::State& state) {
    const Folder folder{"journal"};
    const auto disk = std::move(PosixDisk::open_root(folder.path)).value();
    LocalJournalSettings settings;
    settings.salt_if_new = 1;
    const auto journal = std::move(LocalJournal::open(*disk, settings)).value();
    const std::vector<std::byte> block(block_bytes);
    for (auto _ : state) {
        for (std::size_t i = 0; i < group_entries; ++i) {
            LH_CHECK(
                journal->append(0, {{1}, JournalKind::block, "acme", "bus-2228", block}, {0}).ok());
        }
        LH_CHECK(journal->flush().ok());
    }
    state.SetItemsProcessed(state.iterations() * std::int64_t{group_entries});
}
BENCHMARK(append_ours)->Name("journal 16 blocks, synced/ours")->UseRealTime();

void append_limit(benchmark::State& state) {
    const Folder folder{"plain"};
    const auto disk = std::move(PosixDisk::open_root(folder.path)).value();
    const auto file = std::move(disk->create("file")).value();
    const std::vector<std::byte> group(group_entries *
                                       (block_bytes + 31));  // an entry's header and names
    for (auto _ : state) {
        LH_CHECK(file->append(group).ok());
        LH_CHECK(file->sync().ok());
    }
    state.SetItemsProcessed(state.iterations() * std::int64_t{group_entries});
}
BENCHMARK(append_limit)
    ->Name("journal 16 blocks, synced/limit: write and fdatasync")
    ->UseRealTime();

}  // namespace
