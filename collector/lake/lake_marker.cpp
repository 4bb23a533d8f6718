#include "collector/lake/lake_marker.hpp"

#include <boost/json.hpp>

namespace longhaul::collector {

namespace json = boost::json;

namespace {

constexpr std::int64_t marker_version = 1;

Result<LakeMarker> parse(Bytes bytes) {
    boost::system::error_code error;
    const json::value parsed = json::parse(as_text(bytes), error);
    const json::object* const object = error ? nullptr : parsed.if_object();
    const Error no_marker{ErrorCode::malformed, "_lake.json is no marker of a lake"};
    if (object == nullptr) return no_marker;
    const auto text = [object](const char* name) -> const json::string* {
        const json::value* const value = object->if_contains(name);
        return value == nullptr ? nullptr : value->if_string();
    };
    const json::value* const version = object->if_contains("version");
    if (version == nullptr || !version->is_int64()) return no_marker;
    if (version->get_int64() != marker_version)
        return Error{ErrorCode::unsupported, "_lake.json is of another version"};
    const json::string* const environment = text("environment");
    const json::string* const lake = text("lake");
    if (environment == nullptr || lake == nullptr) return no_marker;
    return LakeMarker{std::string{*environment}, std::string{*lake}};
}

}  // namespace

Result<std::optional<LakeMarker>> read_lake_marker(ObjectStore& store) {
    const auto bytes = store.read(lake_marker_path);
    if (!bytes.ok() && bytes.error().code == ErrorCode::not_found)
        return std::optional<LakeMarker>{};
    if (!bytes.ok()) return bytes.error();
    LH_TRY_ASSIGN(LakeMarker marker, parse(bytes.value()));
    return std::optional{std::move(marker)};
}

Result<LakeMarker> mark_lake(ObjectStore& store, const LakeMarker& if_new) {
    const json::object marker{
        {"version", marker_version}, {"environment", if_new.environment}, {"lake", if_new.lake}};
    const std::string text = json::serialize(marker) + "\n";
    const Status put = store.put_if_absent(lake_marker_path, as_bytes(text));
    if (!put.ok() && put.error().code != ErrorCode::exists) return put.error();
    LH_TRY_ASSIGN(const auto there, read_lake_marker(store));
    if (!there) return Error{ErrorCode::io, "_lake.json is gone again"};
    return *there;
}

std::string foreign_lake(const LakeMarker& marker, const std::string& environment) {
    if (marker.environment == environment) return {};
    return "the lake belongs to environment \"" + marker.environment + "\", this is \"" +
           environment + "\"";
}

}  // namespace longhaul::collector
