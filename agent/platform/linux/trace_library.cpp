#include "agent/platform/linux/trace_library.hpp"

namespace longhaul::agent {

TraceLibrary::Key TraceLibrary::key_of(const TraceConfig& config) const {
    return {config.mapping, config.file.empty() ? mappings_.at(config.mapping)->file : config.file};
}

Result<void, Message> TraceLibrary::want(const AgentConfig& config) {
    for (const TraceConfig& trace : config.traces) {
        if (!mappings_.contains(trace.mapping)) {
            LH_TRY_ASSIGN(std::unique_ptr<TraceMapping> mapping, TraceMapping::load(trace.mapping));
            mappings_.emplace(trace.mapping, std::move(mapping));
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
