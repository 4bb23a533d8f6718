#include "collector/writer/state_tables.hpp"

#include <algorithm>
#include <tuple>

#include "collector/lake/loss_runs.hpp"
#include "collector/lake/parquet_file.hpp"
#include "collector/lake/state_table.hpp"
#include "collector/writer/table_columns.hpp"

namespace longhaul::collector {
namespace {

constexpr std::int64_t second_us = 1'000'000;

// A gap by its place, and since when it is known.
using GapKey = std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t>;
struct KnownGap {
    std::int64_t first = 0;
    std::int64_t last = 0;
    std::int64_t noticed_us = 0;
};
using KnownGaps = std::map<GapKey, std::vector<KnownGap>>;

Result<KnownGaps> read_known_gaps(DeltaTable& table) {
    KnownGaps known;
    for (const auto& [path, file] : table.state().files) {
        LH_TRY_ASSIGN(const auto content, table.read(file));
        LH_TRY_ASSIGN(const std::vector<ColumnData> columns, read_columns(content, gap_columns()));
        for (std::size_t row = 0; row < columns[gap_device].valid.size(); ++row) {
            const auto of = [&](GapColumn column) { return columns[column].integers[row]; };
            const GapKey key{std::string{columns[gap_device].text(row)}, of(gap_incarnation),
                             of(gap_epoch), of(gap_class)};
            known[key].push_back({of(gap_first_seq), of(gap_last_seq), of(gap_noticed)});
        }
    }
    return known;
}

// What is left of a gap, or has grown together of several, is as old as the oldest of them.
std::int64_t noticed_us(const KnownGaps& known, const GapKey& key, std::int64_t first,
                        std::int64_t last, WallUs now) {
    std::int64_t noticed = now.value;
    const auto found = known.find(key);
    if (found == known.end()) return noticed;
    for (const KnownGap& gap : found->second) {
        if (gap.last >= first && gap.first <= last) noticed = std::min(noticed, gap.noticed_us);
    }
    return noticed;
}

Batch devices_batch(const TenantSurvey& survey, WallUs now, StateTables::Counts& counts) {
    Batch batch{device_columns()};
    for (const SurveyedDevice& device : survey.devices) {
        const DeviceFacts& facts = device.facts;
        const bool silent = facts.is_silent(now);
        ++counts.devices;
        counts.silent += silent ? 1 : 0;
        batch.begin_row();
        const auto put = [&batch](DeviceColumn column, std::int64_t value) {
            batch.put_integer(column, value);
        };
        batch.put_text(device_device, device.name);
        put(device_first_heard, facts.first_heard.value);
        put(device_last_heard, facts.last_heard.value);
        put(device_silence, (now.value - facts.last_heard.value) / second_us);
        put(device_rhythm, facts.rhythm_s());
        put(device_silent, silent ? 1 : 0);
        if (facts.epoch != 0) {
            put(device_incarnation, facts.incarnation);
            put(device_epoch, facts.epoch);
            put(device_clock_state, facts.clock_state);
        }
        if (!device.firmware.empty()) batch.put_text(device_firmware, device.firmware);
        if (facts.clock_error_us >= 0) put(device_clock_error, facts.clock_error_us);
        put(device_gaps, static_cast<std::int64_t>(device.gaps));
        put(device_awaited, static_cast<std::int64_t>(device.awaited));
        if (facts.backlog_s != 0) {
            put(device_backlog, facts.backlog);
            put(device_backlog_time, facts.backlog_s * second_us);
        }
        put(device_state_time, now.value);
        batch.end_row();
    }
    return batch;
}

class GapRows {
 public:
    GapRows(const KnownGaps& known, WallUs now) : known_{known}, now_{now} {}

    void add(const std::string& device, const SurveyedGap& gap, LossRuns::Range range,
             StateTables::Counts& counts) {
        const std::int64_t first = BlockSeq::of(gap.block_class, range.first).value;
        const std::int64_t last = BlockSeq::of(gap.block_class, range.last).value;
        const auto block_class = static_cast<std::int64_t>(gap.block_class);
        const std::int64_t since = noticed_us(
            known_, {device, gap.incarnation, gap.epoch, block_class}, first, last, now_);
        const std::int64_t age_s = std::max<std::int64_t>(0, (now_.value - since) / second_us);
        ++counts.gaps;
        counts.awaited += static_cast<std::uint64_t>(last - first + 1);
        counts.oldest_gap_s = std::max(counts.oldest_gap_s, age_s);
        batch_.begin_row();
        batch_.put_text(gap_device, device);
        batch_.put_integer(gap_incarnation, gap.incarnation);
        batch_.put_integer(gap_epoch, gap.epoch);
        batch_.put_integer(gap_class, block_class);
        batch_.put_integer(gap_first_seq, first);
        batch_.put_integer(gap_last_seq, last);
        batch_.put_integer(gap_blocks, last - first + 1);
        batch_.put_integer(gap_noticed, since);
        batch_.put_integer(gap_age, age_s);
        batch_.put_integer(gap_state_time, now_.value);
        batch_.end_row();
    }
    const Batch& batch() const { return batch_; }

 private:
    const KnownGaps& known_;
    WallUs now_;
    Batch batch_{gap_columns()};
};

Message problem(const std::string& folder, const Error& error) {
    return {folder + " was not replaced, it is tried again: " + to_string(error)};
}

}  // namespace

Result<void, Message> StateTables::replace_all(WallUs now) {
    Counts counts;
    std::string tenant;
    for (;;) {
        if (stop_()) return Message{"it was asked to stop"};
        auto survey = ask_(tenant);
        if (!survey.ok())
            return Message{"the writer does not say what it knows of the devices: " +
                           to_string(survey.error())};
        if (!survey.value()) break;
        tenant = survey.value()->tenant;
        LH_TRY(replace(*std::move(survey).value(), now, counts));
    }
    counts.surveyed_at = now;
    counts_ = counts;
    return {};
}

// Losses are read after the survey: what is lost by then is no gap, and what came meanwhile is one
// until the next time.
Result<void, Message> StateTables::replace(TenantSurvey survey, WallUs now, Counts& counts) {
    const std::string folder = survey.tenant + "/_gaps";
    LossRuns losses;
    if (!survey.gaps.empty()) {
        auto read = LossRuns::read(store_, survey.tenant + "/_losses");
        if (!read.ok()) return problem(survey.tenant + "/_losses", read.error());
        losses = std::move(read).value();
    }
    DeltaTable gaps{store_, folder};
    if (const Status read = gaps.refresh(); !read.ok()) return problem(folder, read.error());
    const auto known = read_known_gaps(gaps);
    if (!known.ok()) return problem(folder, known.error());
    GapRows rows{known.value(), now};
    for (SurveyedDevice& device : survey.devices) {
        if (device.gaps > TenantSurvey::gaps_max) continue;  // all are counted, not all are listed
        device.gaps = device.awaited = 0;
    }
    for (const SurveyedGap& gap : survey.gaps) {
        SurveyedDevice& device = survey.devices[gap.device];
        const bool cut = device.gaps > TenantSurvey::gaps_max;
        for (const LossRuns::Range& range : losses.not_lost(
                 device.name, gap.incarnation, gap.epoch, gap.block_class, {gap.first, gap.last})) {
            rows.add(device.name, gap, range, counts);
            if (cut) continue;
            ++device.gaps;
            device.awaited += std::uint64_t{range.last} - range.first + 1;
        }
    }
    const Status gaps_done =
        replace_rows(store_, gaps, rows.batch(), table_description("_gaps"), now);
    if (!gaps_done.ok()) return problem(folder, gaps_done.error());
    DeltaTable devices{store_, survey.tenant + "/_devices"};
    Status done = devices.refresh();
    if (done.ok())
        done = replace_rows(store_, devices, devices_batch(survey, now, counts),
                            table_description("_devices"), now);
    if (!done.ok()) return problem(devices.folder(), done.error());
    return {};
}

}  // namespace longhaul::collector
