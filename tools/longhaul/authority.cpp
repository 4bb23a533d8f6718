#include "tools/longhaul/authority.hpp"

#include "collector/registry/certificate.hpp"
#include "collector/registry/registry.hpp"
#include "common/host/config.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/collector_files.hpp"
#include "tools/longhaul/issuing.hpp"
#include "tools/longhaul/text.hpp"
#include "tools/longhaul/trail_command.hpp"

namespace longhaul::tools {

using collector::Certificate;
using collector::CertificateRequest;
using collector::Registry;

namespace {

Result<void, Message> check_name(const char* what, const std::string& name) {
    if (collector::is_name_part(name)) return {};
    return Message{std::string{what} + " \"" + name + "\": a name has 1 to 48 of a-z, 0-9 and -"};
}

Result<void, Message> make_tenant(const std::string& folder, const std::string& tenant,
                                  const KeyPair& root, Registry& registry, WallUs now) {
    const std::string its = folder + "/tenants/" + tenant;
    LH_TRY(make_folders(its, private_folder_mode));
    LH_TRY_ASSIGN(const KeyPair authority, issue_tenant(tenant, root, now));
    LH_TRY(replace_pair(its + "/ca", authority));
    LH_TRY(make_sealing_key(folder, tenant, authority, now));
    if (const Status added = registry.add_tenant({tenant, authority.certificate}); !added.ok())
        return Message{"registry: tenant \"" + tenant + "\": " + to_string(added.error())};
    return {};
}

// One of them may have been put back from a copy, or a rotation been cut off between them.
Result<void, Message> check_pair(const KeyPair& pair, const std::string& key_path,
                                 const std::string& certificate_path) {
    const auto certificate = Certificate::parse(as_bytes(pair.certificate));
    const auto key = collector::private_key_of(pair.key);
    if (!certificate.ok()) return Message{certificate_path + ": " + to_string(certificate.error())};
    if (!key.ok()) return Message{key_path + ": " + to_string(key.error())};
    const auto wanted = certificate.value().public_key();
    const auto found = public_key_of(key.value());
    if (wanted.ok() && found.ok() && wanted.value() == found.value()) return {};
    return Message{key_path + ": is not the key of " + certificate_path};
}

// The root's key may be away; the certificate never is.
Result<KeyPair, Message> read_root(const RootRequest& request) {
    KeyPair root;
    const std::string certificate = request.folder + "/root.crt";
    LH_TRY_ASSIGN(root.certificate, read_text_file(certificate));
    const std::string path =
        request.root_key.empty() ? request.folder + "/root.key" : request.root_key;
    LH_TRY_ASSIGN(const bool there, is_there(path));
    if (!there) {
        return Message{path +
                       ": the root's key is not here, and this needs it; bring it for as long as "
                       "it takes, or say with --root-key where it is"};
    }
    LH_TRY_ASSIGN(const std::vector<std::byte> key, read_private_file(path));
    root.key = as_text(key);
    LH_TRY(check_pair(root, path, certificate));
    return root;
}

// Keys of the folder that others may read give everything away, whichever is needed now.
Result<void, Message> check_keys_are_private(const std::string& folder) {
    std::vector<std::string> keys{folder + "/root.key"};
    LH_TRY_ASSIGN(const auto tenants, paths_in(folder + "/tenants"));
    for (const std::string& tenant : tenants) keys.push_back(tenant + "/ca.key");
    for (const std::string& key : keys) {
        LH_TRY_ASSIGN(const bool there, is_there(key));
        if (there) LH_TRY(read_private_file(key));
    }
    return {};
}

std::string collector_toml(const AuthorityRequest& request) {
    return "# See `longhaul-collector config example` for all keys.\n"
           "[collector]\n"
           "environment = " +
           toml_text(request.environment) +
           "\n"
           "listen = " +
           toml_text(request.listen) +
           "\n"
           "certificate = \"server.crt\"\n"
           "key = \"server.key\"\n"
           "registry = \"registry.db\"\n"
           "sealing_keys = \"sealing\"\n"
           "\n"
           "[journal]\n"
           "path = \"journal\"\n"
           "\n"
           "[lake]\n"
           "path = \"lake\"\n";
}

std::string ca_toml(const AuthorityRequest& request) {
    return "environment = " + toml_text(request.environment) +
           "\n"
           "server_name = " +
           toml_text(request.server_name) +
           "\n"
           "collector = " +
           toml_text(request.listen) + "\n";
}

// That there is an authority, that its keys are safe, and what it says of itself.
Result<Authority, Message> read_folder(const std::string& folder) {
    Authority authority;
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(folder + "/ca.toml"));
    authority.environment = file.root().text("environment");
    authority.server_name = file.root().text("server_name");
    authority.collector = file.root().text("collector");
    LH_TRY(file.finish());
    LH_TRY(check_keys_are_private(folder));
    authority.registry = registry_of(folder);
    return authority;
}

Result<std::string, Message> tenant_folder(const std::string& folder, const std::string& tenant) {
    std::string its = folder + "/tenants/" + tenant;
    if (collector::is_name_part(tenant) && is_folder(its)) return its;
    return Message{folder + ": there is no tenant \"" + tenant + "\""};
}

}  // namespace

std::string registry_of(const std::string& folder) { return folder + "/collector/registry.db"; }

Result<void, Message> make_authority(const AuthorityRequest& request) {
    LH_TRY(check_name("environment", request.environment));
    for (const std::string& tenant : request.tenants) LH_TRY(check_name("tenant", tenant));
    const std::string& folder = request.folder;
    LH_TRY_ASSIGN(const bool there, is_there(folder + "/root.crt"));
    if (there) return Message{folder + ": there is an authority already"};
    LH_TRY(make_folders(folder, private_folder_mode));
    LH_TRY(make_folders(folder + "/collector/sealing", private_folder_mode));

    CertificateRequest wanted;
    wanted.subject = request.environment + " root";
    wanted.authority = true;
    wanted.days = authority_days;
    LH_TRY_ASSIGN(const KeyPair root, issue(wanted, nullptr, request.now));
    LH_TRY(write_pair(folder + "/root", root));
    LH_TRY_ASSIGN(const KeyPair server, issue_server(request.server_name, root, request.now));
    LH_TRY(write_pair(folder + "/collector/server", server));

    auto made = Registry::open(registry_of(folder));
    if (!made.ok()) return Message{registry_of(folder) + ": " + to_string(made.error())};
    const auto registry = std::move(made).value();
    std::vector<collector::TrailFact> facts{
        fact("", "authority_made", request.environment, "", request.now)};
    for (const std::string& tenant : request.tenants) {
        LH_TRY(make_tenant(folder, tenant, root, *registry, request.now));
        facts.push_back(fact(tenant, "tenant_added", tenant, "", request.now));
    }
    LH_TRY(write_new_file(folder + "/collector/collector.toml", as_bytes(collector_toml(request)),
                          public_file_mode));
    LH_TRY(write_new_file(folder + "/ca.toml", as_bytes(ca_toml(request)), public_file_mode));
    LH_TRY(sync_file_system(folder));
    return note(registry_of(folder), facts);
}

Result<Authority, Message> read_authority(const std::string& folder, const std::string& tenant) {
    LH_TRY_ASSIGN(Authority authority, read_folder(folder));
    LH_TRY_ASSIGN(const std::string its, tenant_folder(folder, tenant));
    LH_TRY_ASSIGN(authority.root_certificate, read_text_file(folder + "/root.crt"));
    LH_TRY_ASSIGN(authority.tenant_certificate, read_text_file(its + "/ca.crt"));
    LH_TRY_ASSIGN(const std::vector<std::byte> key, read_private_file(its + "/ca.key"));
    authority.tenant_key = as_text(key);
    LH_TRY(check_pair({authority.tenant_key, authority.tenant_certificate}, its + "/ca.key",
                      its + "/ca.crt"));
    LH_TRY_ASSIGN(authority.sealing_certificate, read_text_file(its + "/sealing.crt"));
    return authority;
}

Result<void, Message> add_tenant(const RootRequest& request, const std::string& tenant) {
    LH_TRY(check_name("tenant", tenant));
    LH_TRY_ASSIGN(const Authority authority, read_folder(request.folder));
    LH_TRY_ASSIGN(const KeyPair root, read_root(request));
    LH_TRY_ASSIGN(const auto registry, open_registry(authority.registry));
    const auto known = registry->tenants();
    if (!known.ok()) return Message{authority.registry + ": " + to_string(known.error())};
    for (const collector::Tenant& each : known.value())
        if (each.name == tenant) return Message{"there is a tenant \"" + tenant + "\" already"};
    LH_TRY(make_tenant(request.folder, tenant, root, *registry, request.now));
    return note_after(sync_file_system(request.folder), authority.registry,
                      {fact(tenant, "tenant_added", tenant, "", request.now)});
}

Result<void, Message> rotate_server(const RootRequest& request) {
    LH_TRY_ASSIGN(const Authority authority, read_folder(request.folder));
    LH_TRY_ASSIGN(const KeyPair root, read_root(request));
    LH_TRY_ASSIGN(const KeyPair server, issue_server(authority.server_name, root, request.now));
    LH_TRY(replace_pair(request.folder + "/collector/server", server));
    return note_after(
        sync_file_system(request.folder), authority.registry,
        {fact("", "rotated", "server certificate", authority.server_name, request.now)});
}

// The registry is first: should the rest fail, devices of the old authority are welcome all the
// same, and the command can be given again.
Result<void, Message> rotate_tenant(const RootRequest& request, const std::string& tenant) {
    LH_TRY_ASSIGN(const Authority authority, read_folder(request.folder));
    LH_TRY_ASSIGN(const std::string its, tenant_folder(request.folder, tenant));
    LH_TRY_ASSIGN(const KeyPair root, read_root(request));
    LH_TRY_ASSIGN(const KeyPair next, issue_tenant(tenant, root, request.now));
    LH_TRY_ASSIGN(const auto registry, open_registry(authority.registry));
    if (const Status rotated = registry->rotate_authority(tenant, next.certificate); !rotated.ok())
        return Message{authority.registry + ": " + to_string(rotated.error())};
    const auto files = [&]() -> Result<void, Message> {
        LH_TRY(replace_pair(its + "/ca", next));
        LH_TRY(renew_sealing_certificate(request.folder, tenant, next, request.now));
        return sync_file_system(request.folder);
    }();
    return note_after(
        files, authority.registry,
        {fact(tenant, "rotated", "authority",
              "devices of the older one are let in until their certificates end", request.now)});
}

}  // namespace longhaul::tools
