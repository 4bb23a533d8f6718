#include "agent/platform/template/device.hpp"

#include "common/base/check.hpp"

namespace longhaul::agent::from_template {
namespace {

constexpr Field count() {
    Field field;
    field.name = "count";
    field.kind = FieldKind::integer;
    return field;
}

constexpr Field fields[] = {count()};
constexpr Schema schema{.name = "template",
                        .fields = fields,
                        .time = TimeKind::device,
                        .tick_us = 1000,
                        .deadline_ms = 10'000};

// The spool takes all of the flash.
SpoolPolicy policy_for(const FlashGeometry& geometry) {
    SpoolPolicy policy;
    policy.bytes_max = std::uint64_t{geometry.sectors} * geometry.sector_bytes;
    return policy;
}

// A kilobyte a block, and what no format of this device needs is not kept room for.
AgentSettings small(AgentSettings settings) {
    settings.body_bytes_max = settings.stored_body_bytes_max = 1024;
    settings.epoch_bytes_max = 2048;
    settings.schema_bytes_max = 1024;
    settings.section_samples_max = 64;
    settings.staging_bytes = 4096;
    return settings;
}

}  // namespace

TemplateSource::TemplateSource() {
    ByteWriter out{encoded_};
    LH_CHECK(encode_schema(schema, out).ok());
    streams_[0] = {"template", &schema, Bytes{encoded_}.first(out.size()), schema.default_class};
}

const Sample* TemplateSource::next(MonotonicMs now) {
    if (now < due_) return nullptr;
    due_ = now + period_ms;
    values_[0] = Value::of_integer(counted_++);
    sample_ = {0, now.value * 1000, values_};
    return &sample_;
}

Device::Device(Identity& identity, const AgentSettings& who)
    : spool_{flash_, policy_for(flash_.geometry()), entropy_, spool_memory_},
      identity_{identity},
      settings_{small(who)} {
    LH_CHECK(FlashSpool::memory_bytes(flash_.geometry()) <= spool_memory_.size());
    LH_CHECK(Agent::memory_bytes(settings_, sources_) <= agent_memory_.size());
}

Status Device::begin() {
    LH_TRY(spool_.open());
    agent_.emplace(settings_,
                   Ports{spool_,
                         link_,
                         entropy_,
                         identity_,
                         clock_,
                         sources_,
                         {&range_, nullptr, plain_, nullptr}},
                   agent_memory_);
    return {};
}

}  // namespace longhaul::agent::from_template
