#include "firmware-sim/fleet/fleet_site.hpp"

#include <poll.h>

#include "agent/platform/linux/linux_ports.hpp"
#include "agent/platform/linux/tcp_link.hpp"
#include "collector/registry/certificate.hpp"
#include "common/host/config.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/collector_files.hpp"
#include "tools/longhaul/device_folder.hpp"

namespace longhaul::sim {
namespace {

constexpr std::int64_t reach_ms_max = 5000;

Result<std::string, Message> lake_of(const std::string& config) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(config));
    const std::string path = file.table("lake").path("path");
    LH_TRY(file.finish(UnknownKeys::ignored));
    return path;
}

Result<collector::Certificate, Message> parse(const std::string& pem, const std::string& what) {
    auto certificate = collector::Certificate::parse(as_bytes(pem));
    if (!certificate.ok())
        return Message{what + " cannot be read: " + to_string(certificate.error())};
    return std::move(certificate).value();
}

// All but one in 2^32 of the random scalars are a private key.
Result<PrivateKey> draw_key() {
    PrivateKey key;
    do LH_TRY(random_bytes(key.bytes));
    while (!public_key_of(key).ok());
    return key;
}

}  // namespace

Result<FleetSite, Message> FleetSite::open(const FleetPlace& place) {
    FleetSite site;
    site.place_ = place;
    LH_TRY_ASSIGN(site.authority_, tools::read_authority(place.folder, place.tenant));
    if (site.place_.collector.empty()) site.place_.collector = site.authority_.collector;
    if (!agent::TcpLink::valid_address(site.place_.collector))
        return Message{"the collector's address \"" + site.place_.collector +
                       "\" is not host:port"};
    LH_TRY_ASSIGN(site.lake_, lake_of(place.folder + "/collector/collector.toml"));
    LH_TRY_ASSIGN(const auto issuer,
                  parse(site.authority_.tenant_certificate, "the tenant's certificate"));
    site.issuer_der_.assign(issuer.der().begin(), issuer.der().end());
    LH_TRY_ASSIGN(const auto sealing,
                  parse(site.authority_.sealing_certificate, "the tenant's sealing certificate"));
    const auto key = sealing.public_key();
    if (!key.ok()) return Message{"the tenant's sealing key: " + to_string(key.error())};
    site.sealing_key_ = key.value();
    const Bytes root = as_bytes(site.authority_.root_certificate);
    site.root_pem_.assign(root.begin(), root.end());
    site.root_pem_.push_back({});
    return site;
}

Result<void, Message> FleetSite::reach() const {
    agent::TcpLink link{place_.collector};
    const MonotonicMs end = agent::monotonic_now() + reach_ms_max;
    static_cast<void>(link.open(agent::monotonic_now()));
    while (link.poll(agent::monotonic_now()) == agent::LinkState::opening &&
           agent::monotonic_now() < end) {
        pollfd ready{link.descriptor(), POLLOUT, 0};
        static_cast<void>(::poll(&ready, 1, 100));
    }
    if (link.poll(agent::monotonic_now()) == agent::LinkState::open) return {};
    const std::string why = *link.last_error() == '\0' ? "no answer" : link.last_error();
    return Message{place_.collector + ": " + why + ". Start the collector there: " +
                   "longhaul-collector run --config " + place_.folder +
                   "/collector/collector.toml, or name another one with --collector"};
}

Result<FleetIdentity, Message> FleetSite::make_identity(const std::string& name, WallUs now) const {
    const auto key = draw_key();
    if (!key.ok()) return Message{"no random bytes"};
    collector::CertificateRequest request;
    request.subject = name;
    request.subject_public = public_key_of(key.value()).value();
    request.uri = collector::device_uri({authority_.environment, place_.tenant, name});
    request.days = tools::device_days;
    request.now = now;
    request.issuer_key_pem = authority_.tenant_key;
    request.issuer_pem = authority_.tenant_certificate;
    const auto pem = collector::issue_certificate(request);
    if (!pem.ok()) return Message{name + ": " + to_string(pem.error())};
    LH_TRY_ASSIGN(const auto certificate, parse(pem.value(), "the certificate of " + name));
    const auto kept = keep_signing_key(key.value());
    if (!kept.ok()) return Message{name + ": its key cannot be kept: " + to_string(kept.error())};
    const Bytes der = certificate.der();
    return FleetIdentity{name, {key.value(), {der.begin(), der.end()}}, kept.value()};
}

Result<std::vector<FleetIdentity>, Message> FleetSite::make_identities(
    const std::string& prefix, std::size_t count, WallUs now, const Progress& progress) const {
    LH_TRY_ASSIGN(const auto registry, tools::open_registry(authority_.registry));
    tools::DeviceRequest request;
    request.tenant = place_.tenant;
    request.now = now;
    std::vector<FleetIdentity> made;
    for (std::size_t i = 0; i < count; ++i) {
        request.names.push_back(prefix + "-" + std::to_string(i));
        if (!collector::is_name_part(request.names.back()))
            return Message{"device \"" + request.names.back() +
                           "\": a name has 1 to 48 of a-z, 0-9 and -"};
        LH_TRY_ASSIGN(FleetIdentity identity, make_identity(request.names.back(), now));
        made.push_back(std::move(identity));
        if (progress) progress(i + 1);
    }
    LH_TRY(tools::allow_new_devices(*registry, authority_, request,
                                    "an identity for longhaul-sim fleet"));
    return made;
}

}  // namespace longhaul::sim
