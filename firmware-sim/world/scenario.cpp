#include "firmware-sim/world/scenario.hpp"

#include <algorithm>

#include "common/host/config.hpp"
#include "common/host/files.hpp"
#include "firmware-sim/world/happened.hpp"

namespace longhaul::sim {
namespace {

constexpr std::int64_t year_s = 31'536'000;
constexpr std::int64_t samples_max = 1'000'000'000'000;
constexpr Between<std::int64_t> seconds{0, year_s};
constexpr Between<std::int64_t> permille{0, 900};

void read_collector_faults(ConfigTable table, CollectorFaults& faults) {
    faults.kill_every_s = table.integer("kill_every_s", 0, seconds);
    faults.power_every_s = table.integer("power_every_s", 0, seconds);
    faults.disk_every_s = table.integer("disk_every_s", 0, seconds);
    faults.sync_every_s = table.integer("sync_every_s", 0, seconds);
    faults.full_every_s = table.integer("full_every_s", 0, seconds);
    faults.full_s = table.integer("full_s", faults.full_s, {1, year_s});
    faults.snapshot_every_s = table.integer("snapshot_every_s", 0, seconds);
    faults.commit_every_s = table.integer("commit_every_s", 0, seconds);
    faults.rot_every_s = table.integer("rot_every_s", 0, seconds);
    faults.gateway_every_s = table.integer("gateway_every_s", 0, seconds);
    faults.restart_s = table.integer("restart_s", faults.restart_s, {1, year_s});
    const auto rate = [&table](const char* key) {
        return static_cast<std::uint64_t>(table.integer(key, 0, permille));
    };
    faults.store.unanswered_permille = rate("store_unanswered_permille");
    faults.store.taken_permille = rate("store_taken_permille");
}

void read_collector(ConfigTable table, CollectorSettings& settings) {
    settings.shards = static_cast<collector::Shard>(table.integer("shards", 1, {1, 64}));
    settings.gateways = static_cast<std::uint32_t>(table.integer("gateways", 1, {1, 64}));
    settings.group_ms = table.integer("group_ms", settings.group_ms, {0, 10'000});
    settings.gateway_s = table.integer("gateway_s", 0, seconds);
    settings.sync_ms = table.integer("sync_ms", 0, {0, 600'000});
    settings.segment_bytes_max =
        static_cast<std::uint64_t>(table.integer("segment_bytes", 1 << 20, {4'096, 1 << 30}));
    settings.credit_bytes =
        static_cast<std::uint64_t>(table.integer("credit_bytes", 1 << 20, {32'768, 1 << 30}));
    collector::WriterSettings& writer = settings.writer;
    writer.commit_interval_ms = 1000 * table.integer("commit_interval_s", 15, {1, 86'400});
    writer.snapshot_bytes =
        static_cast<std::uint64_t>(table.integer("snapshot_bytes", 256 << 20, {1, 1LL << 40}));
    writer.snapshot_ms = 1000 * table.integer("snapshot_s", 3'600, {1, year_s});
    settings.upkeep.interval_ms = 1000 * table.integer("upkeep_s", 600, {1, year_s});
    settings.upkeep.checkpoint_commits = table.integer("checkpoint_commits", 100, {1, 100'000});
    settings.upkeep.retention_days = 0;  // the oracle asks for every row
    settings.limits.bytes_per_second =
        static_cast<std::uint64_t>(table.integer("tenant_bytes_s", 0, {0, samples_max}));
    settings.limits.bytes_per_day =
        static_cast<std::uint64_t>(table.integer("tenant_day_bytes", 0, {0, samples_max}));
    read_collector_faults(table.table("faults"), settings.faults);
}

void read_recording_of_link(ConfigTable& table, LinkSettings& link) {
    if (!table.has("recording")) return;
    const std::string path = table.path("recording");
    const auto text = read_text_file(path);
    if (!text.ok()) return table.problem("recording", "is not readable: " + text.error().text);
    auto recording = parse_link_recording(text.value(), path);
    if (!recording.ok()) return table.problem("recording", "is none: " + recording.error().text);
    link.recording = std::make_shared<LinkRecording>(std::move(recording).value());
}

void read_link(ConfigTable table, FleetPlan& fleet) {
    LinkSettings& link = fleet.link;
    read_recording_of_link(table, link);
    link.delay_ms = table.integer("delay_ms", link.delay_ms, {0, 60'000});
    link.jitter_ms = table.integer("jitter_ms", 0, {0, 60'000});
    link.kbit_s = table.integer("kbit_s", link.kbit_s, {1, 10'000'000});
    link.loss_permille = static_cast<std::uint64_t>(table.integer("loss_permille", 0, permille));
    link.duplicate_permille =
        static_cast<std::uint64_t>(table.integer("duplicate_permille", 0, permille));
    link.day_bytes_max =
        static_cast<std::uint64_t>(table.integer("day_bytes", 0, {0, samples_max}));
    link.outage_every_s = table.integer("outage_every_s", 0, seconds);
    link.outage_s = table.integer("outage_s", link.outage_s, {1, year_s});
    fleet.device.faults.half_open_every_s = table.integer("half_open_every_s", 0, seconds);
    for (ConfigTable outage : table.tables("outage")) {
        const std::int64_t from_s = outage.integer("from_s", seconds);
        const std::int64_t for_s = outage.integer("for_s", {1, year_s});
        fleet.outages.push_back({{1000 * from_s}, {1000 * (from_s + for_s)}});
    }
}

void read_flash(ConfigTable table, DeviceSettings& device) {
    device.flash.sectors = static_cast<std::uint32_t>(table.integer("sectors", 16, {16, 1'024}));
    device.flash.sector_bytes =
        static_cast<std::uint32_t>(table.integer("sector_bytes", 4'096, {4'096, 65'536}));
    device.flash.program_bytes =
        static_cast<std::uint32_t>(table.integer("program_bytes", 1, {1, 64}));
    const std::uint32_t unit = device.flash.program_bytes;
    if ((unit & (unit - 1)) != 0) table.problem("program_bytes", "must be a power of two");
    device.spool_bytes_max =
        static_cast<std::uint64_t>(table.integer("bytes_max", 0, {0, 1 << 30}));
    device.flash_loses_unsynced = table.boolean("loses_unsynced", false);
    device.write_bytes_per_day =
        static_cast<std::uint64_t>(table.integer("write_bytes_per_day", 0, {0, samples_max}));
    device.faults.bad_sector_every_s = table.integer("bad_sector_every_s", 0, seconds);
    device.faults.bad_sectors_max = table.integer("bad_sectors_max", 2, {0, 1'024});
    constexpr std::array rules{agent::WhenFull::drop_oldest, agent::WhenFull::drop_newest,
                               agent::WhenFull::stop};
    device.when_full =
        rules[table.choice("when_full", "drop_oldest", {"drop_oldest", "drop_newest", "stop"})];
}

void read_faults(ConfigTable table, DeviceFaults& faults) {
    faults.power_cut_every_s = table.integer("power_cut_every_s", 0, seconds);
    faults.off_s = table.integer("off_s", faults.off_s, {1, year_s});
    faults.restart_every_s = table.integer("restart_every_s", 0, seconds);
    faults.clock_jump_every_s = table.integer("clock_jump_every_s", 0, seconds);
    faults.garbles = table.boolean("garbles", false);
    faults.forges = table.boolean("forges", false);
    faults.rollback_every_s = table.integer("rollback_every_s", 0, seconds);
    faults.copied_at_s = table.integer("copied_at_s", 0, seconds);
}

void read_streams(ConfigTable& table, FleetPlan& fleet) {
    fleet.generators = table.texts("streams");
    const std::vector<std::string_view> known = generator_names();
    for (const std::string& name : fleet.generators) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const std::string_view near = nearest(name, known);
        table.problem("streams",
                      "names no generator: \"" + name + "\"" +
                          (near.empty() ? "" : ", did you mean \"" + std::string{near} + "\"?"));
    }
    for (ConfigTable recording : table.tables("recording")) {
        RecordingUse use;
        use.mapping = recording.path("mapping");
        use.speed = recording.integer("speed", 1, {1, 1'000'000});
        use.block_class = static_cast<BlockClass>(
            recording.choice("class", "normal", {"alarm", "live", "normal", "bulk"}));
        use.deadline_s = recording.integer("deadline_s", 60, {1, 86'400});
        use.source_time = recording.choice("time", "device", {"device", "source"}) == 1;
        fleet.recordings.push_back(use);
    }
    if (fleet.generators.empty() && fleet.recordings.empty())
        table.problem("streams", "must name a generator, unless there is a [[fleet.recording]]");
}

FleetPlan read_fleet(ConfigTable table) {
    FleetPlan fleet;
    fleet.name = table.text("name");
    if (!collector::is_name_part(fleet.name))
        table.problem("name", "must be of a-z, 0-9 and dashes");
    fleet.devices = table.integer("devices", 1, {1, 100'000});
    constexpr std::array clocks{ClockKind::synchronized, ClockKind::drifting, ClockKind::jumping,
                                ClockKind::none};
    fleet.device.clock = clocks[table.choice("clock", "synchronized",
                                             {"synchronized", "drifting", "jumping", "none"})];
    read_streams(table, fleet);
    read_link(table.table("link"), fleet);
    read_flash(table.table("flash"), fleet.device);
    read_faults(table.table("faults"), fleet.device.faults);
    return fleet;
}

void read_expectations(ConfigTable table, Expectations& expected) {
    expected.lost_max = table.integer("lost", 0, {0, samples_max});
    expected.cut_max = table.integer("cut", 0, {0, samples_max});
    expected.quarantined_max = table.integer("quarantined", 0, {0, samples_max});
    expected.drain_s_max = table.integer("drain_s", expected.drain_s_max, {1, year_s});
    expected.samples_min = table.integer("samples_min", 1, {0, samples_max});
    expected.snapshot_bytes_max = table.integer("snapshot_bytes", 0, {0, samples_max});
    ConfigTable happened = table.table("happened");
    for (const Happened& each : all_happened()) {
        const std::int64_t min = happened.integer(each.name, 0, {0, samples_max});
        if (min != 0) expected.happened_min[each.name] = min;
    }
}

}  // namespace

Result<Scenario, Message> Scenario::load(const std::string& path) {
    LH_TRY_ASSIGN(const std::string text, read_text_file(path));
    return parse(text, path);
}

Result<Scenario, Message> Scenario::parse(std::string_view text, const std::string& path) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::parse(text, path));
    Scenario scenario;
    scenario.path = path;
    ConfigTable root = file.root();
    scenario.name = root.text("name");
    scenario.duration_s = root.integer("duration_s", {1, year_s});
    scenario.calm_s = root.integer("calm_s", scenario.calm_s, seconds);
    scenario.check_every_s = root.integer("check_every_s", 0, seconds);
    read_collector(file.table("collector"), scenario.collector);
    for (ConfigTable fleet : root.tables("fleet")) scenario.fleets.push_back(read_fleet(fleet));
    if (scenario.fleets.empty()) root.problem("fleet", "is missing: there has to be a [[fleet]]");
    read_expectations(file.table("expect"), scenario.expect);
    LH_TRY(file.finish());
    return scenario;
}

std::int64_t Scenario::devices() const {
    std::int64_t sum = 0;
    for (const FleetPlan& fleet : fleets) sum += fleet.devices;
    return sum;
}

void Scenario::set_devices(std::int64_t wanted) {
    const std::int64_t before = devices();
    LH_CHECK(before != 0);
    for (FleetPlan& fleet : fleets)
        fleet.devices = std::max<std::int64_t>(1, fleet.devices * wanted / before);
    expect.happened_min.clear();
}

void Scenario::set_duration_s(std::int64_t wanted) {
    duration_s = wanted;
    expect.happened_min.clear();
}

}  // namespace longhaul::sim
