// Small parts that look after a running collector: notifications, the disk's forecast, what a
// reload takes over.
#include <spdlog/sinks/null_sink.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <cstring>

#include "collector/app/config_keys.hpp"
#include "collector/app/disk_space.hpp"
#include "collector/app/metrics.hpp"
#include "collector/app/notify.hpp"
#include "collector/app/operations.hpp"
#include "common/host/files.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tls_client.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

// The answer without its headers, behind its status: "503 it is starting".
std::string get(unsigned short port, const std::string& path) {
    const int socket = test::connect_to(port);
    const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
    (void)::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
    std::string answer;
    std::array<char, 4096> room;
    for (ssize_t got = 0; (got = ::read(socket, room.data(), room.size())) > 0;)
        answer.append(room.data(), static_cast<std::size_t>(got));
    ::close(socket);
    const std::size_t body = answer.find("\r\n\r\n");
    REQUIRE(body != std::string::npos);
    return answer.substr(9, 4) + answer.substr(body + 4, answer.find('\n', body + 4) - body - 4);
}

// A manager that listens.
class Manager {
 public:
    explicit Manager(const std::string& path) : socket_{::socket(AF_UNIX, SOCK_DGRAM, 0)} {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        std::memcpy(at.sun_path, path.data(), path.size());
        if (path[0] == '@') at.sun_path[0] = '\0';
        const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
        REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&at), bytes) == 0);
    }
    ~Manager() { ::close(socket_); }
    std::string heard() const {
        std::array<char, 512> room;
        const ssize_t got = ::recv(socket_, room.data(), room.size(), MSG_DONTWAIT);
        return got < 0 ? std::string{} : std::string{room.data(), static_cast<std::size_t>(got)};
    }

 private:
    int socket_;
};

}  // namespace

TEST_CASE("notify: the manager hears what it is told, at a path or at a name without a file") {
    const test::TemporaryFolder folder;
    for (const std::string& address :
         {folder / "notify", "@longhaul-" + std::to_string(::getpid())}) {
        CAPTURE(address);
        const Manager manager{address};
        const Notifier notifier{address};
        notifier.tell("READY=1\nSTATUS=serving");
        CHECK(manager.heard() == "READY=1\nSTATUS=serving");
        CHECK(manager.heard().empty());
    }
}

TEST_CASE("notify: without a manager, with a wrong address or one that is gone, nothing happens") {
    const test::TemporaryFolder folder;
    for (const std::string& address :
         {std::string{}, std::string{"relative"}, folder / "nobody", std::string(200, '/')}) {
        Notifier{address}.tell("READY=1");
    }
}

TEST_CASE("notify: the watchdog's interval is ours only if it names our process") {
    ::unsetenv("NOTIFY_SOCKET");
    ::setenv("WATCHDOG_USEC", "3000000", 1);
    ::unsetenv("WATCHDOG_PID");
    CHECK(Notifier::from_environment().watchdog_ms() == 3000);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    CHECK(Notifier::from_environment().watchdog_ms() == 3000);
    ::setenv("WATCHDOG_PID", "1", 1);
    CHECK(Notifier::from_environment().watchdog_ms() == std::nullopt);
    ::unsetenv("WATCHDOG_PID");
    for (const char* wrong : {"", "x", "-1", "0", "3s"}) {
        ::setenv("WATCHDOG_USEC", wrong, 1);
        CHECK(Notifier::from_environment().watchdog_ms() == std::nullopt);
    }
    ::unsetenv("WATCHDOG_USEC");
}

TEST_CASE("operations: what is told while a collector starts, serves, fails") {
    const test::TemporaryFolder folder;
    CollectorConfig config;
    config.http_listen = "127.0.0.1:0";
    config.journal_path = config.lake_path = folder.path();
    Log log{std::make_shared<spdlog::sinks::null_sink_mt>()};
    Operations operations{config, Notifier{""}, log, [] {}};
    REQUIRE(operations.open(folder / "port").ok());
    const std::string written = read_text_file(folder / "port").value();
    const auto port = static_cast<unsigned short>(std::stoi(written));

    CHECK(get(port, "/healthz") == "200 ok");
    CHECK(get(port, "/readyz") == "503 it is starting");
    operations.set_phase(Phase::starting, "it reads the journal");
    CHECK(get(port, "/readyz") == "503 it reads the journal");
    operations.set_phase(Phase::serving, "");
    CHECK(get(port, "/readyz") == "200 ready");
    CHECK(get(port, "/metrics").starts_with("200 # HELP longhaul_build_info"));
    operations.set_phase(Phase::failed, "the journal failed");
    CHECK(get(port, "/healthz") == "503 the journal failed");
    CHECK(get(port, "/readyz") == "503 the journal failed");
    operations.set_phase(Phase::stopping, "it is stopping");  // which the failure led to
    CHECK(get(port, "/healthz") == "503 the journal failed");
    operations.stop();
}

TEST_CASE("operations: a port that is taken is told") {
    const test::TemporaryFolder folder;
    CollectorConfig config;
    config.http_listen = "127.0.0.1:0";
    Log log{std::make_shared<spdlog::sinks::null_sink_mt>()};
    Operations first{config, Notifier{""}, log, [] {}};
    REQUIRE(first.open(folder / "port").ok());
    std::string port = read_text_file(folder / "port").value();
    port.pop_back();
    config.http_listen = "127.0.0.1:" + port;
    Operations second{config, Notifier{""}, log, [] {}};
    const auto opened = second.open("");
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().text == "cannot listen on 127.0.0.1:" + port + ": Address already in use");
}

TEST_CASE("disk forecast: as fast as the room shrank, it will be gone") {
    constexpr std::int64_t hour_ms = 3'600'000;
    DiskForecast forecast;
    CHECK(forecast.full_in_s() == std::nullopt);
    forecast.add({0}, 1'000'000);
    forecast.add({30'000}, 900'000);
    CHECK(forecast.full_in_s() == std::nullopt);  // half a minute says nothing
    forecast.add({hour_ms}, 900'000);
    CHECK(forecast.full_in_s() == 9 * 3600);
    forecast.add({2 * hour_ms}, 1'100'000);
    CHECK(forecast.full_in_s() == std::nullopt);  // it grows
    // Only the last day counts.
    for (std::int64_t hour = 3; hour < 100; ++hour) forecast.add({hour * hour_ms}, 500'000);
    for (std::int64_t minute = 0; minute < 24 * 60; minute += 5)
        forecast.add({100 * hour_ms + minute * 60'000}, 500'000);
    CHECK(forecast.full_in_s() == std::nullopt);
}

TEST_CASE("reload: every key of the example is known, with what becomes of it") {
    std::vector<std::string> wanted;
    std::string section;
    const std::string_view example = config_example();
    for (std::size_t at = 0; at < example.size(); at = example.find('\n', at) + 1) {
        std::string_view line = example.substr(at, example.find('\n', at) - at);
        if (line.starts_with('[')) section = line.substr(1, line.find(']') - 1);
        if (line.starts_with("# ")) line.remove_prefix(2);
        const std::size_t equals = line.find(" = ");
        if (section.empty() || equals == std::string_view::npos) continue;
        wanted.push_back(section + "." + std::string{line.substr(0, equals)});
    }
    const auto known = config_keys();
    CHECK(wanted == std::vector<std::string>{known.begin(), known.end()});
}

TEST_CASE("reload: what needs a restart stays as it was and is told again the next time") {
    CollectorConfig current;
    current.listen = "127.0.0.1:7600";
    current.idle_deadline_ms = 900'000;
    CollectorConfig wanted = current;
    CHECK(take_over(current, wanted).empty());
    wanted.listen = "127.0.0.1:7700";
    wanted.idle_deadline_ms = 60'000;
    const auto changes = take_over(current, wanted);
    REQUIRE(changes.size() == 2);
    CHECK(std::string{changes[0].key} == "collector.listen");
    CHECK(changes[0].effect == Effect::restart);
    CHECK(current.listen == "127.0.0.1:7600");
    CHECK(std::string{changes[1].key} == "session.idle_deadline_s");
    CHECK(changes[1].from == "900");
    CHECK(changes[1].to == "60");
    CHECK(current.idle_deadline_ms == 60'000);
    CHECK(take_over(current, wanted).size() == 1);
}

TEST_CASE("durations: each is in its range, and the text has them added up") {
    GatewayCounters gateway;
    JournalCounters journal;
    journal.sync.add(0.0005);
    journal.sync.add(0.003);
    journal.sync.add(0.003);
    journal.sync.add(60);
    Readings readings;
    readings.gateway = &gateway;
    readings.journal = &journal;
    const std::string text = metrics_text(readings);
    const auto has = [&text](const char* line) { return text.find(line) != std::string::npos; };
    CHECK(has("longhaul_journal_sync_seconds_bucket{le=\"0.0005\"} 1\n"));
    CHECK(has("longhaul_journal_sync_seconds_bucket{le=\"0.002\"} 1\n"));
    CHECK(has("longhaul_journal_sync_seconds_bucket{le=\"0.005\"} 3\n"));
    CHECK(has("longhaul_journal_sync_seconds_bucket{le=\"5\"} 3\n"));
    CHECK(has("longhaul_journal_sync_seconds_bucket{le=\"+Inf\"} 4\n"));
    CHECK(has("longhaul_journal_sync_seconds_count 4\n"));
    CHECK(has("longhaul_refusals_total{reason=\"revoked\"} 0\n"));
}
