#include "agent/platform/linux/syslog_source.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "agent/platform/linux/syslog_datagrams.hpp"
#include "agent/platform/linux/syslog_tail.hpp"
#include "agent/platform/linux/unix_socket.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

std::unique_ptr<SyslogSource> source_of(const SyslogConfig& config) {
    auto source = SyslogSource::open(config);
    if (!source.ok()) FAIL(source.error().text);
    return std::move(source).value();
}

SyslogConfig of_file(const std::string& path, bool from_start = false) {
    SyslogConfig config;
    config.file = path;
    config.from_start = from_start;
    config.stream = "syslog";
    return config;
}

SyslogConfig of_socket(const std::string& path) {
    SyslogConfig config;
    config.socket = path;
    config.stream = "syslog";
    return config;
}

std::vector<std::string> lines_of(SyslogSource& source) {
    std::vector<std::string> lines;
    while (const Sample* const sample = source.next({0})) {
        CHECK(sample->values.size() == syslog_field_count);
        lines.emplace_back(as_text(sample->values[0].text));
    }
    return lines;
}

// What the source has after it looked at the file once more.
class Tail {
 public:
    explicit Tail(const SyslogConfig& config) : source{source_of(config)} { source->pump(now_); }
    std::vector<std::string> look() {
        now_ = source->pump_at();
        source->pump(now_);
        return lines_of(*source);
    }
    // All that it has in the looks of this long.
    std::vector<std::string> look_for(std::int64_t ms) {
        std::vector<std::string> lines;
        for (const MonotonicMs end = now_ + ms; now_ < end;) {
            for (const std::string& line : look()) lines.push_back(line);
        }
        return lines;
    }
    std::unique_ptr<SyslogSource> source;

 private:
    MonotonicMs now_{1000};
};

void append(const std::string& path, std::string_view text) {
    std::ofstream{path, std::ios::app | std::ios::binary} << text;
}

using Lines = std::vector<std::string>;

void send_to(const std::string& path, std::string_view text) {
    const Descriptor socket{::socket(AF_UNIX, SOCK_DGRAM, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::sendto(socket.number(), text.data(), text.size(), 0,
                     reinterpret_cast<const sockaddr*>(&address),
                     sizeof(address)) == static_cast<ssize_t>(text.size()));
}

std::uint64_t refused(const SyslogSource& source, std::string_view reason) {
    for (const auto& [name, count] : source.report().refused) {
        if (name == reason) return count;
    }
    return 0;
}

// A source at a UDP port, and who sends to it.
struct UdpBench {
    UdpBench() {
        SyslogConfig config;
        config.udp = "127.0.0.1:0";
        config.stream = "syslog";
        source = source_of(config);
        std::vector<pollfd> all;
        source->watch(all);
        REQUIRE(all.size() == 1);
        watched = all[0];
        REQUIRE(::getsockname(watched.fd, name(), &length) == 0);
    }
    void send(std::string_view text) {
        REQUIRE(::sendto(sender.number(), text.data(), text.size(), 0, name(), length) ==
                static_cast<ssize_t>(text.size()));
    }

    std::unique_ptr<SyslogSource> source;
    pollfd watched{};

 private:
    sockaddr* name() { return reinterpret_cast<sockaddr*>(&address); }
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    Descriptor sender{::socket(AF_INET, SOCK_DGRAM, 0)};
};

}  // namespace

TEST_CASE("syslog file: new lines are given, what was there before is not") {
    const TemporaryFolder folder;
    const std::string path = folder.write("log", "before\n");
    Tail tail{of_file(path)};
    CHECK(tail.look().empty());
    append(path, "one\ntwo\nhal");
    CHECK(tail.look() == Lines{"one", "two"});
    append(path, "f\n\n");
    CHECK(tail.look() == Lines{"half"});
    CHECK(refused(*tail.source, "empty") == 1);
}

TEST_CASE("syslog file: from its start, when that is wanted") {
    const TemporaryFolder folder;
    const std::string path = folder.write("log", "before\n");
    Tail tail{of_file(path, true)};
    CHECK(lines_of(*tail.source) == Lines{"before"});
}

TEST_CASE("syslog file: a renamed file is read to its end, and its successor from the start") {
    const TemporaryFolder folder;
    const std::string path = folder.write("log", "");
    Tail tail{of_file(path)};
    append(path, "one\nlast without end");
    std::filesystem::rename(path, folder / "log.1");
    CHECK(tail.look() == Lines{"one"});
    append(folder / "log.1", ", told late");
    folder.write("log", "two\n");
    CHECK(tail.look().empty());
    CHECK(tail.look_for(syslog_tail_farewell_ms) == Lines{"last without end, told late", "two"});
    append(path, "three\n");
    CHECK(tail.look() == Lines{"three"});
}

TEST_CASE("syslog file: what a program still writes to a renamed file is not lost") {
    const TemporaryFolder folder;
    const std::string path = folder.write("log", "");
    Tail tail{of_file(path)};
    std::ofstream writer{path, std::ios::app};
    writer << "one\n" << std::flush;
    std::filesystem::rename(path, folder / "log.1");
    folder.write("log", "");
    CHECK(tail.look() == Lines{"one"});
    writer << "two\n" << std::flush;  // it was not told yet
    CHECK(tail.look() == Lines{"two"});
    writer.close();
    append(path, "three\n");
    CHECK(tail.look_for(syslog_tail_farewell_ms) == Lines{"three"});
}

TEST_CASE("syslog file: a line that was half written when the agent began is given whole") {
    const TemporaryFolder folder;
    const std::string path = folder.write("log", "before\nha");
    Tail tail{of_file(path)};
    CHECK(tail.look().empty());
    append(path, "lf\nnext\n");
    CHECK(tail.look() == Lines{"half", "next"});

    const std::string long_path = folder.write("long", "before\n" + std::string(3000, 'x'));
    Tail long_tail{of_file(long_path)};
    append(long_path, "\nnext\n");
    CHECK(long_tail.look() == Lines{"next"});
    CHECK(refused(*long_tail.source, "too_long") == 1);
}

TEST_CASE("syslog file: a file that was cut is read from its start") {
    const TemporaryFolder folder;
    const std::string path = folder.write("log", "");
    Tail tail{of_file(path)};
    append(path, "a longer line\n");
    CHECK(tail.look() == Lines{"a longer line"});
    std::filesystem::resize_file(path, 0);
    append(path, "short\n");
    CHECK(tail.look() == Lines{"short"});
}

TEST_CASE("syslog file: one that is not there yet is told of and read from its start") {
    const TemporaryFolder folder;
    Tail tail{of_file(folder / "log")};
    CHECK(tail.source->report().trouble == "cannot open: No such file or directory");
    folder.write("log", "one\n");
    CHECK(tail.look() == Lines{"one"});
    CHECK(tail.source->report().trouble.empty());
}

TEST_CASE("syslog file: it waits while nobody takes its lines, and loses none") {
    const TemporaryFolder folder;
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i) + " of many\n";
    Tail tail{of_file(folder.write("log", text), true)};
    std::size_t count = lines_of(*tail.source).size();
    CHECK(count < 20'000);
    for (int i = 0; i < 100; ++i) count += tail.look().size();
    CHECK(count == 20'000);
    CHECK(tail.source->report().lost == 0);
}

TEST_CASE("syslog file: lines that are too long are refused, the next one is read") {
    const TemporaryFolder folder;
    const std::string path = folder.write("log", std::string(5000, 'x') + "\nnext\n");
    Tail tail{of_file(path, true)};
    CHECK(lines_of(*tail.source) == Lines{"next"});
    CHECK(refused(*tail.source, "too_long") == 1);
}

TEST_CASE("syslog socket: a datagram is a line, without the line feed at its end") {
    const TemporaryFolder folder;
    const auto source = source_of(of_socket(folder / "log.sock"));
    const std::string longest(limits::text_bytes_max, 'x');
    send_to(folder / "log.sock", "<13>Nov 21 10:00:00 app: one\n");
    send_to(folder / "log.sock", "two\nlines");
    send_to(folder / "log.sock", longest + "\n");
    send_to(folder / "log.sock", longest + "x");
    source->pump({5000});
    const Sample* const sample = source->next({5000});
    REQUIRE(sample != nullptr);
    CHECK(sample->time == 5'000'000);
    CHECK(as_text(sample->values[0].text) == "<13>Nov 21 10:00:00 app: one");
    CHECK(as_text(sample->values[static_cast<std::size_t>(SyslogField::app)].text) == "app");
    CHECK(lines_of(*source) == Lines{"two\nlines", longest});
    CHECK(refused(*source, "too_long") == 1);
    CHECK(source->next_at() == until_woken);
}

TEST_CASE("syslog socket: whoever sends never waits; what finds no room is counted") {
    const TemporaryFolder folder;
    const auto source = source_of(of_socket(folder / "log.sock"));
    const std::string text(1000, 'x');
    std::uint64_t sent = 0;
    for (; source->report().lost == 0; ++sent) {
        send_to(folder / "log.sock", text);
        source->pump({1000});
        REQUIRE(sent < 10'000);
    }
    CHECK(lines_of(*source).size() == sent - 1);
}

TEST_CASE("syslog socket: what a killed agent left is replaced, a living one's is not") {
    const TemporaryFolder folder;
    const std::string path = folder / "log.sock";
    {
        const auto first = source_of(of_socket(path));
        const auto second = SyslogSource::open(of_socket(path));
        REQUIRE_FALSE(second.ok());
        CHECK(second.error().text == path + ": another program listens there");
    }
    CHECK_FALSE(std::filesystem::exists(path));
    {
        const Descriptor left{::socket(AF_UNIX, SOCK_DGRAM, 0)};
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        REQUIRE(::bind(left.number(), reinterpret_cast<const sockaddr*>(&address),
                       sizeof(address)) == 0);
    }
    REQUIRE(std::filesystem::exists(path));
    source_of(of_socket(path));

    const std::string file = folder.write("file", "");
    const auto refused_file = SyslogSource::open(of_socket(file));
    REQUIRE_FALSE(refused_file.ok());
    CHECK(refused_file.error().text == file + ": is there already, and is no socket");
    CHECK(std::filesystem::exists(file));
}

TEST_CASE("unix socket: a path longer than an address holds") {
    const TemporaryFolder folder;
    const std::string deep = folder / std::string(120, 'd');
    std::filesystem::create_directory(deep);
    const std::string path = deep + "/agent.sock";
    const auto bound = UnixSocket::bind(path, SOCK_STREAM);
    REQUIRE(bound.ok());
    CHECK(connect_unix(path).ok());
    const auto long_name = UnixSocket::bind(deep + "/" + std::string(120, 'n'), SOCK_STREAM);
    REQUIRE_FALSE(long_name.ok());
    CHECK(long_name.error().text.ends_with("too long for a socket"));
    CHECK_FALSE(connect_unix(folder / "nobody").ok());
}

TEST_CASE("syslog udp: addresses, and a datagram") {
    for (const char* const good : {"127.0.0.1:5514", "[::1]:5514", "0.0.0.0:514"})
        CHECK(valid_udp_address(good));
    for (const char* const bad : {"", "127.0.0.1", "localhost:5514", "127.0.0.1:99999", "::1:514"})
        CHECK_FALSE(valid_udp_address(bad));
    CHECK(is_loopback("127.8.0.1:1"));
    CHECK(is_loopback("[::1]:1"));
    CHECK_FALSE(is_loopback("0.0.0.0:1"));
    CHECK_FALSE(is_loopback("[::]:1"));

    UdpBench bench;
    bench.send("hello");
    REQUIRE(::poll(&bench.watched, 1, 10'000) == 1);
    bench.source->pump({1});
    CHECK(lines_of(*bench.source) == Lines{"hello"});
}

TEST_CASE("syslog udp: what the kernel has no room for is counted", "[kernel]") {
    UdpBench bench;
    const int least = 1;  // the kernel takes its minimum
    REQUIRE(::setsockopt(bench.watched.fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)) == 0);
    constexpr std::uint64_t sent = 300;
    for (std::uint64_t i = 0; i < sent; ++i) bench.send(std::string(500, 'x'));
    std::uint64_t taken = 0;
    do {
        bench.source->pump({1});
        taken += lines_of(*bench.source).size();
    } while (::poll(&bench.watched, 1, 0) == 1);
    CHECK(bench.source->report().lost > 0);
    CHECK(taken + bench.source->report().lost == sent);
}
