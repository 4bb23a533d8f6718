#include "agent/platform/linux/system_source.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/sources/cell.hpp"
#include "common/base/utf8.hpp"

namespace longhaul::agent {
namespace {

enum : std::uint8_t { host_stream, interface_stream, temperature_stream };

// Empty when the file cannot be read; the kernel's are small.
std::string text_of(const std::string& path) {
    std::ifstream file{path};
    std::ostringstream text;
    text << file.rdbuf();
    return file ? text.str() : std::string{};
}

std::string first_line(const std::string& path) {
    const std::string text = text_of(path);
    return text.substr(0, text.find('\n'));
}

Value value_of(const Field& field, std::string_view text) {
    return text.empty() ? Value{} : read_cell(field, text).value_or(Value{});
}

Value count_of(std::string_view text) {
    Field field;
    field.kind = FieldKind::integer;
    return value_of(field, text);
}

// "MemTotal:       16316412 kB" in bytes.
Value memory_of(const std::string& meminfo, std::string_view key) {
    std::istringstream lines{meminfo};
    std::string name;
    std::int64_t kilobytes = 0;
    std::string rest;
    while (lines >> name >> kilobytes) {
        if (name == key) return Value::of_integer(kilobytes * 1024);
        std::getline(lines, rest);
    }
    return {};
}

// Names in an order that does not change from reading to reading.
std::vector<std::filesystem::path> entries_of(const std::string& folder, std::string_view prefix) {
    std::vector<std::filesystem::path> found;
    std::error_code error;
    for (std::filesystem::directory_iterator it{folder, error}, end; !error && it != end;
         it.increment(error)) {
        if (it->path().filename().string().starts_with(prefix)) found.push_back(it->path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace

SystemSource::SystemSource(std::int64_t interval_ms, std::string root, std::string disk)
    : interval_ms_{interval_ms},
      root_{std::move(root)},
      disk_{std::move(disk)},
      schemas_{BuiltinSchema{system_host_schema}, BuiltinSchema{system_interface_schema},
               BuiltinSchema{system_temperature_schema}} {
    constexpr std::string_view names[] = {"host", "interface", "temperature"};
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        streams_[i] = {names[i], &schemas_[i].schema(), schemas_[i].encoded(),
                       schemas_[i].schema().default_class};
    }
}

MonotonicMs SystemSource::next_at() const {
    if (stopped_) return MonotonicMs::never();
    return given_ < rows_.size() ? MonotonicMs{} : due_at_;
}

const Sample* SystemSource::next(MonotonicMs now) {
    if (given_ == rows_.size()) {
        if (now < due_at_) return nullptr;
        read_at_ = now;
        due_at_ = now + interval_ms_;
        read();
    }
    const Row& row = rows_[given_++];
    sample_ = {row.stream, read_at_.value * 1000, row.values};
    return &sample_;
}

void SystemSource::read() {
    rows_.clear();
    given_ = 0;
    read_host();
    read_interfaces();
    read_temperatures();
}

// Whether a reading has no room for one more row, which is counted then.
bool SystemSource::full() {
    if (rows_.size() < rows_max) return false;
    ++left_out_;
    return true;
}

SourceReport SystemSource::report() const {
    SourceReport report{"system", "", {}, 0};
    if (left_out_ != 0) report.refused.emplace_back("more_than_256_rows", left_out_);
    return report;
}

SystemSource::Row& SystemSource::add(std::uint8_t stream, std::string name) {
    Row& row = rows_.emplace_back();
    row.stream = stream;
    row.name = std::move(name);
    if (stream != host_stream) row.values.push_back(Value::of_text(as_bytes(row.name)));
    return row;
}

void SystemSource::read_host() {
    std::vector<Value>& values = add(host_stream, "").values;
    std::istringstream words{first_line(root_ + "/proc/uptime")};
    std::string word;
    words >> word;
    values.push_back(value_of(system_host_schema.fields[values.size()], word));
    words = std::istringstream{first_line(root_ + "/proc/loadavg")};
    for (int i = 0; i < 3; ++i) {
        word.clear();
        words >> word;
        values.push_back(value_of(system_host_schema.fields[values.size()], word));
    }
    const std::string meminfo = text_of(root_ + "/proc/meminfo");
    values.push_back(memory_of(meminfo, "MemTotal:"));
    values.push_back(memory_of(meminfo, "MemAvailable:"));
    struct statvfs disk{};
    const bool known = ::statvfs(disk_.c_str(), &disk) == 0;
    const auto bytes_of = [&disk](fsblkcnt_t blocks) {
        return Value::of_integer(static_cast<std::int64_t>(blocks * disk.f_frsize));
    };
    values.push_back(known ? bytes_of(disk.f_blocks) : Value{});
    values.push_back(known ? bytes_of(disk.f_bavail) : Value{});
}

// "  eth0: rx_bytes packets errs drop fifo frame compressed multicast tx_bytes packets errs drop …"
void SystemSource::read_interfaces() {
    std::istringstream lines{text_of(root_ + "/proc/net/dev")};
    std::string line;
    while (std::getline(lines, line)) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;  // a heading
        if (full()) continue;
        const std::size_t begin = line.find_first_not_of(' ');
        std::string name = line.substr(begin, colon - begin);
        if (name.empty() || name.size() > limits::text_bytes_max || !is_utf8(name)) continue;
        std::istringstream words{line.substr(colon + 1)};
        std::array<std::string, 12> counts;
        for (std::string& count : counts) words >> count;
        Row& row = add(interface_stream, std::move(name));
        row.state = first_line(root_ + "/sys/class/net/" + row.name + "/operstate");
        row.values.push_back(value_of(system_interface_schema.fields[1], row.state));
        for (const std::size_t i : {0U, 1U, 2U, 3U, 8U, 9U, 10U, 11U})
            row.values.push_back(count_of(counts[i]));
    }
}

void SystemSource::read_temperatures() {
    for (const auto& chip : entries_of(root_ + "/sys/class/hwmon", "hwmon")) {
        const std::string chip_name = first_line(chip / "name");
        for (const auto& input : entries_of(chip, "temp")) {
            std::string file = input.string();
            if (!file.ends_with("_input")) continue;
            const std::string stem =
                file.substr(0, file.size() - std::string_view{"_input"}.size());
            const std::string label = first_line(stem + "_label");
            const Value millidegrees = count_of(first_line(file));
            if (millidegrees.form == ValueForm::null) continue;  // a sensor that does not answer
            std::string sensor = (chip_name.empty() ? chip.filename().string() : chip_name) + " " +
                                 (label.empty() ? stem.substr(stem.rfind('/') + 1) : label);
            if (sensor.size() > limits::text_bytes_max || !is_utf8(sensor) || full()) continue;
            add(temperature_stream, std::move(sensor)).values.push_back(millidegrees);
        }
    }
}

}  // namespace longhaul::agent
