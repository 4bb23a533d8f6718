#include "tools/longhaul/collector_files.hpp"

#include "common/host/config.hpp"
#include "common/host/files.hpp"

namespace longhaul::tools {

using collector::Registry;

Result<std::string, Message> registry_path(const std::string& config) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(config));
    const std::string path = file.table("collector").path("registry", "registry.db");
    LH_TRY(file.finish(UnknownKeys::ignored));
    return path;
}

Result<std::unique_ptr<Registry>, Message> open_registry(const std::string& path) {
    LH_TRY_ASSIGN(const bool there, is_there(path));
    if (!there) return Message{path + ": there is no registry"};
    auto registry = Registry::open(path);
    if (!registry.ok()) return Message{path + ": " + to_string(registry.error())};
    return std::move(registry).value();
}

}  // namespace longhaul::tools
