// Rows of formats that have a schema of their own: candump, NMEA 0183, syslog.
#pragma once

#include <memory>
#include <vector>

#include "agent/sources/candump.hpp"
#include "agent/sources/gnss_fix.hpp"
#include "agent/sources/syslog_message.hpp"
#include "agent/sources/trace_mapping.hpp"
#include "agent/sources/trace_rows.hpp"

namespace longhaul::agent {

// One line after the other, without its line end.
class Lines {
 public:
    explicit Lines(std::string_view text) : rest_{text} {}
    bool next(std::string_view& line);

 private:
    std::string_view rest_;
};

// What the three have in common: a row is a set of values, some of which may name the device.
class LogRows : public TraceRows {
 public:
    std::span<const std::string_view> device_parts() const override { return parts_; }

 protected:
    // The mapping's device columns are fields of the schema that are texts.
    explicit LogRows(const TraceMapping& mapping);
    void set_parts(std::span<const Value> values);

 private:
    std::vector<std::size_t> part_fields_;
    std::vector<std::string_view> parts_;
};

class CandumpRows final : public LogRows {
 public:
    CandumpRows(const TraceMapping& mapping, std::string_view text)
        : LogRows{mapping}, lines_{text} {}
    bool next() override;
    bool read(std::int64_t& time_us, std::span<Value> values) override;

 private:
    Lines lines_;
    ByteArena arena_;
    CanFrame frame_;
};

// Sentences of one time of day make one row.
class NmeaRows final : public LogRows {
 public:
    NmeaRows(const TraceMapping& mapping, std::string_view text) : LogRows{mapping}, lines_{text} {}
    bool next() override;
    bool read(std::int64_t& time_us, std::span<Value> values) override;

 private:
    void count_refused();

    Lines lines_;
    GnssFixes fixes_;
    const GnssFix* fix_ = nullptr;
    bool ended_ = false;
    ByteArena arena_;
};

class SyslogRows final : public LogRows {
 public:
    SyslogRows(const TraceMapping& mapping, std::string_view text)
        : LogRows{mapping}, lines_{text} {}
    bool next() override;
    bool read(std::int64_t& time_us, std::span<Value> values) override;

 private:
    Lines lines_;
    std::array<Value, syslog_field_count> values_;
};

}  // namespace longhaul::agent
