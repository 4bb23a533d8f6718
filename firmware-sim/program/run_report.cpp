#include "firmware-sim/program/run_report.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "common/base/check.hpp"
#include "common/base/json_text.hpp"
#include "firmware-sim/world/happened.hpp"

namespace longhaul::sim {
namespace {

using longhaul::in_json;
using Count = unsigned long long;

[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...) {
    va_list arguments;
    va_start(arguments, pattern);
    char* text = nullptr;
    const int size = vasprintf(&text, pattern, arguments);
    va_end(arguments);
    LH_CHECK(size >= 0);
    const std::unique_ptr<char, decltype(&std::free)> owned{text, &std::free};
    return text;
}

double device_hours(const Report& report) {
    constexpr double hour_ms = 3'600'000;
    return static_cast<double>(report.simulated_ms) / hour_ms *
           static_cast<double>(report.device_count);
}

std::string reasons_of(const Verdict& verdict) {
    std::string text;
    for (const auto& [reason, count] : verdict.reasons)
        text += (text.empty() ? "" : ", ") + reason + " " + std::to_string(count);
    return text.empty() ? "none" : text;
}

std::string in_xml(const std::string& text) {
    std::string out;
    for (const char each : text) {
        switch (each) {
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '&':
                out += "&amp;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += static_cast<unsigned char>(each) < ' ' && each != '\n' ? ' ' : each;
        }
    }
    return out;
}

std::string drained_text(const Report& report) {
    if (report.drained_after_ms < 0) return "never";
    return format("%.0f s", static_cast<double>(report.drained_after_ms) / 1000);
}

std::string devices_in_words(const RunReport& run) {
    const DeviceCounts& d = run.report.devices;
    return format(
        "  devices      %zu, %.0f device-hours in %.1f s; %llu boots, %llu power cuts (%llu in a "
        "write), %llu restarts, %llu jumps of clocks\n",
        run.report.device_count, device_hours(run.report), run.seconds, static_cast<Count>(d.boots),
        static_cast<Count>(d.power_cuts), static_cast<Count>(d.torn_writes),
        static_cast<Count>(d.restarts), static_cast<Count>(d.clock_jumps));
}

std::string flash_in_words(const DeviceCounts& d) {
    if (d.bad_sectors + d.lost_steps == 0) return {};
    return format(
        "  flash        %llu bad sectors, which changed %llu reads and writes; %llu writes lost "
        "unsynced\n",
        static_cast<Count>(d.bad_sectors), static_cast<Count>(d.flash_faults),
        static_cast<Count>(d.lost_steps));
}

std::string hostile_in_words(const Report& r) {
    const DeviceCounts& d = r.devices;
    if (d.copies + d.rollbacks + d.forged_sections + r.network.garbled_writes == 0) return {};
    return format(
        "  hostile      %llu copies, %llu rollbacks, %llu forged sections, %llu garbled writes; "
        "%llu alarms of clones, %llu rows in quarantine\n",
        static_cast<Count>(d.copies), static_cast<Count>(d.rollbacks),
        static_cast<Count>(d.forged_sections), static_cast<Count>(r.network.garbled_writes),
        static_cast<Count>(r.collector.clone_alarms), static_cast<Count>(r.verdict.quarantined));
}

std::string links_in_words(const NetworkCounts& n) {
    return format(
        "  links        sent during an outage %llu times, over the day's bytes %llu; %llu packets "
        "lost, %llu doubled, %llu sends held behind a late one; %llu connects refused, %llu "
        "half-open\n",
        static_cast<Count>(n.paths.outage_waits), static_cast<Count>(n.paths.budget_waits),
        static_cast<Count>(n.paths.lost_packets), static_cast<Count>(n.paths.duplicated_packets),
        static_cast<Count>(n.paths.held_behind), static_cast<Count>(n.refused_connects),
        static_cast<Count>(n.half_opens));
}

std::string disk_in_words(const DiskCounts& d) {
    if (d.errors + d.sync_errors + d.no_space + d.power_cuts == 0) return {};
    return format(
        "  disk         %llu errors, %llu of sync, %llu for want of room; %llu power cuts, which "
        "shortened %llu files and undid %llu names\n",
        static_cast<Count>(d.errors), static_cast<Count>(d.sync_errors),
        static_cast<Count>(d.no_space), static_cast<Count>(d.power_cuts),
        static_cast<Count>(d.files_cut), static_cast<Count>(d.names_undone));
}

std::string store_in_words(const StoreCounts& s) {
    if (s.unanswered + s.denied + s.taken == 0) return {};
    return format(
        "  store        %llu calls without an answer (%llu of them carried out later), %llu denied "
        "that were done, %llu commits that another program was first with\n",
        static_cast<Count>(s.unanswered), static_cast<Count>(s.late), static_cast<Count>(s.denied),
        static_cast<Count>(s.taken));
}

std::string gateways_in_words(const CollectorCounts& c) {
    if (c.gateway_kills + c.wandered == 0) return {};
    return format("  gateways     %llu kills, %llu sessions at another one than the one before\n",
                  static_cast<Count>(c.gateway_kills), static_cast<Count>(c.wandered));
}

std::string collector_in_words(const CollectorCounts& c) {
    return format(
               "  collector    %llu starts, %llu crashes (%llu kills), %llu sessions (%llu at "
               "once, "
               "%llu refused, %llu waits for credit), %llu commits (%llu interrupted)\n",
               static_cast<Count>(c.starts), static_cast<Count>(c.crashes),
               static_cast<Count>(c.kills), static_cast<Count>(c.sessions),
               static_cast<Count>(c.sessions_max), static_cast<Count>(c.refused_sessions),
               static_cast<Count>(c.waits), static_cast<Count>(c.commits),
               static_cast<Count>(c.broken)) +
           format(
               "  snapshots    %llu (%llu interrupted, %llu damaged; %llu bytes at most), %llu "
               "starts from one, %llu bytes cut off the journal\n"
               "  tables       %llu merges of files, %llu checkpoints\n",
               static_cast<Count>(c.snapshots), static_cast<Count>(c.halfway),
               static_cast<Count>(c.rotten), static_cast<Count>(c.snapshot_bytes_max),
               static_cast<Count>(c.resumed), static_cast<Count>(c.cut_bytes),
               static_cast<Count>(c.merges), static_cast<Count>(c.checkpoints));
}

}  // namespace

std::string in_words(const RunReport& run) {
    const Report& r = run.report;
    const Verdict& v = r.verdict;
    std::string text = format("%s, seed %llu: %s\n", run.name.c_str(), static_cast<Count>(r.seed),
                              r.holds() ? "holds" : "FAILS") +
                       devices_in_words(run) + flash_in_words(r.devices) +
                       links_in_words(r.network) + hostile_in_words(r) +
                       collector_in_words(r.collector) + gateways_in_words(r.collector) +
                       disk_in_words(r.disk) + store_in_words(r.store);
    text += format(
        "  samples      %llu measured, %llu rows (%llu of a time without bound), %llu blocks "
        "acknowledged, %.1f bytes a sample on "
        "the link\n",
        static_cast<Count>(v.samples), static_cast<Count>(v.rows), static_cast<Count>(v.unbounded),
        static_cast<Count>(v.acked_blocks),
        v.rows == 0 ? 0.0 : static_cast<double>(r.link_bytes) / static_cast<double>(v.rows));
    text += format(
        "  lost         %llu stored or dropped (%s), %llu in memory at a power cut, %llu too "
        "large; all listed; %llu doubted\n"
        "  drained      %s after the sources ended; violations %llu; event log %016llx\n",
        static_cast<Count>(v.lost), reasons_of(v).c_str(), static_cast<Count>(v.cut),
        static_cast<Count>(v.refused), static_cast<Count>(v.doubted), drained_text(r).c_str(),
        static_cast<Count>(v.violation_count), static_cast<Count>(r.log_hash));
    for (const std::string& violation : v.violations) text += "  violation    " + violation + "\n";
    if (!r.holds()) text += "  again        " + run.command + "\n";
    return text;
}

std::string in_json(const RunReport& run) {
    const Report& r = run.report;
    const Verdict& v = r.verdict;
    std::string violations;
    for (const std::string& each : v.violations)
        violations += (violations.empty() ? "" : ",") + in_json(each);
    std::string reasons;
    for (const auto& [reason, count] : v.reasons)
        reasons += (reasons.empty() ? "" : ",") + in_json(reason) + ":" + std::to_string(count);
    std::string happened;
    for (const Happened& each : all_happened())
        happened += in_json(each.name) + ":" + std::to_string(each.count(r)) + ",";
    return format(
               "{\"name\":%s,\"seed\":%llu,\"holds\":%s,\"devices\":%zu,\"device_hours\":%.1f,"
               "\"seconds\":%.2f,\"samples\":%llu,\"rows\":%llu,\"acked_blocks\":%llu,"
               "\"lost\":%llu,",
               in_json(run.name).c_str(), static_cast<Count>(r.seed), r.holds() ? "true" : "false",
               r.device_count, device_hours(r), run.seconds, static_cast<Count>(v.samples),
               static_cast<Count>(v.rows), static_cast<Count>(v.acked_blocks),
               static_cast<Count>(v.lost)) +
           "\"reasons\":{" + reasons + "}," + happened +
           format(
               "\"cut\":%llu,\"refused\":%llu,\"duplicated\":%llu,\"link_bytes\":%llu,"
               "\"drained_after_s\":%.1f,\"violation_count\":%llu,\"log_hash\":\"%016llx\","
               "\"again\":",
               static_cast<Count>(v.cut), static_cast<Count>(v.refused),
               static_cast<Count>(v.resent_rows), static_cast<Count>(r.link_bytes),
               static_cast<double>(r.drained_after_ms) / 1000,
               static_cast<Count>(v.violation_count), static_cast<Count>(r.log_hash)) +
           in_json(run.command) + ",\"violations\":[" + violations + "]}\n";
}

std::string in_junit(const std::vector<RunReport>& runs) {
    const auto failures = std::count_if(runs.begin(), runs.end(),
                                        [](const RunReport& each) { return !each.report.holds(); });
    std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" +
                       format("<testsuite name=\"longhaul-sim\" tests=\"%zu\" failures=\"%zu\">\n",
                              runs.size(), static_cast<std::size_t>(failures));
    for (const RunReport& run : runs) {
        text += "  <testcase classname=\"" + in_xml(run.name) +
                format("\" name=\"seed %llu\" time=\"%.3f\">\n",
                       static_cast<Count>(run.report.seed), run.seconds);
        if (!run.report.holds())
            text += "    <failure message=\"" + in_xml(run.report.verdict.violations.front()) +
                    "\">" + in_xml(in_words(run)) + "</failure>\n";
        text += "  </testcase>\n";
    }
    return text + "</testsuite>\n";
}

std::string summary(const std::vector<RunReport>& runs) {
    double hours = 0;
    Count cuts = 0;
    Count crashes = 0;
    Count snapshots = 0;
    Count halfway = 0;
    Count samples = 0;
    Count lost = 0;
    Count violations = 0;
    Count failed = 0;
    for (const RunReport& run : runs) {
        const Report& r = run.report;
        hours += device_hours(r);
        cuts += r.devices.power_cuts;
        crashes += r.collector.crashes;
        snapshots += r.collector.snapshots;
        halfway += r.collector.halfway;
        samples += r.verdict.samples;
        lost += r.verdict.lost + r.verdict.cut;
        violations += r.verdict.violation_count;
        failed += r.holds() ? 0U : 1U;
    }
    return format(
        "%zu seeds, %.0f device-hours, %llu power cuts, %llu crashes, %llu snapshots (%llu "
        "interrupted), %llu samples, %llu lost (all listed), violations %llu in %llu seeds\n",
        runs.size(), hours, cuts, crashes, snapshots, halfway, samples, lost, violations, failed);
}

}  // namespace longhaul::sim
