// Attacks the reader of the writer's snapshots. The first byte chooses: a head, a device's state,
// streams, or a whole file whose parts are sealed as they should be and hold any bytes. What is
// taken for a device's state must give its bytes back, or shorter ones of the same state.
#include <cstddef>
#include <cstdint>

#include "collector/writer/device_codec.hpp"
#include "collector/writer/snapshot_file.hpp"
#include "firmware-sim/sim_disk.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

StreamSet streams_of_all;

void attack_device(Bytes bytes) {
    const auto find = [](std::uint32_t) { return &streams_of_all; };
    const auto device = decode_device(bytes, find);
    if (!device.ok()) return;
    ByteSink first;
    encode_device(device.value(), first);
    const auto again = decode_device(first.written(), find);
    LH_CHECK(again.ok());
    ByteSink second;
    encode_device(again.value(), second);
    LH_CHECK(equal(first.written(), second.written()));
}

void attack_file(Bytes bytes) {
    static const PrivateKey key = [] {
        LH_CHECK(crypto_init().ok());
        PrivateKey made;
        made.bytes[31] = std::byte{1};
        return made;
    }();
    sim::SimDisk disk;
    SnapshotHead head;
    head.offsets = {1, 2};
    auto writer = SnapshotWriter::begin(disk.create("snap").value(), head, key);
    LH_CHECK(writer.ok());
    LH_CHECK(writer.value().put(1, bytes).ok());
    LH_CHECK(writer.value().finish().ok());
    const auto file = disk.open("snap").value();
    bool same = false;
    const auto take = [&](std::uint8_t kind, Bytes content) -> Status {
        same = kind == 1 && equal(content, bytes);
        return {};
    };
    LH_CHECK(read_snapshot(*file, key, take).ok());
    LH_CHECK(same);
    // And the bytes themselves, as a file.
    LH_CHECK(write_synced(disk, "any", bytes).ok());
    (void)read_snapshot(*disk.open("any").value(), key, take).ok();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes bytes = std::as_bytes(std::span{data + 1, size - 1});
    switch (data[0] % 4) {
        case 0:
            (void)parse_snapshot_head(bytes).ok();
            break;
        case 1:
            attack_device(bytes);
            break;
        case 2: {
            ByteReader in{bytes};
            (void)decode_streams(in).ok();
            break;
        }
        default:
            attack_file(bytes);
    }
    return 0;
}
