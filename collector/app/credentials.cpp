#include "collector/app/credentials.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "common/base/civil_time.hpp"
#include "common/host/files.hpp"

namespace longhaul::collector {
namespace {

// The file in one of the folders whose key is the certificate's.
std::optional<std::string> key_that_fits(const PublicKey& wanted,
                                         const std::vector<std::filesystem::path>& folders) {
    for (const std::filesystem::path& folder : folders) {
        const auto files = paths_in(folder.string());
        if (!files.ok()) continue;
        for (const std::string& file : files.value()) {
            std::error_code gone;
            if (!std::filesystem::is_regular_file(file, gone)) continue;
            const auto pem = longhaul::read_file(file);
            if (!pem.ok()) continue;
            const auto key = private_key_of(as_text(pem.value()));
            if (!key.ok()) continue;
            const auto fits = public_key_of(key.value());
            if (fits.ok() && fits.value() == wanted)
                return std::filesystem::path{file}.filename().string();
        }
    }
    return std::nullopt;
}

bool issued_by_one_of(const Certificate& certificate, const std::vector<Tenant>& tenants) {
    for (const Tenant& tenant : tenants) {
        std::vector<std::string> authorities = tenant.older_pem;
        authorities.push_back(tenant.authority_pem);
        // Keys outlive those who signed for them.
        authorities.insert(authorities.end(), tenant.cut_off_pem.begin(), tenant.cut_off_pem.end());
        for (const std::string& pem : authorities) {
            const auto authority = Certificate::parse(as_bytes(pem));
            if (authority.ok() && certificate.issued_by(authority.value()).ok()) return true;
        }
    }
    return false;
}

Result<void, Message> load_sealing_keys(const std::string& folder, KeyRing& keys) {
    LH_TRY_ASSIGN(const std::vector<std::string> files, paths_in(folder));
    for (const std::string& path : files) {
        if (!path.ends_with(".key")) continue;
        LH_TRY_ASSIGN(const std::vector<std::byte> pem, read_private_file(path));
        const auto key = private_key_of(as_text(pem));
        if (!key.ok()) return Message{path + ": " + to_string(key.error())};
        if (const Status added = keys.add(key.value()); !added.ok()) {
            return Message{path + ": " + to_string(added.error())};
        }
    }
    if (keys.size() == 0)
        return Message{folder + ": there is no sealing key (<id>.key), so no block can be opened"};
    return {};
}

// A gateway has to know what devices may seal for, and not more: the certificates, as the tenants'
// authorities issued them.
Result<void, Message> load_sealing_certificates(const std::string& folder,
                                                const std::vector<Tenant>& tenants,
                                                std::set<SealingKeyId>& ids) {
    LH_TRY_ASSIGN(const std::vector<std::string> files, paths_in(folder));
    for (const std::string& path : files) {
        if (path.ends_with(".key")) {
            return Message{path +
                           ": a gateway must not be able to open blocks; take the key away, its "
                           ".crt is enough"};
        }
        if (!path.ends_with(".crt")) continue;
        LH_TRY_ASSIGN(const std::string pem, read_text_file(path));
        const auto certificate = Certificate::parse(as_bytes(pem));
        if (!certificate.ok()) return Message{path + ": " + to_string(certificate.error())};
        const auto key = certificate.value().public_key();
        if (!key.ok()) return Message{path + ": " + to_string(key.error())};
        if (!issued_by_one_of(certificate.value(), tenants))
            return Message{path + ": was issued by no authority of the registry"};
        ids.insert(sealing_key_id(key.value()));
    }
    if (!ids.empty()) return {};
    return Message{folder + ": there is no certificate of a sealing key (<id>.crt)"};
}

void parse_each(const std::vector<std::string>& pems, std::vector<Certificate>& out) {
    for (const std::string& pem : pems)
        if (auto certificate = Certificate::parse(as_bytes(pem)); certificate.ok())
            out.push_back(std::move(certificate).value());
}

// Of each authority the newest certificate that somebody here can open for. What cannot be read, or
// is of nobody, is nothing to offer; `longhaul-collector check` and the gateway complain of it.
Result<SealingOffers, Message> sealing_offers(const std::string& folder,
                                              const Credentials& credentials) {
    LH_TRY_ASSIGN(const std::vector<std::string> files, paths_in(folder));
    std::vector<Certificate> authorities;
    std::vector<Certificate> enrolment_authorities;
    for (const Tenant& tenant : credentials.tenants) {
        std::vector<std::string> its = tenant.older_pem;
        its.push_back(tenant.authority_pem);
        parse_each(its, authorities);
        parse_each(tenant.enrolment_pem, enrolment_authorities);
    }
    SealingOffers offers;
    std::map<Sha256, std::pair<WallUs, SealingKeyId>> newest;
    for (const std::string& path : files) {
        if (!path.ends_with(".crt")) continue;
        LH_TRY_ASSIGN(const std::string pem, read_text_file(path));
        const auto certificate = Certificate::parse(as_bytes(pem));
        if (!certificate.ok()) continue;
        const Bytes der = certificate.value().der();
        const auto key = certificate.value().public_key();
        if (!key.ok() || der.size() > limits::sealing_certificate_bytes_max) continue;
        const std::pair age{certificate.value().not_before(), sealing_key_id(key.value())};
        if (!credentials.sealing_ids.contains(age.second)) continue;
        for (const Certificate& authority : authorities) {
            if (!certificate.value().issued_by(authority).ok()) continue;
            const Sha256 of = sha256(authority.der());
            if (newest.contains(of) && age < newest[of]) continue;
            newest[of] = age;
            offers[of] = {age.second, {der.begin(), der.end()}};
        }
    }
    // Devices that enrolled have the tenant's authority behind the one that issued theirs.
    for (const Certificate& below : enrolment_authorities) {
        for (const Certificate& authority : authorities) {
            const auto offer = offers.find(sha256(authority.der()));
            if (offer == offers.end() || !below.issued_by(authority).ok()) continue;
            offers[sha256(below.der())] = offer->second;
            break;
        }
    }
    return offers;
}

// Of certificates that cannot be read, or are of nobody, there is nothing to say.
Result<SealingTenants, Message> sealing_tenants(const std::string& folder,
                                                const std::vector<Tenant>& tenants) {
    LH_TRY_ASSIGN(const std::vector<std::string> files, paths_in(folder));
    SealingTenants whose;
    for (const std::string& path : files) {
        if (!path.ends_with(".crt")) continue;
        LH_TRY_ASSIGN(const std::string pem, read_text_file(path));
        const auto certificate = Certificate::parse(as_bytes(pem));
        const auto key = certificate.ok() ? certificate.value().public_key()
                                          : Result<PublicKey>{certificate.error()};
        if (!key.ok()) continue;
        for (const Tenant& tenant : tenants)
            if (issued_by_one_of(certificate.value(), {tenant}))
                whose[sealing_key_id(key.value())] = tenant.name;
    }
    return whose;
}

Result<void, Message> open_registry(const CollectorConfig& config, Credentials& credentials,
                                    TlsSettings& tls, Entrance& entrance) {
    LH_TRY_ASSIGN(const bool there, is_there(config.registry));
    if (!there) {
        return Message{config.registry +
                       ": there is no registry; make one with `longhaul ca init`"};
    }
    auto registry = Registry::open(config.registry);
    if (!registry.ok()) return Message{config.registry + ": " + to_string(registry.error())};
    entrance.registry = std::move(registry).value();
    auto tenants = entrance.registry->tenants();
    if (!tenants.ok()) return Message{config.registry + ": " + to_string(tenants.error())};
    if (tenants.value().empty()) return Message{config.registry + ": there is no tenant in it"};
    credentials.tenants = std::move(tenants).value();
    for (const Tenant& tenant : credentials.tenants) {
        const std::vector<std::string> authorities = tenant.all_pem();
        tls.authorities_pem.insert(tls.authorities_pem.end(), authorities.begin(),
                                   authorities.end());
    }
    auto models = entrance.registry->models();
    if (!models.ok()) return Message{config.registry + ": " + to_string(models.error())};
    credentials.models = std::make_unique<ModelShelf>();
    credentials.models->add(std::move(models).value());
    LH_TRY_ASSIGN(entrance.admission, Admission::make(config.environment, *entrance.registry));
    return {};
}

void add_hashes(const std::vector<Certificate>& of, std::set<Sha256>& to) {
    for (const Certificate& each : of) to.insert(sha256(each.der()));
}

// An authority that the registry does not list, or whose authority above it was cut off, issues
// nothing, for nobody would be let in by it: false. Those that are of the same authority of the
// tenant, enrolment authorities with them, have their devices renewed; if that is the tenant's
// newest, the devices of all others of the tenant come over to it.
bool note_renewed(const Issuer& issuer, const Tenant& tenant, EnrolmentDesk& desk) {
    const auto& listed = tenant.enrolment_pem;
    if (std::find(listed.begin(), listed.end(), issuer.certificate_pem()) == listed.end())
        return false;
    std::vector<Certificate> accepted;
    std::vector<Certificate> enrolment;
    parse_each({tenant.authority_pem}, accepted);
    parse_each(tenant.older_pem, accepted);
    parse_each(listed, enrolment);
    const auto own = Certificate::parse(as_bytes(issuer.certificate_pem()));
    const auto above = std::find_if(accepted.begin(), accepted.end(), [&](const Certificate& each) {
        return own.ok() && own.value().issued_by(each).ok();
    });
    if (above == accepted.end()) return false;
    std::set<Sha256> beside{sha256(above->der())};
    for (const Certificate& each : enrolment)
        if (each.issued_by(*above).ok()) beside.insert(sha256(each.der()));
    if (above == accepted.begin()) {
        add_hashes(accepted, desk.rotated);
        add_hashes(enrolment, desk.rotated);
        for (const Sha256& each : beside) desk.rotated.erase(each);
    }
    desk.renewed.merge(beside);
    return true;
}

// An authority by which nobody would be let in issues nothing.
Result<void, Message> open_enrolment(const CollectorConfig& config, const TlsSettings& server,
                                     Credentials& credentials) {
    auto entrance = std::make_shared<EnrolmentEntrance>();
    EnrolmentDesk& desk = entrance->desk;
    LH_TRY_ASSIGN(desk.issuers, Issuers::load(config.enrolment));
    std::erase_if(desk.issuers.by_tenant, [&](const auto& each) {
        for (const Tenant& tenant : credentials.tenants)
            if (tenant.name == each.first) return !note_renewed(each.second, tenant, desk);
        return true;
    });
    desk.environment = config.environment;
    desk.certificate_days = static_cast<int>(config.certificate_days);
    desk.collector = config.enrolment_collector.empty()
                         ? config.listen.substr(config.listen.rfind(':'))
                         : config.enrolment_collector;
    if (!config.enrolment_listen.empty()) {
        if (desk.issuers.root_pem.empty()) {
            return Message{config.enrolment +
                           ": there is no enrolment authority; make one with `longhaul tenant "
                           "enrolment`, or take enrolment.listen out of the configuration"};
        }
        TlsSettings tls;
        tls.certificate_pem = server.certificate_pem + desk.issuers.root_pem;
        tls.key_pem = server.key_pem;
        tls.for_enrolment = true;
        LH_TRY_ASSIGN(entrance->tls, TlsContext::make(tls));
    }
    credentials.enrolment = std::move(entrance);
    return {};
}

}  // namespace

Result<void, Message> check_pair(const std::string& certificate_path,
                                 const Certificate& certificate, const std::string& key_path,
                                 std::string_view key_pem) {
    const auto wanted = certificate.public_key();
    if (!wanted.ok()) return Message{certificate_path + ": " + to_string(wanted.error())};
    const auto key = private_key_of(key_pem);
    if (!key.ok()) return Message{key_path + ": " + to_string(key.error())};
    const auto found = public_key_of(key.value());
    if (found.ok() && found.value() == wanted.value()) return {};
    const std::filesystem::path key_file{key_path};
    const std::filesystem::path certificate_file{certificate_path};
    const auto fits =
        key_that_fits(wanted.value(), {key_file.parent_path(), certificate_file.parent_path()});
    return Message{key_path + ": does not belong to " + certificate_file.filename().string() +
                   (fits ? "; " + *fits + " does" : ", and no file beside it does")};
}

Result<void, Message> check_dates(const std::string& path, const Certificate& certificate,
                                  WallUs now) {
    if (now > certificate.not_after())
        return Message{path + ": expired on " + date_text(certificate.not_after()) + "; renew it"};
    if (now < certificate.not_before()) {
        return Message{path + ": is not valid before " + date_text(certificate.not_before()) +
                       "; is this machine's clock right?"};
    }
    return {};
}

Result<std::set<SealingKeyId>, Message> sealing_ids_of_gateway(const CollectorConfig& config) {
    auto registry = Registry::open(config.registry);
    if (!registry.ok()) return Message{config.registry + ": " + to_string(registry.error())};
    const auto tenants = registry.value()->tenants();
    if (!tenants.ok()) return Message{config.registry + ": " + to_string(tenants.error())};
    std::set<SealingKeyId> ids;
    LH_TRY(load_sealing_certificates(config.sealing_keys, tenants.value(), ids));
    return ids;
}

Result<Credentials, Message> open_credentials(const CollectorConfig& config, WallUs now) {
    Credentials credentials;
    Entrance entrance;
    TlsSettings tls;
    LH_TRY_ASSIGN(tls.certificate_pem, read_text_file(config.certificate));
    LH_TRY_ASSIGN(const std::vector<std::byte> key, read_private_file(config.key));
    tls.key_pem = as_text(key);
    const auto certificate = Certificate::parse(as_bytes(tls.certificate_pem));
    if (!certificate.ok())
        return Message{config.certificate + ": " + to_string(certificate.error())};
    credentials.certificate = sha256(certificate.value().der());
    credentials.certificate_expires = certificate.value().not_after();
    LH_TRY(check_dates(config.certificate, certificate.value(), now));
    LH_TRY(check_pair(config.certificate, certificate.value(), config.key, tls.key_pem));
    LH_TRY(open_registry(config, credentials, tls, entrance));
    entrance.tickets = tls.tickets = std::make_shared<Tickets>();
    LH_TRY_ASSIGN(entrance.tls, TlsContext::make(tls));
    LH_TRY(open_enrolment(config, tls, credentials));
    credentials.keys = std::make_unique<KeyRing>();
    if (config.gateway) {
        LH_TRY(load_sealing_certificates(config.sealing_keys, credentials.tenants,
                                         credentials.sealing_ids));
    } else {
        LH_TRY(load_sealing_keys(config.sealing_keys, *credentials.keys));
        for (const SealingKeyId& id : credentials.keys->ids()) credentials.sealing_ids.insert(id);
    }
    LH_TRY_ASSIGN(entrance.sealing, sealing_offers(config.sealing_keys, credentials));
    LH_TRY_ASSIGN(entrance.sealing_tenants,
                  sealing_tenants(config.sealing_keys, credentials.tenants));
    credentials.entrance = std::make_shared<const Entrance>(std::move(entrance));
    return credentials;
}

}  // namespace longhaul::collector
