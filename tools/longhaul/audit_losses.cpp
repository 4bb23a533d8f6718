#include "tools/longhaul/audit_losses.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace longhaul::tools {
namespace {

template <class Number>
std::optional<Number> number(const std::string& text) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

const std::vector<std::string> lost_run_columns{"epoch",    "first_seq", "last_epoch",
                                                "last_seq", "samples",   "reason"};

std::optional<LostRun> lost_run(const std::vector<std::string>& row) {
    const auto epoch = number<std::uint32_t>(row[0]);
    const auto first = number<std::uint32_t>(row[1]);
    // Rows of a time when a loss was always of one epoch do not name the last one.
    const auto last_epoch = row[2].empty() ? epoch : number<std::uint32_t>(row[2]);
    const auto last = number<std::uint32_t>(row[3]);
    if (!epoch || !first || !last_epoch || !last) return std::nullopt;
    LostRun run;
    run.block_class = BlockSeq{*first}.block_class();
    run.first = {*epoch, BlockSeq{*first}.number()};
    run.last = {*last_epoch, BlockSeq{*last}.number()};
    run.samples = number<std::uint64_t>(row[4]).value_or(0);
    run.reason = row[5];
    if (run.last < run.first || BlockSeq{*last}.block_class() != run.block_class)
        return std::nullopt;
    return run;
}

std::vector<LostRun> distinct_runs(std::vector<LostRun> runs) {
    std::sort(runs.begin(), runs.end(), [](const LostRun& a, const LostRun& b) {
        return std::tie(a.block_class, a.first, b.last) < std::tie(b.block_class, b.first, a.last);
    });
    std::vector<LostRun> distinct;
    std::size_t widest = 0;  // the one that reaches farthest
    for (LostRun& run : runs) {
        const bool known = !distinct.empty() && distinct[widest].block_class == run.block_class &&
                           run.last <= distinct[widest].last;
        if (known) continue;
        widest = distinct.size();
        distinct.push_back(std::move(run));
    }
    return distinct;
}

std::optional<LostNumbers> numbers_in(const LostRun& run, std::uint32_t epoch) {
    if (epoch < run.first.first || epoch > run.last.first) return std::nullopt;
    return LostNumbers{epoch == run.first.first ? run.first.second : 1,
                       epoch == run.last.first ? run.last.second : BlockSeq::number_max};
}

}  // namespace longhaul::tools
