// The spool: how fast blocks are stored, beside plain writes and syncs of the same bytes in the
// same run, and what opening and draining cost however much waits.
//
//   spool_bench [LARGEST]         blocks of the largest spool that is opened; 1,000,000 without it
//   spool_bench --open PATH       a process of its own: opens and drains, prints its time and
//   memory
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "agent/platform/linux/linux_ports.hpp"
#include "agent/platform/linux/sqlite_spool.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t group_blocks = 16;
constexpr std::size_t block_bytes = 1100;
constexpr std::chrono::milliseconds measured{1500};
constexpr unsigned rounds = 5;
constexpr double blocks_per_s_min = 6000;
constexpr double ratio_max = 3;

// A folder that goes with the benchmark.
struct Folder {
    std::string path;
    explicit Folder(std::string path_in) : path{std::move(path_in)} {
        std::filesystem::remove_all(path);
        std::filesystem::create_directories(path);
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
};

std::string in_memory(const char* name) {
    const std::string memory = "/dev/shm";
    return (std::filesystem::exists(memory) ? memory + "/" : std::string{}) + name;
}

// How often `work` runs in a second, times `blocks`.
template <class Work>
double rate(std::size_t blocks, Work work) {
    std::size_t count = 0;
    const auto begin = Clock::now();
    auto end = begin;
    for (; end - begin < measured; end = Clock::now()) {
        work();
        count += blocks;
    }
    return static_cast<double>(count) / std::chrono::duration<double>(end - begin).count();
}

// A spool to which groups of blocks are appended.
class Filler {
 public:
    Filler(const std::string& path, std::uint64_t bytes_max, WhenFull rule) {
        SpoolPolicy policy;
        policy.bytes_max = bytes_max;
        policy.classes.fill({0, rule});
        auto opened = SqliteSpool::open(path, policy, entropy_);
        LH_CHECK(opened.ok());
        spool_ = std::move(opened).value();
        epoch_ = spool_->begin_epoch().value();
        LH_CHECK(spool_->store_epoch(epoch_, as_bytes("record"), {}).ok());
    }
    void append(std::size_t blocks, Bytes sealed) {
        group_.clear();
        for (std::size_t i = 0; i < blocks; ++i) {
            const BlockSeq seq = BlockSeq::of(BlockClass::normal, ++number_);
            group_.push_back({{{spool_->incarnation(), epoch_, seq}, 60, 1, 2}, sealed});
        }
        LH_CHECK(spool_->append(group_, nothing_sent).value().stored == blocks);
    }
    SpoolWear wear() { return spool_->wear(); }

 private:
    LinuxEntropy entropy_;
    std::unique_ptr<SqliteSpool> spool_;
    Epoch epoch_;
    std::uint32_t number_ = 0;
    std::vector<SpoolBlock> group_;
};

constexpr std::uint64_t roomy = std::uint64_t{1} << 33;
constexpr std::uint64_t tight = std::uint64_t{1} << 22;

double appends_per_s(const std::string& folder, std::uint64_t bytes_max) {
    const Folder own{folder};
    Filler filler{own.path + "/spool.db", bytes_max, WhenFull::drop_oldest};
    const std::vector<std::byte> block(block_bytes);
    return rate(group_blocks, [&] { filler.append(group_blocks, block); });
}

double plain_per_s() {
    const Folder own{"bench.plain"};
    const int file = ::open((own.path + "/file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    LH_CHECK(file >= 0);
    const std::vector<std::byte> group(group_blocks * block_bytes);
    const double result = rate(group_blocks, [&] {
        LH_CHECK(::write(file, group.data(), group.size()) == static_cast<ssize_t>(group.size()));
        LH_CHECK(::fdatasync(file) == 0);
    });
    ::close(file);
    return result;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

bool bench_appends() {
    std::vector<double> ours;
    std::vector<double> plain;
    std::vector<double> dropping;
    for (unsigned i = 0; i < rounds; ++i) {
        ours.push_back(appends_per_s("bench.spool", roomy));
        plain.push_back(plain_per_s());
        dropping.push_back(appends_per_s("bench.spool", tight));
    }
    const double ratio = median(plain) / median(ours);
    std::printf("sqlite spool, 16 blocks of 1,100 bytes, synced   %9.0f blocks/s\n", median(ours));
    std::printf("  write and fdatasync of the same bytes          %9.0f blocks/s, ratio %.2f\n",
                median(plain), ratio);
    std::printf("  while the oldest are dropped for them          %9.0f blocks/s\n",
                median(dropping));
    std::printf("  in memory, where a sync costs nothing          %9.0f blocks/s\n",
                appends_per_s(in_memory("bench.spool.memory"), roomy));
    const bool disk_is_too_slow = median(plain) < 2 * blocks_per_s_min;
    return ratio <= ratio_max && (median(ours) >= blocks_per_s_min || disk_is_too_slow);
}

// Of this process, in KiB.
long memory_kib(const std::string& what) {
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(what + ":")) return std::atol(line.c_str() + what.size() + 1);
    }
    return 0;
}

int open_and_drain(const char* path) {
    LinuxEntropy entropy;
    SpoolPolicy policy;
    policy.bytes_max = roomy;
    const long before = memory_kib("VmRSS");
    const auto begin = Clock::now();
    auto opened = SqliteSpool::open(path, policy, entropy);
    LH_CHECK(opened.ok());
    Spool& spool = *opened.value();
    const SpoolDepth depth = spool.depth().value();
    const std::chrono::duration<double, std::milli> open_ms = Clock::now() - begin;
    std::vector<std::byte> room(2 * block_bytes);
    BlockSeq after;
    std::uint32_t drained = 0;
    const auto drain_begin = Clock::now();
    for (;;) {
        const auto block = spool.next(BlockClass::normal, depth.oldest_epoch, after, room);
        if (!block.ok()) break;
        after = block.value().tag.name.seq;
        ++drained;
    }
    LH_CHECK(drained == depth.waiting[static_cast<std::size_t>(BlockClass::normal)]);
    const std::chrono::duration<double> drain_s = Clock::now() - drain_begin;
    std::printf(
        "  %9u blocks wait   open %6.1f ms   drain %7.0f blocks/s   %5ld KiB more than before\n",
        drained, open_ms.count(), drained / drain_s.count(), memory_kib("VmHWM") - before);
    return 0;
}

bool bench_open(const char* self, std::uint32_t largest) {
    constexpr std::size_t small_block_bytes = 100;
    constexpr std::size_t fill_blocks = 500;
    std::printf("opening and draining what waits\n");
    std::fflush(stdout);
    for (const std::uint32_t blocks : {10'000U, 100'000U, 1'000'000U}) {
        if (blocks > largest) break;
        const Folder own{in_memory("bench.spool.large")};
        const std::string path = own.path + "/spool.db";
        {
            Filler filler{path, roomy, WhenFull::stop};
            const std::vector<std::byte> block(small_block_bytes);
            for (std::uint32_t n = 0; n < blocks; n += fill_blocks)
                filler.append(fill_blocks, block);
        }
        const pid_t child = ::fork();
        LH_CHECK(child >= 0);
        if (child == 0) {
            ::execl(self, self, "--open", path.c_str(), nullptr);
            ::_exit(1);
        }
        int status = 0;
        if (::waitpid(child, &status, 0) != child || status != 0) return false;
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::string{argv[1]} == "--open") return open_and_drain(argv[2]);
    constexpr std::uint32_t largest_usual = 1'000'000;
    const auto largest =
        argc == 2 ? static_cast<std::uint32_t>(std::strtoul(argv[1], nullptr, 10)) : largest_usual;
    const bool fast = bench_appends();
    const bool opened = bench_open("/proc/self/exe", largest);
    if (!fast) std::printf("spool: slower than it has to be: 6,000 blocks/s, a third of a write\n");
    return fast && opened ? 0 : 1;
}
