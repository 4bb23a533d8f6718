#include "tools/longhaul/enrolment.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <set>
#include <sstream>

#include "collector/registry/enrolment_codes.hpp"
#include "common/base/civil_time.hpp"
#include "common/host/config.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/authority.hpp"
#include "tools/longhaul/collector_files.hpp"
#include "tools/longhaul/issuing.hpp"
#include "tools/longhaul/trail_command.hpp"

namespace longhaul::tools {

using collector::Certificate;
using collector::EnrolmentCode;
using collector::EnrolmentCodes;

namespace {

constexpr int enrolment_days = 1095;

// What a code needs to know of the collector.
struct EnrolmentSite {
    std::string registry;
    std::string listen;
    CollectorFingerprint fingerprint{};
};

Result<Certificate, Message> read_certificate(const std::string& path) {
    LH_TRY_ASSIGN(const std::string pem, read_text_file(path));
    auto certificate = Certificate::parse(as_bytes(pem));
    if (!certificate.ok()) return Message{path + ": " + to_string(certificate.error())};
    return std::move(certificate).value();
}

Result<EnrolmentSite, Message> read_site(const std::string& config) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(config));
    ConfigTable collector = file.table("collector");
    ConfigTable enrolment = file.table("enrolment");
    EnrolmentSite site;
    site.registry = collector.path("registry", "registry.db");
    const std::string server = collector.path("certificate");
    site.listen = enrolment.text("listen", "");
    const std::string authorities = enrolment.path("authorities", "enrolment");
    LH_TRY(file.finish(UnknownKeys::ignored));
    LH_TRY_ASSIGN(const bool there, is_there(authorities + "/root.crt"));
    if (!there) {
        return Message{authorities +
                       ": there is no enrolment authority; make one with `longhaul tenant "
                       "enrolment`"};
    }
    LH_TRY_ASSIGN(const Certificate certificate, read_certificate(server));
    LH_TRY_ASSIGN(const Certificate root, read_certificate(authorities + "/root.crt"));
    const std::string name = certificate.server_name();
    if (name.empty()) return Message{server + ": is not for one name of a server"};
    site.fingerprint = collector_fingerprint(name, root.der());
    return site;
}

Result<std::unique_ptr<EnrolmentCodes>, Message> open_codes(const std::string& registry) {
    LH_TRY(open_registry(registry));
    auto codes = EnrolmentCodes::open(registry);
    if (!codes.ok()) return Message{registry + ": " + to_string(codes.error())};
    return std::move(codes).value();
}

// Where devices would not find the collector is not said in a code.
std::string default_address(const std::string& listen) {
    const bool anywhere = listen.empty() || listen.starts_with("0.0.0.0:") ||
                          listen.starts_with("[::]:") || listen.ends_with(":0");
    return anywhere ? std::string{} : listen;
}

struct NewCode {
    EnrolmentCode kept;
    JoinCode code;
};

Result<NewCode, Message> new_code(const CodeRequest& request, const EnrolmentSite& site,
                                  const std::string& device) {
    LH_TRY_ASSIGN(const std::int64_t valid_us, parse_duration(request.valid));
    if (request.uses < 1 || request.uses > 1'000'000) return Message{"--uses: 1 to 1000000"};
    if (!device.empty() && !collector::is_name_part(device))
        return Message{"device \"" + device + "\": a name has 1 to 48 of a-z, 0-9 and -"};
    NewCode made;
    made.code.fingerprint = site.fingerprint;
    made.code.address = request.address.empty() ? default_address(site.listen) : request.address;
    if (!random_bytes(made.code.id).ok() || !random_bytes(made.code.secret).ok())
        return Message{"no random bytes"};
    made.kept = {made.code.id, sha256(made.code.secret),      request.tenant, device, request.uses,
                 request.now,  {request.now.value + valid_us}};
    return made;
}

Result<void, Message> keep(const EnrolmentSite& site, const std::vector<NewCode>& codes,
                           WallUs now) {
    LH_TRY_ASSIGN(const auto registry, open_codes(site.registry));
    std::vector<EnrolmentCode> kept;
    std::vector<collector::TrailFact> facts;
    for (const NewCode& each : codes) {
        kept.push_back(each.kept);
        const std::string whom =
            each.kept.device.empty() ? "new devices" : "device " + each.kept.device;
        facts.push_back(fact(each.kept.tenant, "code_made", text_of(each.code.id),
                             "for " + whom + ", uses: " + std::to_string(each.kept.uses_left) +
                                 ", until " + timestamp_text_ms(each.kept.expires),
                             now));
    }
    const Status added = registry->add(kept);
    if (!added.ok() && added.error() == ErrorCode::not_found)
        return Message{"there is no tenant \"" + codes.front().kept.tenant + "\""};
    if (!added.ok()) return Message{site.registry + ": " + to_string(added.error())};
    return note(site.registry, facts);
}

struct Serial {
    std::string number;
    std::string name;
};

std::string without_spaces(const std::string& text) {
    const std::size_t begin = text.find_first_not_of(" \t\r");
    if (begin == std::string::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

Result<std::vector<Serial>, Message> read_serials(const std::string& path) {
    LH_TRY_ASSIGN(const std::string text, read_text_file(path));
    std::vector<Serial> serials;
    std::set<std::string> seen;
    std::istringstream lines{text};
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        const std::string kept = without_spaces(line);
        if (kept.empty() || kept[0] == '#' || kept == "serial" || kept.starts_with("serial,"))
            continue;
        const std::size_t comma = kept.find(',');
        Serial serial{without_spaces(kept.substr(0, comma)), ""};
        if (comma != std::string::npos) serial.name = without_spaces(kept.substr(comma + 1));
        if (serial.name.empty()) {
            serial.name = serial.number;
            std::transform(serial.name.begin(), serial.name.end(), serial.name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        }
        const std::string where = path + ":" + std::to_string(number) + ": ";
        if (!collector::is_name_part(serial.name)) {
            return Message{where + "\"" + serial.name +
                           "\" cannot be a device's name (1 to 48 of a-z, 0-9 and -); write "
                           "serial,name"};
        }
        if (!seen.insert(serial.name).second)
            return Message{where + "\"" + serial.name + "\" is there twice"};
        serials.push_back(std::move(serial));
    }
    if (serials.empty()) return Message{path + ": names no device"};
    return serials;
}

}  // namespace

Result<std::int64_t, Message> parse_duration(const std::string& text) {
    const Message refused{"\"" + text + "\" is no duration; write 15m, 2h or 30d, a year at most"};
    std::int64_t count = 0;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, count);
    if (read.ec != std::errc{} || read.ptr + 1 != end || count < 1 || count > 1'000'000)
        return refused;
    constexpr std::int64_t minute_us = 60'000'000;
    constexpr std::int64_t day_us = 24 * 60 * minute_us;
    const std::int64_t unit_us = *read.ptr == 'm'   ? minute_us
                                 : *read.ptr == 'h' ? 60 * minute_us
                                 : *read.ptr == 'd' ? day_us
                                                    : 0;
    if (unit_us == 0 || count * unit_us > 366 * day_us) return refused;
    return count * unit_us;
}

// The registry is first: what the authority issues is good from the first one on.
Result<void, Message> make_enrolment(const std::string& folder, const std::string& tenant,
                                     WallUs now) {
    LH_TRY_ASSIGN(const Authority authority, read_authority(folder, tenant));
    const KeyPair above{authority.tenant_key, authority.tenant_certificate};
    collector::CertificateRequest request;
    request.subject = tenant + " enrolment";
    request.authority = true;
    request.path_length = 0;
    request.days = enrolment_days;
    LH_TRY_ASSIGN(const KeyPair pair, issue(request, &above, now));
    LH_TRY_ASSIGN(const auto registry, open_registry(authority.registry));
    if (const Status added = registry->add_enrolment_authority(tenant, pair.certificate);
        !added.ok())
        return Message{authority.registry + ": " + to_string(added.error())};
    const std::string its = folder + "/collector/enrolment";
    const auto files = [&]() -> Result<void, Message> {
        LH_TRY(make_folders(its, private_folder_mode));
        LH_TRY(replace_file(its + "/root.crt", as_bytes(authority.root_certificate),
                            public_file_mode));
        LH_TRY(replace_file(its + "/" + tenant + ".sealing.crt",
                            as_bytes(authority.sealing_certificate), public_file_mode));
        return replace_pair(its + "/" + tenant,
                            {pair.key, pair.certificate + authority.tenant_certificate});
    }();
    return note_after(files, authority.registry,
                      {fact(tenant, "enrolment_authority_made", tenant, "", now)});
}

Result<bool, Message> renew_enrolment(const std::string& folder, const std::string& tenant,
                                      WallUs now) {
    const std::string path = folder + "/collector/enrolment/" + tenant + ".crt";
    LH_TRY_ASSIGN(const bool there, is_there(path));
    if (!there) return false;
    LH_TRY_ASSIGN(const std::string text, read_text_file(path));
    const auto chain = collector::certificates_in(text);
    LH_TRY_ASSIGN(const auto registry, open_registry(registry_of(folder)));
    const auto tenants = registry->tenants();
    if (!tenants.ok()) return Message{registry_of(folder) + ": " + to_string(tenants.error())};
    for (const collector::Tenant& each : tenants.value()) {
        const auto& listed = each.enrolment_pem;
        if (each.name != tenant || chain.empty() ||
            std::find(listed.begin(), listed.end(), chain.front()) == listed.end())
            continue;
        LH_TRY(make_enrolment(folder, tenant, now));
        return true;
    }
    return false;
}

Result<int, Message> drop_enrolment(const std::string& folder, const std::string& tenant,
                                    WallUs now) {
    const std::string path = registry_of(folder);
    LH_TRY_ASSIGN(const auto registry, open_registry(path));
    const auto dropped = registry->drop_enrolment_authorities(tenant);
    if (!dropped.ok()) return Message{path + ": " + to_string(dropped.error())};
    if (dropped.value() == 0)
        return Message{"tenant \"" + tenant + "\" has no enrolment authority"};
    LH_TRY(note(path, {fact(tenant, "enrolment_authority_revoked", tenant,
                            "what it issued is not accepted any more", now)}));
    return dropped.value();
}

Result<std::string, Message> make_code(const CodeRequest& request) {
    LH_TRY_ASSIGN(const EnrolmentSite site, read_site(request.config));
    LH_TRY_ASSIGN(const NewCode made, new_code(request, site, request.device));
    LH_TRY(keep(site, {made}, request.now));
    return text_of(made.code);
}

// The codes are good only once they are written down: a file that cannot be made leaves none.
Result<std::size_t, Message> make_batch(const CodeRequest& request, const std::string& list,
                                        const std::string& out) {
    LH_TRY_ASSIGN(const EnrolmentSite site, read_site(request.config));
    LH_TRY_ASSIGN(const std::vector<Serial> serials, read_serials(list));
    std::vector<NewCode> codes;
    std::string text = "serial,name,code\n";
    for (const Serial& serial : serials) {
        LH_TRY_ASSIGN(NewCode made, new_code(request, site, serial.name));
        text += serial.number + "," + serial.name + "," + text_of(made.code) + "\n";
        codes.push_back(std::move(made));
    }
    LH_TRY(write_new_file(out, as_bytes(text), private_file_mode));
    LH_TRY(sync_file_system(out));
    LH_TRY(keep(site, codes, request.now));
    return codes.size();
}

Result<void, Message> list_codes(const CodesOptions& options) {
    LH_TRY_ASSIGN(const std::string registry, registry_path(options.config));
    LH_TRY_ASSIGN(const auto open, open_codes(registry));
    const auto codes = open->list();
    if (!codes.ok()) return Message{registry + ": " + to_string(codes.error())};
    for (const EnrolmentCode& code : codes.value()) {
        const char* const state = code.revoked                 ? "revoked"
                                  : code.uses_left == 0        ? "used"
                                  : code.expires < options.now ? "expired"
                                                               : "open";
        std::printf("%s  %s/%s  %s  uses left: %lld  until %s\n", text_of(code.id).c_str(),
                    code.tenant.c_str(), code.device.empty() ? "*" : code.device.c_str(), state,
                    static_cast<long long>(code.uses_left),
                    timestamp_text_ms(code.expires).c_str());
    }
    return {};
}

Result<void, Message> revoke_code(const CodesOptions& options) {
    LH_TRY_ASSIGN(const std::string registry, registry_path(options.config));
    const auto id = parse_join_code_id(options.id);
    if (!id.ok())
        return Message{options.id + ": is not the id of a code, the eight characters behind LH1-"};
    LH_TRY_ASSIGN(const auto open, open_codes(registry));
    const auto codes = open->list();
    if (!codes.ok()) return Message{registry + ": " + to_string(codes.error())};
    const auto found =
        std::find_if(codes.value().begin(), codes.value().end(),
                     [&](const EnrolmentCode& code) { return code.id == id.value(); });
    if (found == codes.value().end()) return Message{options.id + ": there is no such code"};
    if (const Status revoked = open->revoke(id.value()); !revoked.ok())
        return Message{registry + ": " + to_string(revoked.error())};
    return note(registry, {fact(found->tenant, "code_revoked", options.id, "", options.now)});
}

}  // namespace longhaul::tools
