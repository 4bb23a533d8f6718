// The device's own health as three streams, read from /proc and /sys at an interval: "host",
// "interface" (one sample an interface) and "temperature" (one sample a sensor of hwmon).
#pragma once

#include <array>
#include <deque>
#include <string>
#include <vector>

#include "agent/platform/linux/live_source.hpp"
#include "agent/sources/builtin_schema.hpp"

namespace longhaul::agent {

extern const Schema system_host_schema;
extern const Schema system_interface_schema;
extern const Schema system_temperature_schema;

class SystemSource final : public LiveSource {
 public:
    static constexpr std::size_t rows_max = 256;  // of one reading

    // `root` is where proc and sys lie: "" on a real machine. `disk` is a path on the file system
    // whose space counts.
    SystemSource(std::int64_t interval_ms, std::string root, std::string disk);

    std::span<const StreamInfo> streams() const override { return streams_; }
    const Sample* next(MonotonicMs now) override;
    MonotonicMs next_at() const override;
    void pump(MonotonicMs) override {}
    SourceReport report() const override;
    void stop() override { stopped_ = true; }

 private:
    struct Row {
        std::uint8_t stream = 0;
        std::string name;  // of the interface or sensor; its value points here
        std::string state;
        std::vector<Value> values;
    };
    void read();
    void read_host();
    void read_interfaces();
    void read_temperatures();
    bool full();
    Row& add(std::uint8_t stream, std::string name);

    std::int64_t interval_ms_;
    std::string root_;
    std::string disk_;
    std::array<BuiltinSchema, 3> schemas_;
    std::array<StreamInfo, 3> streams_;
    MonotonicMs due_at_;
    MonotonicMs read_at_;
    std::deque<Row> rows_;
    std::size_t given_ = 0;
    std::uint64_t left_out_ = 0;  // rows
    bool stopped_ = false;
    Sample sample_;
};

}  // namespace longhaul::agent
