// Which epochs, schemas and models are durable already, so that devices need not send them again.
//
// Filled at start from the journal and by what the writer knows of what was cut off from it, and by
// sessions as their submissions become durable. It only
// ever saves work: what it does not know is sent once more and dropped by the writer.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "collector/journal/journal.hpp"
#include "common/block/model.hpp"
#include "common/block/schema.hpp"
#include "common/wire/frame.hpp"

namespace longhaul::collector {

class KnownDevices {
 public:
    // Of a device; the oldest above it are forgotten, so that one that opens epochs without end
    // does not take memory without end.
    static constexpr std::size_t epochs_max = 4096;  // of an incarnation
    static constexpr std::size_t incarnations_max = 16;

    // Reads every shard, as far as it is there, up to its durable end, and shows each entry to
    // `also`.
    Status load(Journal& journal, const std::function<void(const ReadEntry&)>& also = {});

    // Another one makes room when there are epochs_max.
    static void insert_bounded(std::set<Epoch>& epochs, Epoch epoch);

    void add_schema(Shard shard, std::string_view tenant, const SchemaHash& hash);
    void add_model(Shard shard, std::string_view tenant, const ModelHash& hash);
    void add_epoch(std::string_view tenant, std::string_view device, Incarnation incarnation,
                   Epoch epoch);

    std::size_t schemas(Shard shard, std::string_view tenant) const;  // how many
    bool has_schema(Shard shard, std::string_view tenant, const SchemaHash& hash) const;
    bool has_model(Shard shard, std::string_view tenant, const ModelHash& hash) const;
    bool has_epoch(std::string_view tenant, std::string_view device, Incarnation incarnation,
                   Epoch epoch) const;
    // The known epochs from `oldest` to `newest` as ranges, the newest ones when there are too
    // many.
    std::vector<longhaul_EpochRange> epochs(std::string_view tenant, std::string_view device,
                                            Incarnation incarnation, Epoch oldest,
                                            Epoch newest) const;

 private:
    using DeviceKey = std::pair<std::string, std::string>;  // tenant, device
    using TenantKey = std::pair<Shard, std::string>;        // a shard's writer knows its own only
    std::map<TenantKey, std::set<SchemaHash>> schemas_;
    std::map<TenantKey, std::set<ModelHash>> models_;
    std::map<DeviceKey, std::map<Incarnation, std::set<Epoch>>> epochs_;
};

}  // namespace longhaul::collector
