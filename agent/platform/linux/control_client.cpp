#include "agent/platform/linux/control_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>

#include "agent/platform/linux/agent_config.hpp"
#include "agent/platform/linux/linux_ports.hpp"
#include "agent/platform/linux/unix_socket.hpp"
#include "agent/platform/linux/why.hpp"
#include "agent/sources/put_line.hpp"
#include "common/host/exit_codes.hpp"

namespace longhaul::agent {
namespace {

constexpr std::int64_t answer_ms_max = 15'000;  // the agent itself answers in ten seconds

int complain(const std::string& text, int exit_code) {
    std::fprintf(stderr, "longhaul-agent: %s\n", text.c_str());
    return exit_code;
}

bool send_all(int socket, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        if (count <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

// "error bad …" to the code and the sentence.
int put_exit_code(const std::string& answer) {
    if (answer == "ok") return exit_done;
    constexpr std::string_view bad = "error bad ";
    if (answer.starts_with(bad)) return complain(answer.substr(bad.size()), exit_bad_data);
    constexpr std::string_view later = "error later ";
    if (answer.starts_with(later))
        return complain("not stored: " + answer.substr(later.size()), exit_retry_later);
    constexpr std::string_view doubt = "error doubt ";
    if (answer.starts_with(doubt)) return complain(answer.substr(doubt.size()), exit_retry_later);
    return complain("the agent answers: " + answer, exit_retry_later);
}

int why_without_agent(const AgentConfig& config, bool json) {
    auto spool = read_overview(config.spool_path);
    if (!spool.ok() && spool.error() == ErrorCode::not_found) spool = SpoolOverview{};
    if (!spool.ok() && spool.error() == ErrorCode::denied)
        return complain("an agent has " + config.spool_path +
                            " open, but does not answer: it starts just now, or has no [control]",
                        exit_retry_later);
    if (!spool.ok())
        return complain(config.spool_path + ": " + to_string(spool.error()), exit_bad_data);
    const WhyFacts facts{config.name,
                         spool.value().standing,
                         config.spool_policy.bytes_max,
                         {},
                         spool.value().lost_samples};
    std::printf("%s\n", (json ? why_json(facts) : why_sentence(facts)).c_str());
    return exit_done;
}

}  // namespace

ControlAnswer ask_agent(const std::string& socket_path, const std::string& line) {
    using Kind = ControlAnswer::Kind;
    auto socket = connect_unix(socket_path);
    if (!socket.ok()) return {Kind::unreachable, socket.error().text};
    const int number = socket.value().number();
    if (!send_all(number, line + "\n")) return {Kind::unreachable, "the agent ended"};
    const MonotonicMs due = monotonic_now() + answer_ms_max;
    std::string answer;
    for (;;) {
        pollfd ready{number, POLLIN, 0};
        const std::int64_t left_ms = due - monotonic_now();
        if (left_ms <= 0 || ::poll(&ready, 1, static_cast<int>(left_ms)) <= 0)
            return {Kind::silent, "the agent does not answer"};
        std::array<char, 4096> room;
        const ssize_t count = ::recv(number, room.data(), room.size(), 0);
        if (count <= 0) return {Kind::silent, "the agent ended before it answered"};
        answer.append(room.data(), static_cast<std::size_t>(count));
        if (const std::size_t end = answer.find('\n'); end != std::string::npos)
            return {Kind::answered, answer.substr(0, end)};
    }
}

int put_command(const std::string& config_path, const std::string& stream,
                const std::vector<std::string>& put) {
    const auto config = load_agent_config(config_path);
    if (!config.ok()) return complain(config.error().text, exit_configuration);
    const std::string& path = config.value().control_socket;
    if (path.empty())
        return complain(config_path + ": has no [control], so no agent can be asked",
                        exit_configuration);
    PutLine line{stream, {}};
    for (const std::string& assignment : put) {
        const std::size_t equal = assignment.find('=');
        if (equal == std::string::npos || equal == 0)
            return complain("\"" + assignment + "\" is not field=value", exit_usage);
        line.fields.emplace_back(assignment.substr(0, equal), assignment.substr(equal + 1));
    }
    const ControlAnswer answer = ask_agent(path, write_put_line(line));
    switch (answer.kind) {
        case ControlAnswer::Kind::answered:
            return put_exit_code(answer.text);
        case ControlAnswer::Kind::unreachable:
            return complain(answer.text + "; is the agent running?", exit_unreachable);
        case ControlAnswer::Kind::silent:
            return complain(answer.text + "; the sample may still be stored", exit_retry_later);
    }
    return exit_check_failed;
}

int why_command(const std::string& config_path, bool json) {
    const auto config = load_agent_config(config_path);
    if (!config.ok()) return complain(config.error().text, exit_configuration);
    if (!config.value().control_socket.empty()) {
        const ControlAnswer answer =
            ask_agent(config.value().control_socket, json ? "why json" : "why");
        constexpr std::string_view ok = "ok ";
        if (answer.kind == ControlAnswer::Kind::answered && answer.text.starts_with(ok)) {
            std::printf("%s\n", answer.text.c_str() + ok.size());
            return exit_done;
        }
        if (answer.kind == ControlAnswer::Kind::silent)
            return complain(answer.text, exit_retry_later);
    }
    return why_without_agent(config.value(), json);
}

}  // namespace longhaul::agent
