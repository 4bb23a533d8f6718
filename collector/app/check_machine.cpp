// Ports and disks, as `longhaul-collector check` looks at them.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "collector/app/check.hpp"
#include "collector/app/disk_space.hpp"
#include "collector/disk/folder_lock.hpp"
#include "collector/net/endpoint.hpp"
#include "common/host/files.hpp"
#include "common/host/open_files.hpp"

namespace longhaul::collector {
namespace {

namespace fs = std::filesystem;
using boost::asio::ip::tcp;

constexpr std::uint64_t mebibyte = 1 << 20;
constexpr std::uint64_t free_bytes_min = 256 * mebibyte;
constexpr std::uint64_t free_bytes_comfortable = 4096 * mebibyte;
constexpr int sync_tries = 16;
constexpr double slow_sync_ms = 50;
constexpr std::uint64_t files_besides = 256;  // of journal, lake, registry, and listeners

// --- ports ---

// The inode of the socket that listens on a port, from /proc/net/tcp and tcp6:
// "0: 0100007F:1DB0 00000000:0000 0A …": local address, remote one, state; the inode is the tenth.
std::optional<std::string> listening_socket(unsigned short port) {
    char ending[8];
    std::snprintf(ending, sizeof(ending), ":%04X", static_cast<unsigned>(port));
    for (const char* const table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream lines{table};
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words{line};
            std::vector<std::string> fields;
            for (std::string word; words >> word;) fields.push_back(word);
            if (fields.size() > 9 && fields[1].ends_with(ending) && fields[3] == "0A")
                return fields[9];
        }
    }
    return std::nullopt;
}

// "nginx (process 4711)", as far as this user may see it.
std::optional<std::string> owner_of_port(unsigned short port) {
    const auto inode = listening_socket(port);
    if (!inode) return std::nullopt;
    const std::string wanted = "socket:[" + *inode + "]";
    const auto processes = paths_in("/proc");
    if (!processes.ok()) return std::nullopt;
    for (const std::string& process : processes.value()) {
        const std::string pid = fs::path{process}.filename().string();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        const auto files = paths_in(process + "/fd");  // not those of other users
        if (!files.ok()) continue;
        for (const std::string& file : files.value()) {
            std::error_code gone;
            if (fs::read_symlink(file, gone) != wanted) continue;
            std::string name;
            std::getline(std::ifstream{process + "/comm"}, name);
            return name + " (process " + pid + ")";
        }
    }
    return std::nullopt;
}

void check_port(const char* key, const std::string& address, bool collector_runs,
                Findings& findings) {
    const auto endpoint = parse_endpoint(address);
    if (!endpoint.ok()) return;  // the configuration was refused for it
    const std::string where = std::string{key} + " = \"" + address + "\"";
    boost::asio::io_context context;
    tcp::acceptor acceptor{context};
    boost::system::error_code error;
    acceptor.open(endpoint.value().protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error) acceptor.bind(endpoint.value(), error);
    if (!error) acceptor.listen(1, error);
    if (!error) return findings.in_order("port", where + ": is free");
    if (error != boost::asio::error::address_in_use) {
        const bool denied = error == boost::asio::error::access_denied;
        return findings.problem("port", where + ": " + error.message(),
                                denied ? exit_denied : exit_configuration);
    }
    const auto owner = owner_of_port(endpoint.value().port());
    const std::string text = where + ": is in use" + (owner ? " by " + *owner : "");
    if (collector_runs && (!owner || owner->starts_with("longhaul-coll")))
        return findings.in_order("port", text);
    findings.problem("port", text + "; choose another one, or end that program", exit_retry_later);
}

// --- disks ---

// The median time until 4 KiB are durable, measured in the folder; a message if they cannot be.
Result<double, Message> measure_sync_ms(const std::string& folder) {
    std::string name = folder + "/.check-XXXXXX";
    const int file = ::mkstemp(name.data());
    if (file < 0) return Message{folder + ": nothing can be written: " + std::strerror(errno)};
    ::unlink(name.c_str());
    using Clock = std::chrono::steady_clock;
    const std::vector<char> bytes(4096, 'x');
    std::vector<double> times_ms;
    int error = 0;
    for (int i = 0; i < sync_tries && error == 0; ++i) {
        const Clock::time_point begin = Clock::now();
        const bool done =
            ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
            ::fdatasync(file) == 0;
        if (!done) error = errno == 0 ? EIO : errno;
        times_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    }
    ::close(file);
    if (error != 0)
        return Message{folder + ": a write cannot be made durable: " + std::strerror(error)};
    std::nth_element(times_ms.begin(), times_ms.begin() + sync_tries / 2, times_ms.end());
    return times_ms[sync_tries / 2];
}

void check_sync(const std::string& folder, Findings& findings) {
    const auto median_ms = measure_sync_ms(folder);
    if (!median_ms.ok()) return findings.problem("disk", median_ms.error().text, exit_check_failed);
    char text[96];
    std::snprintf(text, sizeof(text), ": 4 KiB are durable after %.2f ms (median of %d)",
                  median_ms.value(), sync_tries);
    if (median_ms.value() > slow_sync_ms) {
        return findings.warning(
            "disk", folder + text + "; devices will wait for it, use a disk that syncs faster");
    }
    findings.in_order("disk", folder + text);
}

void check_space(const std::string& folder, Findings& findings) {
    const auto space = disk_space(folder);
    if (!space) return;
    const std::string text = folder + ": " + std::to_string(space->free_bytes / mebibyte) +
                             " MiB of " + std::to_string(space->size_bytes / mebibyte) +
                             " MiB are free";
    if (space->free_bytes < free_bytes_min)
        return findings.problem("space", text + "; make room", exit_check_failed);
    if (space->free_bytes < free_bytes_comfortable)
        return findings.warning("space", text + "; make room soon");
    findings.in_order("space", text);
}

std::string absolute(const std::string& folder) {
    std::error_code error;
    return fs::absolute(folder, error).string();
}

// The folder, or the nearest one above it that this user can see: the one it would be made in.
std::string existing(const std::string& folder) {
    fs::path path = absolute(folder);
    std::error_code hidden;
    while (!fs::exists(path, hidden) && path.has_relative_path()) path = path.parent_path();
    return path.string();
}

void check_folder(const char* what, const std::string& folder, Findings& findings) {
    const std::string place = existing(folder);
    if (!is_folder(place)) {
        return findings.problem(what, place + ": is no folder, and " + folder + " has to be one",
                                exit_configuration);
    }
    if (::access(place.c_str(), W_OK | X_OK) != 0) {
        return findings.problem(what, place + ": may not be written to by this user; chown it",
                                exit_denied);
    }
    if (place != absolute(folder))
        findings.in_order(what, folder + ": will be made at the first start");
    check_space(place, findings);
}

}  // namespace

std::optional<std::string> shortage_of_open_files(const CollectorConfig& config) {
    const std::uint64_t allowed = raise_open_files_limit();
    const std::uint64_t wanted = config.connections_max + files_besides;
    if (allowed >= wanted) return std::nullopt;
    return "[collector] connections_max = " + std::to_string(config.connections_max) + ": takes " +
           std::to_string(wanted) + " open files, and this process may have " +
           std::to_string(allowed) + "; raise its hard limit (LimitNOFILE of systemd, ulimit -Hn)";
}

void check_machine(const CollectorConfig& config, Findings& findings) {
    if (const auto shortage = shortage_of_open_files(config))
        findings.warning("open files", *shortage);
    else
        findings.in_order("open files", "as many as connections_max takes");
    const auto runs = FolderLock::holder(config.journal_path);
    if (runs) {
        findings.in_order(
            "collector",
            "runs" + (*runs == 0 ? std::string{} : " as process " + std::to_string(*runs)));
    }
    check_port("[collector] listen", config.listen, runs.has_value(), findings);
    if (!config.enrolment_listen.empty())
        check_port("[enrolment] listen", config.enrolment_listen, runs.has_value(), findings);
    if (!config.http_listen.empty()) {
        check_port("[http] listen", config.http_listen, runs.has_value(), findings);
        const auto endpoint = parse_endpoint(config.http_listen);
        if (endpoint.ok() && !endpoint.value().address().is_loopback()) {
            findings.warning("port",
                             "[http] listen = \"" + config.http_listen +
                                 "\": answers whoever reaches it, without TLS; use 127.0.0.1 "
                                 "or a network of the operators' own");
        }
    }
    check_folder("journal", config.journal_path, findings);
    if (const std::string place = existing(config.journal_path); is_folder(place))
        check_sync(place, findings);
    if (!config.gateway) check_folder("lake", config.lake_path, findings);
}

}  // namespace longhaul::collector
