// The models that a collector has, to be offered to devices and appended to the journal. Models are
// never removed: what was sealed with one can be read only with it. New ones may come from any
// thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/registry/registry.hpp"

namespace longhaul::collector {

class ModelShelf {
 public:
    // Does not change any more.
    using StoredModel = std::shared_ptr<const std::vector<std::byte>>;
    struct Offer {
        ModelHash hash{};
        std::size_t bytes = 0;
    };

    // What is added last is offered for its schema.
    void add(std::vector<KeptModel> models) {
        const std::lock_guard lock{mutex_};
        for (KeptModel& model : models) {
            StoredModel& stored = models_[{model.tenant, model.hash}];
            if (stored == nullptr)
                stored = std::make_shared<const std::vector<std::byte>>(std::move(model.bytes));
            offers_[{model.tenant, model.schema}] = {model.hash, stored->size()};
        }
    }
    // All that another one has, and its offers; how many models were not here.
    std::size_t take_all(const ModelShelf& other) {
        const std::scoped_lock lock{mutex_, other.mutex_};
        const std::size_t before = models_.size();
        models_.insert(other.models_.begin(), other.models_.end());
        offers_ = other.offers_;
        return models_.size() - before;
    }
    std::optional<Offer> offer(std::string_view tenant, const SchemaHash& schema) const {
        const std::lock_guard lock{mutex_};
        const auto found = offers_.find({std::string{tenant}, schema});
        return found == offers_.end() ? std::nullopt : std::optional{found->second};
    }
    // nullptr: it is not there.
    StoredModel find(std::string_view tenant, const ModelHash& hash) const {
        const std::lock_guard lock{mutex_};
        const auto found = models_.find({std::string{tenant}, hash});
        return found == models_.end() ? nullptr : found->second;
    }
    std::size_t size() const {
        const std::lock_guard lock{mutex_};
        return models_.size();
    }

 private:
    mutable std::mutex mutex_;
    std::map<std::pair<std::string, ModelHash>, StoredModel> models_;
    std::map<std::pair<std::string, SchemaHash>, Offer> offers_;
};

}  // namespace longhaul::collector
