// What the writer remembers of devices: when an epoch is done, how little is left of it, and how
// much a hostile one can make it remember.
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdio>
#include <fstream>

#include "collector/writer/content_tags.hpp"
#include "tests/unit/collector/writer/writer_bench.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

using Rows = std::vector<std::string>;

std::vector<std::byte> encoded(const DeviceMemory& device) {
    ByteSink out;
    encode_device(device, out);
    return {out.written().begin(), out.written().end()};
}

// One that is in its 51st boot and done with those before.
void live_through_fifty_boots(DeviceShelf& shelf, StreamSet& streams, std::uint32_t i) {
    DeviceMemory& device = shelf.get("vehicle-" + std::to_string(i));
    IncarnationState& incarnation = *device.find_or_add(i);
    for (std::uint32_t epoch = 1; epoch <= 50; ++epoch) {
        EpochState& done = incarnation.open[i + epoch];
        done.has_record = true;
        done.streams = &streams;
        done.last_number = {3, 0, 200, 0};
        ++streams.users;
        incarnation.close(i + epoch);
    }
    EpochState& epoch = incarnation.open[i + 51];
    ++streams.users;
    epoch.has_record = true;
    epoch.streams = &streams;
    epoch.add_anchor({0, 1'000'000, noon_us, 1000});
    epoch.add_anchor({1, 3'600'000'000, noon_us, 1000});
    epoch.received.add({0x8000'0001, 0x8000'0001 + i});
}

void fill(DeviceShelf& shelf, std::uint32_t devices) {
    StreamSet& streams = shelf.intern({{1, 2, "bus", {}, {}}, {2, 2, "port", {}, {}}});
    for (std::uint32_t i = 0; i < devices; ++i) live_through_fifty_boots(shelf, streams, i);
}

std::size_t resident_bytes() {
    std::size_t whole = 0, resident = 0;
    std::ifstream{"/proc/self/statm"} >> whole >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("runs: blocks that come in any order become as few runs as there are") {
    std::mt19937_64 random{5};
    for (int round = 0; round < 200; ++round) {
        SeqRuns runs;
        std::set<std::uint32_t> there;
        for (int i = 0; i < 60; ++i) {
            const auto seq = static_cast<std::uint32_t>(random() % 40);
            if (random() % 4 == 0) {
                const auto last = static_cast<std::uint32_t>(seq + random() % 3);
                runs.remove({seq, last});
                for (std::uint32_t each = seq; each <= last; ++each) there.erase(each);
            } else {
                const std::size_t before = runs.size();
                const bool grows = runs.grows_by(seq);
                runs.add(seq);
                there.insert(seq);
                REQUIRE(grows == (runs.size() > before));
            }
        }
        std::size_t gaps = 0;
        for (std::uint32_t seq = 0; seq < 41; ++seq) {
            REQUIRE(runs.contains(seq) == there.contains(seq));
            if (there.contains(seq) && !there.contains(seq + 1)) ++gaps;
            std::uint32_t next = seq;
            while (there.contains(next)) ++next;
            REQUIRE(runs.first_missing(seq) == next);
        }
        REQUIRE(runs.size() == gaps);
    }
    SeqRuns runs;
    runs.add({0, UINT32_MAX});
    CHECK(runs.first_missing(0) == std::uint64_t{UINT32_MAX} + 1);
    runs.remove(UINT32_MAX);
    runs.remove(0);
    CHECK(runs.runs() == std::vector<SeqRun>{{1, UINT32_MAX - 1}});
}

TEST_CASE("tags: a content is known for one generation of the journal at least") {
    constexpr Offset generation = 1000;
    ContentTags tags{generation};
    tags.reach(0);
    for (std::uint64_t name = 1; name <= 1000; ++name) tags.put(name, 2 * name);
    CHECK(tags.find(500) == 1000);
    CHECK_FALSE(tags.find(1001));
    tags.remove(500);
    CHECK_FALSE(tags.find(500));
    tags.reach(generation);
    tags.put(5000, 1);
    CHECK(tags.find(501) == 1002);
    CHECK(tags.tags_of(0).size() == 1);
    CHECK(tags.tags_of(1).size() == 999);
    tags.reach(2 * generation);
    CHECK_FALSE(tags.find(501));
    CHECK(tags.find(5000) == 1);
    tags.reach(9 * generation);
    CHECK_FALSE(tags.find(5000));
}

TEST_CASE("device: an epoch of which all has come or is lost leaves its number") {
    DeviceMemory device;
    IncarnationState& incarnation = *device.find_or_add(7);
    StreamSet streams;
    streams.users = 3;
    for (const std::uint32_t number : {1U, 2U, 3U}) {
        EpochState& epoch = incarnation.open[number];
        epoch.has_record = true;
        epoch.streams = &streams;
        epoch.record_tag[0] = std::byte{static_cast<std::uint8_t>(number)};
    }
    EpochState& first = incarnation.open[1];
    const auto seq = [](std::uint32_t n) { return BlockSeq::of(BlockClass::normal, n).value; };
    first.last_number[2] = 9;
    first.received.add({seq(1), seq(4)});
    first.received.add({seq(8), seq(9)});
    DeviceMemory::settle(incarnation, 1);
    CHECK(incarnation.open.size() == 3);  // nobody has told how far it came
    first.ends_known = true;
    DeviceMemory::settle(incarnation, 1);
    CHECK(incarnation.open.size() == 3);
    first.received.add({seq(5), seq(6)});
    DeviceMemory::settle(incarnation, 1);
    CHECK(incarnation.open.size() == 3);  // 7 has not come
    first.received.add({seq(7), seq(7)});
    DeviceMemory::settle(incarnation, 1);
    CHECK(incarnation.open.size() == 2);
    CHECK(incarnation.is_closed(1));
    CHECK(streams.users == 2);
    RecordTag other{};
    other[0] = std::byte{9};
    CHECK(incarnation.is_record(1, other) == false);
    other[0] = std::byte{1};
    CHECK(incarnation.is_record(1, other) == true);
    CHECK_FALSE(incarnation.is_record(9, other));

    // A block that waits for its model holds its epoch open.
    EpochState& second = incarnation.open[2];
    second.ends_known = true;
    second.last_number[2] = 1;
    second.received.add({seq(1), seq(1)});
    REQUIRE(second.add_waiting({}, seq(1)));
    DeviceMemory::settle(incarnation, 2);
    CHECK(incarnation.open.size() == 2);
    second.waiting.clear();
    DeviceMemory::settle(incarnation, 2);
    CHECK(incarnation.open.size() == 1);
    CHECK(incarnation.closed.runs() == std::vector<SeqRun>{{1, 2}});
}

TEST_CASE("device: its bytes give the same state back, and no other bytes give any") {
    StreamSet streams;
    streams.id = 3;
    const auto find = [&](std::uint32_t id) { return id == 3 ? &streams : nullptr; };
    DeviceMemory device;
    device.shard = 2;
    IncarnationState& incarnation = *device.find_or_add(0xffff'ffff);
    incarnation.given_up = 4;
    incarnation.closed.add({5, 9});
    incarnation.done.push_back({9, 0xabcd, BlockKey{}, {4, 3, 2, 1}});
    EpochState& epoch = incarnation.open[11];
    epoch.has_record = true;
    epoch.streams = &streams;
    epoch.resolved = 0x8000'0002;
    epoch.anchors_made = 5;
    epoch.add_anchor({4, -1, INT64_MIN, std::nullopt});
    epoch.add_anchor({5, INT64_MAX, 0, 7});
    epoch.received.add({1, 3});
    epoch.received.add({0xffff'fff0, 0xffff'ffff});
    REQUIRE(epoch.add_waiting({}, 2));
    REQUIRE(epoch.add_waiting({}, 0xffff'fff1));
    epoch.ends_known = true;
    epoch.last_number = {1, 2, 3, 4};
    epoch.cut = {5, true, true};
    incarnation.open[12].ends_known = true;
    const std::vector<std::byte> bytes = encoded(device);
    const auto decoded = decode_device(bytes, find);
    REQUIRE(decoded.ok());
    CHECK(encoded(decoded.value()) == bytes);
    CHECK(decoded.value().incarnations[0].open.at(11).anchors[1].error_us == 7);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        CHECK_FALSE(decode_device(Bytes{bytes}.first(size), find).ok());
    CHECK_FALSE(decode_device(bytes, [](std::uint32_t) { return nullptr; }).ok());
}

TEST_CASE("device: anchors that are too many leave those that are spread over the epoch") {
    EpochState epoch;
    for (std::int32_t i = 0; i < 10'000; ++i) epoch.add_anchor({i, i * 1000, i, 1});
    REQUIRE(epoch.anchors.size() == state_limits::anchors_max);
    CHECK(epoch.anchors.front().id == 0);
    CHECK(epoch.anchors.back().id == 9999);
    for (std::size_t i = 1; i < epoch.anchors.size(); ++i)
        CHECK(epoch.anchors[i].id > epoch.anchors[i - 1].id);
}

TEST_CASE("device: one that opens epochs without end is capped, and what it sends is kept") {
    DeviceMemory device;
    for (std::uint32_t i = 0; i < 3 * state_limits::open_epochs_max; ++i) {
        IncarnationState& incarnation = *device.find_or_add(i % 3);
        device.make_room();
        incarnation.open[i + 1];
    }
    CHECK(device.open_epochs() <= state_limits::open_epochs_max);
    CHECK(device.incarnations[0].given_up > 0);

    // Epochs of which every second one never ends.
    IncarnationState holes;
    constexpr std::uint32_t last = 2 * state_limits::closed_runs_max + 99;
    for (std::uint32_t i = 1; i <= last; i += 2) holes.close(i);
    CHECK(holes.closed.size() == state_limits::closed_runs_max);
    CHECK(holes.is_given_up(1));
    CHECK(holes.is_closed(last));

    DeviceMemory many;
    for (std::uint32_t i = 0; i < state_limits::incarnations_max; ++i)
        REQUIRE(many.find_or_add(i) != nullptr);
    CHECK(many.find_or_add(UINT32_MAX) == nullptr);
}

TEST_CASE("device: a hundred thousand of them take less than 300 bytes each") {
    constexpr std::uint32_t devices = 100'000;
    DeviceShelf shelf;
    fill(shelf, devices);
    // A node of the map, the name, what it points to; counted, because sanitizers change it.
    constexpr std::size_t overhead = 4 * sizeof(void*) + sizeof(std::string) + 2 * sizeof(void*) +
                                     sizeof(DeviceFacts) + 2 * 2 * sizeof(void*);
    const std::size_t packed = shelf.packed_bytes() / (devices - DeviceShelf::unpacked_max);
    INFO("packed " << packed << ", overhead " << overhead);
    CHECK(packed + overhead < 300);
    CHECK(shelf.get("vehicle-500").incarnations[0].open.at(500 + 51).received.runs()[0].last ==
          0x8000'0001 + 500);
}

// By tools/dev prove collector; what the process really takes, the unpacked ones included.
TEST_CASE("device: a million of them take less than 300 bytes each", "[.large]") {
    constexpr std::uint32_t devices = 1'000'000;
    DeviceShelf shelf;
    const std::size_t before = resident_bytes();
    fill(shelf, devices);
    const std::size_t each = (resident_bytes() - before) / devices;
    std::printf("%u devices, %zu bytes each\n", devices, each);
    CHECK(shelf.size() == devices);
    CHECK(each < 300);
}
