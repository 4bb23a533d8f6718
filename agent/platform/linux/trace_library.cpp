#include "agent/platform/linux/trace_library.hpp"

namespace longhaul::agent {

TraceLibrary::Key TraceLibrary::key_of(const TraceConfig& config) const {
    return {config.mapping, config.file.empty() ? mappings_.at(config.mapping)->file : config.file};
}

namespace {

// Of the sources that are no recordings; no two are equal.
std::set<std::string> live_streams(const AgentConfig& config) {
    std::set<std::string> names;
    for (const NmeaConfig& nmea : config.nmea) names.insert(nmea.stream);
    for (const SyslogConfig& syslog : config.syslog) names.insert(syslog.stream);
    for (const PutConfig& put : config.put) names.insert(put.stream);
    if (config.system_interval_s != 0) names.insert({"host", "interface", "temperature"});
    return names;
}

}  // namespace

Result<void, Message> TraceLibrary::want(const AgentConfig& config) {
    std::set<std::string> streams = live_streams(config);
    for (const TraceConfig& trace : config.traces) {
        if (!mappings_.contains(trace.mapping)) {
            LH_TRY_ASSIGN(std::unique_ptr<TraceMapping> mapping, TraceMapping::load(trace.mapping));
            mappings_.emplace(trace.mapping, std::move(mapping));
        }
        const std::string& stream = mappings_.at(trace.mapping)->stream;
        if (!streams.insert(stream).second) {
            return Message{trace.mapping + ": has the stream \"" + stream +
                           "\", which another source of " + config.path + " has"};
        }
        recordings_[key_of(trace)].wanted.insert(trace.device);
    }
    return {};
}

Result<void, Message> TraceLibrary::load() {
    for (auto& [key, recording] : recordings_) {
        LH_TRY_ASSIGN(recording.file,
                      TraceFile::load(*mappings_.at(key.first), key.second, recording.wanted));
    }
    return {};
}

Result<std::vector<std::unique_ptr<TraceSource>>, Message> TraceLibrary::sources(
    const AgentConfig& config) const {
    std::vector<std::unique_ptr<TraceSource>> sources;
    for (const TraceConfig& trace : config.traces) {
        const Key key = key_of(trace);
        const DeviceTrace* const samples = recordings_.at(key).file->find(trace.device);
        if (samples == nullptr) {
            return Message{config.path + ": " + key.second + " has no samples of \"" +
                           trace.device + "\"; longhaul-agent trace list shows whose it has"};
        }
        sources.push_back(std::make_unique<TraceSource>(*mappings_.at(trace.mapping), *samples,
                                                        trace.speed, trace.loop));
    }
    return sources;
}

Refusals TraceLibrary::refusals() const {
    Refusals sum{};
    for (const auto& [key, recording] : recordings_) {
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += recording.file->refusals()[i];
    }
    return sum;
}

}  // namespace longhaul::agent
