#include "collector/net/log.hpp"

#include <algorithm>

#include "common/base/json_text.hpp"

namespace longhaul::collector {
namespace {

constexpr const char* text_pattern = "%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v";
constexpr const char* json_pattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})";

// Beyond ASCII nothing steers; a space or a quote would make two fields of one.
bool is_plain(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c < 127 && c != '"' && c != '=' && c != '\\';
    });
}

void add_json(std::string& line, const LogField& field) {
    line += ',';
    line += in_json(field.key);
    line += ':';
    line += field.quoted ? in_json(field.value) : field.value;
}

void add_text(std::string& line, const LogField& field) {
    line += ' ';
    line += field.key;
    line += '=';
    line += is_plain(field.value) ? field.value : in_json(field.value);
}

}  // namespace

Log::Log(spdlog::sink_ptr sink, LogFormat format)
    : logger_{"collector", std::move(sink)}, format_{format} {
    set_format(format);
}

void Log::set_format(LogFormat format) {
    format_ = format;
    logger_.set_pattern(format == LogFormat::json ? json_pattern : text_pattern);
}

void Log::write(spdlog::level::level_enum level, std::string_view what, LogFields fields) {
    if (!logger_.should_log(level)) return;
    const bool json = format_ == LogFormat::json;
    std::string line{json ? "\"what\":" + in_json(what) : std::string{what}};
    for (const LogField& field : fields) json ? add_json(line, field) : add_text(line, field);
    logger_.log(level, spdlog::string_view_t{line.data(), line.size()});
}

spdlog::level::level_enum log_level_of(std::string_view name) {
    if (name == "debug") return spdlog::level::debug;
    if (name == "warn") return spdlog::level::warn;
    return name == "error" ? spdlog::level::err : spdlog::level::info;
}

}  // namespace longhaul::collector
