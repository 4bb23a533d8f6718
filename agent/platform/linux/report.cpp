#include "agent/platform/linux/report.hpp"

#include <cstdio>

namespace longhaul::agent {
namespace {

constexpr std::int64_t progress_ms = 2000;

std::string trouble_of(const HostedDevice& device) {
    for (const auto& source : device.live_sources()) {
        const SourceReport report = source->report();
        if (!report.trouble.empty()) return report.name + ": " + report.trouble;
    }
    return device.trouble();
}

void add_device(const HostedDevice& device, FleetFigures& sum) {
    const AgentStatus& status = device.agent().status();
    const UplinkStatus& uplink = device.agent().uplink_status();
    sum.connected += uplink.connected ? 1 : 0;
    sum.spools_full += status.spool_full ? 1 : 0;
    sum.samples += status.samples;
    sum.samples_too_large += status.samples_refused;
    sum.samples_dropped += status.samples_lost;
    for (const Loss& loss : device.agent().losses().entries()) sum.samples_untold += loss.samples;
    sum.blocks += status.blocks;
    sum.sealed_bytes += status.sealed_bytes;
    sum.written_bytes += device.agent().wear({}).spool.bytes_written;
    sum.acked_blocks += uplink.acked_blocks;
    sum.acked_samples += uplink.acked_samples;
    sum.wire_bytes += device.tcp().wire_bytes();
    for (const auto& source : device.live_sources()) {
        const SourceReport report = source->report();
        sum.sources_lost += report.lost;
        for (const auto& [reason, count] : report.refused) sum.sources_refused[reason] += count;
    }
    if (!sum.trouble.empty()) return;
    const std::string trouble = trouble_of(device);
    if (!trouble.empty()) sum.trouble = device.name() + ": " + trouble;
}

}  // namespace

FleetFigures figures_of(const Devices& devices) {
    FleetFigures sum;
    sum.devices = devices.size();
    for (const auto& device : devices) add_device(*device, sum);
    return sum;
}

std::string to_json(const FleetFigures& figures, const Refusals& refusals) {
    std::string json = "{";
    const auto add = [&json](const char* name, std::uint64_t value) {
        if (json.back() != '{') json += ',';
        json += std::string{"\""} + name + "\":" + std::to_string(value);
    };
    add("devices", figures.devices);
    add("samples", figures.samples);
    json += ",\"refused\":{";
    for (std::size_t i = 0; i < refusals.size(); ++i) {
        if (refusals[i] != 0) add(name_of(static_cast<Refusal>(i)), refusals[i]);
    }
    if (figures.samples_too_large != 0) add("too_large", figures.samples_too_large);
    json += "}";
    add("dropped", figures.samples_dropped);
    add("lost_untold", figures.samples_untold);
    json += ",\"sources\":{\"lost\":" + std::to_string(figures.sources_lost);
    for (const auto& [reason, count] : figures.sources_refused) add(reason.c_str(), count);
    json += "}";
    add("blocks", figures.blocks);
    add("sealed_bytes", figures.sealed_bytes);
    add("written_bytes", figures.written_bytes);
    add("acked_blocks", figures.acked_blocks);
    add("acked_samples", figures.acked_samples);
    add("wire_bytes", figures.wire_bytes);
    return json + "}";
}

void ProgressLog::poll(const Devices& devices, MonotonicMs now) {
    if (now < next_at_) return;
    next_at_ = now + progress_ms;
    say(devices);
}

void ProgressLog::say(const Devices& devices) {
    const FleetFigures sum = figures_of(devices);
    std::string line = std::to_string(sum.samples) + " samples, " + std::to_string(sum.blocks) +
                       " blocks, " + std::to_string(sum.acked_blocks) + " of them acknowledged; " +
                       std::to_string(sum.connected) + " of " + std::to_string(sum.devices) +
                       " connected";
    if (sum.spools_full != 0)
        line += "; " + std::to_string(sum.spools_full) + " spools full, sources wait";
    if (sum.samples_dropped != 0)
        line += "; " + std::to_string(sum.samples_dropped) + " new samples dropped, no room";
    if (sum.samples_untold != 0)
        line += "; " + std::to_string(sum.samples_untold) + " lost samples to be told";
    if (sum.sources_lost != 0)
        line += "; " + std::to_string(sum.sources_lost) + " lines lost before there was room";
    if (!sum.trouble.empty()) line += "; " + sum.trouble;
    if (line == last_) return;
    last_ = line;
    std::fprintf(stderr, "longhaul-agent: %s\n", line.c_str());
}

}  // namespace longhaul::agent
