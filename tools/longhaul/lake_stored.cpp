#include "tools/longhaul/lake_stored.hpp"

#include <vector>

#include "collector/lake/parquet_file.hpp"

namespace longhaul::tools {
namespace {

constexpr std::int64_t hour_us = std::int64_t{3600} * 1'000'000;

std::vector<collector::Column> wanted_columns() {
    std::vector<collector::Column> columns(2);
    columns[0].name = "device";
    columns[0].type = collector::ColumnType::string;
    columns[1].name = "receive_time";
    columns[1].type = collector::ColumnType::timestamp;
    return columns;
}

std::int64_t hour_of(std::int64_t time_us) {
    const std::int64_t within = time_us % hour_us;
    return time_us - (within < 0 ? within + hour_us : within);
}

// How many rows a file has of whom.
Result<std::map<StoredBy, std::uint64_t>> count_rows(Bytes parquet, const std::string& tenant,
                                                     bool by_hour) {
    std::map<StoredBy, std::uint64_t> counts;
    LH_TRY(collector::read_column_groups(parquet, wanted_columns(), [&](const auto& columns) {
        const collector::ColumnData& device = columns[0];
        const collector::ColumnData& received = columns[1];
        StoredBy whose;
        std::uint64_t* count = nullptr;
        for (std::size_t row = 0; row < device.valid.size(); ++row) {
            const std::string_view name = device.valid[row] ? device.text(row) : "";
            std::optional<std::int64_t> hour;
            if (by_hour && received.valid[row]) hour = hour_of(received.integers[row]);
            // Rows lie sorted by device: mostly it is the one before.
            if (count == nullptr || whose.device != name || whose.hour_us != hour) {
                whose = {tenant, std::string{name}, hour};
                count = &counts[whose];
            }
            ++*count;
        }
    }));
    return counts;
}

// Cut so that nothing is lost by rounding.
void share_out(const std::string& tenant, const std::map<StoredBy, std::uint64_t>& counts,
               std::uint64_t bytes, StoredShares& shares) {
    std::uint64_t rows = 0;
    for (const auto& [whose, count] : counts) rows += count;
    if (rows == 0) shares[{tenant, "", std::nullopt}].bytes += bytes;
    std::uint64_t rows_before = 0;
    std::uint64_t bytes_before = 0;
    for (const auto& [whose, count] : counts) {
        rows_before += count;
        const auto end = static_cast<std::uint64_t>(static_cast<long double>(bytes) *
                                                    static_cast<long double>(rows_before) /
                                                    static_cast<long double>(rows));
        Stored& share = shares[whose];
        share.rows += count;
        share.bytes += end - bytes_before;
        bytes_before = end;
    }
}

}  // namespace

Status add_stored(collector::ObjectStore& lake, const std::string& folder, const std::string& day,
                  StoredShares& shares, const std::function<void(StoredProgress)>& tell,
                  std::string& faulty) {
    const std::string tenant = folder.substr(0, folder.find('/'));
    collector::DeltaTable table{lake, folder};
    if (const Status read = table.refresh(); !read.ok()) {
        faulty = table.faulty().empty() ? folder : folder + "/" + table.faulty();
        return read;
    }
    for (const auto& [path, file] : table.state().files) {
        if (!day.empty() && file.receive_date != day) continue;
        faulty = folder + "/" + path;
        LH_TRY_ASSIGN(const auto content, table.read(file));
        LH_TRY_ASSIGN(const auto counts, count_rows(content, tenant, !day.empty()));
        share_out(tenant, counts, file.bytes, shares);
        tell({1, file.bytes});
    }
    faulty.clear();
    return {};
}

}  // namespace longhaul::tools
