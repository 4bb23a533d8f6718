// How a recording in CSV becomes samples: which columns name the device, which one is the time, and
// which ones are the fields of what schema. Read from a small TOML file beside the recording.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/sources/cell.hpp"
#include "common/base/result.hpp"
#include "common/block/stored_schema.hpp"

namespace longhaul::agent {

class TraceMapping {
 public:
    static Result<std::unique_ptr<TraceMapping>, Message> load(const std::string& path);
    TraceMapping(const TraceMapping&) = delete;
    TraceMapping& operator=(const TraceMapping&) = delete;

    std::string path;  // of the mapping itself, for messages
    std::string file;  // the recording
    char separator = ',';
    std::vector<std::string> device_columns;
    std::string device_prefix;
    std::string stream;
    std::string time_column;
    std::string time_pattern;
    std::int64_t utc_offset_s = 0;
    std::vector<std::string> field_columns;  // one a field of the schema

    const Schema& schema() const { return schema_->schema(); }
    Bytes encoded_schema() const { return schema_->encoded(); }
    TimeFormat time_format() const { return {time_pattern, utc_offset_s}; }

 private:
    TraceMapping() = default;
    std::shared_ptr<const StoredSchema> schema_;
};

// "T3", "/1/1/L1" with the prefix "port-" become "port-t3-1-1-l1": lower case, everything but
// letters and digits one dash.
std::string device_name(std::string_view prefix, const std::vector<std::string_view>& parts);

}  // namespace longhaul::agent
