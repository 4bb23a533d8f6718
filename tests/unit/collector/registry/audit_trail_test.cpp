#include "collector/registry/audit_trail.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "collector/registry/trail_files.hpp"
#include "collector/registry/trail_notes.hpp"
#include "common/block/crypto.hpp"
#include "common/host/files.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using Catch::Matchers::ContainsSubstring;

namespace {

TrailFact fact(const std::string& about, const std::string& tenant = "acme") {
    return {tenant, {1'795'219'200'000'000}, "person root", "revoked", about, "it was stolen"};
}

// A trail in a folder, as its files and as a verdict.
struct Bench {
    test::TemporaryFolder folder;
    AuditTrail trail{folder / "trail"};

    Bench() { REQUIRE(crypto_init().ok()); }
    std::string its_folder() const { return folder / "trail/acme"; }
    std::string file(std::uint64_t number = 1) const { return trail_file(its_folder(), number); }
    std::string text(std::uint64_t number = 1) const {
        return read_text_file(file(number)).value();
    }
    void write(const std::string& text, std::uint64_t number = 1) const {
        std::ofstream{file(number), std::ios::binary} << text;
    }
    void append(int from, int to) const {
        for (int i = from; i <= to; ++i) REQUIRE(trail.append({fact(std::to_string(i))}).ok());
    }
    TrailVerifier verify(const std::string& head = {}) const {
        TrailVerifier verifier{"acme"};
        if (!head.empty()) verifier.look_for(head);
        REQUIRE(verify_trail(its_folder(), verifier).ok());
        return verifier;
    }
};

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        lines.push_back(text.substr(at, end - at + 1));
        at = end + 1;
    }
    return lines;
}

std::string joined(const std::vector<std::string>& lines, const std::vector<std::size_t>& order) {
    std::string text;
    for (const std::size_t i : order) text += lines[i];
    return text;
}

}  // namespace

TEST_CASE("audit trail: lines are JSON, numbered, chained and private") {
    const Bench bench;
    bench.append(1, 3);
    const auto lines = lines_of(bench.text());
    REQUIRE(lines.size() == 3);
    CHECK_THAT(lines[0],
               ContainsSubstring(R"({"n":1,"trail":"acme","time":"2026-11-21T00:00:00.000Z",)"
                                 R"("who":"person root","what":"revoked","about":"1",)"
                                 R"("why":"it was stolen","prev":"0000)"));
    CHECK(read_private_file(bench.file()).ok());
    const TrailVerifier verdict = bench.verify();
    CHECK(verdict.lines() == 3);
    CHECK(verdict.problems().empty());
    CHECK(verdict.torn().empty());
    CHECK_THAT(lines[2], ContainsSubstring("\"hash\":\"" + verdict.end().hash + "\"}\n"));
}

TEST_CASE("audit trail: texts of strangers cannot break a line, and long ones are cut") {
    const Bench bench;
    TrailFact hostile = fact(std::string(10'000, '\x01'));
    hostile.why = "\",\"hash\":\"\n{\"n\":1,\xff" + std::string(10'000, '"');
    REQUIRE(bench.trail.append({hostile, fact("2")}).ok());
    CHECK(lines_of(bench.text()).size() == 2);
    CHECK(lines_of(bench.text())[0].size() <= trail_line_bytes_max);
    CHECK(bench.verify().problems().empty());
}

TEST_CASE("audit trail: every changed byte is found") {
    const Bench bench;
    bench.append(1, 3);
    const std::string sound = bench.text();
    for (std::size_t at = 0; at < sound.size(); ++at) {
        for (const int bit : {0, 1, 5, 7}) {
            CAPTURE(at, bit);
            std::string changed = sound;
            changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
            TrailVerifier verdict{"acme"};
            std::string_view rest = changed;
            for (std::size_t end; (end = rest.find('\n')) != std::string_view::npos;) {
                verdict.line(rest.substr(0, end), "here");
                rest.remove_prefix(end + 1);
            }
            verdict.rest(rest, "here");
            // The last byte is the end of a line; without it the line is unfinished, and named.
            const bool named =
                at + 1 == sound.size() ? !verdict.torn().empty() : !verdict.problems().empty();
            REQUIRE(named);
        }
    }
}

TEST_CASE("audit trail: lines that were removed, repeated, moved or put in are found") {
    const Bench bench;
    bench.append(1, 5);
    const auto lines = lines_of(bench.text());
    struct Case {
        std::vector<std::size_t> order;
        const char* said;
    };
    const Case cases[] = {{{1, 2, 3, 4}, "is line 2 where line 1 should be: lines are missing"},
                          {{0, 1, 3, 4}, "is line 4 where line 3 should be: lines are missing"},
                          {{0, 2, 1, 3, 4}, "is line 3 where line 2 should be"},
                          {{0, 1, 1, 2, 3, 4}, "is line 2 where line 3 should be"}};
    for (const Case& each : cases) {
        CAPTURE(each.said);
        bench.write(joined(lines, each.order));
        REQUIRE_FALSE(bench.verify().problems().empty());
        CHECK_THAT(bench.verify().problems().front(), ContainsSubstring(each.said));
    }
    // One that somebody has computed anew: sound, but the next one names another.
    TrailPlace place{2, std::string(trail_hash_digits, '7')};
    const std::string forged = trail_line(fact("somebody else"), place) + "\n";
    bench.write(lines[0] + lines[1] + forged + lines[3] + lines[4]);
    CHECK(bench.verify().problems().size() == 2);
    // Lines of another tenant are none of this trail.
    REQUIRE(bench.trail.append({fact("1", "other")}).ok());
    bench.write(read_text_file(trail_file(bench.folder / "trail/other", 1)).value());
    CHECK_THAT(bench.verify().problems().front(), ContainsSubstring("belongs to another trail"));
}

TEST_CASE("audit trail: what is cut off at the end shows only with a head that was kept") {
    const Bench bench;
    bench.append(1, 5);
    const std::string head = bench.verify().end().hash;
    bench.append(6, 7);
    CHECK(bench.verify(head).found(head));
    const auto lines = lines_of(bench.text());
    bench.write(joined(lines, {0, 1, 2, 3}));
    CHECK(bench.verify().problems().empty());
    CHECK_FALSE(bench.verify(head).found(head));
}

TEST_CASE("audit trail: wherever an append is cut off, the trail is whole and goes on") {
    const Bench bench;
    bench.append(1, 3);
    const std::string text = bench.text();
    const std::size_t whole = joined(lines_of(text), {0, 1}).size();
    for (std::size_t size = whole; size < text.size(); size += 11) {
        CAPTURE(size);
        bench.write(text.substr(0, size));
        const TrailVerifier before = bench.verify();
        CHECK(before.problems().empty());
        CHECK(before.torn().empty() == (size == whole));
        REQUIRE(bench.trail.append({fact("next")}).ok());
        const TrailVerifier after = bench.verify();
        CHECK(after.problems().empty());
        CHECK(after.torn().empty());
        CHECK(after.lines() == (size == whole ? 3U : 4U));
        CHECK((size == whole || bench.text().find("tail_cut") != std::string::npos));
    }
}

TEST_CASE("audit trail: several lines that a power cut left unsound are cut off, and told") {
    const Bench bench;
    bench.append(1, 4);
    std::string text = bench.text();
    const std::size_t whole = lines_of(text)[0].size();
    for (std::size_t i = 1; i < 4; ++i) text[whole * i + 30] ^= 1;
    text += std::string(4096, '\0');
    bench.write(text);
    REQUIRE(bench.trail.append({fact("next")}).ok());
    CHECK(bench.verify().problems().empty());
    CHECK(bench.verify().lines() == 3);
    CHECK_THAT(lines_of(bench.text())[1],
               ContainsSubstring(std::to_string(text.size() - whole) + " bytes of what was not"));
}

TEST_CASE("audit trail: what a power cut has torn is set aside at the start, and told once") {
    const Bench bench;
    bench.append(1, 2);
    const std::size_t whole = bench.text().size();
    REQUIRE(bench.trail.append({fact("3"), fact("4"), fact("5")}).ok());
    const std::string text = bench.text();
    const auto mend = [&bench] { REQUIRE(bench.trail.mend({1'795'219'200'000'000}).ok()); };
    mend();
    CHECK(bench.text() == text);  // nothing was torn
    const std::size_t line = lines_of(text)[2].size();
    // A hole in the first or second of three lines: those behind it are sound, and belong to
    // nothing.
    std::string hole = text;
    std::fill_n(hole.begin() + static_cast<std::ptrdiff_t>(whole + line + 20), 100, '\0');
    for (const std::string& torn : {text.substr(0, whole + 50), hole}) {
        CAPTURE(torn.size());
        bench.write(torn);
        mend();
        const TrailVerifier verdict = bench.verify();
        CHECK(verdict.problems().empty());
        CHECK(verdict.torn().empty());
        REQUIRE(verdict.cuts().size() == 1);
        const auto cut = lines_of(bench.text()).back();
        CHECK_THAT(cut, ContainsSubstring(R"("who":"collector","what":"tail_cut")"));
        const std::size_t sound = bench.text().size() - cut.size();
        const std::string aside = "torn-" + std::to_string(verdict.end().number - 1);
        CHECK(read_text_file(bench.its_folder() + "/" + aside).value() == torn.substr(sound));
        mend();
        CHECK(bench.verify().lines() == verdict.lines());
        bench.append(6, 6);
        CHECK(bench.verify().problems().empty());
    }
    // Whoever changes a line leaves no zeros, and is found for ever.
    std::string changed = text;
    changed[whole + 40] ^= 1;
    bench.write(changed);
    mend();
    CHECK(bench.text() == changed);
    CHECK_FALSE(bench.verify().problems().empty());
}

TEST_CASE("audit trail: a writer that keeps the lock is not waited for without end") {
    const Bench bench;
    bench.append(1, 1);
    const int lock = ::open((bench.its_folder() + "/lock").c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(::flock(lock, LOCK_EX) == 0);
    const AuditTrail hasty{bench.folder / "trail", AuditTrail::file_bytes_max, {}};
    const auto refused = hasty.append({fact("2")});
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.error().text, ContainsSubstring("another program keeps the lock"));
    ::close(lock);
    CHECK(hasty.append({fact("2")}).ok());
}

TEST_CASE("audit trail: behind damage nothing is written") {
    const Bench bench;
    bench.append(1, 3);
    const std::string text = bench.text() + std::string(600'000, '\0');  // more than an append
    bench.write(text);
    const auto refused = bench.trail.append({fact("next")});
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.error().text, ContainsSubstring("its end is damaged"));
    CHECK(bench.text() == text);
}

TEST_CASE("audit trail: the chain goes on from file to file") {
    Bench bench;
    bench.trail = AuditTrail{bench.folder / "trail", 700};
    bench.append(1, 10);
    REQUIRE(trail_files(bench.its_folder()).value().size() > 3);
    CHECK(bench.verify().lines() == 10);
    CHECK(bench.verify().problems().empty());
    SECTION("a missing file is missing lines") {
        std::filesystem::remove(bench.file(2));
        CHECK_THAT(bench.verify().problems().front(), ContainsSubstring("lines are missing"));
    }
    SECTION("the newest file may still be empty") {
        bench.write("", trail_files(bench.its_folder()).value().back() + 1);
        bench.append(11, 11);
        CHECK(bench.verify().problems().empty());
        CHECK(bench.verify().lines() == 11);
    }
}

TEST_CASE("audit trail: several writers at once make one chain") {
    const Bench bench;
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 4; ++writer) {
        writers.emplace_back([&bench] {
            const AuditTrail own{bench.folder / "trail", 4096};
            for (int i = 0; i < 8; ++i) LH_CHECK(own.append({fact("a"), fact("b")}).ok());
        });
    }
    for (std::thread& writer : writers) writer.join();
    CHECK(bench.verify().lines() == 64);
    CHECK(bench.verify().problems().empty());
}

TEST_CASE("audit trail: who is refused without end gets few lines, and all are counted") {
    TrailNotes notes;
    const auto refuse = [&notes](const char* reason, std::int64_t ms) {
        notes.add({"acme", {}, "collector", "refused", "bus-1", "no"}, reason, {ms});
    };
    for (int i = 0; i < 1000; ++i) refuse("revoked", i);
    refuse("protocol", 1000);
    const auto first = notes.take({}, {1000});
    REQUIRE(first.size() == 21);
    CHECK(first[0].why == "revoked: no");
    CHECK(first[20].why == "protocol: no");
    CHECK(notes.take({}, {30'000}).empty());
    const auto counted = notes.take({}, {61'000});
    REQUIRE(counted.size() == 1);
    CHECK(counted[0].tenant == "acme");
    CHECK(counted[0].what == "left_out");
    CHECK(counted[0].why == "980 times without a line: revoked");
    // A day of one a second: a line a minute, each a refusal or a count.
    std::size_t lines = 0;
    for (std::int64_t ms = 100'000; ms < 86'500'000; ms += 1000) {
        refuse("revoked", ms);
        if (ms % 1000 == 0) lines += notes.take({}, {ms}).size();
    }
    CHECK(lines <= 1 + 86'400 / 60);
    refuse("revoked", 86'500'000);
    const auto last = notes.take({}, {86'500'000}, true);
    REQUIRE(last.size() == 1);
    CHECK(last[0].what == "left_out");
}
