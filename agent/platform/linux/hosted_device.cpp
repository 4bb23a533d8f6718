#include "agent/platform/linux/hosted_device.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <iterator>

#include "agent/platform/linux/nmea_source.hpp"
#include "agent/platform/linux/syslog_source.hpp"
#include "agent/platform/linux/system_source.hpp"
#include "agent/platform/linux/why.hpp"

namespace longhaul::agent {
namespace {

constexpr std::int64_t ms_per_s = 1000;
constexpr std::size_t blocks_per_append = 8;  // a sync costs as much as sealing a thousand samples

}  // namespace

Result<std::unique_ptr<HostedDevice>, Message> HostedDevice::make(const AgentConfig& config,
                                                                  std::string_view firmware,
                                                                  const TraceLibrary& library,
                                                                  const CodecTools& codecs) {
    std::unique_ptr<HostedDevice> device{new HostedDevice{config}};
    LH_TRY(device->build(firmware, library, codecs));
    return device;
}

// The spool is open by now, so no other agent of this device lives and owns the sockets.
Result<void, Message> HostedDevice::build_sources(const TraceLibrary& library) {
    LH_TRY_ASSIGN(traces_, library.sources(config_));
    for (const NmeaConfig& nmea : config_.nmea) live_.push_back(std::make_unique<NmeaSource>(nmea));
    for (const SyslogConfig& syslog : config_.syslog) {
        LH_TRY_ASSIGN(std::unique_ptr<SyslogSource> source, SyslogSource::open(syslog));
        live_.push_back(std::move(source));
    }
    if (config_.system_interval_s != 0) {
        const auto folder = std::filesystem::absolute(config_.spool_path).parent_path();
        live_.push_back(std::make_unique<SystemSource>(config_.system_interval_s * ms_per_s, "",
                                                       folder.string()));
    }
    LH_TRY(build_control());
    for (const auto& source : traces_) source_list_.push_back(source.get());
    for (const auto& source : live_) source_list_.push_back(source.get());
    return {};
}

Result<void, Message> HostedDevice::build_control() {
    if (config_.control_socket.empty()) return {};
    control_ = std::make_unique<DeviceControl>(
        [this](bool json, MonotonicMs now) { return why(json, now); });
    LH_TRY(control_->open(config_.control_socket));
    for (std::size_t i = 0; i < block_class_count; ++i) build_put(static_cast<BlockClass>(i));
    return {};
}

void HostedDevice::build_put(BlockClass block_class) {
    std::vector<PutConfig> configs;
    std::copy_if(config_.put.begin(), config_.put.end(), std::back_inserter(configs),
                 [block_class](const PutConfig& put) {
                     return put.schema->schema().default_class == block_class;
                 });
    if (configs.empty()) return;
    auto put = std::make_unique<PutSource>(std::move(configs), *control_);
    control_->add_put(*put);
    put_.push_back(put.get());
    live_.push_back(std::move(put));
}

Result<void, Message> HostedDevice::build(std::string_view firmware, const TraceLibrary& library,
                                          const CodecTools& codecs) {
    LH_TRY_ASSIGN(slots_, CredentialFiles::open(config_));
    LH_TRY_ASSIGN(credentials_, Credentials::load(config_));
    tls_ = std::make_unique<SlotLink>(*slots_, tcp_);
    LH_TRY(tls_->load());
    LH_TRY_ASSIGN(spool_, SqliteSpool::open(config_.spool_path, config_.spool_policy, entropy_));
    if (!spool_->set_aside().empty())
        std::fprintf(stderr, "longhaul-agent: %s\n", spool_->set_aside().c_str());
    use_kept_ticket();
    const auto earlier = EarlierRuns::read(*spool_);
    if (!earlier.ok()) return Message{config_.spool_path + ": " + to_string(earlier.error())};
    earlier_runs_ = earlier.value();
    LH_TRY(build_sources(library));

    AgentSettings settings;
    settings.environment = config_.environment;
    settings.tenant = config_.tenant;
    settings.device = config_.name;
    settings.firmware = firmware;
    settings.boot_cause = longhaul_BootCause_BOOT_CAUSE_PROCESS_START;
    settings.sealing_key = credentials_->sealing_key();
    settings.body_bytes_max = config_.body_bytes_max;
    settings.codecs = config_.codecs;
    settings.blocks_per_append = blocks_per_append;
    settings.write_bytes_per_day = config_.write_bytes_per_day;
    settings.model_bytes_max = limits::model_bytes_max;
    settings.renews = true;
    memory_.resize(Agent::memory_bytes(settings, source_list_));
    models_ = std::make_unique<ModelFolder>(config_.spool_path + "-models");
    sealing_ = std::make_unique<SealingFile>(*slots_, credentials_->sealing_key());
    const Ports ports{*spool_,      *tls_,  entropy_,      *credentials_,  clock_,
                      source_list_, codecs, models_.get(), sealing_.get(), slots_.get()};
    agent_ = std::make_unique<Agent>(settings, ports, memory_);
    return {};
}

void HostedDevice::poll(MonotonicMs now) {
    const AgentStatus& status = agent_->status();
    for (PutSource* const put : put_) {
        const char* const of_class =
            status.class_trouble[static_cast<std::size_t>(put->block_class())];
        put->set_trouble(*status.trouble != '\0' ? status.trouble : of_class);
    }
    if (control_ != nullptr) control_->socket().pump(now);
    if (!stopping_) {
        for (const auto& source : live_) source->pump(now);
    }
    if (const auto floor = agent_->time().floor()) tls_->set_date_floor(*floor);
    due_at_ = agent_->poll(now);
    keep_new_ticket();
    for (const auto& source : live_) due_at_ = std::min(due_at_, source->pump_at());
    if (control_ != nullptr) due_at_ = std::min(due_at_, control_->socket().pump_at(now));

    tell_worse_models();
    const bool connected = agent_->uplink_status().connected;
    if (!link_since_ || connected != was_connected_) link_since_ = now;
    was_connected_ = connected;
}

// A ticket that cannot be read or kept costs a full handshake and nothing else.
void HostedDevice::use_kept_ticket() {
    std::array<std::byte, Spool::state_bytes_max> room;
    if (const auto kept = spool_->read_state(state_ticket, room); kept.ok())
        tls_->use_ticket(kept.value());
}

void HostedDevice::keep_new_ticket() {
    const Bytes ticket = tls_->take_ticket();
    if (!ticket.empty()) static_cast<void>(spool_->put_state(state_ticket, ticket));
}

void HostedDevice::watch(std::vector<pollfd>& watched) const {
    const short writable = tcp_.wants_write() ? POLLOUT : short{0};
    watched.push_back({tcp_.descriptor(), static_cast<short>(POLLIN | writable), 0});
    if (control_ != nullptr) control_->socket().watch(watched);
    if (stopping_) return;
    for (const auto& source : live_) source->watch(watched);
}

std::vector<std::string> HostedDevice::worse_models() const {
    std::vector<std::string> names;
    const std::span<const AgentStream> streams = agent_->streams();
    for (std::size_t i = 0; i < streams.size(); ++i) {
        if (agent_->model_is_worse(i)) names.emplace_back(streams[i].info.name);
    }
    return names;
}

// Once for each stream.
void HostedDevice::tell_worse_models() {
    for (const std::string& name : worse_models()) {
        if (std::find(told_worse_.begin(), told_worse_.end(), name) != told_worse_.end()) continue;
        told_worse_.push_back(name);
        std::fprintf(stderr,
                     "longhaul-agent: %s: the model of stream %s no longer fits, its blocks are "
                     "larger than without it\n",
                     config_.name.c_str(), name.c_str());
    }
}

// What has come so far is sampled yet, as far as there is room.
void HostedDevice::take_what_waits(MonotonicMs now) {
    constexpr unsigned polls_max = 64;
    for (unsigned i = 0; i < polls_max && !live_.empty(); ++i) {
        poll(now);
        const bool more = std::any_of(live_.begin(), live_.end(), [now](const auto& source) {
            return source->next_at() <= now;
        });
        if (!more || *agent_->status().trouble != '\0') return;
    }
}

void HostedDevice::stop(MonotonicMs now) {
    if (stopping_) return;
    take_what_waits(now);
    for (const auto& source : live_) source->stop();
    agent_->poll(now);  // a source that has ended has its last sample complete
    stopping_ = true;
    const bool all_sampled = std::none_of(
        live_.begin(), live_.end(), [now](const auto& source) { return source->next_at() <= now; });
    agent_->stop(now, all_sampled);
    if (control_ != nullptr) control_->socket().stop();
    wake();
}

std::string HostedDevice::trouble() const {
    const std::string storing = storing_trouble();
    return storing.empty() ? link_trouble() : storing;
}

// "the spool is full for class normal, bulk": of several reasons the first one.
std::string HostedDevice::storing_trouble() const {
    const AgentStatus& status = agent_->status();
    if (*status.trouble != '\0') return status.trouble;
    std::string text;
    for (std::size_t i = 0; i < block_class_count; ++i) {
        if (*status.class_trouble[i] == '\0') continue;
        text += text.empty() ? std::string{status.class_trouble[i]} + " for class " : ", ";
        text += name_of(static_cast<BlockClass>(i));
    }
    return text;
}

std::string HostedDevice::link_trouble() const {
    const AgentStatus& status = agent_->status();
    const UplinkStatus& uplink = agent_->uplink_status();
    if (uplink.connected || stopping_) return "";
    if (uplink.last_bye[0] != '\0')
        return std::string{"the collector says: "} + uplink.last_bye.data();
    if (*status.link_trouble != '\0') return status.link_trouble;
    return uplink.last_trouble;
}

std::string HostedDevice::why(bool json, MonotonicMs now) {
    WhyFacts facts;
    facts.device = config_.name;
    facts.spool_bytes_max = config_.spool_policy.bytes_max;
    auto overview = spool_->overview();
    RunningFacts running;
    running.connected = agent_->uplink_status().connected;
    running.link_ms = link_since_ ? now - *link_since_ : 0;
    if (const MonotonicMs at = agent_->next_attempt(); at != MonotonicMs::never())
        running.next_try_ms = at - now;
    running.cause = link_trouble();
    running.storing = storing_trouble();
    if (const auto shown = agent_->time().disbelieved())
        running.clock = clock_trouble(*shown, *agent_->time().floor());
    running.samples = agent_->status().samples;
    running.dropped = agent_->status().samples_lost;
    running.wear = agent_->wear(now);
    running.worse_models = worse_models();
    const std::span<const Loss> untold = agent_->losses().entries();
    running.untold.assign(untold.begin(), untold.end());
    running.too_large = agent_->status().samples_refused;
    for (const auto& source : live_) running.sources.push_back(source->report());
    if (overview.ok()) {
        facts.spool = std::move(overview.value().standing);
        facts.spool_lost = overview.value().lost_samples;
        running.cut_off_before =
            earlier_runs_.cut_off(facts.spool.empty() ? Epoch{} : facts.spool.back().epoch);
    } else {
        running.storing = "the spool cannot be read: " + to_string(overview.error());
    }
    facts.running = std::move(running);
    return json ? why_json(facts) : why_sentence(facts);
}

}  // namespace longhaul::agent
