// A recording, read once and shared by all devices of a process. Lines that do not hold what the
// mapping promises are refused and counted by reason; everything else is carried as it is, repeated
// rows, steps back in time and wrong values included.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/sources/csv.hpp"
#include "agent/sources/trace_mapping.hpp"

namespace longhaul::agent {

// It lies in memory as a whole, its samples beside it in several times its size.
inline constexpr std::size_t recording_bytes_max = std::size_t{1} << 30;

enum class Refusal : std::uint8_t {
    empty,    // all cells are
    columns,  // more or fewer cells than the head has
    device,   // the columns that name the device are empty
    time,     // unreadable
    value,    // a field is unreadable, or empty and not nullable
};
inline constexpr std::size_t refusal_count = 5;
const char* name_of(Refusal reason);
using Refusals = std::array<std::uint64_t, refusal_count>;

// What one device recorded, in the order of the file.
struct DeviceTrace {
    std::vector<std::int64_t> times;
    std::vector<Value>
        values;  // as many a sample as the schema has fields; texts point into the file
};

class TraceFile {
 public:
    // Keeps the samples of the devices in `wanted`; of all when it is empty. Lines of other devices
    // are not looked at closely. The mapping outlives the file.
    static Result<std::unique_ptr<TraceFile>, Message> load(const TraceMapping& mapping,
                                                            const std::string& path,
                                                            const std::set<std::string>& wanted);
    TraceFile(const TraceFile&) = delete;
    TraceFile& operator=(const TraceFile&) = delete;

    const std::map<std::string, DeviceTrace>& devices() const { return devices_; }
    const DeviceTrace* find(const std::string& device) const;
    const Refusals& refusals() const { return refusals_; }

 private:
    struct Columns;
    TraceFile(const TraceMapping& mapping, std::string text);
    void read_line(const Columns& columns, const std::vector<std::string_view>& cells,
                   const std::set<std::string>& wanted);
    void refuse(Refusal reason) { ++refusals_[static_cast<std::size_t>(reason)]; }

    const TraceMapping& mapping_;
    std::string text_;
    CsvReader reader_;
    std::map<std::string, DeviceTrace> devices_;
    Refusals refusals_{};
    std::vector<Value> row_;
};

}  // namespace longhaul::agent
