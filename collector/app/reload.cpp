// How a running collector takes over a changed configuration: files are read on the operations'
// thread, what follows from them is done on the network's.
#include <algorithm>
#include <boost/asio/post.hpp>

#include "collector/app/collector.hpp"
#include "collector/lake/civil_time.hpp"

namespace longhaul::collector {
namespace {

const Tenant* find(const std::vector<Tenant>& tenants, const std::string& name) {
    const auto found = std::find_if(tenants.begin(), tenants.end(),
                                    [&name](const Tenant& each) { return each.name == name; });
    return found == tenants.end() ? nullptr : &*found;
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
    auto here = [this, next = std::move(next),
                 credentials = std::move(credentials).value()]() mutable {
        apply(next, std::move(credentials));
    };
    boost::asio::post(network_, std::move(here));
}

// The writer has a new key before any device may use it.
void Collector::apply(const CollectorConfig& config, Credentials credentials) {
    tell_renewed(credentials);
    credentials_.keys->take_all(*credentials.keys);
    gateway_->session.sealing_keys = credentials_.keys->ids();
    gateway_->entrance = credentials_.entrance = std::move(credentials.entrance);
    credentials_.certificate = credentials.certificate;
    credentials_.tenants = std::move(credentials.tenants);
    guard_->look_at_everybody(wall_now());
    operations_->set_certificate_expiry(credentials.certificate_expires);
    apply_limits(config);
    writer_thread_->set_limits(config.writer);
    log_.set_level(log_level_of(config.log_level));
    log_.set_format(config.log_format);
    operations_->tell_reloading(false);
}

void Collector::apply_limits(const CollectorConfig& config) {
    gateway_->session.credit_bytes = config.credit_bytes;
    gateway_->session.hello_deadline_ms = config.hello_deadline_ms;
    gateway_->session.idle_deadline_ms = config.idle_deadline_ms;
    gateway_->handshake_deadline_ms = config.handshake_deadline_ms;
    gateway_->connections_max = config.connections_max;
    gateway_->handshakes_max = config.handshakes_max;
    listener_->handshakes().set_full_per_s(config.full_handshakes_per_s);
}

// What has changed in files whose names are the same.
void Collector::tell_renewed(const Credentials& now) {
    const char* const for_new = text_of(Effect::new_connections);
    if (now.certificate != credentials_.certificate) {
        log_.info("certificate renewed",
                  {{"valid_until", date_text(now.certificate_expires)}, {"effect", for_new}});
    }
    for (const Tenant& tenant : now.tenants) {
        const Tenant* before = find(credentials_.tenants, tenant.name);
        if (before != nullptr && before->authority_pem == tenant.authority_pem) continue;
        log_.info(before == nullptr ? "tenant added" : "authority of a tenant changed",
                  {{"tenant", tenant.name}, {"effect", for_new}});
    }
    for (const Tenant& tenant : credentials_.tenants) {
        if (find(now.tenants, tenant.name) != nullptr) continue;
        log_.info("tenant removed", {{"tenant", tenant.name}, {"effect", for_new}});
    }
    for (const SealingKeyId& id : now.keys->ids()) {
        if (credentials_.keys->find(id) != nullptr) continue;
        log_.info("sealing key added", {{"key", hex_of(id)}, {"effect", text_of(Effect::at_once)}});
    }
    for (const SealingKeyId& id : credentials_.keys->ids()) {
        if (now.keys->find(id) != nullptr) continue;
        log_.warn(
            "sealing key is gone from its folder and is used on until the collector ends; "
            "put it back, or old blocks cannot be opened then",
            {{"key", hex_of(id)}});
    }
}

}  // namespace longhaul::collector
