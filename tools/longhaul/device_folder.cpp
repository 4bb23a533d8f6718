#include "tools/longhaul/device_folder.hpp"

#include <array>
#include <filesystem>
#include <set>

#include "collector/registry/certificate.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/text.hpp"
#include "tools/longhaul/trail_command.hpp"

namespace longhaul::tools {
namespace {

std::string absolute(const std::string& path) {
    return std::filesystem::absolute(path).lexically_normal().string();
}

// Of a device that replays a recording.
std::string stop_when_full() {
    std::string text =
        "\n# A recording can wait and nothing of it may be lost: a full spool stops it until the "
        "collector\n# has taken something. The default, drop_oldest, is for sources that cannot "
        "wait.\n";
    for (std::size_t i = 0; i < block_class_count; ++i) {
        text += "[spool." + std::string{name_of(static_cast<BlockClass>(i))} +
                "]\nwhen_full = \"stop\"\n";
    }
    return text;
}

std::string agent_toml(const Authority& authority, const DeviceRequest& request,
                       const std::string& name) {
    std::string text =
        "# See `longhaul-agent config example` for all keys.\n"
        "[device]\n"
        "environment = " +
        toml_text(authority.environment) +
        "\n"
        "tenant = " +
        toml_text(request.tenant) +
        "\n"
        "name = " +
        toml_text(name) +
        "\n"
        "certificate = \"device.crt\"\n"
        "key = \"device.key\"\n"
        "secret = \"device.secret\"\n"
        "root = \"root.crt\"\n"
        "sealing_key = \"sealing.crt\"\n"
        "\n"
        "[collector]\n"
        "address = " +
        toml_text(request.collector.empty() ? authority.collector : request.collector) +
        "\n"
        "server_name = " +
        toml_text(authority.server_name) +
        "\n"
        "\n"
        "[spool]\n"
        "path = \"spool.db\"\n"
        "\n"
        "[control]\n"
        "socket = \"agent.sock\"\n";
    // Without a recording the device tells of its own health, so that there are rows at once.
    if (request.trace_mapping.empty()) return text + "\n[system]\ninterval_s = 60\n";
    text += stop_when_full() +
            "\n[[trace]]\nmapping = " + toml_text(absolute(request.trace_mapping)) + "\n";
    if (!request.trace_file.empty())
        text += "file = " + toml_text(absolute(request.trace_file)) + "\n";
    return text;
}

Result<void, Message> write_identity(const Authority& authority, const DeviceRequest& request,
                                     const std::string& name, const std::string& folder) {
    collector::CertificateRequest wanted;
    wanted.subject = name;
    wanted.uri = collector::device_uri({authority.environment, request.tenant, name});
    wanted.days = device_days;
    wanted.now = request.now;
    wanted.issuer_key_pem = authority.tenant_key;
    wanted.issuer_pem = authority.tenant_certificate;
    const auto key = collector::generate_key();
    if (!key.ok()) return Message{to_string(key.error())};
    wanted.subject_key_pem = key.value();
    const auto certificate = collector::issue_certificate(wanted);
    if (!certificate.ok()) return Message{name + ": " + to_string(certificate.error())};
    const std::string chain = certificate.value() + authority.tenant_certificate;
    LH_TRY(write_new_file(folder + "/device.key", as_bytes(key.value()), private_file_mode));
    return write_new_file(folder + "/device.crt", as_bytes(chain), public_file_mode);
}

Result<void, Message> make_folder(const Authority& authority, const DeviceRequest& request,
                                  const std::string& name) {
    const std::string folder = request.out + "/" + name;
    const std::string unfinished = folder + ".new";
    std::error_code error;
    std::filesystem::remove_all(unfinished, error);
    LH_TRY(make_folders(unfinished, private_folder_mode));
    LH_TRY(write_identity(authority, request, name, unfinished));
    std::array<std::byte, 32> secret;
    if (!random_bytes(secret).ok()) return Message{"no random bytes"};
    LH_TRY(write_new_file(unfinished + "/device.secret", secret, private_file_mode));
    LH_TRY(write_new_file(unfinished + "/root.crt", as_bytes(authority.root_certificate),
                          public_file_mode));
    LH_TRY(write_new_file(unfinished + "/sealing.crt", as_bytes(authority.sealing_certificate),
                          public_file_mode));
    LH_TRY(write_new_file(unfinished + "/agent.toml",
                          as_bytes(agent_toml(authority, request, name)), public_file_mode));
    std::filesystem::rename(unfinished, folder, error);
    if (error) return Message{folder + ": " + error.message()};
    return {};
}

Result<void, Message> check_names(const DeviceRequest& request) {
    std::set<std::string> seen;
    for (const std::string& name : request.names) {
        if (!collector::is_name_part(name)) {
            return Message{"device \"" + name + "\": a name has 1 to 48 of a-z, 0-9 and -"};
        }
        if (!seen.insert(name).second) return Message{"device \"" + name + "\" is named twice"};
        LH_TRY_ASSIGN(const bool there, is_there(request.out + "/" + name));
        if (there) {
            return Message{request.out + "/" + name + ": is there already"};
        }
    }
    return {};
}

}  // namespace

Result<std::vector<std::string>, Message> add_devices(const Authority& authority,
                                                      const DeviceRequest& request) {
    LH_TRY(check_names(request));
    LH_TRY(make_folders(request.out, private_folder_mode));
    auto registry = collector::Registry::open(authority.registry);
    if (!registry.ok()) return Message{authority.registry + ": " + to_string(registry.error())};
    std::vector<std::string> folders;
    for (const std::string& name : request.names) {
        LH_TRY(make_folder(authority, request, name));
        folders.push_back(request.out + "/" + name);
    }
    LH_TRY(sync_file_system(request.out));
    LH_TRY(allow_new_devices(*registry.value(), authority, request, "a device folder was made"));
    return folders;
}

Result<void, Message> allow_new_devices(collector::Registry& registry, const Authority& authority,
                                        const DeviceRequest& request, const char* how) {
    if (const Status allowed = registry.allow(request.tenant, request.names); !allowed.ok())
        return Message{authority.registry + ": " + to_string(allowed.error())};
    constexpr std::int64_t day_us = 86'400'000'000;
    const WallUs expires{request.now.value + device_days * day_us};
    Result<void, Message> outcome;
    if (const Status noted = registry.note_expiry(request.tenant, request.names, expires);
        !noted.ok())
        outcome = Message{authority.registry + ": " + to_string(noted.error())};
    std::vector<collector::TrailFact> facts;
    for (const std::string& name : request.names)
        facts.push_back(fact(request.tenant, "enrolled", name, how, request.now));
    return note_after(outcome, authority.registry, facts);
}

}  // namespace longhaul::tools
