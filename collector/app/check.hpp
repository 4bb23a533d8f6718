// `longhaul-collector check`: looks at everything that a collector will need before it is started,
// or while it runs, and says of each thing whether it is in order and what to do if it is not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collector/app/config.hpp"
#include "common/base/time.hpp"
#include "common/host/exit_codes.hpp"

namespace longhaul::collector {

enum class Severity : std::uint8_t { in_order, warning, problem };

struct Finding {
    Severity severity = Severity::in_order;
    const char* about = "";  // "certificate", "disk", …
    std::string text;        // what was found, where, and what to do
    int exit_code = exit_done;
};

class Findings {
 public:
    void in_order(const char* about, std::string text) {
        all_.push_back({Severity::in_order, about, std::move(text), exit_done});
    }
    void warning(const char* about, std::string text) {
        all_.push_back({Severity::warning, about, std::move(text), exit_done});
    }
    void problem(const char* about, std::string text, int exit_code) {
        all_.push_back({Severity::problem, about, std::move(text), exit_code});
    }
    const std::vector<Finding>& all() const { return all_; }
    // Of the worst: a configuration that cannot work, then secrets that are none, damaged data,
    // what may be better later, and the rest. Warnings are no failure.
    int exit_code() const;

 private:
    std::vector<Finding> all_;
};

Findings check(const CollectorConfig& config, WallUs now);
// In order and warnings on standard output, problems on standard error; or all as JSON.
void print(const Findings& findings, bool json);

// The parts, each in a file of its own.
void check_credentials(const CollectorConfig& config, WallUs now, Findings& findings);
void check_machine(const CollectorConfig& config, Findings& findings);
void check_stores(const CollectorConfig& config, WallUs now, Findings& findings);

// What is to be done when the process may not open the files that so many connections take. Raises
// its limit as far as it may.
std::optional<std::string> shortage_of_open_files(const CollectorConfig& config);

}  // namespace longhaul::collector
