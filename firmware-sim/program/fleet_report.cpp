#include "firmware-sim/program/fleet_report.hpp"

#include <array>
#include <cstdio>

#include "common/base/json_text.hpp"

namespace longhaul::sim {
namespace {

using longhaul::in_json;

std::string one_digit(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", value);
    return text.data();
}

double ratio(double of, double by) { return by <= 0 ? 0 : of / by; }

double acked_per_s(const FleetFigures& figures) {
    return ratio(static_cast<double>(figures.counts.acked_samples), figures.seconds);
}

double wire_bytes_per_sample(const FleetFigures& figures) {
    return ratio(static_cast<double>(figures.counts.wire_bytes),
                 static_cast<double>(figures.counts.acked_samples));
}

}  // namespace

std::vector<std::string> FleetReport::violations() const {
    const FleetDeviceCounts& counts = figures.counts;
    std::vector<std::string> all;
    const auto differ = [&all](const std::string& what, std::int64_t is, std::int64_t should) {
        if (is != should)
            all.push_back(what + ": " + std::to_string(is) + " instead of " +
                          std::to_string(should));
    };
    differ("samples measured", counts.produced, figures.produced_wanted);
    differ("samples that the devices lost", counts.lost, 0);
    differ("samples acknowledged", static_cast<std::int64_t>(counts.acked_samples),
           counts.produced);
    differ("rows in the lake", rows.rows, counts.produced);
    differ("devices that have not handed over everything",
           static_cast<std::int64_t>(figures.not_drained), 0);
    all.insert(all.end(), figures.waiting.begin(), figures.waiting.end());
    all.insert(all.end(), rows.violations.begin(), rows.violations.end());
    return all;
}

bool FleetReport::holds() const { return violations().empty() && rows.hold(); }

std::string in_words(const FleetReport& report) {
    const FleetFigures& figures = report.figures;
    const FleetDeviceCounts& counts = figures.counts;
    std::string text = std::string{"fleet: "} + (report.holds() ? "holds" : "FAILS") + "\n";
    text += "  devices      " + std::to_string(figures.devices) + ", " +
            std::to_string(figures.connected_max) + " connected at once, " +
            std::to_string(counts.sessions) + " sessions\n";
    text += "  samples      " + std::to_string(counts.produced) + " measured, " +
            std::to_string(counts.acked_samples) + " acknowledged in " +
            std::to_string(counts.acked_blocks) + " blocks, " + std::to_string(report.rows.rows) +
            " rows\n";
    text += "  time         " + one_digit(figures.seconds) + " s, " +
            one_digit(acked_per_s(figures)) + " samples a second, " +
            one_digit(wire_bytes_per_sample(figures)) +
            " bytes a sample on the wire, TLS included\n";
    for (const std::string& violation : report.violations())
        text += "  violation    " + violation + "\n";
    return text;
}

std::string in_json(const FleetReport& report) {
    const FleetFigures& figures = report.figures;
    const FleetDeviceCounts& counts = figures.counts;
    const FleetRows& rows = report.rows;
    std::string violations;
    for (const std::string& each : report.violations())
        violations += (violations.empty() ? "" : ",") + in_json(each);
    const auto number = [](const char* name, auto value) {
        return "\"" + std::string{name} + "\":" + std::to_string(value) + ",";
    };
    return std::string{"{\"holds\":"} + (report.holds() ? "true," : "false,") +
           number("devices", figures.devices) + number("connected_max", figures.connected_max) +
           number("sessions", counts.sessions) + number("produced", counts.produced) +
           number("acked", counts.acked_samples) + number("acked_blocks", counts.acked_blocks) +
           number("rows", rows.rows) + number("missing", rows.missing) +
           number("twice", rows.twice) + number("wrong", rows.wrong) +
           number("quarantined", rows.quarantined) + number("lost", counts.lost) +
           number("not_drained", figures.not_drained) + number("wire_bytes", counts.wire_bytes) +
           "\"seconds\":" + one_digit(figures.seconds) +
           ",\"samples_per_s\":" + one_digit(acked_per_s(figures)) + ",\"violations\":[" +
           violations + "]}\n";
}

std::string progress_line(const FleetProgress& progress, double rate, double left) {
    std::string text = std::to_string(progress.counts.acked_samples) + " of " +
                       std::to_string(progress.wanted) + " samples acknowledged, " +
                       one_digit(rate) + " a second, " + std::to_string(progress.connected) +
                       " connected";
    if (rate > 0) text += ", " + one_digit(left / rate) + " s left";
    return text;
}

}  // namespace longhaul::sim
