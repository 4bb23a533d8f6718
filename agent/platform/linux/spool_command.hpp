// `longhaul-agent spool`: what is in a spool, whether it is whole, and a file of it for a
// collector. Each looks at a copy; the spool stays as it is. They return exit codes.
#pragma once

#include <string>

namespace longhaul::agent {

int spool_inspect_command(const std::string& path, bool json);
int spool_verify_command(const std::string& path, bool json);
// `all`: with the blocks that are acknowledged already.
int spool_export_command(const std::string& path, const std::string& out_path, bool all, bool json);

}  // namespace longhaul::agent
