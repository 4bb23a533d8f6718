#include "tools/longhaul/model_command.hpp"

#include <boost/json.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "collector/registry/registry.hpp"
#include "common/host/config.hpp"
#include "common/host/files.hpp"
#include "common/mix/mixing_codec.hpp"
#include "tools/longhaul/collector_files.hpp"
#include "tools/longhaul/journal_schemas.hpp"
#include "tools/longhaul/text.hpp"

namespace longhaul::tools {

using collector::KeptModel;
using collector::Registry;

namespace {

constexpr std::size_t digits_shown = 16;

struct Places {
    std::string registry;
    std::string journal;
};

Result<Places, Message> read_places(const std::string& config) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(config));
    const Places places{file.table("collector").path("registry", "registry.db"),
                        file.table("journal").path("path")};
    LH_TRY(file.finish(UnknownKeys::ignored));
    return places;
}

std::optional<SchemaHash> hash_of_digits(const std::string& text) {
    SchemaHash hash{};
    if (text.size() != 2 * hash.size()) return std::nullopt;
    for (std::size_t i = 0; i < hash.size(); ++i) {
        unsigned value = 0;
        for (const char c : text.substr(2 * i, 2)) {
            const bool digit = c >= '0' && c <= '9';
            if (!digit && (c < 'a' || c > 'f')) return std::nullopt;
            value = 16 * value + static_cast<unsigned>(digit ? c - '0' : c - 'a' + 10);
        }
        hash[i] = static_cast<std::byte>(value);
    }
    return hash;
}

// A schema never changes: a changed one is another under the same name, so a name may mean several.
Result<SchemaHash, Message> find_schema(const SentSchemas& schemas, const std::string& tenant,
                                        const std::string& wanted) {
    if (const auto hash = hash_of_digits(wanted)) return *hash;
    std::vector<SchemaHash> found;
    for (const auto& [key, sent] : schemas) {
        if (key.first == tenant && sent.stored->schema().name == wanted)
            found.push_back(key.second);
    }
    if (found.size() == 1) return found[0];
    if (found.empty())
        return Message{wanted + ": no device of " + tenant +
                       " has sent a schema of this name; give its SHA-256"};
    std::string text = wanted + ": there are " + std::to_string(found.size()) +
                       " schemas of this name, give the SHA-256 of one:";
    for (const SchemaHash& hash : found) text += "\n  " + hex(hash);
    return Message{text};
}

Result<std::string, Message> choose_tenant(Registry& registry, const std::string& wanted) {
    if (!wanted.empty()) return wanted;
    const auto tenants = registry.tenants();
    if (!tenants.ok()) return Message{"registry: " + to_string(tenants.error())};
    if (tenants.value().size() == 1) return tenants.value()[0].name;
    return Message{"there are several tenants: name one with --tenant"};
}

// Nothing in it is left unused, and its examples teach.
bool is_for(const Schema& schema, const Model& model) {
    return model.column_count() <= schema.fields.size() + 1 && MixPlan{schema, model}.fits &&
           MixingCodec{}.prepare(schema, model).ok();
}

}  // namespace

Result<void, Message> model_add(const ModelAddOptions& options) {
    LH_TRY_ASSIGN(const Places places, read_places(options.config));
    LH_TRY_ASSIGN(const auto registry, open_registry(places.registry));
    LH_TRY_ASSIGN(const std::string tenant, choose_tenant(*registry, options.tenant));
    LH_TRY_ASSIGN(const std::vector<std::byte> model, read_file(options.file));
    const auto parsed = Model::parse(model);
    if (!parsed.ok()) return Message{options.file + ": is no model: " + to_string(parsed.error())};
    LH_TRY_ASSIGN(const SentSchemas schemas, read_schemas(places.journal));
    LH_TRY_ASSIGN(const SchemaHash schema, find_schema(schemas, tenant, options.schema));
    const auto sent = schemas.find({tenant, schema});
    if (sent != schemas.end() && !is_for(sent->second.stored->schema(), parsed.value()))
        return Message{options.file + ": is no model for " + options.schema +
                       ": its columns or its examples are those of another schema"};
    if (const Status added = registry->add_model(tenant, schema, model, options.now); !added.ok())
        return Message{tenant + ": " + to_string(added.error())};
    std::printf("%s\n", hex(model_hash(model)).c_str());
    return {};
}

Result<void, Message> model_list(const ModelListOptions& options) {
    LH_TRY_ASSIGN(const Places places, read_places(options.config));
    LH_TRY_ASSIGN(const auto registry, open_registry(places.registry));
    const auto models = registry->models();
    if (!models.ok()) return Message{places.registry + ": " + to_string(models.error())};
    LH_TRY_ASSIGN(const SentSchemas schemas, read_schemas(places.journal));
    std::map<std::pair<std::string, SchemaHash>, ModelHash> offered;  // the last one wins
    for (const KeptModel& model : models.value())
        offered[{model.tenant, model.schema}] = model.hash;
    if (models.value().empty() && !options.json) std::printf("no models\n");
    boost::json::array all;
    for (const KeptModel& model : models.value()) {
        const auto sent = schemas.find({model.tenant, model.schema});
        const std::string schema =
            sent == schemas.end() ? "unknown" : std::string{sent->second.stored->schema().name};
        const bool is_offered = offered[{model.tenant, model.schema}] == model.hash;
        if (!options.json) {
            std::printf("%s %s/%s %s %zu bytes%s\n", hex(model.hash).c_str(), model.tenant.c_str(),
                        schema.c_str(), hex(model.schema).substr(0, digits_shown).c_str(),
                        model.bytes.size(), is_offered ? ", offered" : "");
            continue;
        }
        all.push_back(boost::json::object{{"model", hex(model.hash)},
                                          {"tenant", model.tenant},
                                          {"schema", schema},
                                          {"schema_hash", hex(model.schema)},
                                          {"bytes", model.bytes.size()},
                                          {"added_us", model.added.value},
                                          {"offered", is_offered}});
    }
    if (options.json) {
        const boost::json::object listed{{"models", std::move(all)}};
        std::printf("%s\n", boost::json::serialize(listed).c_str());
    }
    return {};
}

}  // namespace longhaul::tools
