// All devices of a tenant: those that were heard of lately as they are worked with, the others as
// bytes, some hundred each.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collector/writer/device_codec.hpp"
#include "collector/writer/device_facts.hpp"

namespace longhaul::collector {

class DeviceShelf {
 public:
    static constexpr std::size_t unpacked_max = 1024;

    // Good until another device is asked for. Made if it is not there.
    DeviceMemory& get(std::string_view name);
    std::size_t size() const { return devices_.size(); }
    std::size_t packed_bytes() const;

    // Every device in the order of names, as bytes.
    using Take = std::function<Status(const std::string& name, Bytes state)>;
    Status for_each(const Take& take) const;
    // Those that have a record and may still get blocks.
    void for_each_epoch(
        const std::function<void(const std::string& device, std::uint32_t incarnation,
                                 std::uint32_t epoch)>& take) const;
    // Whether a device's bytes can be taken up again.
    Status check(Bytes packed) const;
    // Error malformed. Returns the state; its epochs count as users of their streams from here on.
    Result<DeviceMemory> put_packed(std::string_view name, Bytes state);

    // Of one that is there; nullptr: there is none. Good as long as the shelf.
    DeviceFacts* facts(std::string_view name);
    // A number for a version, for DeviceFacts; 0 when there are too many.
    static constexpr std::size_t firmwares_max = 4096;
    std::uint16_t firmware_number(std::string_view firmware);
    const std::string& firmware(std::uint16_t number) const { return firmwares_[number]; }
    // Every device, as it is.
    using Look =
        std::function<void(const std::string& name, const DeviceFacts&, const DeviceMemory&)>;
    void look_at_all(const Look& look) const;
    void encode_facts(const std::function<void(const ByteSink&)>& put) const;
    Status take_facts(ByteReader& in);  // malformed

    StreamSet& intern(const std::vector<StreamEntry>& entries);
    Status for_each_streams(const std::function<Status(const StreamSet&)>& take) const;
    // Error malformed: there is another of this number.
    Status put_streams(std::uint32_t id, std::vector<StreamEntry> entries);

 private:
    struct Unpacked;
    struct Slot {
        std::unique_ptr<Unpacked> unpacked;
        std::unique_ptr<std::byte[]> packed;
        [[no_unique_address]] DeviceFacts facts;
        std::uint32_t packed_bytes = 0;  // lies in the padding of the facts

        Bytes bytes() const { return {packed.get(), packed_bytes}; }
        void keep(Bytes state);
    };
    static_assert(sizeof(Slot) == 2 * sizeof(void*) + sizeof(DeviceFacts));
    using Devices = std::map<std::string, Slot, std::less<>>;
    using InUse = std::list<Devices::iterator>;
    struct Unpacked {
        DeviceMemory state;
        InUse::iterator place;
    };

    StreamSet* streams(std::uint32_t id) const;
    DeviceMemory& unpack(Devices::iterator device, DeviceMemory state);
    void pack_oldest();
    // Those that no epoch uses any more are forgotten.
    void release_streams();

    Devices devices_;
    std::vector<std::string> firmwares_{""};  // by number
    std::map<std::string, std::uint16_t, std::less<>> firmware_numbers_;
    InUse unpacked_;                                                     // the newest first
    std::map<std::vector<std::byte>, std::unique_ptr<StreamSet>> sets_;  // by their encoding
    std::map<std::uint32_t, StreamSet*> sets_by_id_;
    std::uint32_t next_id_ = 1;
    std::size_t sets_max_ = 64;  // before those without users are looked for
};

}  // namespace longhaul::collector
