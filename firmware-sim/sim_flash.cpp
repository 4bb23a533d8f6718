#include "firmware-sim/sim_flash.hpp"

#include <algorithm>

#include "common/base/check.hpp"

namespace longhaul::sim {
namespace {

constexpr std::uint64_t read_ns = 2'000;  // command and address
constexpr std::uint64_t read_byte_ns = 160;
constexpr std::uint64_t page_bytes = 256;
constexpr std::uint64_t page_ns = 30'000;         // of a page the first byte
constexpr std::uint64_t program_byte_ns = 2'600;  // a whole page takes 0.7 ms
constexpr std::uint64_t erase_4k_ns = 45'000'000;
constexpr std::uint64_t erase_64k_ns = 150'000'000;

constexpr std::byte blank{0xff};

}  // namespace

SimFlash::SimFlash(const agent::FlashGeometry& geometry, std::uint32_t seed)
    : geometry_{geometry},
      erases_(geometry.sectors),
      faults_(geometry.sectors, Fault::none),
      random_{seed} {
    if (geometry.program_bytes != 1)
        cells_.programmed.assign(size_bytes() / geometry.program_bytes, false);
}

std::vector<std::byte>& SimFlash::image() {
    grow(cells_, size_bytes());
    return cells_.bytes;
}

void SimFlash::put_away() {
    cells_ = Cells{};
    synced_ = Cells{};
    unsynced_ = std::vector<Step>{};
}

// Of a fleet most flash is never used, and takes no memory.
void SimFlash::grow(Cells& cells, std::size_t bytes) const {
    const std::size_t now = cells.bytes.size();
    if (bytes <= now) return;
    if (bytes > cells.bytes.capacity())
        cells.bytes.reserve(std::min(size_bytes(), std::max(bytes, now + now / 4)));
    cells.bytes.resize(bytes, blank);
}

Status SimFlash::read(std::uint32_t sector, std::uint32_t offset, MutableBytes room) {
    LH_CHECK(sector < geometry_.sectors && offset + room.size() <= geometry_.sector_bytes);
    if (power_lost_) return ErrorCode::io;
    ++totals_.reads;
    totals_.bytes_read += room.size();
    totals_.time_ns += read_ns + read_byte_ns * room.size();
    const Bytes used =
        Bytes{cells_.bytes}.subspan(std::min(at(sector, offset), cells_.bytes.size()));
    const Bytes here = used.first(std::min(used.size(), room.size()));
    const auto rest = std::copy(here.begin(), here.end(), room.begin());
    std::fill(rest, room.end(), blank);
    if (faults_[sector] == Fault::flips && !room.empty() && random_() % 256 == 0) {
        ++faults_met_;
        room[random_() % room.size()] ^= static_cast<std::byte>(1U << random_() % 8);
    }
    return {};
}

Status SimFlash::program(std::uint32_t sector, std::uint32_t offset, Bytes bytes) {
    LH_CHECK(sector < geometry_.sectors && offset + bytes.size() <= geometry_.sector_bytes);
    LH_CHECK(offset % geometry_.program_bytes == 0 && bytes.size() % geometry_.program_bytes == 0);
    if (power_lost_) return ErrorCode::io;
    ++totals_.programs;
    totals_.bytes_programmed += bytes.size();
    const std::uint64_t pages = (offset % page_bytes + bytes.size() + page_bytes - 1) / page_bytes;
    totals_.time_ns += pages * page_ns + bytes.size() * program_byte_ns;
    return take({false, sector, offset, {bytes.begin(), bytes.end()}});
}

Status SimFlash::erase(std::uint32_t sector) {
    LH_CHECK(sector < geometry_.sectors);
    if (power_lost_) return ErrorCode::io;
    ++totals_.erases;
    ++erases_[sector];
    totals_.time_ns += geometry_.sector_bytes <= 4096 ? erase_4k_ns : erase_64k_ns;
    return take({true, sector, 0, {}});
}

Status SimFlash::sync() {
    if (power_lost_) return ErrorCode::io;
    for (const Step& step : unsynced_) apply(step, Torn::all, synced_);
    unsynced_.clear();
    return {};
}

Status SimFlash::take(Step step) {
    check_rules(step);
    if (on_step) on_step(step);
    if (--steps_left_ == 0) {
        cut(step, torn_);
        return ErrorCode::io;
    }
    const Fault fault = faults_[step.sector];
    if (fault == Fault::error || fault == Fault::ignored ||
        (fault == Fault::stuck_erase && step.erase)) {
        ++faults_met_;
        return fault == Fault::ignored ? Status{} : Status{ErrorCode::io};
    }
    apply(step, Torn::all, cells_);
    if (fault == Fault::stuck && !step.erase && random_() % 4 == 0) {
        ++faults_met_;
        cells_.bytes[at(step.sector, step.offset) + random_() % step.bytes.size()] |=
            static_cast<std::byte>(1U << random_() % 8);
    }
    if (loses_unsynced_) unsynced_.push_back(std::move(step));
    return {};
}

// A sound sector never sees a bit that would have to go from 0 to 1, nor a unit twice.
void SimFlash::check_rules(const Step& step) const {
    if (step.erase || faults_[step.sector] != Fault::none) return;
    const std::size_t from = at(step.sector, step.offset);
    for (std::size_t i = 0; i < step.bytes.size() && from + i < cells_.bytes.size(); ++i)
        LH_CHECK((cells_.bytes[from + i] & step.bytes[i]) == step.bytes[i]);
    if (geometry_.program_bytes == 1) return;
    for (std::size_t i = 0; i < step.bytes.size(); i += geometry_.program_bytes)
        LH_CHECK(!cells_.programmed[(from + i) / geometry_.program_bytes]);
}

void SimFlash::apply(const Step& step, Torn torn, Cells& cells) {
    if (torn == Torn::nothing) return;
    const bool was_blank = at(step.sector, 0) >= cells.bytes.size();
    if (was_blank && step.erase && torn == Torn::all) return;
    grow(cells, at(step.sector, geometry_.sector_bytes));
    if (step.erase) {
        apply_erase(step, torn, cells);
    } else {
        apply_program(step, torn, cells);
    }
    // What looks blank counts as not programmed.
    const std::size_t unit = geometry_.program_bytes;
    if (unit == 1) return;
    const std::size_t from = at(step.sector, step.offset);
    const std::size_t size = step.erase ? geometry_.sector_bytes : step.bytes.size();
    for (std::size_t at = from; at < from + size; at += unit) {
        const auto first = cells.bytes.begin() + static_cast<std::ptrdiff_t>(at);
        cells.programmed[at / unit] = std::any_of(first, first + static_cast<std::ptrdiff_t>(unit),
                                                  [](std::byte each) { return each != blank; });
    }
}

void SimFlash::apply_program(const Step& step, Torn torn, Cells& cells) {
    const std::size_t from = at(step.sector, step.offset);
    const std::size_t done =
        torn == Torn::bytes ? random_() % step.bytes.size() : step.bytes.size();
    for (std::size_t i = 0; i < done; ++i) {
        std::byte mask = step.bytes[i];
        if (torn == Torn::bits) mask |= static_cast<std::byte>(random_());
        cells.bytes[from + i] &= mask;
    }
}

void SimFlash::apply_erase(const Step& step, Torn torn, Cells& cells) {
    const std::size_t from = at(step.sector, 0);
    const std::size_t size = geometry_.sector_bytes;
    const std::size_t done = torn == Torn::bytes ? random_() % size : size;
    for (std::size_t i = 0; i < done; ++i) {
        if (torn == Torn::bits) {
            cells.bytes[from + i] |= static_cast<std::byte>(random_());
        } else {
            cells.bytes[from + i] = blank;
        }
    }
}

void SimFlash::cut(const Step& step, Torn torn) {
    power_lost_ = true;
    on_step = nullptr;
    if (!loses_unsynced_) return apply(step, torn, cells_);
    // Of what was not synced some is there, some is not, and one step may be torn.
    cells_ = synced_;
    unsynced_.push_back(step);
    for (const Step& each : unsynced_) {
        const bool last = &each == &unsynced_.back();
        const Torn how = torn_modes[random_() % torn_modes.size()];
        if (last || random_() % 2 == 0) {
            apply(each, last ? torn : how, cells_);
        } else {
            ++steps_lost_;
        }
    }
    unsynced_.clear();
}

void SimFlash::cut_power_after(std::uint64_t steps, Torn torn) {
    steps_left_ = steps;
    torn_ = torn;
}

void SimFlash::power_on() {
    power_lost_ = false;
    steps_left_ = UINT64_MAX;
    if (loses_unsynced_) synced_ = cells_;
}

SimFlash SimFlash::cut_in(const Step& step, Torn torn, std::uint32_t seed) const {
    SimFlash copy = *this;
    copy.random_.seed(seed);
    copy.cut(step, torn);
    return copy;
}

void SimFlash::lose_unsynced() {
    loses_unsynced_ = true;
    synced_ = cells_;
}

}  // namespace longhaul::sim
