// Port: where a device keeps the models of its codecs that its collector has offered.
//
// A device with storage keeps what comes, settings say up to which size. One without has those that
// are compiled in, see CompiledModels, and asks for none; it uses one of them as soon as its
// collector offers it.
#pragma once

#include <algorithm>
#include <span>

#include "common/block/model.hpp"

namespace longhaul::agent {

class Models {
 public:
    // The model's bytes, valid and unchanged as long as the agent lives; empty: it is not there.
    virtual Bytes find(const ModelHash& hash) = 0;
    // When it returns ok, a later boot finds the model, whatever is cut.
    virtual Status keep(const ModelHash& hash, Bytes model) = 0;
    // All others may be removed, but for what was found in this boot.
    virtual void keep_only(std::span<const ModelHash> wanted) = 0;

 protected:
    ~Models() = default;
};

struct CompiledModel {
    ModelHash hash{};
    Bytes bytes;
};

// The models in a program's constant data; AgentSettings::model_bytes_max has to be 0.
class CompiledModels final : public Models {
 public:
    explicit CompiledModels(std::span<const CompiledModel> models) : models_{models} {}

    Bytes find(const ModelHash& hash) override {
        const auto found =
            std::find_if(models_.begin(), models_.end(),
                         [&](const CompiledModel& each) { return each.hash == hash; });
        return found == models_.end() ? Bytes{} : found->bytes;
    }
    Status keep(const ModelHash&, Bytes) override { return ErrorCode::unsupported; }
    void keep_only(std::span<const ModelHash>) override {}

 private:
    std::span<const CompiledModel> models_;
};

}  // namespace longhaul::agent
