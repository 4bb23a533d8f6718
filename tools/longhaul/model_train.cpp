#include "tools/longhaul/model_train.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

#include "agent/sources/trace_file.hpp"
#include "collector/disk/posix_disk.hpp"
#include "collector/lake/local_store.hpp"
#include "common/block/model.hpp"
#include "common/host/config.hpp"
#include "common/host/exit_codes.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/journal_schemas.hpp"
#include "tools/longhaul/lake_samples.hpp"
#include "tools/longhaul/text.hpp"
#include "tools/model/model_report.hpp"
#include "tools/model/schema_trainer.hpp"

namespace longhaul::tools {
namespace {

using collector::PosixDisk;

constexpr double gain_min = 3;  // percent
constexpr std::size_t training_samples_min = 400;
constexpr std::size_t rest_samples_min = 120;

// Samples of the devices of one schema, wherever they come from.
struct Data {
    std::vector<std::unique_ptr<agent::TraceMapping>> mappings;
    std::vector<std::unique_ptr<agent::TraceFile>> recordings;
    std::unique_ptr<StoredSchema> stored;
    std::unique_ptr<LakeSamples> lake;
    Schema schema;
    std::vector<SampleRun> devices;
};

std::vector<std::byte> encoded(const Schema& schema) {
    std::vector<std::byte> room(limits::schema_bytes_max);
    ByteWriter out{room};
    if (!encode_schema(schema, out).ok()) return {};
    room.resize(out.size());
    return room;
}

Result<void, Message> read_traces(const std::vector<std::string>& paths, Data& data) {
    for (const std::string& path : paths) {
        LH_TRY_ASSIGN(auto mapping, agent::TraceMapping::load(path));
        LH_TRY_ASSIGN(auto recording, agent::TraceFile::load(*mapping, mapping->file, {}));
        if (data.mappings.empty()) {
            data.schema = mapping->schema();
        } else if (encoded(data.schema) != encoded(mapping->schema())) {
            return Message{path + ": its schema is not that of " + paths[0]};
        }
        for (const auto& [name, trace] : recording->devices())
            data.devices.push_back({trace.times, trace.values});
        data.mappings.push_back(std::move(mapping));
        data.recordings.push_back(std::move(recording));
    }
    return {};
}

struct Found {
    std::string tenant;
    SentSchema sent;
};

// Of the schemas of this name the one that came last.
Result<Found, Message> find_schema(const std::string& journal, const ModelTrainOptions& options) {
    LH_TRY_ASSIGN(SentSchemas schemas, read_schemas(journal));
    Found found;
    for (auto& [key, sent] : schemas) {
        const std::string& tenant = key.first;
        if (!options.tenant.empty() && tenant != options.tenant) continue;
        if (sent.stored->schema().name != options.schema) continue;
        if (found.sent.stored && found.tenant != tenant)
            return Message{options.schema + ": several tenants have it, say --tenant"};
        if (found.sent.stored && found.sent.received.value > sent.received.value) continue;
        found = {tenant, std::move(sent)};
    }
    if (!found.sent.stored)
        return Message{options.schema + ": no device has sent a schema of this name"};
    return found;
}

Result<void, Message> read_lake(const ModelTrainOptions& options, Data& data) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(options.config));
    const std::string journal = file.table("journal").path("path");
    const std::string lake = file.table("lake").path("path");
    LH_TRY(file.finish(UnknownKeys::ignored));
    LH_TRY_ASSIGN(Found found, find_schema(journal, options));
    const auto disk = PosixDisk::open_root(lake);
    if (!disk.ok()) return Message{lake + ": " + to_string(disk.error())};
    collector::LocalStore store{*disk.value()};
    data.stored = std::move(found.sent.stored);
    data.schema = data.stored->schema();
    LH_TRY_ASSIGN(data.lake,
                  LakeSamples::read(store, found.tenant + "/" + options.schema, data.schema));
    data.devices = data.lake->devices();
    return {};
}

struct Report {
    std::string schema;
    std::string schema_hash;
    std::string out;
    std::string name;  // SHA-256 of the model
    std::size_t bytes = 0;
    std::size_t devices = 0;
    std::size_t training_samples = 0;
    std::size_t rest_samples = 0;
    bool by_time = false;
    std::vector<ModelGain> gains;

    bool worth_it() const {
        const auto [least, most] = std::minmax_element(
            gains.begin(), gains.end(),
            [](const ModelGain& a, const ModelGain& b) { return a.percent() < b.percent(); });
        return most->percent() >= gain_min && least->percent() >= 0;
    }
};

void print_json(const Report& report) {
    boost::json::object object{{"schema", report.schema},
                               {"schema_hash", report.schema_hash},
                               {"model", report.name},
                               {"bytes", report.bytes},
                               {"devices", report.devices},
                               {"training_samples", report.training_samples},
                               {"held_out", report.by_time ? "time" : "devices"},
                               {"held_out_samples", report.rest_samples},
                               {"gain_percent_min", gain_min},
                               {"written", report.worth_it()}};
    boost::json::array gains;
    for (const ModelGain& gain : report.gains)
        gains.push_back(boost::json::object{{"codecs", gain.codecs},
                                            {"builtin_bytes", gain.builtin_bytes},
                                            {"model_bytes", gain.model_bytes},
                                            {"gain_percent", gain.percent()}});
    object["gains"] = std::move(gains);
    std::printf("%s\n", boost::json::serialize(object).c_str());
}

void print_text(const Report& report) {
    std::printf("model %s, %zu bytes\n", report.name.c_str(), report.bytes);
    std::printf("for the schema %s, %s\n", report.schema.c_str(), report.schema_hash.c_str());
    std::printf("trained on %zu samples, measured on %zu that were held out (%s)\n",
                report.training_samples, report.rest_samples,
                report.by_time ? "the last two fifths of one device" : "every second device");
    for (const ModelGain& gain : report.gains)
        std::printf("  %-15s %9zu bytes with the built-in model, %9zu with this one: %5.1f %%\n",
                    gain.codecs.c_str(), gain.builtin_bytes, gain.model_bytes, gain.percent());
    if (report.worth_it()) std::printf("%s\n", report.out.c_str());
}

}  // namespace

Result<int, Message> model_train(const ModelTrainOptions& options) {
    Data data;
    LH_TRY(options.traces.empty() ? read_lake(options, data) : read_traces(options.traces, data));
    const HeldOut parts{data.devices};
    Report report{std::string{data.schema.name},
                  hex(schema_hash(encoded(data.schema))),
                  options.out,
                  {},
                  0,
                  data.devices.size(),
                  HeldOut::samples_of(parts.training),
                  HeldOut::samples_of(parts.rest),
                  parts.by_time,
                  {}};
    if (report.training_samples < training_samples_min || report.rest_samples < rest_samples_min)
        return Message{report.schema +
                       ": too little to learn from: " + std::to_string(report.training_samples) +
                       " samples to train on and " + std::to_string(report.rest_samples) +
                       " to measure with, " + std::to_string(training_samples_min) + " and " +
                       std::to_string(rest_samples_min) + " are needed"};
    const std::vector<std::byte> model = train_model(data.schema, parts.training);
    report.name = hex(model_hash(model));
    report.bytes = model.size();
    report.gains = measure_model(data.schema, model, parts.rest);
    options.json ? print_json(report) : print_text(report);
    if (!report.worth_it()) {
        std::fprintf(stderr,
                     "longhaul: not written: on what was held out this model saves less than %.0f "
                     "%% beside the built-in one, or makes the blocks of some agents larger; it "
                     "would cost more than it saves\n",
                     gain_min);
        return exit_check_failed;
    }
    LH_TRY(replace_file(options.out, model, 0644));
    return exit_done;
}

}  // namespace longhaul::tools
