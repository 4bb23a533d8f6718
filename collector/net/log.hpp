// The collector's log: one line a happening, as key=value pairs for people or as JSON for programs.
//
//   log.warn("refused", {{"peer", peer}, {"reason", text}});
//   2026-11-21T11:49:00.123+0000 warning refused peer=10.0.0.7:4711 reason="is revoked"
//   {"time":"2026-11-21T11:49:00.123+0000","level":"warning","what":"refused","peer":"10.0.0.7:4711",…}
//
// Values come from anywhere, so what could end a line or steer a terminal is escaped. May be used
// by any thread.
#pragma once

#include <spdlog/logger.h>

#include <atomic>
#include <concepts>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace longhaul::collector {

enum class LogFormat : std::uint8_t { text, json };

struct LogField {
    LogField(const char* name, std::string_view text) : key{name}, value{text}, quoted{true} {}
    LogField(const char* name, const std::string& text) : LogField{name, std::string_view{text}} {}
    LogField(const char* name, const char* text) : LogField{name, std::string_view{text}} {}
    LogField(const char* name, std::integral auto number)
        : key{name}, value{std::to_string(number)}, quoted{false} {}

    const char* key;
    std::string value;
    bool quoted;  // a text
};
using LogFields = std::initializer_list<LogField>;

class Log {
 public:
    explicit Log(spdlog::sink_ptr sink, LogFormat format = LogFormat::text);

    void set_level(spdlog::level::level_enum level) { logger_.set_level(level); }
    spdlog::level::level_enum level() const { return logger_.level(); }
    void set_format(LogFormat format);

    void debug(std::string_view what, LogFields fields = {}) {
        write(spdlog::level::debug, what, fields);
    }
    void info(std::string_view what, LogFields fields = {}) {
        write(spdlog::level::info, what, fields);
    }
    void warn(std::string_view what, LogFields fields = {}) {
        write(spdlog::level::warn, what, fields);
    }
    void error(std::string_view what, LogFields fields = {}) {
        write(spdlog::level::err, what, fields);
    }
    void critical(std::string_view what, LogFields fields = {}) {
        write(spdlog::level::critical, what, fields);
    }

 private:
    void write(spdlog::level::level_enum level, std::string_view what, LogFields fields);

    spdlog::logger logger_;
    std::atomic<LogFormat> format_;
};

// "debug", "info", "warn", "error".
spdlog::level::level_enum log_level_of(std::string_view name);

}  // namespace longhaul::collector
