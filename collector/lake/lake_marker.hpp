// Which environment a lake belongs to: a small file in its folder, made at the first start and
// compared at each. So nothing of staging ever gets into production's tables, nor the other way.
#pragma once

#include <optional>
#include <string>

#include "collector/lake/object_store.hpp"

namespace longhaul::collector {

struct LakeMarker {
    std::string environment;
    std::string lake;  // 32 hexadecimal digits, drawn when the lake was marked
};

inline constexpr std::string_view lake_marker_path = "_lake.json";

// malformed, unsupported: a marker that this program cannot read.
Result<std::optional<LakeMarker>> read_lake_marker(ObjectStore& store);
// Puts one there if there is none. What is there then.
Result<LakeMarker> mark_lake(ObjectStore& store, const LakeMarker& if_new);

// The sentence for a lake of another environment; empty: it is of this one.
std::string foreign_lake(const LakeMarker& marker, const std::string& environment);

}  // namespace longhaul::collector
