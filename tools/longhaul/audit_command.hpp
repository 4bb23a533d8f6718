// `longhaul audit`: finds journal and lake by the collector's configuration and prints the report.
#pragma once

#include <string>

#include "common/base/result.hpp"
#include "tools/longhaul/audit.hpp"

namespace longhaul::tools {

struct AuditOptions {
    std::string config;
    AuditScope scope;
    bool drained = false;
    bool json = false;
};

// The exit code: everything is accounted for, or not. A message: the audit itself was not possible.
Result<int, Message> audit_command(const AuditOptions& options);

}  // namespace longhaul::tools
