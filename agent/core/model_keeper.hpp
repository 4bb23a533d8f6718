// Which models the streams of this boot may use, and which the device still has to ask for.
// Specification: docs/spec/frames.md, "Models".
//
// Only what the collector has offered is ever used. The last offers are remembered in the spool, so
// that they hold before the first session of a boot.
#pragma once

#include <optional>
#include <span>

#include "agent/core/sampler.hpp"
#include "agent/core/spool.hpp"
#include "agent/port/models.hpp"

namespace longhaul::agent {

class ModelKeeper {
 public:
    // `models`: nullptr on a device that uses none. `bytes_max`: of a model that it may ask for; 0:
    // it asks for none. All of it outlives the keeper.
    ModelKeeper(Models* models, std::size_t bytes_max, Spool& spool, std::span<AgentStream> streams)
        : models_{models}, bytes_max_{bytes_max}, spool_{spool}, streams_{streams} {}

    bool uses_models() const { return models_ != nullptr; }

    // Each stream gets the model that was offered for its schema, if the device has it. Once a
    // boot, before the epoch's record is made.
    void choose();

    // The offers of a Welcome: all that hold from now on.
    void begin_offers();
    void offer(const SchemaHash& schema, const ModelHash& model, std::uint32_t bytes);
    void end_offers();

    // The next model to ask for, once each.
    std::optional<ModelHash> next_wanted();
    // What came for it. Any other is dropped, and so is one that cannot be read or kept.
    void take(const ModelHash& wanted, Bytes model);

 private:
    void remember();
    bool can_have(const OfferedModel& offer);
    void forget_others();

    Models* models_;
    std::size_t bytes_max_;
    Spool& spool_;
    std::span<AgentStream> streams_;
};

}  // namespace longhaul::agent
