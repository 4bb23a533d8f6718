#include "agent/sources/trace_source.hpp"

#include <catch2/catch_test_macros.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using longhaul::test::TemporaryFolder;

namespace {

// Three samples, the third one two seconds behind the first.
class Recorded {
 public:
    explicit Recorded(const std::string& time_section) {
        folder_.write("r", "t,n\n10,1\n11,2\n12.0000001,3\n");
        auto mapping = TraceMapping::parse(
            "[trace]\nfile='r'\ndevice_name='d'\nstream='s'\n[time]\n" + time_section +
                "\n[schema]\nname='x'\n[[field]]\nname='n'\nkind='integer'\n",
            folder_ / "mapping.toml");
        if (!mapping.ok()) FAIL(mapping.error().text);
        mapping_ = std::move(mapping).value();
        auto file = TraceFile::load(*mapping_, mapping_->file, {});
        if (!file.ok()) FAIL(file.error().text);
        file_ = std::move(file).value();
    }
    TraceSource source(double speed, bool loop) const {
        return {*mapping_, *file_->find("d"), speed, loop};
    }

 private:
    TemporaryFolder folder_;
    std::unique_ptr<TraceMapping> mapping_;
    std::unique_ptr<TraceFile> file_;
};

constexpr const char* paced = "kind='device'\ncolumn='t'\nformat='unix_s'";

std::int64_t reading(TraceSource& source, std::int64_t now_ms) {
    const Sample* const sample = source.next({now_ms});
    return sample == nullptr ? 0 : sample->values[0].integer;
}

}  // namespace

TEST_CASE("trace source: with device time a sample has the moment at which it is given") {
    const Recorded recorded{paced};
    TraceSource source = recorded.source(1, false);
    CHECK(source.streams()[0].schema->time == TimeKind::device);
    REQUIRE(source.next({5000}) != nullptr);
    CHECK(source.next({5999}) == nullptr);
    CHECK(source.next_at() == MonotonicMs{6000});
    const Sample* const second = source.next({6003});
    REQUIRE(second != nullptr);
    CHECK(second->time == 6'003'000);
    CHECK(reading(source, 7000) == 3);
    CHECK(source.next_at() == MonotonicMs::never());
}

TEST_CASE("trace source: without a time column everything is due at once") {
    const Recorded recorded{"kind='device'"};
    TraceSource source = recorded.source(1, false);
    for (const std::int64_t expected : {1, 2, 3, 0}) CHECK(reading(source, 70) == expected);
}

TEST_CASE("trace source: a recording that loops begins again a mean distance behind its end") {
    const Recorded recorded{paced};
    TraceSource source = recorded.source(2, true);
    CHECK(reading(source, 1000) == 1);
    CHECK(reading(source, 1500) == 2);
    CHECK(reading(source, 2000) == 3);
    CHECK(reading(source, 2499) == 0);
    CHECK(source.next_at() == MonotonicMs{2500});
    CHECK(reading(source, 2500) == 1);
    CHECK(reading(source, 2999) == 0);
    CHECK(reading(source, 3000) == 2);

    TraceSource fast = recorded.source(0, true);
    for (int i = 0; i < 10; ++i) CHECK(reading(fast, 7) == i % 3 + 1);
}

TEST_CASE("trace source: a time finer than microseconds is refused where it would be stored") {
    const TemporaryFolder folder;
    folder.write("r", "t,n\n10,1\n12.0000001,3\n");
    const auto mapping = TraceMapping::parse(
        "[trace]\nfile='r'\ndevice_name='d'\nstream='s'\n[time]\ncolumn='t'\nformat='unix_s'\n"
        "[schema]\nname='x'\n[[field]]\nname='n'\nkind='integer'\n",
        folder / "mapping.toml");
    REQUIRE(mapping.ok());
    const auto file = TraceFile::load(*mapping.value(), mapping.value()->file, {});
    REQUIRE(file.ok());
    CHECK(file.value()->find("d")->times.size() == 1);
    CHECK(file.value()->refusals()[static_cast<std::size_t>(Refusal::time)] == 1);
}
