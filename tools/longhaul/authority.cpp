#include "tools/longhaul/authority.hpp"

#include "collector/registry/certificate.hpp"
#include "collector/registry/registry.hpp"
#include "common/host/config.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/text.hpp"
#include "tools/longhaul/trail_command.hpp"

namespace longhaul::tools {

using collector::Certificate;
using collector::CertificateRequest;
using collector::Registry;

namespace {

constexpr int authority_days = 3650;
constexpr int server_days = 365;

struct KeyPair {
    std::string key;          // PEM
    std::string certificate;  // PEM
};

Result<std::string, Message> new_key() {
    auto key = collector::generate_key();
    if (!key.ok()) return Message{to_string(key.error())};
    return std::move(key).value();
}

Result<KeyPair, Message> issue(CertificateRequest request, const KeyPair* issuer, WallUs now) {
    LH_TRY_ASSIGN(request.subject_key_pem, new_key());
    request.issuer_key_pem = issuer == nullptr ? request.subject_key_pem : issuer->key;
    if (issuer != nullptr) request.issuer_pem = issuer->certificate;
    request.now = now;
    auto certificate = collector::issue_certificate(request);
    if (!certificate.ok()) return Message{request.subject + ": " + to_string(certificate.error())};
    return KeyPair{request.subject_key_pem, std::move(certificate).value()};
}

Result<void, Message> write_pair(const std::string& base, const KeyPair& pair) {
    LH_TRY(write_new_file(base + ".key", as_bytes(pair.key), private_file_mode));
    return write_new_file(base + ".crt", as_bytes(pair.certificate), public_file_mode);
}

Result<void, Message> make_sealing_key(const AuthorityRequest& request, const std::string& tenant,
                                       const KeyPair& authority) {
    CertificateRequest wanted;
    wanted.subject = tenant + " sealing key";
    wanted.key_agreement = true;
    wanted.days = authority_days;
    LH_TRY_ASSIGN(const KeyPair pair, issue(wanted, &authority, request.now));
    const auto certificate = Certificate::parse(as_bytes(pair.certificate));
    if (!certificate.ok()) return Message{to_string(certificate.error())};
    const auto key = certificate.value().public_key();
    if (!key.ok()) return Message{to_string(key.error())};
    LH_TRY(write_pair(request.folder + "/collector/sealing/" + hex(sealing_key_id(key.value())),
                      pair));
    return write_new_file(request.folder + "/tenants/" + tenant + "/sealing.crt",
                          as_bytes(pair.certificate), public_file_mode);
}

Result<void, Message> make_tenant(const AuthorityRequest& request, const std::string& tenant,
                                  const KeyPair& root, Registry& registry) {
    const std::string folder = request.folder + "/tenants/" + tenant;
    LH_TRY(make_folders(folder, private_folder_mode));
    CertificateRequest wanted;
    wanted.subject = tenant + " authority";
    wanted.authority = true;
    wanted.days = authority_days;
    LH_TRY_ASSIGN(const KeyPair authority, issue(wanted, &root, request.now));
    LH_TRY(write_pair(folder + "/ca", authority));
    if (const Status added = registry.add_tenant({tenant, authority.certificate}); !added.ok()) {
        return Message{"registry: tenant \"" + tenant + "\": " + to_string(added.error())};
    }
    return make_sealing_key(request, tenant, authority);
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

Result<void, Message> check_names(const AuthorityRequest& request) {
    const auto check = [](const char* what, const std::string& name) -> Result<void, Message> {
        if (collector::is_name_part(name)) return {};
        return Message{std::string{what} + " \"" + name +
                       "\": a name has 1 to 48 of a-z, 0-9 and -"};
    };
    LH_TRY(check("environment", request.environment));
    for (const std::string& tenant : request.tenants) LH_TRY(check("tenant", tenant));
    return {};
}

}  // namespace

Result<void, Message> make_authority(const AuthorityRequest& request) {
    LH_TRY(check_names(request));
    const std::string& folder = request.folder;
    LH_TRY_ASSIGN(const bool there, is_there(folder + "/root.crt"));
    if (there) {
        return Message{folder + ": there is an authority already"};
    }
    LH_TRY(make_folders(folder, private_folder_mode));
    LH_TRY(make_folders(folder + "/collector/sealing", private_folder_mode));

    CertificateRequest root_request;
    root_request.subject = request.environment + " root";
    root_request.authority = true;
    root_request.days = authority_days;
    LH_TRY_ASSIGN(const KeyPair root, issue(root_request, nullptr, request.now));
    LH_TRY(write_pair(folder + "/root", root));

    CertificateRequest server_request;
    server_request.subject = request.server_name;
    server_request.dns = request.server_name;
    server_request.days = server_days;
    LH_TRY_ASSIGN(const KeyPair server, issue(server_request, &root, request.now));
    LH_TRY(write_pair(folder + "/collector/server", server));

    auto registry = Registry::open(folder + "/collector/registry.db");
    if (!registry.ok())
        return Message{folder + "/collector/registry.db: " + to_string(registry.error())};
    for (const std::string& tenant : request.tenants) {
        LH_TRY(make_tenant(request, tenant, root, *registry.value()));
    }
    LH_TRY(write_new_file(folder + "/collector/collector.toml", as_bytes(collector_toml(request)),
                          public_file_mode));
    LH_TRY(write_new_file(folder + "/ca.toml", as_bytes(ca_toml(request)), public_file_mode));
    LH_TRY(sync_file_system(folder));
    std::vector<collector::TrailFact> facts{
        fact("", "authority_made", request.environment, "", request.now)};
    for (const std::string& tenant : request.tenants)
        facts.push_back(fact(tenant, "tenant_added", tenant, "", request.now));
    return note(folder + "/collector/registry.db", facts);
}

Result<Authority, Message> read_authority(const std::string& folder, const std::string& tenant) {
    Authority authority;
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(folder + "/ca.toml"));
    authority.environment = file.root().text("environment");
    authority.server_name = file.root().text("server_name");
    authority.collector = file.root().text("collector");
    LH_TRY(file.finish());
    const std::string tenant_folder = folder + "/tenants/" + tenant;
    if (!collector::is_name_part(tenant) || !is_folder(tenant_folder)) {
        return Message{folder + ": there is no tenant \"" + tenant + "\""};
    }
    LH_TRY_ASSIGN(authority.root_certificate, read_text_file(folder + "/root.crt"));
    LH_TRY_ASSIGN(authority.tenant_certificate, read_text_file(tenant_folder + "/ca.crt"));
    LH_TRY_ASSIGN(const std::vector<std::byte> key, read_private_file(tenant_folder + "/ca.key"));
    authority.tenant_key = as_text(key);
    LH_TRY_ASSIGN(authority.sealing_certificate, read_text_file(tenant_folder + "/sealing.crt"));
    authority.registry = folder + "/collector/registry.db";
    return authority;
}

}  // namespace longhaul::tools
