// A recording, read once and shared by all devices of a process. Lines that do not hold what the
// format and the mapping promise are refused and counted by reason; everything else is carried as
// it is, repeated rows, steps back in time and wrong values included.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/sources/trace_mapping.hpp"
#include "agent/sources/trace_rows.hpp"

namespace longhaul::agent {

// What one device recorded, in the order of the file.
struct DeviceTrace {
    std::vector<std::int64_t> times;  // UTC microseconds; 0 where the recording has no times
    std::vector<Value>
        values;  // as many a sample as the schema has fields; texts belong to the file
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
    const Refusals& refusals() const { return rows_->refusals(); }

 private:
    // What the words that name a device stand for.
    struct Owner {
        std::string name;
        bool wanted = false;
        DeviceTrace* trace = nullptr;  // once it has a sample
    };

    TraceFile(const TraceMapping& mapping, std::string text)
        : mapping_{mapping}, text_{std::move(text)} {}
    void read_rows(const std::set<std::string>& wanted);
    Owner& owner_of(std::span<const std::string_view> parts, const std::set<std::string>& wanted);
    void read_row(Owner& owner);

    const TraceMapping& mapping_;
    std::string text_;
    std::unique_ptr<TraceRows> rows_;
    std::map<std::string, DeviceTrace> devices_;
    std::unordered_map<std::string, Owner> owners_;
    std::string key_;
    std::vector<Value> row_;
};

}  // namespace longhaul::agent
