#include "agent/sources/trace_file.hpp"

#include <algorithm>

#include "common/host/files.hpp"

namespace longhaul::agent {

const char* name_of(Refusal reason) {
    switch (reason) {
        case Refusal::empty:
            return "empty";
        case Refusal::columns:
            return "columns";
        case Refusal::device:
            return "device";
        case Refusal::time:
            return "time";
        case Refusal::value:
            return "value";
    }
    return "unknown";
}

// Where the mapping's columns are in this file.
struct TraceFile::Columns {
    std::size_t count = 0;
    std::vector<std::size_t> device;
    std::size_t time = 0;
    std::vector<std::size_t> fields;

    static Result<Columns, Message> find(const TraceMapping& mapping, const std::string& path,
                                         const std::vector<std::string_view>& head) {
        Columns columns;
        columns.count = head.size();
        std::string missing;
        const auto place = [&](const std::string& name) {
            const auto found = std::find(head.begin(), head.end(), name);
            if (found == head.end() && missing.empty()) missing = name;
            return static_cast<std::size_t>(found - head.begin());
        };
        for (const std::string& name : mapping.device_columns)
            columns.device.push_back(place(name));
        columns.time = place(mapping.time_column);
        for (const std::string& name : mapping.field_columns) columns.fields.push_back(place(name));
        if (missing.empty()) return columns;
        return Message{path + ": no column \"" + missing + "\", which " + mapping.path + " names"};
    }
};

TraceFile::TraceFile(const TraceMapping& mapping, std::string text)
    : mapping_{mapping}, text_{std::move(text)}, reader_{text_, mapping.separator} {}

Result<std::unique_ptr<TraceFile>, Message> TraceFile::load(const TraceMapping& mapping,
                                                            const std::string& path,
                                                            const std::set<std::string>& wanted) {
    auto text = read_text_file(path, recording_bytes_max);
    if (!text.ok()) return text.error();
    std::unique_ptr<TraceFile> file{new TraceFile{mapping, std::move(text).value()}};

    std::vector<std::string_view> cells;
    if (!file->reader_.next(cells)) return Message{path + ": the file is empty"};
    auto columns = Columns::find(mapping, path, cells);
    if (!columns.ok()) return columns.error();
    while (file->reader_.next(cells)) file->read_line(columns.value(), cells, wanted);
    return file;
}

void TraceFile::read_line(const Columns& columns, const std::vector<std::string_view>& cells,
                          const std::set<std::string>& wanted) {
    const auto is_empty = [](std::string_view cell) { return cell.empty(); };
    if (std::all_of(cells.begin(), cells.end(), is_empty)) return refuse(Refusal::empty);
    if (cells.size() != columns.count) return refuse(Refusal::columns);

    std::vector<std::string_view> parts;
    for (const std::size_t column : columns.device) parts.push_back(cells[column]);
    if (std::all_of(parts.begin(), parts.end(), is_empty)) return refuse(Refusal::device);
    const std::string device = device_name(mapping_.device_prefix, parts);
    if (!wanted.empty() && !wanted.contains(device)) return;

    const auto time = read_time(mapping_.time_format(), cells[columns.time]);
    if (!time) return refuse(Refusal::time);
    row_.clear();
    const std::span<const Field> fields = mapping_.schema().fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const auto value = read_cell(fields[i], cells[columns.fields[i]]);
        if (!value) return refuse(Refusal::value);
        row_.push_back(*value);
    }
    DeviceTrace& trace = devices_[device];
    trace.times.push_back(*time);
    trace.values.insert(trace.values.end(), row_.begin(), row_.end());
}

const DeviceTrace* TraceFile::find(const std::string& device) const {
    const auto found = devices_.find(device);
    return found == devices_.end() ? nullptr : &found->second;
}

}  // namespace longhaul::agent
