#include "agent/platform/linux/system_source.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "agent/sources/cell.hpp"
#include "common/base/utf8.hpp"

namespace longhaul::agent {
namespace {

enum : std::uint8_t { host_stream, interface_stream, temperature_stream };

// Empty when the file cannot be read. The kernel's are small, and do not say how long they are.
std::string text_of(const std::string& path) {
    std::string text;
    std::FILE* const file = std::fopen(path.c_str(), "re");
    if (file == nullptr) return text;
    std::array<char, 4096> piece;
    while (const std::size_t count = std::fread(piece.data(), 1, piece.size(), file))
        text.append(piece.data(), count);
    std::fclose(file);
    return text;
}

// Both take what they return from `rest`, together with what ends it.
std::string_view next_line(std::string_view& rest) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
}
std::string_view next_word(std::string_view& rest) {
    constexpr std::string_view spaces = " \t\n";
    rest.remove_prefix(std::min(rest.find_first_not_of(spaces), rest.size()));
    const std::string_view word = rest.substr(0, rest.find_first_of(spaces));
    rest.remove_prefix(word.size());
    return word;
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
Value memory_of(std::string_view meminfo, std::string_view key) {
    while (!meminfo.empty()) {
        std::string_view line = next_line(meminfo);
        if (next_word(line) != key) continue;
        const std::string_view number = next_word(line);
        std::int64_t kilobytes = 0;
        const auto read = std::from_chars(number.data(), number.data() + number.size(), kilobytes);
        return read.ec == std::errc{} ? Value::of_integer(kilobytes * 1024) : Value{};
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
    const auto add_words = [&values](const std::string& text, int count) {
        std::string_view rest = text;
        for (int i = 0; i < count; ++i)
            values.push_back(value_of(system_host_schema.fields[values.size()], next_word(rest)));
    };
    add_words(first_line(root_ + "/proc/uptime"), 1);
    add_words(first_line(root_ + "/proc/loadavg"), 3);
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
    const std::string text = text_of(root_ + "/proc/net/dev");
    std::string_view lines = text;
    while (!lines.empty()) {
        const std::string_view line = next_line(lines);
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) continue;  // a heading
        if (full()) continue;
        const std::size_t begin = line.find_first_not_of(' ');
        std::string name{line.substr(begin, colon - begin)};
        if (name.empty() || name.size() > limits::text_bytes_max || !is_utf8(name)) continue;
        std::string_view words = line.substr(colon + 1);
        std::array<std::string_view, 12> counts;
        for (std::string_view& count : counts) count = next_word(words);
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
