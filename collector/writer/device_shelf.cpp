#include "collector/writer/device_shelf.hpp"

#include <algorithm>

namespace longhaul::collector {
namespace {

std::vector<std::byte> encoded(const std::vector<StreamEntry>& entries) {
    ByteSink out;
    encode_streams(entries, out);
    return {out.written().begin(), out.written().end()};
}

}  // namespace

StreamSet* DeviceShelf::streams(std::uint32_t id) const {
    const auto found = sets_by_id_.find(id);
    return found == sets_by_id_.end() ? nullptr : found->second;
}

DeviceMemory& DeviceShelf::get(std::string_view name) {
    const auto found = devices_.find(name);
    if (found == devices_.end())
        return unpack(devices_.emplace(std::string{name}, Slot{}).first, {});
    if (Unpacked* const there = found->second.unpacked.get()) {
        unpacked_.splice(unpacked_.begin(), unpacked_, there->place);
        return there->state;
    }
    auto state = decode_device(found->second.bytes(), [this](auto id) { return streams(id); });
    LH_CHECK(state.ok());  // we packed it, or looked at it when it came
    return unpack(found, std::move(state).value());
}

DeviceMemory& DeviceShelf::unpack(Devices::iterator device, DeviceMemory state) {
    unpacked_.push_front(device);
    if (unpacked_.size() > unpacked_max) pack_oldest();
    Slot& slot = device->second;
    slot.packed.reset();
    slot.packed_bytes = 0;
    slot.unpacked = std::make_unique<Unpacked>(std::move(state), unpacked_.begin());
    return slot.unpacked->state;
}

void DeviceShelf::Slot::keep(Bytes state) {
    unpacked.reset();
    packed = std::make_unique<std::byte[]>(state.size());
    packed_bytes = static_cast<std::uint32_t>(state.size());
    std::copy(state.begin(), state.end(), packed.get());
}

void DeviceShelf::pack_oldest() {
    Slot& slot = unpacked_.back()->second;
    ByteSink out;
    encode_device(slot.unpacked->state, out);
    slot.keep(out.written());
    unpacked_.pop_back();
}

std::size_t DeviceShelf::packed_bytes() const {
    std::size_t bytes = 0;
    for (const auto& [name, slot] : devices_) bytes += slot.packed_bytes;
    return bytes;
}

Status DeviceShelf::for_each(const Take& take) const {
    for (const auto& [name, slot] : devices_) {
        if (slot.unpacked == nullptr) {
            LH_TRY(take(name, slot.bytes()));
            continue;
        }
        ByteSink out;
        encode_device(slot.unpacked->state, out);
        LH_TRY(take(name, out.written()));
    }
    return {};
}

void DeviceShelf::for_each_epoch(
    const std::function<void(const std::string&, std::uint32_t, std::uint32_t)>& take) const {
    const Status done = for_each([&](const std::string& name, Bytes packed) -> Status {
        LH_TRY_ASSIGN(const DeviceMemory device,
                      decode_device(packed, [this](auto id) { return streams(id); }));
        for (const IncarnationState& incarnation : device.incarnations) {
            for (const auto& [number, epoch] : incarnation.open) {
                if (epoch.has_record) take(name, incarnation.id, number);
            }
        }
        return {};
    });
    LH_CHECK(done.ok());
}

Status DeviceShelf::check(Bytes packed) const {
    const auto state = decode_device(packed, [this](auto id) { return streams(id); });
    return state.ok() ? Status{} : state.error();
}

Result<DeviceMemory> DeviceShelf::put_packed(std::string_view name, Bytes bytes) {
    LH_TRY_ASSIGN(DeviceMemory state,
                  decode_device(bytes, [this](auto id) { return streams(id); }));
    const auto [place, is_new] = devices_.try_emplace(std::string{name});
    if (!is_new) return Error{ErrorCode::malformed, "a device that comes twice"};
    place->second.keep(bytes);
    for (const IncarnationState& incarnation : state.incarnations) {
        for (const auto& [number, epoch] : incarnation.open) {
            if (epoch.streams != nullptr) ++epoch.streams->users;
        }
    }
    return state;
}

StreamSet& DeviceShelf::intern(const std::vector<StreamEntry>& entries) {
    if (sets_.size() >= sets_max_) release_streams();
    std::unique_ptr<StreamSet>& slot = sets_[encoded(entries)];
    if (slot == nullptr) {
        slot = std::make_unique<StreamSet>();
        slot->id = next_id_++;
        slot->entries = entries;
        sets_by_id_.emplace(slot->id, slot.get());
    }
    return *slot;
}

void DeviceShelf::release_streams() {
    std::erase_if(sets_, [this](const auto& set) {
        if (set.second->users != 0) return false;
        sets_by_id_.erase(set.second->id);
        return true;
    });
    sets_max_ = std::max<std::size_t>(64, 2 * sets_.size());
}

Status DeviceShelf::put_streams(std::uint32_t id, std::vector<StreamEntry> entries) {
    std::unique_ptr<StreamSet>& slot = sets_[encoded(entries)];
    if (slot != nullptr || id == 0 || id == UINT32_MAX || sets_by_id_.contains(id))
        return Error{ErrorCode::malformed, "a set of streams that comes twice"};
    slot = std::make_unique<StreamSet>();
    slot->id = id;
    slot->entries = std::move(entries);
    sets_by_id_.emplace(id, slot.get());
    next_id_ = std::max(next_id_, id + 1);
    return {};
}

Status DeviceShelf::for_each_streams(const std::function<Status(const StreamSet&)>& take) const {
    for (const auto& [id, set] : sets_by_id_) LH_TRY(take(*set));
    return {};
}

}  // namespace longhaul::collector
