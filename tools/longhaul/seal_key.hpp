// `longhaul seal-key …`: the keys that open blocks. Without them every journal and every spool is
// lost, so they are copied, checked, and never deleted.
//
// A backup is a folder of mode 0700 with each <id>.key and <id>.crt, and `manifest`, the SHA-256 of
// each file as sha256sum writes it. It is as secret as the keys are.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::tools {

struct SealKeyOptions {
    std::string config;  // the collector's configuration
    std::string folder;  // of the backup
    bool json = false;
    WallUs now;
};

// Exit codes: 65 when a key or a backup is damaged, 78 for the configuration.
Result<int, Message> list_seal_keys(const SealKeyOptions& options);
// Into a new folder, which is read back.
Result<int, Message> back_up_seal_keys(const SealKeyOptions& options);
// Puts back what is missing. Nothing is done when anything of the backup is damaged, or says
// something else than what is there.
Result<int, Message> restore_seal_keys(const SealKeyOptions& options);

// A new key for a tenant: its id. What was sealed for older ones is opened with them.
struct SealKeyRotation {
    std::string folder;  // of the authority
    std::string tenant;
    WallUs now;
};
Result<std::string, Message> rotate_seal_key(const SealKeyRotation& rotation);

}  // namespace longhaul::tools
