// Attacks signed epochs and the records in them. The first byte chooses; what is read and written
// again is the same signed epoch, and a record that reads the same.
#include <array>
#include <vector>

#include "common/block/epoch.hpp"

using namespace longhaul;

namespace {

std::vector<std::byte> encoded(const longhaul_EpochRecord& record) {
    std::vector<std::byte> room(limits::epoch_record_bytes_max);
    ByteWriter out{room};
    LH_CHECK(encode_epoch_record(record, out).ok());
    room.resize(out.size());
    return room;
}

void read_record(Bytes bytes) {
    longhaul_EpochRecord record;
    if (!parse_epoch_record(bytes, record).ok()) return;
    const std::vector<std::byte> first = encoded(record);
    LH_CHECK(parse_epoch_record(first, record).ok());
    LH_CHECK(encoded(record) == first);
    PrivateKey key;
    key.bytes[31] = std::byte{5};
    (void)unwrap_block_key(key, record);  // any point, any ciphertext: refused, nothing worse
}

// What a spool reads of a record is what the record says.
void read_before(Bytes bytes) {
    MemorySource source{bytes};
    const auto before = parse_epoch_before(source);
    longhaul_EpochRecord record;
    const Result<SignedEpoch> epoch = parse_signed_epoch(bytes);
    if (!epoch.ok() || !parse_epoch_record(epoch.value().record, record).ok()) return;
    LH_CHECK(before.ok());
    LH_CHECK(before.value().previous_epoch == record.previous_epoch);
    LH_CHECK(before.value().previous_clean == record.previous_clean);
    LH_CHECK(before.value().previous_ends_count == record.previous_ends_count);
    for (std::size_t i = 0; i < record.previous_ends_count; ++i) {
        const longhaul_ClassEnd& one = before.value().previous_ends[i];
        const longhaul_ClassEnd& other = record.previous_ends[i];
        LH_CHECK(one.block_class == other.block_class && one.last_number == other.last_number &&
                 one.closing_us == other.closing_us);
    }
}

void read_signed(Bytes bytes) {
    read_before(bytes);
    const Result<SignedEpoch> epoch = parse_signed_epoch(bytes);
    if (!epoch.ok()) return;
    std::array<std::byte, signed_epoch_bytes_max> room;
    ByteWriter out{room};
    write_signed_epoch(epoch.value(), out);
    LH_CHECK(out.ok());
    LH_CHECK(equal(out.written(), bytes));
    read_record(epoch.value().record);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    LH_CHECK(crypto_init().ok());
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes rest = std::as_bytes(std::span{data + 1, size - 1});
    if (data[0] % 2 == 0) {
        read_signed(rest);
    } else {
        read_record(rest);
    }
    return 0;
}
