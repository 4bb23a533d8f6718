#include "agent/platform/linux/system_source.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <map>

#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

void write(const TemporaryFolder& folder, const std::string& path, std::string_view text) {
    std::filesystem::create_directories(std::filesystem::path{folder / path}.parent_path());
    folder.write(path, text);
}

// A machine with two interfaces and two chips.
void make_tree(const TemporaryFolder& folder) {
    write(folder, "proc/uptime", "35211.42 70000.00\n");
    write(folder, "proc/loadavg", "0.52 1.20 0.07 2/345 6789\n");
    write(folder, "proc/meminfo",
          "MemTotal:       16316412 kB\nMemFree: 1 kB\nMemAvailable:    8000 kB\n");
    write(
        folder, "proc/net/dev",
        "Inter-|   Receive                 |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
        "    lo: 100 2 0 0 0 0 0 0 100 2 0 0 0 0 0 0\n"
        "wlan0:9000000000 11 1 2 0 0 0 0 700 8 3 4 0 0 0 0\n");
    write(folder, "sys/class/net/wlan0/operstate", "up\n");
    write(folder, "sys/class/hwmon/hwmon0/name", "coretemp\n");
    write(folder, "sys/class/hwmon/hwmon0/temp1_input", "45000\n");
    write(folder, "sys/class/hwmon/hwmon0/temp1_label", "Core 0\n");
    write(folder, "sys/class/hwmon/hwmon0/temp2_input", "");
    write(folder, "sys/class/hwmon/hwmon1/temp1_input", "-1250\n");
}

std::string text_of(const Value& value) {
    if (value.form == ValueForm::text) return std::string{as_text(value.text)};
    return value.form == ValueForm::integer ? std::to_string(value.integer) : "-";
}

std::vector<std::string> read_all(SystemSource& source, MonotonicMs now) {
    std::vector<std::string> rows;
    while (const Sample* const sample = source.next(now)) {
        CHECK(sample->time == now.value * 1000);
        CHECK(sample->values.size() == source.streams()[sample->stream].schema->fields.size());
        std::string row{source.streams()[sample->stream].name};
        for (const Value& value : sample->values) row += " " + text_of(value);
        rows.push_back(row);
    }
    return rows;
}

}  // namespace

TEST_CASE("system: the numbers of proc and sys, a row each") {
    const TemporaryFolder folder;
    make_tree(folder);
    SystemSource source{60'000, folder.path(), folder.path()};
    const auto rows = read_all(source, {1000});
    REQUIRE(rows.size() == 5);
    CHECK(rows[0].starts_with("host 3521142 52 120 7 16708005888 8192000 "));
    CHECK(rows[1] == "interface lo - 100 2 0 0 100 2 0 0");
    CHECK(rows[2] == "interface wlan0 up 9000000000 11 1 2 700 8 3 4");
    CHECK(rows[3] == "temperature coretemp Core 0 45000");
    CHECK(rows[4] == "temperature hwmon1 temp1 -1250");
}

TEST_CASE("system: it reads at its interval, at once when it begins") {
    const TemporaryFolder folder;
    make_tree(folder);
    SystemSource source{60'000, folder.path(), folder.path()};
    CHECK(source.next_at() <= MonotonicMs{0});
    CHECK(read_all(source, {1000}).size() == 5);
    CHECK(source.next_at() == MonotonicMs{61'000});
    CHECK(source.next({60'999}) == nullptr);
    write(folder, "proc/loadavg", "9.00 1.20 0.07 2/345 6789\n");
    CHECK(read_all(source, {61'000})[0].starts_with("host 3521142 900 "));
}

TEST_CASE("system: what a machine does not have is null or absent") {
    const TemporaryFolder folder;
    SystemSource source{60'000, folder.path(), "/nowhere/at/all"};
    CHECK(read_all(source, {1}) == std::vector<std::string>{"host - - - - - - - -"});
}

TEST_CASE("system: more interfaces than a reading has room for are counted") {
    const TemporaryFolder folder;
    make_tree(folder);
    std::string interfaces;
    for (int i = 0; i < 300; ++i) interfaces += "veth" + std::to_string(i) + ": 1 1 0 0\n";
    write(folder, "proc/net/dev", interfaces);
    SystemSource source{60'000, folder.path(), folder.path()};
    CHECK(source.report().refused.empty());
    CHECK(read_all(source, {1}).size() == SystemSource::rows_max);
    REQUIRE(source.report().refused.size() == 1);
    CHECK(source.report().refused[0].first == "more_than_256_rows");
    CHECK(source.report().refused[0].second == 1 + 300 + 2 - SystemSource::rows_max);
}

TEST_CASE("system: this machine has an uptime, memory and a loopback interface") {
    SystemSource source{60'000, "", "/"};
    const auto rows = read_all(source, {1});
    REQUIRE(rows.size() > 1);
    CHECK(rows[0].find('-') == std::string::npos);
    const auto loopback = [](const std::string& row) { return row.starts_with("interface lo "); };
    CHECK(std::any_of(rows.begin(), rows.end(), loopback));
}
