// How a running collector takes over a changed configuration: files are read on the operations'
// thread, what follows from them is done on the network's.
#include <algorithm>
#include <boost/asio/post.hpp>

#include "collector/app/collector.hpp"
#include "common/base/civil_time.hpp"
#include "common/base/hex.hpp"

namespace longhaul::collector {
namespace {

const Tenant* find(const std::vector<Tenant>& tenants, const std::string& name) {
    const auto found = std::find_if(tenants.begin(), tenants.end(),
                                    [&name](const Tenant& each) { return each.name == name; });
    return found == tenants.end() ? nullptr : &*found;
}

std::vector<TrailFact> facts_of(const std::vector<ConfigChange>& changes) {
    std::vector<TrailFact> facts;
    for (const ConfigChange& change : changes) {
        facts.push_back(
            {"", wall_now(), "collector", "configuration_changed", change.key,
             "from " + change.from + " to " + change.to + ", " + text_of(change.effect)});
    }
    return facts;
}

}  // namespace

void Collector::reload() {
    operations_->tell_reloading(true);
    const auto refuse = [this](const Message& message) {
        log_.error("reload refused, everything stays as it was", {{"text", message.text}});
        operations_->tell_reloading(false);
    };
    const auto wanted = read_again_();
    if (!wanted.ok()) return refuse(wanted.error());
    CollectorConfig next = config_;
    const std::vector<ConfigChange> changes = take_over(next, wanted.value());
    auto credentials = open_credentials(next, wall_now());
    if (!credentials.ok()) return refuse(credentials.error());
    config_ = next;
    log_.info("configuration read again", {{"changes", changes.size()}});
    for (const ConfigChange& change : changes) {
        log_.info("configuration changed", {{"key", change.key},
                                            {"from", change.from},
                                            {"to", change.to},
                                            {"effect", text_of(change.effect)}});
    }
    note_in_trail(facts_of(changes));
    auto here = [this, next = std::move(next),
                 credentials = std::move(credentials).value()]() mutable {
        apply(next, std::move(credentials));
    };
    boost::asio::post(network_, std::move(here));
}

// The writer has a new key before any device may use it.
void Collector::apply(const CollectorConfig& config, Credentials credentials) {
    tell_renewed(config, credentials);
    credentials_.keys->take_all(*credentials.keys);
    if (const std::size_t added = credentials_.models->take_all(*credentials.models); added != 0) {
        log_.info("models added", {{"count", added}, {"effect", text_of(Effect::new_connections)}});
    }
    credentials_.sealing_ids.merge(credentials.sealing_ids);
    gateway_->session.sealing_keys = sealing_ids();
    gateway_->entrance = credentials_.entrance = std::move(credentials.entrance);
    credentials_.enrolment = std::move(credentials.enrolment);
    renewals_->replace(desk_of(credentials_.enrolment));
    if (enrolment_) enrolment_->replace(credentials_.enrolment);
    credentials_.certificate = credentials.certificate;
    credentials_.tenants = std::move(credentials.tenants);
    guard_->look_at_everybody(wall_now());
    listener_->offer_sealing_keys();
    operations_->set_certificate_expiry(credentials.certificate_expires);
    apply_limits(config);
    if (writer_thread_) writer_thread_->set_limits(config.writer);
    if (upkeep_thread_) upkeep_thread_->set(config.upkeep);
    log_.set_level(log_level_of(config.log_level));
    log_.set_format(config.log_format);
    operations_->tell_reloading(false);
}

void Collector::apply_limits(const CollectorConfig& config) {
    gateway_->session.credit_bytes = config.credit_bytes;
    gateway_->disk_reserve_bytes = config.journal_reserve_bytes;
    intake_.set_under_way_max(config.under_way_bytes);
    gateway_->session.hello_deadline_ms = config.hello_deadline_ms;
    gateway_->session.idle_deadline_ms = config.idle_deadline_ms;
    gateway_->session.cost_interval_ms = config.cost_interval_ms;
    gateway_->handshake_deadline_ms = config.handshake_deadline_ms;
    gateway_->connections_max = config.connections_max;
    gateway_->handshakes_max = config.handshakes_max;
    listener_->handshakes().set_full_per_s(config.full_handshakes_per_s);
}

// What has changed in files whose names are the same. `config` is a copy: the operations' thread
// may be writing its own.
void Collector::tell_renewed(const CollectorConfig& config, const Credentials& now) {
    const char* const for_new = text_of(Effect::new_connections);
    const auto note = [this](const std::string& what, const std::string& about,
                             const std::string& why) {
        gateway_->trail.add({"", wall_now(), "collector", what, about, why}, "", monotonic_now());
    };
    if (now.certificate != credentials_.certificate) {
        log_.info("certificate renewed",
                  {{"valid_until", date_text(now.certificate_expires)}, {"effect", for_new}});
        note("configuration_changed", "server certificate",
             "valid until " + date_text(now.certificate_expires));
    }
    for (const Tenant& tenant : now.tenants) {
        const Tenant* before = find(credentials_.tenants, tenant.name);
        if (before != nullptr && before->authority_pem == tenant.authority_pem &&
            before->older_pem == tenant.older_pem && before->enrolment_pem == tenant.enrolment_pem)
            continue;
        const char* what = "tenant added";
        if (before != nullptr) {
            what = "enrolment authority of a tenant changed";
            if (before->older_pem != tenant.older_pem)
                what = "older authorities of a tenant changed";
            if (before->authority_pem != tenant.authority_pem)
                what = "authority of a tenant changed";
        }
        log_.info(what, {{"tenant", tenant.name}, {"effect", for_new}});
        note("configuration_changed", tenant.name, what);
    }
    for (const Tenant& tenant : credentials_.tenants) {
        if (find(now.tenants, tenant.name) != nullptr) continue;
        log_.info("tenant removed", {{"tenant", tenant.name}, {"effect", for_new}});
        note("configuration_changed", tenant.name, "tenant removed");
    }
    for (const SealingKeyId& id : now.sealing_ids) {
        if (credentials_.sealing_ids.contains(id)) continue;
        log_.info("sealing key added", {{"key", hex(id)}, {"effect", text_of(Effect::at_once)}});
        if (!config.gateway) note("key_used", hex(id), "to open blocks");
    }
    for (const SealingKeyId& id : credentials_.sealing_ids) {
        if (now.sealing_ids.contains(id)) continue;
        log_.warn(
            "sealing key is gone from its folder and is used on until the collector ends; "
            "put it back, or old blocks cannot be opened then",
            {{"key", hex(id)}});
    }
}

}  // namespace longhaul::collector
