// How a recording becomes samples: its format, what names the device, which column is the time, and
// which ones are the fields of what schema. Read from a small TOML file beside the recording;
// docs/recordings.md has all keys.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/sources/time_text.hpp"
#include "common/base/result.hpp"
#include "common/block/stored_schema.hpp"

namespace longhaul::agent {

// The first two leave the schema to the mapping, the others have one of their own.
enum class TraceFormat : std::uint8_t { csv, ndjson, candump, nmea, syslog };

struct CsvShape {
    char separator = ',';
    std::vector<std::string> head;  // the names of the columns; empty: in the first line
    bool rest = false;  // no cell is quoted, and the last one takes the rest of the line
};

class TraceMapping {
 public:
    static Result<std::unique_ptr<TraceMapping>, Message> load(const std::string& path);
    // `path` is the name in messages and decides what relative paths mean.
    static Result<std::unique_ptr<TraceMapping>, Message> parse(std::string_view text,
                                                                const std::string& path);
    TraceMapping(const TraceMapping&) = delete;
    TraceMapping& operator=(const TraceMapping&) = delete;

    std::string path;  // of the mapping itself, for messages
    std::string file;  // the recording
    TraceFormat format = TraceFormat::csv;
    CsvShape csv;
    std::string device_fixed;  // all samples are of this device, when there are no columns
    std::vector<std::string> device_columns;
    std::string device_prefix;
    std::string stream;
    std::string time_column;  // empty: the recording has no time that is used
    std::string time_pattern;
    std::int64_t utc_offset_s = 0;
    std::vector<std::string> field_columns;  // one a field of the schema

    const Schema& schema() const { return schema_->schema(); }
    Bytes encoded_schema() const { return schema_->encoded(); }
    TimeFormat time_format() const {
        // A time that is not stored, but says when the next sample is due, may be cut.
        return {time_pattern, utc_offset_s, schema().time == TimeKind::device};
    }

 private:
    friend class MappingReader;
    TraceMapping() = default;
    std::shared_ptr<const StoredSchema> schema_;
};

// "T3", "/1/1/L1" with the prefix "port-" become "port-t3-1-1-l1": lower case, everything but
// letters and digits one dash.
std::string device_name(std::string_view prefix, const std::vector<std::string_view>& parts);

}  // namespace longhaul::agent
