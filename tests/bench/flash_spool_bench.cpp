// What the flash spool costs the flash: bytes written a byte stored, programs and erases a block,
// and how fast serial NOR flash (firmware-sim/sim_flash) would take blocks. Nothing is timed by a
// clock.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "agent/core/flash_spool.hpp"
#include "firmware-sim/sim_flash.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

class CountingEntropy final : public Entropy {
 public:
    Status fill(MutableBytes room) override {
        for (std::byte& each : room) each = static_cast<std::byte>(++count_);
        return {};
    }

 private:
    unsigned count_ = 0;
};

void check(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "flash_spool_bench: %s failed\n", what);
    std::exit(1);
}

// Fills the flash three times over, in a steady state: 16 blocks, then they become durable.
void run(std::uint32_t block_bytes, const FlashGeometry& geometry) {
    sim::SimFlash flash{geometry};
    CountingEntropy entropy;
    std::vector<std::byte> memory(FlashSpool::memory_bytes(geometry));
    SpoolPolicy policy;
    policy.bytes_max = UINT64_MAX;
    FlashSpool spool{flash, policy, entropy, memory};
    check(spool.open().ok(), "open");
    const auto epoch = spool.begin_epoch();
    check(epoch.ok(), "begin_epoch");
    const std::vector<std::byte> bytes(block_bytes, std::byte{0x5a});
    const std::uint64_t blocks =
        3 * std::uint64_t{geometry.sector_bytes} * geometry.sectors / block_bytes;
    flash.count_from_here();
    std::uint64_t append_ns = 0;
    for (std::uint32_t number = 1; number <= blocks; ++number) {
        const BlockSeq seq = BlockSeq::of(BlockClass::normal, number);
        const SpoolTag tag{{spool.incarnation(), epoch.value(), seq}, 60, 0, 0};
        const std::uint64_t before = flash.totals().time_ns;
        const auto appended = spool.append(std::array{SpoolBlock{tag, bytes}}, nothing_sent);
        check(appended.ok() && appended.value().stored == 1, "append");
        append_ns += flash.totals().time_ns - before;
        if (number % 16 == 0) {
            const BlockSeq first = BlockSeq::of(BlockClass::normal, number - 15);
            check(spool.mark_durable({epoch.value(), first, seq}).ok(), "mark_durable");
        }
    }
    const sim::FlashTotals& totals = flash.totals();
    const auto count = static_cast<double>(blocks);
    std::printf(
        "%5u bytes a block, sectors of %2u KiB, program %3u: %.2f bytes written a byte stored, "
        "%.1f programs and %.4f erases a block, %.0f appends/s\n",
        block_bytes, geometry.sector_bytes / 1024, geometry.program_bytes,
        static_cast<double>(totals.bytes_programmed) / (count * block_bytes),
        static_cast<double>(totals.programs) / count, static_cast<double>(totals.erases) / count,
        count * 1e9 / static_cast<double>(append_ns));
}

}  // namespace

int main() {
    for (const std::uint32_t block_bytes : {300U, 1100U}) {
        run(block_bytes, {65536, 64, 1});
        run(block_bytes, {4096, 256, 1});
        run(block_bytes, {4096, 256, 8});
        run(block_bytes, {65536, 64, 256});
    }
}
