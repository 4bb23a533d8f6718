#include "agent/platform/linux/enroll_command.hpp"

#include <cstdio>
#include <cstring>
#include <optional>

#include "agent/platform/linux/enroll_link.hpp"
#include "agent/platform/linux/tcp_link.hpp"
#include "common/host/exit_codes.hpp"
#include "common/host/files.hpp"
#include "common/wire/join_code.hpp"

namespace longhaul::agent {
namespace {

using Done = Result<void, EnrollFailure>;

EnrollFailure cannot(const Message& message) { return {message.text, exit_check_failed}; }
EnrollFailure cannot(const Error& error) { return {to_string(error), exit_check_failed}; }

// The key of an earlier attempt, whose answer may have been lost; or a new one, on disk before
// anybody hears of it.
Result<std::string, EnrollFailure> key_in(const std::string& folder) {
    const std::string path = folder + "/device.key";
    const auto there = is_there(path);
    if (!there.ok()) return cannot(there.error());
    if (there.value()) {
        const auto kept = read_private_file(path);
        if (!kept.ok()) return cannot(kept.error());
        return std::string{as_text(kept.value())};
    }
    auto made = make_private_key();
    if (!made.ok()) return cannot(made.error());
    for (const auto& written :
         {replace_file(path, as_bytes(made.value()), private_file_mode), sync_file_system(path)})
        if (!written.ok()) return cannot(written.error());
    return std::move(made).value();
}

// "host:port" of the enrolment with another port, or what was told.
std::string collector_address(const std::string& told, const std::string& enrolment) {
    return told.starts_with(':') ? enrolment.substr(0, enrolment.rfind(':')) + told : told;
}

// As `longhaul device add` writes it. Names and addresses have been checked: nothing of them needs
// to be escaped.
std::string agent_toml(const longhaul_Enrolled& enrolled, const std::string& address,
                       const std::string& server_name) {
    return std::string{
               "# Made by `longhaul-agent enroll`; see `longhaul-agent config example` for all "
               "keys.\n"
               "[device]\nenvironment = \""} +
           enrolled.environment + "\"\ntenant = \"" + enrolled.tenant + "\"\nname = \"" +
           enrolled.device +
           "\"\ncertificate = \"device.crt\"\nkey = \"device.key\"\nsecret = \"device.secret\"\n"
           "root = \"root.crt\"\nsealing_key = \"sealing.crt\"\n\n[collector]\naddress = \"" +
           address + "\"\nserver_name = \"" + server_name +
           "\"\n\n[spool]\npath = \"spool.db\"\n\n[control]\nsocket = \"agent.sock\"\n\n"
           "[system]\ninterval_s = 60\n";
}

bool plain(std::string_view text) {
    return !text.empty() && text.find_first_not_of(
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTU"
                                "VWXYZ0123456789-.:[]_") == std::string_view::npos;
}

struct Folder {
    std::string path;
    std::string server_name;
    std::string root_pem;
    std::string sealing_pem;
    std::string chain_pem;
    std::string toml;

    // The certificate is last: with it the device is enrolled.
    Result<void, Message> write() const {
        LH_TRY_ASSIGN(const bool has_secret, is_there(path + "/device.secret"));
        std::array<std::byte, 32> secret;
        if (!random_bytes(secret).ok()) return Message{"no random bytes"};
        if (!has_secret) LH_TRY(replace_file(path + "/device.secret", secret, private_file_mode));
        LH_TRY(replace_file(path + "/root.crt", as_bytes(root_pem), public_file_mode));
        LH_TRY(replace_file(path + "/sealing.crt", as_bytes(sealing_pem), public_file_mode));
        LH_TRY_ASSIGN(const bool configured, is_there(path + "/agent.toml"));
        if (!configured)
            LH_TRY(replace_file(path + "/agent.toml", as_bytes(toml), public_file_mode));
        LH_TRY(sync_file_system(path));
        LH_TRY(replace_file(path + "/device.crt", as_bytes(chain_pem), public_file_mode));
        return sync_file_system(path);
    }
};

Bytes bytes_of(const pb_byte_t* bytes, std::size_t size) {
    return std::as_bytes(std::span{bytes, size});
}

// Everything of the answer is judged before any of it is kept.
Done judge(const longhaul_Enrolled& enrolled, const EnrollArguments& arguments,
           const std::string& key, const Der& root, Folder& folder) {
    const std::string uri = std::string{"longhaul://"} + enrolled.environment + "/" +
                            enrolled.tenant + "/" + enrolled.device;
    const auto wrong = [](const std::string& what) {
        return EnrollFailure{"the collector's answer is not taken: " + what, exit_bad_data};
    };
    if (!arguments.name.empty() && arguments.name != enrolled.device)
        return wrong(std::string{"it is for device \""} + enrolled.device + "\"");
    const auto chain =
        take_chain(bytes_of(enrolled.chain.bytes, enrolled.chain.size), key, uri, root);
    if (!chain.ok()) return wrong(chain.error().detail);
    folder.chain_pem = chain.value().pem;
    auto sealing = take_sealing(bytes_of(enrolled.sealing.bytes, enrolled.sealing.size),
                                folder.chain_pem, root);
    if (!sealing.ok()) return wrong(sealing.error().detail);
    folder.sealing_pem = std::move(sealing).value();
    const std::string address = arguments.collector.empty()
                                    ? collector_address(enrolled.collector, arguments.address)
                                    : arguments.collector;
    if (!plain(enrolled.environment) || !plain(enrolled.tenant) || !plain(enrolled.device) ||
        !plain(folder.server_name))
        return wrong("it has a name that is none");
    if (!plain(address) || !TcpLink::valid_address(address))
        return wrong("it names no collector; say it with --collector host:port");
    folder.toml = agent_toml(enrolled, address, folder.server_name);
    return {};
}

Result<longhaul_Enrol, EnrollFailure> enrol_message(const EnrollArguments& arguments,
                                                    const JoinCode& code, const std::string& key) {
    longhaul_Enrol enrol = longhaul_Enrol_init_zero;
    if (arguments.name.size() >= sizeof(enrol.device))
        return EnrollFailure{"a name has 1 to 48 of a-z, 0-9 and -", exit_usage};
    arguments.name.copy(enrol.device, sizeof(enrol.device) - 1);
    std::memcpy(enrol.code, code.id.data(), code.id.size());
    std::memcpy(enrol.secret, code.secret.data(), code.secret.size());
    const auto request = make_signing_request(key, "");
    if (!request.ok()) return cannot(request.error());
    LH_CHECK(request.value().size() <= sizeof(enrol.request.bytes));
    enrol.request.size = static_cast<pb_size_t>(request.value().size());
    std::memcpy(enrol.request.bytes, request.value().data(), request.value().size());
    return enrol;
}

Done enroll(EnrollArguments arguments) {
    auto parsed = parse_join_code(arguments.code);
    if (!parsed.ok()) return EnrollFailure{parsed.error().text, exit_usage};
    const JoinCode& code = parsed.value();
    if (arguments.address.empty()) arguments.address = code.address;
    if (!TcpLink::valid_address(arguments.address)) {
        return EnrollFailure{
            "the code names no address; say with --enrolment host:port where the "
            "collector enrols",
            exit_usage};
    }
    const std::string& path = arguments.folder;
    if (const auto made = make_folders(path, private_folder_mode); !made.ok())
        return cannot(made.error());
    const auto there = is_there(path + "/device.crt");
    if (!there.ok()) return cannot(there.error());
    if (there.value())
        return EnrollFailure{path + ": is enrolled already, there is a device.crt", exit_usage};
    LH_TRY_ASSIGN(const std::string key, key_in(path));
    LH_TRY_ASSIGN(const longhaul_Enrol enrol, enrol_message(arguments, code, key));

    Folder folder;
    folder.path = path;
    Der root;
    const auto accept = [&](const EnrolmentServer& server) -> Done {
        if (collector_fingerprint(server.name, server.root) != code.fingerprint) {
            return EnrollFailure{arguments.address +
                                     ": is another collector than the code is from; nothing was "
                                     "sent to it",
                                 exit_denied};
        }
        folder.server_name = server.name;
        folder.root_pem = server.root_pem;
        root = server.root;
        return {};
    };
    LH_TRY_ASSIGN(const longhaul_Enrolled enrolled, ask_to_enrol(arguments.address, enrol, accept));
    LH_TRY(judge(enrolled, arguments, key, root, folder));
    if (const auto written = folder.write(); !written.ok()) return cannot(written.error());
    std::printf("%s/agent.toml: device %s of tenant %s\n", path.c_str(), enrolled.device,
                enrolled.tenant);
    return {};
}

}  // namespace

int enroll_command(const EnrollArguments& arguments) {
    const Done done = enroll(arguments);
    if (done.ok()) return exit_done;
    std::fprintf(stderr, "longhaul-agent: %s\n", done.error().text.c_str());
    return done.error().exit_code;
}

}  // namespace longhaul::agent
