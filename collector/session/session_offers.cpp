// What a session offers to a device: models for its schemas, and a newer sealing key.
#include "collector/session/session.hpp"

namespace longhaul::collector {

void Session::offer_models(const longhaul_Hello& hello, longhaul_Welcome& welcome) {
    for (pb_size_t i = 0; i < hello.schema_hashes_count; ++i) {
        if (welcome.offers_count == limits::model_offers_max) return;
        const auto& listed = hello.schema_hashes[i];
        if (listed.size != sizeof(SchemaHash)) continue;
        const auto offer = settings_.models->offer(peer_.tenant, hash_of(listed.bytes));
        if (!offer) continue;
        longhaul_ModelOffer& entry = welcome.offers[welcome.offers_count++];
        entry.schema = i;
        std::memcpy(entry.model, offer->hash.data(), offer->hash.size());
        entry.bytes = static_cast<std::uint32_t>(offer->bytes);
        offered_.push_back(offer->hash);
    }
}

// A device that did not say which key it has does not know the frame.
void Session::offer_sealing_key(const SealingOffer* offer) {
    settings_.sealing_offer = offer;  // for the Hello, if that has not come yet
    if (offer == nullptr || !sealing_key_ || *sealing_key_ == offer->id || closing_) return;
    sealing_key_ = offer->id;
    queue([&](ByteWriter& out) {
        write_frame(FrameType::sealing_key, offer->certificate, out);
        return Status{};
    });
}

}  // namespace longhaul::collector
