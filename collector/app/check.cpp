#include "collector/app/check.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/base/json_text.hpp"

namespace longhaul::collector {
namespace {

const char* name_of(Severity severity) {
    switch (severity) {
        case Severity::in_order:
            return "ok";
        case Severity::warning:
            return "warning";
        case Severity::problem:
            break;
    }
    return "problem";
}

void print_json(const Findings& findings) {
    std::string text = "{\"ok\":";
    text += findings.exit_code() == exit_done ? "true" : "false";
    text += ",\"findings\":[";
    for (const Finding& each : findings.all()) {
        if (text.back() == '}') text += ',';
        text += "{\"severity\":" + in_json(name_of(each.severity));
        text += ",\"about\":" + in_json(each.about);
        text += ",\"text\":" + in_json(each.text) + "}";
    }
    std::printf("%s]}\n", text.c_str());
}

}  // namespace

int Findings::exit_code() const {
    constexpr std::array worst_first{exit_configuration, exit_denied, exit_bad_data,
                                     exit_retry_later, exit_check_failed};
    for (const int code : worst_first) {
        const auto has = [code](const Finding& each) { return each.exit_code == code; };
        if (std::any_of(all_.begin(), all_.end(), has)) return code;
    }
    return exit_done;
}

Findings check(const CollectorConfig& config, WallUs now) {
    Findings findings;
    check_credentials(config, now, findings);
    check_machine(config, findings);
    check_stores(config, now, findings);
    return findings;
}

void print(const Findings& findings, bool json) {
    if (json) return print_json(findings);
    for (const Finding& each : findings.all()) {
        std::FILE* const out = each.severity == Severity::problem ? stderr : stdout;
        std::fprintf(out, "%-7s  %-12s %s\n", name_of(each.severity), each.about,
                     each.text.c_str());
    }
}

}  // namespace longhaul::collector
