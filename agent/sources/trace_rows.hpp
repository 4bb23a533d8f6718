// Between the formats of recordings and what is made of them: a recording as a row of rows, each of
// which has what names its device, a time and the values of a schema.
//
// A format either yields cells that a mapping makes rows of (CSV, NDJSON: mapped_rows), or it has a
// schema of its own and yields rows at once (candump, NMEA, syslog: log_rows).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "agent/sources/refusal.hpp"
#include "common/block/value.hpp"

namespace longhaul::agent {

class TraceRows {
 public:
    virtual ~TraceRows() = default;

    // Goes on to the next row; lines on the way that are none are counted. false: the end.
    virtual bool next() = 0;
    // Of this row: what names its device, empty when all rows are of one. Valid until next().
    virtual std::span<const std::string_view> device_parts() const = 0;
    // Of this row: its time in UTC microseconds (0 in a format without one), and a value for each
    // field. Texts live as long as the rows. false: it holds no sample, which is counted.
    virtual bool read(std::int64_t& time_us, std::span<Value> values) = 0;

    const Refusals& refusals() const { return refusals_; }
    void refuse(Refusal reason, std::uint64_t lines = 1) {
        refusals_[static_cast<std::size_t>(reason)] += lines;
    }

 private:
    Refusals refusals_{};
};

}  // namespace longhaul::agent
