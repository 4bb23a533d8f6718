#include "agent/platform/linux/agent_config.hpp"

#include "agent/core/settings.hpp"
#include "agent/platform/linux/agent_config_sources.hpp"
#include "agent/platform/linux/tcp_link.hpp"
#include "common/host/config.hpp"

namespace longhaul::agent {
namespace {

std::string name_part(ConfigTable& table, std::string_view key) {
    std::string text = table.text(key);
    const bool usable =
        !text.empty() && text.size() <= limits::name_bytes_max &&
        text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (!usable && table.has_text(key)) table.problem(key, "has to be 1 to 48 of a-z, 0-9 and -");
    return text;
}

void read_device(ConfigTable device, AgentConfig& config) {
    config.environment = name_part(device, "environment");
    config.tenant = name_part(device, "tenant");
    config.name = name_part(device, "name");
    config.certificate = device.path("certificate");
    config.key = device.path("key");
    config.secret = device.path("secret");
    config.root = device.path("root");
    config.sealing_key = device.path("sealing_key");
}

void read_collector(ConfigTable collector, AgentConfig& config) {
    config.address = collector.text("address");
    if (collector.has_text("address") && !TcpLink::valid_address(config.address)) {
        collector.problem("address", "has to look like host:port");
    }
    config.server_name = collector.text("server_name");
    if (config.server_name.empty() && collector.has_text("server_name"))
        collector.problem("server_name", "has to be a name that the certificate can have");
}

WhenFull read_when_full(ConfigTable& table, WhenFull absent) {
    std::vector<std::string_view> words;
    for (const WhenFull each : {WhenFull::drop_oldest, WhenFull::drop_newest, WhenFull::stop})
        words.emplace_back(name_of(each));
    return static_cast<WhenFull>(table.choice("when_full", name_of(absent), words));
}

// The shares of all classes are of one whole: the table that takes too much is named.
void read_classes(ConfigTable& spool, SpoolPolicy& policy) {
    std::int64_t percent = 0;
    for (std::size_t i = 0; i < block_class_count; ++i) {
        const std::string_view name = name_of(static_cast<BlockClass>(i));
        ClassPolicy& own = policy.classes[i];
        ConfigTable table = spool.table(name);
        const std::int64_t share = table.integer("reserve_percent", own.reserve_percent, {0, 100});
        const bool named = table.has("reserve_percent");
        percent += share;
        if (percent > 100 && named) {
            table.problem("reserve_percent",
                          "makes " + std::to_string(percent) +
                              " percent reserved with those of the classes above");
        }
        own.reserve_percent = static_cast<std::uint8_t>(share);
        own.when_full = read_when_full(table, own.when_full);
    }
}

void read_spool(ConfigTable spool, AgentConfig& config) {
    config.spool_path = spool.path("path", "spool.db");
    config.spool_policy.bytes_max = static_cast<std::uint64_t>(
        spool.integer("bytes_max", 64 << 20, {64 << 10, std::int64_t{1} << 40}));
    config.write_bytes_per_day = static_cast<std::uint64_t>(
        spool.integer("write_bytes_per_day", 0, {0, std::int64_t{1} << 39}));
    read_classes(spool, config.spool_policy);
}

CodecSet read_codecs(ConfigTable& block) {
    if (!block.has("codecs")) return usual_codecs;
    CodecSet codecs = 1U << codec_columns;
    for (const std::string& name : block.texts("codecs")) {
        const CodecSet codec = codec_named(name);
        codecs |= codec;
        if (codec == 0) {
            block.problem("codecs", "has \"" + name +
                                        "\": what is known is \"zstd\", \"range\" and \"mixed\"");
        }
    }
    return codecs;
}

void read_block(ConfigTable block, AgentConfig& config) {
    config.body_bytes_max = static_cast<std::size_t>(
        block.integer("body_bytes_max", 4096,
                      {static_cast<std::int64_t>(body_bytes_min),
                       static_cast<std::int64_t>(limits::block_body_bytes_max)}));
    config.codecs = read_codecs(block);
}

}  // namespace

Result<AgentConfig, Message> load_agent_config(const std::string& path) {
    auto file = ConfigFile::read(path);
    if (!file.ok()) return file.error();
    ConfigTable root = file.value().root();

    AgentConfig config;
    config.path = path;
    read_device(root.table("device"), config);
    read_collector(root.table("collector"), config);

    read_spool(root.table("spool"), config);
    read_block(root.table("block"), config);
    read_sources(root, config);
    LH_TRY(file.value().finish());
    return config;
}

}  // namespace longhaul::agent
