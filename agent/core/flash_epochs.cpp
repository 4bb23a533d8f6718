#include "agent/core/flash_epochs.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::agent {
namespace {

// Of a schema the record's header says the first four bytes of the hash.
std::uint32_t hint_of(const SchemaHash& hash) { return ByteReader{Bytes{hash}}.u32(); }

}  // namespace

std::uint32_t FlashEpochs::sectors_max(const FlashLayout& layout) {
    return std::max<std::uint32_t>(4, layout.sectors / 16);
}

SchemaHash FlashEpochs::Hashes::at(std::size_t index) const {
    SchemaHash hash;
    const Bytes from = Bytes{bytes}.subspan(1 + index * sizeof(SchemaHash), sizeof(SchemaHash));
    std::copy(from.begin(), from.end(), hash.begin());
    return hash;
}

bool FlashEpochs::Hashes::contain(const SchemaHash& hash) const {
    for (std::size_t i = 0; i < count; ++i)
        if (at(i) == hash) return true;
    return false;
}

// A sector that was begun to take what outlives another one is complete when that one is gone.
void FlashEpochs::open() {
    for (auto sector = sectors_.after(chain_epochs, 0); sector;) {
        const std::uint32_t order = sectors_.at(*sector).order;
        const auto header = sectors_.header_of(*sector);
        const std::uint32_t source = header ? header->first.epoch.value : 0;
        const auto copied = sectors_.after(chain_epochs, source == 0 ? 0 : source - 1);
        if (source != 0 && copied && sectors_.at(*copied).order == source)
            (void)sectors_.free(*sector);
        sector = sectors_.after(chain_epochs, order);
    }
    tails_ = {};
    const auto newest = sectors_.newest(chain_epochs);
    std::optional<std::uint32_t> second;
    for (auto sector = sectors_.after(chain_epochs, 0); sector && sector != newest;
         sector = sectors_.after(chain_epochs, sectors_.at(*sector).order))
        second = sector;
    tails_ = {tail_behind(newest), tail_behind(second)};
}

FlashTail FlashEpochs::tail_behind(std::optional<std::uint32_t> sector) {
    if (!sector) return {};
    RecordScan scan{sectors_, *sector, FlashTail{}};
    while (scan.next()) {
    }
    return {*sector, sectors_.blank_from(*sector, scan.end(), sectors_.layout().summary_at())};
}

FlashTail FlashEpochs::tail_of(std::uint32_t sector) const {
    for (const FlashTail& tail : tails_)
        if (tail.sector == sector) return tail;
    return {};
}

template <class Good>
std::optional<FlashRecord> FlashEpochs::find(Good&& good) {
    // Often it is the one after the last one.
    if (hint_.sector != no_sector && sectors_.at(hint_.sector).chain == chain_epochs) {
        RecordScan scan{sectors_, hint_.sector, hint_.offset, sectors_.layout().summary_at()};
        for (std::uint32_t i = 0; i < 2 * copies && scan.next(); ++i)
            if (good(scan.record())) return hint_ = scan.record();
    }
    for (auto sector = sectors_.after(chain_epochs, 0); sector;
         sector = sectors_.after(chain_epochs, sectors_.at(*sector).order)) {
        RecordScan scan{sectors_, *sector, tail_of(*sector)};
        while (scan.next())
            if (good(scan.record())) return hint_ = scan.record();
    }
    return std::nullopt;
}

std::optional<FlashRecord> FlashEpochs::find_epoch(Epoch epoch) {
    return find([&](const FlashRecord& record) {
        return record.header.kind == RecordKind::epoch && record.header.place.epoch == epoch &&
               body_is_whole(sectors_, record);
    });
}

std::optional<FlashRecord> FlashEpochs::find_schema(const SchemaHash& hash) {
    return find([&](const FlashRecord& record) { return is_schema(record, hash); });
}

bool FlashEpochs::is_schema(const FlashRecord& record, const SchemaHash& hash) {
    SchemaHash found;
    return record.header.kind == RecordKind::schema &&
           record.header.place.number == hint_of(hash) &&
           record.header.body_bytes >= found.size() &&
           read_body_parts(sectors_, record, found, 0, {}) && found == hash;
}

bool FlashEpochs::read_hashes(const FlashRecord& record, Hashes& hashes) {
    const std::size_t count = std::min<std::size_t>(record.header.body_bytes, hashes.bytes.size());
    if (count == 0 ||
        !read_body_parts(sectors_, record, MutableBytes{hashes.bytes}.first(count), 0, {}))
        return false;
    hashes.count = std::to_integer<std::size_t>(hashes.bytes[0]);
    return 1 + hashes.count * sizeof(SchemaHash) <= count;
}

Status FlashEpochs::store_schema(const SchemaHash& hash, Bytes encoded, FlashEpochUse& use) {
    if (const auto found = find_schema(hash)) {
        // It stays as long as the record that the next one refers to; else it may be about to go.
        Hashes hashes;
        const auto newest = find_epoch(use.newest_with_blocks());
        if (found->header.place.epoch == use.current() ||
            (newest && read_hashes(*newest, hashes) && hashes.contain(hash)))
            return {};
    }
    RecordHeader header;
    header.kind = RecordKind::schema;
    header.place = {use.current(), hint_of(hash)};
    return store(header, std::array{Bytes{hash}, encoded}, use);
}

Status FlashEpochs::store_epoch(Epoch epoch, Bytes signed_epoch,
                                std::span<const SchemaHash> schemas, FlashEpochUse& use) {
    if (schemas.size() > limits::streams_max) return ErrorCode::too_large;
    RecordHeader header;
    header.kind = RecordKind::epoch;
    header.place.epoch = epoch;
    const auto count = static_cast<std::byte>(schemas.size());
    return store(header, std::array{Bytes{&count, 1}, std::as_bytes(schemas), signed_epoch}, use);
}

Result<Bytes> FlashEpochs::read_schema(const SchemaHash& hash, MutableBytes room) {
    const auto record = find_schema(hash);
    if (!record) return ErrorCode::not_found;
    const std::size_t bytes = record->header.body_bytes - hash.size();
    if (bytes > room.size()) return ErrorCode::too_large;
    if (!read_body_parts(sectors_, *record, {}, hash.size(), room.first(bytes)))
        return ErrorCode::corrupt;
    return Bytes{room.first(bytes)};
}

Result<Bytes> FlashEpochs::read_epoch(Epoch epoch, MutableBytes room) {
    const auto record = find_epoch(epoch);
    if (!record) return ErrorCode::not_found;
    Hashes hashes;
    if (!read_hashes(*record, hashes)) return ErrorCode::corrupt;
    const std::size_t skip = 1 + hashes.count * sizeof(SchemaHash);
    const std::size_t bytes = record->header.body_bytes - skip;
    if (bytes > room.size()) return ErrorCode::too_large;
    if (!read_body_parts(sectors_, *record, {}, skip, room.first(bytes))) return ErrorCode::corrupt;
    return Bytes{room.first(bytes)};
}

bool FlashEpochs::is_whole(Epoch epoch, std::size_t bytes_max) {
    const auto record = find_epoch(epoch);
    Hashes hashes;
    if (!record || !read_hashes(*record, hashes)) return false;
    const std::size_t skip = 1 + hashes.count * sizeof(SchemaHash);
    if (record->header.body_bytes - skip > bytes_max) return false;
    for (std::size_t i = 0; i < hashes.count; ++i) {
        const auto schema = find_schema(hashes.at(i));
        if (!schema || schema->header.body_bytes - sizeof(SchemaHash) > bytes_max) return false;
    }
    return true;
}

Result<std::size_t> FlashEpochs::schemas_of(Epoch epoch, std::span<SchemaHash> out) {
    const auto record = find_epoch(epoch);
    if (!record) return ErrorCode::not_found;
    Hashes hashes;
    if (!read_hashes(*record, hashes)) return ErrorCode::corrupt;
    const std::size_t count = std::min(hashes.count, out.size());
    for (std::size_t i = 0; i < count; ++i) out[i] = hashes.at(i);
    return count;
}

Result<longhaul_EpochBefore> FlashEpochs::before(Epoch epoch) {
    const auto record = find_epoch(epoch);
    if (!record) return ErrorCode::not_found;
    for (int attempt = 0; attempt < FlashSectors::reads_max; ++attempt) {
        BodyReader body{sectors_, *record};
        std::array<std::byte, 1> hashes;
        if (!body.read(hashes) ||
            !body.skip(std::to_integer<std::size_t>(hashes[0]) * sizeof(SchemaHash)))
            continue;
        const auto before = parse_epoch_before(body);
        if (body.was_whole()) return before;
    }
    return ErrorCode::corrupt;
}

Epoch FlashEpochs::next_epoch(Epoch epoch) {
    Epoch next;
    for (auto sector = sectors_.after(chain_epochs, 0); sector;
         sector = sectors_.after(chain_epochs, sectors_.at(*sector).order)) {
        RecordScan scan{sectors_, *sector, tail_of(*sector)};
        while (scan.next()) {
            const Epoch found = scan.record().header.place.epoch;
            if (scan.record().header.kind == RecordKind::epoch && found > epoch &&
                (next.value == 0 || found < next))
                next = found;
        }
    }
    return next;
}

Status FlashEpochs::store(RecordHeader header, BodyPieces body, FlashEpochUse& use) {
    std::size_t bytes = 0;
    for (const Bytes piece : body) bytes += piece.size();
    if (bytes > UINT16_MAX || sectors_.layout().record_bytes(bytes) > sectors_.layout().capacity())
        return Error{ErrorCode::too_large, "the record is larger than a flash sector"};
    for (std::size_t copy = 0; copy < copies; ++copy) LH_TRY(store_copy(copy, header, body, use));
    return {};
}

Status FlashEpochs::store_copy(std::size_t copy, RecordHeader header, BodyPieces body,
                               FlashEpochUse& use) {
    std::size_t bytes = 0;
    for (const Bytes piece : body) bytes += piece.size();
    for (std::uint32_t attempt = 0; attempt < sectors_.count(); ++attempt) {
        LH_TRY(make_room(copy, bytes, use));
        if (append_record(sectors_, tails_[copy], header, body).ok()) return {};
    }
    return ErrorCode::io;
}

// No sector ever has both copies of a record: not even one that others are copied into.
Status FlashEpochs::make_room(std::size_t copy, std::size_t body_bytes, FlashEpochUse& use) {
    const FlashLayout& layout = sectors_.layout();
    for (std::uint32_t rounds = 0; rounds <= layout.sectors; ++rounds) {
        if (tails_[copy].fits(layout, body_bytes)) return {};
        if (sectors_.length(chain_epochs) < sectors_max(layout)) {
            if (const auto taken = sectors_.take(chain_epochs); taken.ok()) {
                tails_[copy] = {taken.value(), layout.records_at()};
            } else {
                LH_TRY(use.make_room_for_epochs());
            }
            continue;
        }
        const auto source = collectable(copy, body_bytes, use);
        LH_TRY(source ? collect(copy, *source, use) : use.make_room_for_epochs());
    }
    return ErrorCode::full;
}

// The oldest with enough that nobody needs, but for the one that takes the other copy.
std::optional<std::uint32_t> FlashEpochs::collectable(std::size_t copy, std::size_t body_bytes,
                                                      FlashEpochUse& use) {
    const FlashLayout& layout = sectors_.layout();
    for (auto sector = sectors_.after(chain_epochs, 0); sector;
         sector = sectors_.after(chain_epochs, sectors_.at(*sector).order)) {
        if (tails_[copies - 1 - copy].used != 0 && tails_[copies - 1 - copy].sector == *sector)
            continue;
        if (live_bytes(*sector, use) + layout.record_bytes(body_bytes) <= layout.capacity())
            return sector;
    }
    return std::nullopt;
}

bool FlashEpochs::is_live(const FlashRecord& record, FlashEpochUse& use) {
    const RecordHeader& header = record.header;
    if (header.kind == RecordKind::epoch) return use.in_use(header.place.epoch);
    SchemaHash hash;
    return header.kind == RecordKind::schema && header.body_bytes >= hash.size() &&
           (header.place.epoch == use.current() ||
            (read_body_parts(sectors_, record, hash, 0, {}) && is_needed(hash, use)));
}

bool FlashEpochs::is_needed(const SchemaHash& hash, FlashEpochUse& use) {
    for (auto sector = sectors_.after(chain_epochs, 0); sector;
         sector = sectors_.after(chain_epochs, sectors_.at(*sector).order)) {
        RecordScan scan{sectors_, *sector, tail_of(*sector)};
        while (scan.next()) {
            Hashes hashes;
            if (scan.record().header.kind == RecordKind::epoch &&
                read_hashes(scan.record(), hashes) && hashes.contain(hash) &&
                use.in_use(scan.record().header.place.epoch))
                return true;
        }
    }
    return false;
}

std::uint32_t FlashEpochs::live_bytes(std::uint32_t sector, FlashEpochUse& use) {
    std::uint32_t bytes = 0;
    RecordScan scan{sectors_, sector, tail_of(sector)};
    while (scan.next())
        if (is_live(scan.record(), use))
            bytes += sectors_.layout().record_bytes(scan.record().header.body_bytes);
    return bytes;
}

Status FlashEpochs::collect(std::size_t copy, std::uint32_t sector, FlashEpochUse& use) {
    for (std::uint32_t attempt = 0; attempt < sectors_.count(); ++attempt) {
        const auto taken = sectors_.take(chain_epochs, {{sectors_.at(sector).order}, 0});
        if (!taken.ok()) return use.make_room_for_epochs();
        FlashTail fresh{taken.value(), sectors_.layout().records_at()};
        if (copy_live(sector, fresh, use).ok()) {
            tails_[copy] = fresh;
            return use.free_sector(sector);
        }
        (void)sectors_.free(taken.value());
    }
    return ErrorCode::io;
}

Status FlashEpochs::copy_live(std::uint32_t sector, FlashTail& to, FlashEpochUse& use) {
    RecordScan scan{sectors_, sector, tail_of(sector)};
    while (scan.next()) {
        if (!is_live(scan.record(), use)) continue;
        const Status copied = copy_record(sectors_, scan.record(), to);
        // A damaged one has a copy elsewhere.
        if (!copied.ok() && copied.error() != ErrorCode::corrupt) return copied;
    }
    return {};
}

}  // namespace longhaul::agent
