#include "collector/app/config_keys.hpp"

#include <functional>

namespace longhaul::collector {
namespace {

struct Key {
    const char* name;
    Effect effect;
    std::function<std::string(const CollectorConfig&)> text;
    std::function<void(CollectorConfig&, const CollectorConfig&)> copy;
};

std::string value_text(const std::string& value) { return value; }
std::string role_text(bool gateway) { return gateway ? "gateway" : "collector"; }
std::string value_text(LogFormat value) { return value == LogFormat::json ? "json" : "text"; }
template <std::integral T>
std::string value_text(T value) {
    return std::to_string(value);
}

// `field` finds the value in a configuration, const or not.
template <class Field>
Key key(const char* name, Effect effect, Field field) {
    return {name, effect, [field](const CollectorConfig& c) { return value_text(field(c)); },
            [field](CollectorConfig& to, const CollectorConfig& from) { field(to) = field(from); }};
}

// Seconds in the file, milliseconds in the program.
template <class Field>
Key key_s(const char* name, Effect effect, Field field) {
    Key made = key(name, effect, field);
    made.text = [field](const CollectorConfig& c) { return value_text(field(c) / 1000); };
    return made;
}

Key role_key() {
    return {"collector.role", Effect::restart,
            [](const CollectorConfig& c) { return role_text(c.gateway); },
            [](CollectorConfig& to, const CollectorConfig& from) { to.gateway = from.gateway; }};
}

#define LH_FIELD(member) [](auto& config) -> auto& { return config.member; }

const std::vector<Key>& keys() {
    using enum Effect;
    static const std::vector<Key> all{
        key("collector.environment", restart, LH_FIELD(environment)),
        role_key(),
        key("collector.listen", restart, LH_FIELD(listen)),
        key("collector.connections_max", at_once, LH_FIELD(connections_max)),
        key("collector.certificate", new_connections, LH_FIELD(certificate)),
        key("collector.key", new_connections, LH_FIELD(key)),
        key("collector.registry", restart, LH_FIELD(registry)),
        key("collector.sealing_keys", at_once, LH_FIELD(sealing_keys)),
        key("journal.path", restart, LH_FIELD(journal_path)),
        key("journal.shards", restart, LH_FIELD(journal.shards_if_new)),
        key("journal.group_bytes", restart, LH_FIELD(journal.group_bytes_max)),
        key("journal.group_ms", restart, LH_FIELD(journal.group_ms_max)),
        key("journal.segment_bytes", restart, LH_FIELD(journal.segment_bytes_max)),
        key("journal.reserve_bytes", at_once, LH_FIELD(journal_reserve_bytes)),
        key("journal.snapshot_bytes", restart, LH_FIELD(writer.snapshot_bytes)),
        key_s("journal.snapshot_s", restart, LH_FIELD(writer.snapshot_ms)),
        key("lake.path", restart, LH_FIELD(lake_path)),
        key_s("lake.commit_interval_s", at_once, LH_FIELD(writer.commit_interval_ms)),
        key("lake.rows_max", at_once, LH_FIELD(writer.rows_max)),
        key("lake.bytes_max", at_once, LH_FIELD(writer.bytes_max)),
        key_s("lake.upkeep_interval_s", at_once, LH_FIELD(upkeep.interval_ms)),
        key("lake.compaction_bytes", at_once, LH_FIELD(upkeep.compaction.target_bytes)),
        key("lake.removed_days", at_once, LH_FIELD(upkeep.removed_days)),
        key("lake.log_days", at_once, LH_FIELD(upkeep.log_days)),
        key("lake.retention_days", at_once, LH_FIELD(upkeep.retention_days)),
        key_s("lake.state_interval_s", at_once, LH_FIELD(upkeep.state_interval_ms)),
        key("session.credit_bytes", new_connections, LH_FIELD(credit_bytes)),
        key("session.under_way_bytes", at_once, LH_FIELD(under_way_bytes)),
        key_s("session.handshake_deadline_s", new_connections, LH_FIELD(handshake_deadline_ms)),
        key("session.handshakes_max", at_once, LH_FIELD(handshakes_max)),
        key("session.full_handshakes_per_s", at_once, LH_FIELD(full_handshakes_per_s)),
        key_s("session.hello_deadline_s", new_connections, LH_FIELD(hello_deadline_ms)),
        key_s("session.idle_deadline_s", new_connections, LH_FIELD(idle_deadline_ms)),
        key_s("session.cost_interval_s", new_connections, LH_FIELD(cost_interval_ms)),
        key("enrolment.listen", restart, LH_FIELD(enrolment_listen)),
        key("enrolment.collector", at_once, LH_FIELD(enrolment_collector)),
        key("enrolment.authorities", at_once, LH_FIELD(enrolment)),
        key("enrolment.certificate_days", at_once, LH_FIELD(certificate_days)),
        key("http.listen", restart, LH_FIELD(http_listen)),
        key("log.level", at_once, LH_FIELD(log_level)),
        key("log.format", at_once, LH_FIELD(log_format)),
    };
    return all;
}

#undef LH_FIELD

}  // namespace

const char* text_of(Effect effect) {
    switch (effect) {
        case Effect::at_once:
            return "at once";
        case Effect::new_connections:
            return "for new connections";
        case Effect::restart:
            break;
    }
    return "needs a restart";
}

std::vector<ConfigChange> take_over(CollectorConfig& current, const CollectorConfig& wanted) {
    std::vector<ConfigChange> changes;
    for (const Key& each : keys()) {
        std::string from = each.text(current);
        std::string to = each.text(wanted);
        if (from == to) continue;
        if (each.effect != Effect::restart) each.copy(current, wanted);
        changes.push_back({each.name, std::move(from), std::move(to), each.effect});
    }
    return changes;
}

std::vector<const char*> config_keys() {
    std::vector<const char*> names;
    for (const Key& each : keys()) names.push_back(each.name);
    return names;
}

}  // namespace longhaul::collector
