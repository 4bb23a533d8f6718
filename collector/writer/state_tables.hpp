// `_devices` and `_gaps`: how the devices of each tenant are now. Made by what the writer knows and
// what `_losses` lists. Specification: docs/spec/lake.md.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "collector/lake/merge.hpp"
#include "collector/lake/object_store.hpp"
#include "collector/writer/device_survey.hpp"

namespace longhaul::collector {

class StateTables {
 public:
    // Of the first tenant behind that name; nothing: there is none. Error: nobody answers now.
    using Ask = std::function<Result<std::optional<TenantSurvey>>(const std::string& after)>;

    // The store outlives it.
    StateTables(ObjectStore& store, Ask ask, StopAsked stop = nobody_asks)
        : store_{store}, ask_{std::move(ask)}, stop_{std::move(stop)} {}

    struct Counts {
        std::uint64_t devices = 0;
        std::uint64_t silent = 0;
        std::uint64_t gaps = 0;
        std::uint64_t awaited = 0;            // blocks in them
        std::int64_t oldest_gap_s = 0;        // since it was noticed
        std::optional<WallUs> surveyed_at{};  // nothing: not yet
    };

    // The tables of all tenants, one after the other, unless it is asked to stop. After an error it
    // may be tried again.
    Result<void, Message> replace_all(WallUs now);
    // As it was the last time.
    const Counts& counts() const { return counts_; }

 private:
    Result<void, Message> replace(TenantSurvey survey, WallUs now, Counts& counts);

    ObjectStore& store_;
    Ask ask_;
    StopAsked stop_;
    Counts counts_;
};

}  // namespace longhaul::collector
