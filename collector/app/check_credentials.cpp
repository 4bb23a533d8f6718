// Certificates, keys and registry, as `longhaul-collector check` looks at them.
#include <sys/stat.h>

#include <algorithm>

#include "collector/app/check.hpp"
#include "collector/app/credentials.hpp"
#include "common/base/civil_time.hpp"
#include "common/host/files.hpp"

namespace longhaul::collector {
namespace {

constexpr std::int64_t day_us = 86'400'000'000;

// A secret that others may read has an exit code of its own.
int exit_code_of_secret(const std::string& path) {
    struct stat file{};
    return ::stat(path.c_str(), &file) == 0 && (file.st_mode & 077) != 0 ? exit_denied
                                                                         : exit_configuration;
}

void check_expiry(const char* about, const std::string& path, const Certificate& certificate,
                  WallUs now, Findings& findings) {
    if (const auto dates = check_dates(path, certificate, now); !dates.ok())
        return findings.problem(about, dates.error().text, exit_configuration);
    const std::int64_t days = (certificate.not_after().value - now.value) / day_us;
    const std::string text = path + ": " + certificate.subject() + ", valid until " +
                             date_text(certificate.not_after()) + ", " + std::to_string(days) +
                             " days";
    if (days < expiry_warning_days) return findings.warning(about, text + ": renew it now");
    findings.in_order(about, text);
}

void check_server(const CollectorConfig& config, WallUs now, Findings& findings) {
    const auto key_pem = read_private_file(config.key);
    if (!key_pem.ok())
        findings.problem("key", key_pem.error().text, exit_code_of_secret(config.key));
    const auto pem = longhaul::read_file(config.certificate);
    if (!pem.ok()) return findings.problem("certificate", pem.error().text, exit_configuration);
    const auto certificate = Certificate::parse(pem.value());
    if (!certificate.ok()) {
        return findings.problem("certificate",
                                config.certificate + ": " + to_string(certificate.error()),
                                exit_configuration);
    }
    check_expiry("certificate", config.certificate, certificate.value(), now, findings);
    if (!key_pem.ok()) return;
    const auto pair =
        check_pair(config.certificate, certificate.value(), config.key, as_text(key_pem.value()));
    if (!pair.ok()) return findings.problem("key", pair.error().text, exit_configuration);
    findings.in_order("key", config.key + ": belongs to the certificate");
}

// Of a gateway.
void check_no_sealing_keys(const CollectorConfig& config, Findings& findings) {
    const auto opened = sealing_ids_of_gateway(config);
    if (!opened.ok())
        return findings.problem("sealing key", opened.error().text, exit_configuration);
    findings.in_order("sealing key", config.sealing_keys + ": no key, as a gateway should, and " +
                                         std::to_string(opened.value().size()) + " to seal for");
}

void check_sealing_keys(const CollectorConfig& config, Findings& findings) {
    const std::string& folder = config.sealing_keys;
    const auto files = paths_in(folder);
    if (!files.ok()) return findings.problem("sealing key", files.error().text, exit_configuration);
    std::size_t sound = 0;
    bool any = false;
    for (const std::string& path : files.value()) {
        if (!path.ends_with(".key")) continue;
        any = true;
        const auto pem = read_private_file(path);
        if (!pem.ok()) {
            findings.problem("sealing key", pem.error().text, exit_code_of_secret(path));
        } else if (const auto key = private_key_of(as_text(pem.value())); !key.ok()) {
            findings.problem("sealing key", path + ": " + to_string(key.error()),
                             exit_configuration);
        } else {
            ++sound;
        }
    }
    if (!any) {
        return findings.problem(
            "sealing key",
            folder + ": there is no sealing key (<id>.key), so no block can be opened",
            exit_configuration);
    }
    findings.in_order("sealing key",
                      folder + ": " + std::to_string(sound) + (sound == 1 ? " key" : " keys"));
}

void check_registry(const CollectorConfig& config, WallUs now, Findings& findings) {
    const std::string& path = config.registry;
    const auto problem = [&](const std::string& text) {
        findings.problem("registry", path + ": " + text, exit_configuration);
    };
    const auto there = is_there(path);
    if (!there.ok()) return findings.problem("registry", there.error().text, exit_configuration);
    if (!there.value()) return problem("there is no registry; make one with `longhaul ca init`");
    const auto registry = Registry::open(path);
    if (!registry.ok()) return problem(to_string(registry.error()));
    const auto tenants = registry.value()->tenants();
    if (!tenants.ok()) return problem(to_string(tenants.error()));
    if (tenants.value().empty()) return problem("there is no tenant in it");
    for (const Tenant& tenant : tenants.value()) {
        const auto authority = Certificate::parse(as_bytes(tenant.authority_pem));
        if (!authority.ok()) {
            problem("the certificate of tenant \"" + tenant.name + "\" cannot be read");
        } else {
            check_expiry("registry", path + ": tenant \"" + tenant.name + "\"", authority.value(),
                         now, findings);
        }
    }
}

// Why an authority issues nothing, though its files are here; empty: it issues.
std::string why_idle(const CollectorConfig& config, const std::string& name, const Issuer& issuer) {
    const auto registry = Registry::open(config.registry);
    if (!registry.ok()) return "";  // told already
    const auto tenants = registry.value()->tenants();
    if (!tenants.ok()) return "";
    const auto is_in = [](const std::vector<std::string>& pems, const std::string& pem) {
        return std::any_of(pems.begin(), pems.end(), [&pem](const std::string& each) {
            const auto listed = certificates_in(each);
            return !listed.empty() && listed.front() == pem;
        });
    };
    for (const Tenant& tenant : tenants.value()) {
        if (tenant.name != name) continue;
        if (!is_in(tenant.enrolment_pem, issuer.certificate_pem()))
            return "the registry does not list it: it was revoked, or made for another registry";
        if (is_in({tenant.authority_pem}, issuer.tenant_pem())) return "";
        if (is_in(tenant.older_pem, issuer.tenant_pem()))
            return "it is below an older authority of the tenant, so devices of the newer one are "
                   "not renewed";
        return "the authority above it was cut off";
    }
    return "there is no such tenant in the registry";
}

// Nothing to say where nobody enrols and nothing is renewed.
void check_enrolment(const CollectorConfig& config, WallUs now, Findings& findings) {
    const auto issuers = Issuers::load(config.enrolment);
    if (!issuers.ok())
        return findings.problem("enrolment", issuers.error().text, exit_configuration);
    for (const auto& [tenant, issuer] : issuers.value().by_tenant) {
        const auto authority = Certificate::parse(as_bytes(issuer.certificate_pem()));
        if (authority.ok())
            check_expiry("enrolment", config.enrolment + "/" + tenant + ".crt", authority.value(),
                         now, findings);
        if (const std::string idle = why_idle(config, tenant, issuer); !idle.empty()) {
            findings.warning("enrolment", config.enrolment + "/" + tenant + ".crt: " + idle +
                                              "; make a new one with `longhaul tenant enrolment " +
                                              tenant + "`, or take its files away");
        }
    }
    if (!config.enrolment_listen.empty() && issuers.value().by_tenant.empty()) {
        findings.problem("enrolment",
                         config.enrolment +
                             ": there is no enrolment authority; make one with "
                             "`longhaul tenant enrolment`",
                         exit_configuration);
    }
}

}  // namespace

void check_credentials(const CollectorConfig& config, WallUs now, Findings& findings) {
    check_server(config, now, findings);
    if (config.gateway)
        check_no_sealing_keys(config, findings);
    else
        check_sealing_keys(config, findings);
    check_registry(config, now, findings);
    check_enrolment(config, now, findings);
}

}  // namespace longhaul::collector
