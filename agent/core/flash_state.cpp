#include "agent/core/flash_state.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::agent {

void FlashCore::give_up(std::uint32_t order) {
    if (given_up_count == given_up_max) {
        std::copy(given_up.begin() + 1, given_up.end(), given_up.begin());
        --given_up_count;
    }
    given_up[given_up_count++] = order;
}

bool FlashCore::has_given_up(std::uint32_t order) const {
    const auto end = given_up.begin() + static_cast<std::ptrdiff_t>(given_up_count);
    return std::find(given_up.begin(), end, order) != end;
}

void FlashCore::write(ByteWriter& out) const {
    out.u32(incarnation.value);
    out.u32(epoch_counter);
    out.u32(order_max);
    out.u32(freeing);
    out.u8(static_cast<std::uint8_t>(given_up_count));
    for (std::size_t i = 0; i < given_up_count; ++i) out.u32(given_up[i]);
    out.u32(newest_epoch.value);
    for (const FlashCoreClass& each : classes) {
        out.u32(each.last_number);
        out.i64(each.last_us);
        out.u32(each.stored.epoch.value);
        out.u32(each.stored.number);
        out.u32(each.freed.epoch.value);
        out.u32(each.freed.number);
        each.done.write(out);
    }
    losses.write(out);
}

Status FlashCore::read(ByteReader& in) {
    incarnation.value = in.u32();
    epoch_counter = in.u32();
    order_max = in.u32();
    freeing = in.u32();
    given_up_count = in.u8();
    if (given_up_count > given_up_max) return ErrorCode::malformed;
    for (std::size_t i = 0; i < given_up_count; ++i) given_up[i] = in.u32();
    newest_epoch.value = in.u32();
    for (FlashCoreClass& each : classes) {
        each.last_number = in.u32();
        each.last_us = in.i64();
        each.stored.epoch.value = in.u32();
        each.stored.number = in.u32();
        each.freed.epoch.value = in.u32();
        each.freed.number = in.u32();
        LH_TRY(each.done.read(in));
        // Nothing is done with that was not begun.
        const auto ranges = each.done.ranges();
        const Epoch done = ranges.empty() ? Epoch{} : ranges.back().last.epoch;
        if (std::max({done, each.stored.epoch, each.freed.epoch}).value > epoch_counter)
            return ErrorCode::malformed;
    }
    if (newest_epoch.value > epoch_counter) return ErrorCode::malformed;
    LH_TRY(losses.read(in));
    for (const Loss& loss : losses.entries())
        if (loss.last.epoch.value > epoch_counter) return ErrorCode::malformed;
    // Orders that nobody was given name no sector that is still to come.
    order_max = std::max(order_max, freeing);
    for (std::size_t i = 0; i < given_up_count; ++i) order_max = std::max(order_max, given_up[i]);
    return {};
}

// The newest core that is whole; of the values the keys, and the highest serial of all.
Status FlashState::load(FlashCore& core) {
    serial_ = 0;
    keys_.reset();
    std::uint32_t best = 0;
    for (auto sector = sectors_.after(chain_state, 0); sector;
         sector = sectors_.after(chain_state, sectors_.at(*sector).order)) {
        RecordScan scan{sectors_, *sector, FlashTail{}};
        while (scan.next()) {
            const RecordHeader& header = scan.record().header;
            serial_ = std::max(serial_, header.place.number);
            if (header.kind == RecordKind::value) keys_.set(header.key);
            if (header.kind != RecordKind::core || header.place.number <= best ||
                header.body_bytes > scratch_.size())
                continue;
            const MutableBytes body = scratch_.first(header.body_bytes);
            if (!read_body(sectors_, scan.record(), body)) continue;
            ByteReader in{body};
            if (FlashCore found; found.read(in).ok()) {
                core = found;
                best = header.place.number;
            }
        }
    }
    return best == 0 ? Status{ErrorCode::not_found} : Status{};
}

// A sector without a core was not complete when power was cut: another one still holds everything.
void FlashState::find_lanes() {
    lanes_ = {};
    for (auto sector = sectors_.after(chain_state, 0); sector;) {
        const std::uint32_t order = sectors_.at(*sector).order;
        bool complete = false;
        RecordScan scan{sectors_, *sector, FlashTail{}};
        while (scan.next()) complete = complete || scan.record().header.kind == RecordKind::core;
        if (complete && lanes_[0].used != 0 && lanes_[1].used != 0) {
            // Of three the oldest was about to be erased.
            (void)sectors_.free(lanes_[0].sector);
            lanes_[0] = lanes_[1];
            lanes_[1] = {};
        }
        if (complete) {
            FlashTail& lane = lanes_[lanes_[0].used == 0 ? 0 : 1];
            lane = {*sector,
                    sectors_.blank_from(*sector, scan.end(), sectors_.layout().summary_at())};
        } else {
            (void)sectors_.free(*sector);
        }
        sector = sectors_.after(chain_state, order);
    }
}

Status FlashState::open(const FlashCore& core) {
    find_lanes();
    for (FlashTail& lane : lanes_)
        if (lane.used == 0) LH_TRY(move(lane, core, nullptr));
    return {};
}

Status FlashState::next_serial() {
    if (serial_ == UINT32_MAX) return Error{ErrorCode::full, "no serial is left"};
    ++serial_;
    return {};
}

bool FlashState::find_value(std::uint8_t key, FlashRecord& found, std::uint32_t but_for) {
    std::uint32_t best = 0;
    for (auto sector = sectors_.after(chain_state, 0); sector;
         sector = sectors_.after(chain_state, sectors_.at(*sector).order)) {
        if (*sector == but_for) continue;
        RecordScan scan{sectors_, *sector, FlashTail{}};
        while (scan.next()) {
            const RecordHeader& header = scan.record().header;
            if (header.kind != RecordKind::value || header.key != key ||
                header.place.number <= best || !body_is_whole(sectors_, scan.record()))
                continue;
            found = scan.record();
            best = header.place.number;
        }
    }
    return best != 0;
}

Status FlashState::write_core(const FlashCore& core, Copies copies) {
    LH_TRY(next_serial());
    LH_TRY(append(lanes_[0], core, nullptr));
    return copies == Copies::one ? Status{} : append(lanes_[1], core, nullptr);
}

Status FlashState::put(std::uint8_t key, Bytes value, const FlashCore& core) {
    const FlashLayout& layout = sectors_.layout();
    LH_TRY_ASSIGN(const std::uint32_t others, bytes_of_values(key));
    const std::uint32_t all = others + layout.record_bytes(value.size()) +
                              layout.record_bytes(FlashCore::stored_bytes_max);
    if (all > layout.capacity()) return Error{ErrorCode::full, "the state fills a flash sector"};
    LH_TRY(next_serial());
    const Value put{key, value};
    LH_TRY(append(lanes_[0], core, &put));
    keys_.set(key);
    return append(lanes_[1], core, &put);
}

Result<Bytes> FlashState::read(std::uint8_t key, MutableBytes room) {
    FlashRecord record;
    if (!keys_[key] || !find_value(key, record)) return ErrorCode::not_found;
    if (record.header.body_bytes > room.size()) return ErrorCode::too_large;
    const MutableBytes body = room.first(record.header.body_bytes);
    if (!read_body(sectors_, record, body)) return ErrorCode::io;
    return Bytes{body};
}

Result<std::uint32_t> FlashState::bytes_of_values(std::uint8_t but_for) {
    std::uint32_t bytes = 0;
    for (std::size_t key = 0; key < keys_.size(); ++key) {
        FlashRecord record;
        if (key == but_for || !keys_[key] || !find_value(static_cast<std::uint8_t>(key), record))
            continue;
        bytes += sectors_.layout().record_bytes(record.header.body_bytes);
    }
    return bytes;
}

Status FlashState::append(FlashTail& lane, const FlashCore& core, const Value* value) {
    const Status done = value != nullptr ? append_value(lane, *value) : append_core(lane, core);
    return done.ok() ? done : move(lane, core, value);
}

Status FlashState::append_core(FlashTail& lane, const FlashCore& core) {
    ByteWriter out{scratch_};
    core.write(out);
    LH_CHECK(out.ok());
    RecordHeader header;
    header.kind = RecordKind::core;
    header.place.number = serial_;
    const Bytes body = out.written();
    if (!lane.fits(sectors_.layout(), body.size())) return ErrorCode::full;
    return append_record(sectors_, lane, header, std::span{&body, 1});
}

Status FlashState::append_value(FlashTail& lane, const Value& value) {
    RecordHeader header;
    header.kind = RecordKind::value;
    header.key = value.key;
    header.place.number = serial_;
    if (!lane.fits(sectors_.layout(), value.bytes.size())) return ErrorCode::full;
    return append_record(sectors_, lane, header, std::span{&value.bytes, 1});
}

bool FlashState::has_core_but_for(std::uint32_t sector) {
    for (auto other = sectors_.after(chain_state, 0); other;
         other = sectors_.after(chain_state, sectors_.at(*other).order)) {
        RecordScan scan{sectors_, *other, FlashTail{}};
        while (*other != sector && scan.next())
            if (scan.record().header.kind == RecordKind::core &&
                body_is_whole(sectors_, scan.record()))
                return true;
    }
    return false;
}

// Whether the state is whole without that sector.
bool FlashState::is_elsewhere(std::uint32_t sector) {
    if (!has_core_but_for(sector)) return false;
    for (std::size_t key = 0; key < keys_.size(); ++key) {
        if (!keys_[key]) continue;
        FlashRecord newest;
        FlashRecord other;
        const auto wanted = static_cast<std::uint8_t>(key);
        if (find_value(wanted, newest) && (!find_value(wanted, other, sector) ||
                                           other.header.place.number != newest.header.place.number))
            return false;
    }
    return true;
}

// When none is free: one that is done with, the lane's own, one that waits.
Result<std::uint32_t> FlashState::take_sector(FlashTail& lane, const FlashCore& core) {
    auto taken = sectors_.take(chain_state);
    while (!taken.ok()) {
        const auto done = use_.leave_done();
        if (!done) break;
        erase_left(*done, lane, core);
        taken = sectors_.take(chain_state);
    }
    if (!taken.ok() && lane.sector != no_sector &&
        sectors_.at(lane.sector).state == FlashSector::State::sound && is_elsewhere(lane.sector)) {
        (void)sectors_.free(lane.sector);
        lane = {};
        taken = sectors_.take(chain_state);
    }
    for (int attempt = 0; !taken.ok() && attempt < 2; ++attempt) {
        const auto waiting = use_.leave_waiting();
        if (!waiting) break;
        erase_left(*waiting, lane, core);
        if (sectors_.at(*waiting).state != FlashSector::State::sound) break;
        taken = sectors_.take(chain_state);
    }
    return taken;
}

// The other lane says so first, if it has room.
void FlashState::erase_left(std::uint32_t sector, const FlashTail& lane, const FlashCore& core) {
    FlashTail& other = lanes_[&lane == &lanes_[0] ? 1 : 0];
    if (other.used != 0 && next_serial().ok()) {
        (void)append_core(other, core);
        (void)next_serial();
    }
    use_.erase_left(sector);
}

// Into a new sector go the values and then the core; only then is the old one erased.
Status FlashState::move(FlashTail& lane, const FlashCore& core, const Value* value) {
    LH_TRY(next_serial());
    for (std::uint32_t attempt = 0; attempt < sectors_.count(); ++attempt) {
        LH_TRY_ASSIGN(const std::uint32_t sector, take_sector(lane, core));
        FlashTail fresh{sector, sectors_.layout().records_at()};
        if (copy_values(fresh, value).ok() && append_core(fresh, core).ok()) {
            if (lane.sector != no_sector) (void)sectors_.free(lane.sector);
            lane = fresh;
            return {};
        }
        (void)sectors_.free(sector);
    }
    return ErrorCode::io;
}

Status FlashState::copy_values(FlashTail& to, const Value* instead) {
    for (std::size_t key = 0; key < keys_.size(); ++key) {
        FlashRecord record;
        if ((instead != nullptr && key == instead->key) || !keys_[key] ||
            !find_value(static_cast<std::uint8_t>(key), record))
            continue;
        if (!to.fits(sectors_.layout(), record.header.body_bytes)) return ErrorCode::full;
        LH_TRY(copy_record(sectors_, record, to));
    }
    return instead == nullptr ? Status{} : append_value(to, *instead);
}

}  // namespace longhaul::agent
