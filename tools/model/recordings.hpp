// The bundled recordings as samples, divided into a part to train on and a part to measure with:
// different devices where there are several, otherwise the beginning and the rest.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/sources/trace_file.hpp"
#include "common/block/section_source.hpp"

namespace longhaul {

// Consecutive samples of one device, stored row by row as a device stages them.
struct SampleRun {
    std::span<const std::int64_t> times;
    std::span<const Value> values;  // as many a sample as the schema has fields
    SampleRun part(std::size_t begin, std::size_t count) const {
        const std::size_t fields = times.empty() ? 0 : values.size() / times.size();
        return {times.subspan(begin, count), values.subspan(begin * fields, count * fields)};
    }
};

class Recording {
 public:
    // `mapping` lies under firmware-sim/traces, without its .toml.
    static Result<std::unique_ptr<Recording>, Message> load(const std::string& mapping);

    const std::string& name() const { return name_; }
    const Schema& schema() const { return mapping_->schema(); }
    const std::vector<SampleRun>& training() const { return training_; }
    const std::vector<SampleRun>& test() const { return test_; }
    // For a model of this schema; where nothing was given to the built-in model, the beginning of
    // what that one is measured with. `model_test()` is the rest.
    const std::vector<SampleRun>& model_training() const { return model_training_; }
    const std::vector<SampleRun>& model_test() const { return model_test_; }

 private:
    Recording() = default;
    void divide();

    std::string name_;
    std::unique_ptr<agent::TraceMapping> mapping_;
    std::unique_ptr<agent::TraceFile> file_;
    std::vector<SampleRun> training_;
    std::vector<SampleRun> test_;
    std::vector<SampleRun> model_training_;
    std::vector<SampleRun> model_test_;
};

// Those of firmware-sim/traces, in a fixed order.
std::span<const char* const> bundled_recordings();

// Rows as an encoder reads them.
class RowSource final : public SectionSource {
 public:
    RowSource(const SampleRun& run, std::size_t fields) : run_{run}, fields_{fields} {}
    void read_times(std::span<std::int64_t> times) override;
    void begin_column(std::size_t field) override { next_ = run_.values.data() + field; }
    Value next() override {
        const Value value = *next_;
        next_ += fields_;
        return value;
    }

 private:
    SampleRun run_;
    std::size_t fields_;
    const Value* next_ = nullptr;
};

}  // namespace longhaul
