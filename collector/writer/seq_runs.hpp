// Which blocks of an epoch are there, as runs: a device that sends all it has leaves one a class.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace longhaul::collector {

struct SeqRun {
    std::uint32_t first = 0;
    std::uint32_t last = 0;  // included
    friend bool operator==(const SeqRun&, const SeqRun&) = default;
};

class SeqRuns {
 public:
    bool contains(std::uint32_t seq) const;
    void add(std::uint32_t seq) { add({seq, seq}); }
    void add(SeqRun run);
    void remove(std::uint32_t seq) { remove({seq, seq}); }
    void remove(SeqRun run);
    void remove_first_run() { runs_.erase(runs_.begin()); }
    // Whether add() would need room for one more run.
    bool grows_by(std::uint32_t seq) const;
    // The first number from `seq` on that is not there.
    std::uint64_t first_missing(std::uint32_t seq) const;
    // The first one that is there; UINT64_MAX: none.
    std::uint64_t first_present(std::uint32_t seq) const;

    const std::vector<SeqRun>& runs() const { return runs_; }
    std::size_t size() const { return runs_.size(); }
    bool empty() const { return runs_.empty(); }

 private:
    std::size_t find(std::uint32_t seq) const;  // the first run that ends at seq or behind it

    std::vector<SeqRun> runs_;  // in order, never touching one another
};

}  // namespace longhaul::collector
