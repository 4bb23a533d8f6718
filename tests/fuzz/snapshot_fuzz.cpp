// Attacks the reader of the writer's snapshots, and of an adoption, which has parts of them. The
// first byte chooses: a head, a device's state, streams, a whole file whose parts are sealed as
// they should be and hold any bytes, or an adoption. What is taken for a device's state must give
// its bytes back, or shorter ones of the same state; an adoption must say the same when it is
// written again, in however many entries, and a device that has adopted it is kept by a snapshot.
#include <cstddef>
#include <cstdint>

#include "collector/writer/adoption.hpp"
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

std::vector<std::byte> state_of(const EpochState& epoch) {
    DeviceMemory device;
    device.find_or_add(1)->open[1] = epoch;
    ByteSink out;
    encode_device(device, out);
    attack_device(out.written());
    return {out.written().begin(), out.written().end()};
}

void attack_adoption(Bytes bytes) {
    const auto adoption = decode_adoption(bytes);
    if (!adoption.ok()) return;
    AdoptedTxns txns;
    EpochState again;
    const auto take = [&](Bytes body) -> Status {
        const auto part = decode_adoption(body);
        LH_CHECK(part.ok() && part.value().index() == adoption.value().index());
        if (const auto* const table = std::get_if<AdoptedTable>(&part.value()))
            txns.insert(table->txns.begin(), table->txns.end());
        if (const auto* const epoch = std::get_if<AdoptedEpoch>(&part.value()))
            again.adopt(epoch->state);
        return {};
    };
    LH_CHECK(std::visit([&](const auto& each) { return encode_adoption(each, take).ok(); },
                        adoption.value()));
    if (const auto* const table = std::get_if<AdoptedTable>(&adoption.value()))
        LH_CHECK(txns == table->txns);
    if (const auto* const epoch = std::get_if<AdoptedEpoch>(&adoption.value())) {
        EpochState once;
        once.adopt(epoch->state);
        LH_CHECK(state_of(once) == state_of(again));
    }
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
    switch (data[0] % 5) {
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
        case 3:
            attack_file(bytes);
            break;
        default:
            attack_adoption(bytes);
    }
    return 0;
}
