// What `_losses` says of the numbers of one class: which of a range are lost.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "collector/lake/object_store.hpp"
#include "common/base/ids.hpp"

namespace longhaul::collector {

class LossRuns {
 public:
    struct Range {
        std::uint32_t first = 0;
        std::uint32_t last = 0;  // included
        friend bool operator==(const Range&, const Range&) = default;
    };

    // All rows of the table; none when there is no such table.
    static Result<LossRuns> read(ObjectStore& store, const std::string& folder);
    void add(const std::string& device, std::uint32_t incarnation, BlockSeq first,
             std::uint32_t first_epoch, std::uint32_t last_epoch, std::uint32_t last_number);

    // The parts of a range of numbers that no row tells of, in order.
    std::vector<Range> not_lost(const std::string& device, std::uint32_t incarnation,
                                std::uint32_t epoch, BlockClass block_class, Range range) const;

 private:
    struct Run {
        std::uint32_t first_epoch, first, last_epoch, last;
    };
    using Key = std::tuple<std::string, std::uint32_t, BlockClass>;
    std::map<Key, std::vector<Run>> runs_;
};

}  // namespace longhaul::collector
