#include "agent/platform/linux/nmea_source.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>

#include <catch2/catch_test_macros.hpp>
#include <fstream>

#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

constexpr std::string_view first_second =
    "$GNRMC,000941.00,A,4404.13387,N,12118.85628,W,0.029,,100117,,,A*7D\r\n"
    "$GNGGA,000941.00,4404.13387,N,12118.85628,W,1,12,1.01,1144.8,M,-21.4,M,,*4D\r\n";
constexpr std::string_view next_second =
    "$GNRMC,000942.00,A,4404.13401,N,12118.85633,W,0.041,,100117,,,A*73\r\n";

// A pair of pseudo-terminals: what is written to it comes out of the line at `path`.
class Terminal {
 public:
    Terminal() : master_{::posix_openpt(O_RDWR | O_NOCTTY)} {
        REQUIRE(::grantpt(master_.number()) == 0);
        REQUIRE(::unlockpt(master_.number()) == 0);
        path = ::ptsname(master_.number());
    }
    void write(std::string_view text) {
        REQUIRE(::write(master_.number(), text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
    }
    void hang_up() { master_.close(); }
    std::string path;

 private:
    Descriptor master_;
};

// Waits until poll(2) says that the source can read, and pumps it.
void pump_when_ready(NmeaSource& source, MonotonicMs now) {
    std::vector<pollfd> watched;
    source.watch(watched);
    REQUIRE(watched.size() == 1);
    REQUIRE(::poll(watched.data(), watched.size(), 10'000) == 1);
    source.pump(now);
}

std::int64_t time_of(const Sample* sample) {
    REQUIRE(sample != nullptr);
    return sample->values[static_cast<std::size_t>(GnssField::gnss_time)].integer;
}

}  // namespace

TEST_CASE("nmea source: a receiver on a serial line gives a fix when the next one begins") {
    Terminal receiver;
    NmeaSource source{{receiver.path, 9600, "gnss"}};
    source.pump({1000});
    CHECK(source.report().trouble.empty());
    CHECK(source.next_at() == until_woken);
    receiver.write(first_second);
    pump_when_ready(source, {2000});
    CHECK(source.next_at() <= MonotonicMs{2000});
    CHECK(source.next({2000}) == nullptr);
    receiver.write(next_second);
    pump_when_ready(source, {3000});
    const Sample* const sample = source.next({3000});
    CHECK(time_of(sample) == 1'484'006'981'000'000);
    CHECK(sample->time == 2'000'000);
    CHECK(source.next({3000}) == nullptr);
}

TEST_CASE("nmea source: the last fix is given when the receiver pauses") {
    Terminal receiver;
    NmeaSource source{{receiver.path, 9600, "gnss"}};
    source.pump({1000});
    receiver.write(first_second);
    pump_when_ready(source, {2000});
    CHECK(source.next({2000}) == nullptr);
    CHECK(source.next_at() == MonotonicMs{2000 + NmeaSource::pause_ms});
    CHECK(time_of(source.next({2000 + NmeaSource::pause_ms})) == 1'484'006'981'000'000);
    CHECK(source.next_at() == until_woken);
}

TEST_CASE("nmea source: a line that is not there is told of and opened when it comes") {
    const TemporaryFolder folder;
    const std::string path = folder / "receiver";
    NmeaSource source{{path, 9600, "gnss"}};
    source.pump({1000});
    CHECK(source.report().trouble == "cannot open: No such file or directory");
    CHECK(source.pump_at() == MonotonicMs{1000 + NmeaSource::retry_ms_min});
    Terminal receiver;
    std::filesystem::create_symlink(receiver.path, path);
    source.pump({1500});
    CHECK_FALSE(source.report().trouble.empty());
    source.pump(source.pump_at());
    CHECK(source.report().trouble.empty());

    receiver.hang_up();
    pump_when_ready(source, {5000});
    CHECK_FALSE(source.report().trouble.empty());
    CHECK(source.pump_at() > MonotonicMs{5000});
    CHECK(source.pump_at() <= MonotonicMs{5000 + NmeaSource::retry_ms_max});
}

TEST_CASE("nmea source: the pauses between attempts grow, to a bound") {
    NmeaSource source{{"/nowhere/at/all", 9600, "gnss"}};
    MonotonicMs now{0};
    std::int64_t last_ms = 0;
    for (int i = 0; i < 10; ++i) {
        source.pump(now);
        const std::int64_t pause_ms = source.pump_at() - now;
        CHECK(pause_ms >= last_ms);
        last_ms = pause_ms;
        now = source.pump_at();
    }
    CHECK(last_ms == NmeaSource::retry_ms_max);
}

TEST_CASE("nmea source: a file is read to its end, once, its last line too") {
    const TemporaryFolder folder;
    const std::string path = folder / "log";
    std::ofstream{path} << "# a comment\n" << first_second << next_second.substr(0, 66);
    NmeaSource source{{path, 9600, "gnss"}};
    source.pump({1000});
    CHECK(time_of(source.next({1000})) == 1'484'006'981'000'000);
    CHECK(time_of(source.next({1000})) == 1'484'006'982'000'000);
    CHECK(source.next({1000}) == nullptr);
    CHECK(source.next_at() == MonotonicMs::never());
    CHECK(source.pump_at() == MonotonicMs::never());
    REQUIRE(source.report().refused.size() == 1);
    CHECK(source.report().refused[0].first == "not_nmea");
    CHECK(source.counts().used == 3);
}

TEST_CASE("nmea source: a file waits while nobody takes its fixes, and nothing of it is lost") {
    const TemporaryFolder folder;
    const std::string path = folder / "log";
    std::ofstream file{path};
    constexpr int rounds = 2000;  // more than the queue holds
    for (int i = 0; i < rounds; ++i) file << first_second << next_second;
    file.close();
    NmeaSource source{{path, 9600, "gnss"}};
    for (int i = 0; i < 100; ++i) source.pump({1000});
    std::vector<pollfd> watched;
    source.watch(watched);
    CHECK(watched.empty());
    int fixes = 0;
    while (source.next_at() != MonotonicMs::never()) {
        while (source.next({1000}) != nullptr) ++fixes;
        source.pump({1000});
    }
    CHECK(fixes == 2 * rounds);
    CHECK(source.report().lost == 0);
}

TEST_CASE("nmea source: the parts of a sentence on both sides of a gap do not become one") {
    Terminal receiver;
    const TemporaryFolder folder;
    const std::string path = folder / "receiver";
    std::filesystem::create_symlink(receiver.path, path);
    NmeaSource source{{path, 9600, "gnss"}};
    source.pump({1000});
    receiver.write(next_second.substr(0, 20));
    pump_when_ready(source, {1000});
    receiver.hang_up();
    pump_when_ready(source, {2000});

    Terminal other;
    std::filesystem::remove(path);
    std::filesystem::create_symlink(other.path, path);
    source.pump(source.pump_at());
    REQUIRE(source.report().trouble.empty());
    other.write(std::string{next_second.substr(20)} + std::string{first_second});
    pump_when_ready(source, {5000});
    CHECK(source.next({5000}) == nullptr);
    CHECK(time_of(source.next({6000})) == 1'484'006'981'000'000);
    CHECK(source.counts().used == 2);
    CHECK(source.counts().refused[static_cast<std::size_t>(NmeaRefusal::checksum_missing)] == 1);
    CHECK(source.counts().refused[static_cast<std::size_t>(NmeaRefusal::not_nmea)] == 1);
}

TEST_CASE("nmea source: the fix under way is given when the agent stops") {
    Terminal receiver;
    NmeaSource source{{receiver.path, 9600, "gnss"}};
    source.pump({1000});
    receiver.write(first_second);
    pump_when_ready(source, {2000});
    CHECK(source.next({2000}) == nullptr);
    source.stop();
    CHECK(time_of(source.next({2000})) == 1'484'006'981'000'000);
    CHECK(source.next_at() == MonotonicMs::never());
}
