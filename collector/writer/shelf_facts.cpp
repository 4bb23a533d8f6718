// What is known of the devices on a shelf beside their blocks.
#include "collector/writer/device_shelf.hpp"

namespace longhaul::collector {
namespace {

const Error damaged{ErrorCode::malformed, "facts of a device that cannot be read"};

}  // namespace

DeviceFacts* DeviceShelf::facts(std::string_view name) {
    const auto found = devices_.find(name);
    return found == devices_.end() ? nullptr : &found->second.facts;
}

std::uint16_t DeviceShelf::firmware_number(std::string_view firmware) {
    if (firmware.empty()) return 0;
    const auto found = firmware_numbers_.find(firmware);
    if (found != firmware_numbers_.end()) return found->second;
    if (firmwares_.size() > firmwares_max) return 0;
    const auto number = static_cast<std::uint16_t>(firmwares_.size());
    firmwares_.emplace_back(firmware);
    firmware_numbers_.emplace(firmware, number);
    return number;
}

void DeviceShelf::look_at_all(const Look& look) const {
    for (const auto& [name, slot] : devices_) {
        if (slot.unpacked != nullptr) {
            look(name, slot.facts, slot.unpacked->state);
            continue;
        }
        const auto state = decode_device(slot.bytes(), [this](auto id) { return streams(id); });
        LH_CHECK(state.ok());  // as in get()
        look(name, slot.facts, state.value());
    }
}

void DeviceShelf::encode_facts(const std::function<void(const ByteSink&)>& put) const {
    for (const auto& [name, slot] : devices_) {
        const DeviceFacts& facts = slot.facts;
        if (facts.first_heard.value == 0) continue;
        ByteSink item;
        item.text(name);
        item.zigzag_varint(facts.first_heard.value);
        item.zigzag_varint(facts.last_heard.value);
        item.u32(facts.incarnation);
        item.varint(facts.epoch);
        item.text(firmwares_[facts.firmware]);
        item.u8(facts.clock_state);
        item.zigzag_varint(facts.clock_error_us);
        item.u8(facts.pauses);
        for (std::size_t i = 0; i < facts.pauses; ++i) item.varint(facts.pause_minutes[i]);
        item.varint(facts.backlog_s);
        item.varint(facts.backlog);
        put(item);
    }
}

Status DeviceShelf::take_facts(ByteReader& in) {
    DeviceFacts* const known = facts(as_text(read_counted(in)));
    DeviceFacts facts;
    facts.first_heard = {in.zigzag_varint()};
    facts.last_heard = {in.zigzag_varint()};
    facts.incarnation = in.u32();
    const std::uint64_t epoch = in.varint();
    const std::string_view firmware = as_text(read_counted(in));
    facts.clock_state = in.u8();
    facts.clock_error_us = in.zigzag_varint();
    facts.pauses = in.u8();
    if (known == nullptr || epoch > UINT32_MAX || facts.pauses > DeviceFacts::pauses_max ||
        facts.first_heard.value == 0 || facts.clock_error_us < -1)
        return damaged;
    for (std::size_t i = 0; i < facts.pauses; ++i) {
        const std::uint64_t minutes = in.varint();
        if (minutes > UINT16_MAX) return damaged;
        facts.pause_minutes[i] = static_cast<std::uint16_t>(minutes);
    }
    std::uint64_t backlog_s = 0;
    std::uint64_t backlog = 0;
    if (!in.at_end()) {  // snapshots before version 5 have nothing of it
        backlog_s = in.varint();
        backlog = in.varint();
    }
    if (!in.at_end() || backlog_s > UINT32_MAX || backlog > UINT32_MAX ||
        known->first_heard.value != 0)
        return damaged;
    facts.backlog_s = static_cast<std::uint32_t>(backlog_s);
    facts.backlog = static_cast<std::uint32_t>(backlog);
    facts.epoch = static_cast<std::uint32_t>(epoch);
    facts.firmware = firmware_number(firmware);
    *known = facts;
    return {};
}

}  // namespace longhaul::collector
