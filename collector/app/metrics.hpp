// The collector's numbers in the text format of Prometheus. docs/operating.md says what each means.
// The only file pair that knows prometheus-cpp, whose serializer it uses and nothing else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collector/app/disk_space.hpp"
#include "collector/app/journal_thread.hpp"
#include "collector/app/upkeep_thread.hpp"
#include "collector/net/gateway.hpp"
#include "collector/writer/writer.hpp"

namespace longhaul::collector {

// What the parts say at this moment. Those that are not there yet are left out.
struct Readings {
    bool ready = false;
    WallUs now;
    WallUs started;
    WallUs certificate_expires;
    const GatewayCounters* gateway = nullptr;
    const JournalCounters* journal = nullptr;
    std::uint64_t durable_bytes = 0;
    std::vector<Offset> durable_ends;  // by shard
    double oldest_unacknowledged_s = 0;
    std::optional<WriterProgress> writer;
    bool writer_failing = false;
    std::optional<UpkeepProgress> upkeep;
    struct Folder {
        const char* name;
        DiskSpace space;
    };
    std::vector<Folder> folders;
};

std::string metrics_text(const Readings& readings);

}  // namespace longhaul::collector
