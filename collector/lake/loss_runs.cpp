#include "collector/lake/loss_runs.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "collector/lake/delta_log.hpp"
#include "collector/lake/parquet_file.hpp"

namespace longhaul::collector {
namespace {

std::optional<std::uint32_t> number(const std::string& text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

}  // namespace

// Rows of unknown extent, without a class, say nothing of numbers.
Result<LossRuns> LossRuns::read(ObjectStore& store, const std::string& folder) {
    LossRuns runs;
    const auto take = [&runs](const std::vector<std::string>& row) {
        const auto incarnation = number(row[1]);
        const auto epoch = number(row[2]);
        const auto first = number(row[3]);
        if (!incarnation || !epoch || !first) return;
        // Without a last number: to the end of the epoch.
        const auto last = number(row[5]);
        runs.add(row[0], *incarnation, BlockSeq{*first}, *epoch, number(row[4]).value_or(*epoch),
                 last ? BlockSeq{*last}.number() : BlockSeq::number_max);
    };
    DeltaTable table{store, folder};
    LH_TRY(table.refresh());
    for (const auto& [path, file] : table.state().files) {
        LH_TRY_ASSIGN(const auto content, table.read(file));
        LH_TRY(read_text_rows(
            content, {"device", "incarnation", "epoch", "first_seq", "last_epoch", "last_seq"},
            take));
    }
    return runs;
}

void LossRuns::add(const std::string& device, std::uint32_t incarnation, BlockSeq first,
                   std::uint32_t first_epoch, std::uint32_t last_epoch, std::uint32_t last_number) {
    runs_[{device, incarnation, first.block_class()}].push_back(
        {first_epoch, first.number(), last_epoch, last_number});
}

std::vector<LossRuns::Range> LossRuns::not_lost(const std::string& device,
                                                std::uint32_t incarnation, std::uint32_t epoch,
                                                BlockClass block_class, Range range) const {
    const auto found = runs_.find({device, incarnation, block_class});
    if (found == runs_.end()) return {range};
    std::vector<Range> lost;
    for (const Run& run : found->second) {
        if (epoch < run.first_epoch || epoch > run.last_epoch) continue;
        lost.push_back({epoch == run.first_epoch ? run.first : 1,
                        epoch == run.last_epoch ? run.last : BlockSeq::number_max});
    }
    std::sort(lost.begin(), lost.end(),
              [](const Range& a, const Range& b) { return a.first < b.first; });
    std::vector<Range> left;
    std::uint32_t next = range.first;
    for (const Range& each : lost) {
        if (each.last < next || each.first > range.last) continue;
        if (each.first > next) left.push_back({next, each.first - 1});
        next = each.last + 1;
        if (next > range.last) return left;
    }
    left.push_back({next, range.last});
    return left;
}

}  // namespace longhaul::collector
