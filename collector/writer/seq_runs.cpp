#include "collector/writer/seq_runs.hpp"

#include <algorithm>

namespace longhaul::collector {

std::size_t SeqRuns::find(std::uint32_t seq) const {
    const auto found =
        std::lower_bound(runs_.begin(), runs_.end(), seq,
                         [](const SeqRun& run, std::uint32_t value) { return run.last < value; });
    return static_cast<std::size_t>(found - runs_.begin());
}

bool SeqRuns::contains(std::uint32_t seq) const {
    const std::size_t at = find(seq);
    return at != runs_.size() && runs_[at].first <= seq;
}

bool SeqRuns::grows_by(std::uint32_t seq) const {
    if (contains(seq)) return false;
    const std::size_t at = find(seq);
    const bool before = at != 0 && runs_[at - 1].last + 1 == seq;
    const bool behind = at != runs_.size() && runs_[at].first == std::uint64_t{seq} + 1;
    return !before && !behind;
}

std::uint64_t SeqRuns::first_missing(std::uint32_t seq) const {
    const std::size_t at = find(seq);
    if (at == runs_.size() || runs_[at].first > seq) return seq;
    return std::uint64_t{runs_[at].last} + 1;
}

std::uint64_t SeqRuns::first_present(std::uint32_t seq) const {
    const std::size_t at = find(seq);
    return at == runs_.size() ? UINT64_MAX : std::max(seq, runs_[at].first);
}

void SeqRuns::add(SeqRun run) {
    // All that overlap it or touch it become one with it.
    auto begin =
        runs_.begin() + static_cast<std::ptrdiff_t>(find(run.first == 0 ? 0 : run.first - 1));
    auto end = begin;
    for (; end != runs_.end() && end->first <= std::uint64_t{run.last} + 1; ++end) {
        run.first = std::min(run.first, end->first);
        run.last = std::max(run.last, end->last);
    }
    if (begin == end) {
        runs_.insert(begin, run);
    } else {
        *begin = run;
        runs_.erase(begin + 1, end);
    }
}

void SeqRuns::remove(SeqRun run) {
    const auto begin = runs_.begin() + static_cast<std::ptrdiff_t>(find(run.first));
    auto end = begin;
    while (end != runs_.end() && end->first <= run.last) ++end;
    if (begin == end) return;
    const SeqRun first = *begin;
    const SeqRun last = *(end - 1);
    auto at = runs_.erase(begin, end);
    if (last.last > run.last) at = runs_.insert(at, {run.last + 1, last.last});
    if (first.first < run.first) runs_.insert(at, {first.first, run.first - 1});
}

}  // namespace longhaul::collector
