#include "agent/core/model_keeper.hpp"

#include <algorithm>
#include <array>

#include "agent/core/epoch_maker.hpp"

namespace longhaul::agent {
namespace {

constexpr std::size_t pair_bytes = sizeof(SchemaHash) + sizeof(ModelHash);
constexpr std::size_t state_bytes = limits::model_offers_max * pair_bytes;
static_assert(state_bytes <= Spool::state_bytes_max);

template <class Hash>
Hash read_hash(ByteReader& in) {
    Hash hash{};
    const Bytes bytes = in.bytes(hash.size());
    std::copy(bytes.begin(), bytes.end(), hash.begin());
    return hash;
}

}  // namespace

// A state or a model that cannot be read leaves a stream with the built-in model.
void ModelKeeper::choose() {
    if (models_ == nullptr) return;
    std::array<std::byte, state_bytes> room;
    const Result<Bytes> state = spool_.read_state(state_offered_models, room);
    if (!state.ok()) return;
    for (ByteReader in{state.value()}; in.ok() && in.remaining() >= pair_bytes;) {
        const auto schema = read_hash<SchemaHash>(in);
        const auto hash = read_hash<ModelHash>(in);
        for (AgentStream& stream : streams_) {
            if (stream.schema_hash != schema) continue;
            const Bytes bytes = models_->find(hash);
            const Result<Model> model = Model::parse(bytes);
            if (!model.ok()) continue;
            stream.model = model.value();
            stream.model_hash = hash;
        }
    }
}

void ModelKeeper::begin_offers() {
    for (AgentStream& stream : streams_) stream.offer = {};
}

void ModelKeeper::offer(const SchemaHash& schema, const ModelHash& model, std::uint32_t bytes) {
    for (AgentStream& stream : streams_) {
        if (stream.schema_hash == schema) stream.offer = {true, bytes != 0, bytes, model};
    }
}

void ModelKeeper::end_offers() {
    if (models_ == nullptr) return;
    remember();
    forget_others();
}

// Each schema once, and nothing that the device will never have. What cannot be remembered is
// offered again in the next session. Not in the frame of who has no models.
[[gnu::noinline]] void ModelKeeper::remember() {
    std::array<std::byte, state_bytes> room;
    ByteWriter out{room};
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        const AgentStream& stream = streams_[i];
        const auto before = streams_.first(i);
        const bool told = std::any_of(before.begin(), before.end(), [&](const AgentStream& other) {
            return other.schema_hash == stream.schema_hash;
        });
        if (!stream.offer.made || told || !can_have(stream.offer)) continue;
        out.bytes(stream.schema_hash);
        out.bytes(stream.offer.model);
    }
    std::array<std::byte, state_bytes> kept_room;
    const Result<Bytes> kept = spool_.read_state(state_offered_models, kept_room);
    if (kept.ok() ? equal(kept.value(), out.written()) : out.size() == 0) return;
    (void)spool_.put_state(state_offered_models, out.written());
}

// Not in the frame of who has no models.
[[gnu::noinline]] void ModelKeeper::forget_others() {
    std::array<ModelHash, 2 * streams_of_sources_max> wanted;
    std::size_t count = 0;
    for (const AgentStream& stream : streams_) {
        if (stream.offer.made) wanted[count++] = stream.offer.model;
        if (stream.model_hash) wanted[count++] = *stream.model_hash;
    }
    models_->keep_only(std::span{wanted}.first(count));
}

bool ModelKeeper::can_have(const OfferedModel& offer) {
    return offer.bytes <= bytes_max_ || !models_->find(offer.model).empty();
}

std::optional<ModelHash> ModelKeeper::next_wanted() {
    if (models_ == nullptr) return std::nullopt;
    for (const AgentStream& stream : streams_) {
        if (!stream.offer.unasked) continue;
        const ModelHash wanted = stream.offer.model;
        for (AgentStream& other : streams_) {
            if (other.offer.model == wanted) other.offer.unasked = false;
        }
        if (stream.offer.bytes <= bytes_max_ && models_->find(wanted).empty()) return wanted;
    }
    return std::nullopt;
}

void ModelKeeper::take(const ModelHash& wanted, Bytes model) {
    if (model_hash(model) == wanted && Model::parse(model).ok()) (void)models_->keep(wanted, model);
}

}  // namespace longhaul::agent
