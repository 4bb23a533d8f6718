// `longhaul backup` and `restore`: what a collector has besides journal and lake. That is its
// configuration, the registry (tenants, devices, models), all keys, and the audit trails. It
// cannot be made again; what devices still have they send again.
//
// A backup is a folder of mode 0700 with files of mode 0600, and `manifest`, the SHA-256 of each as
// sha256sum writes it:
//
//     collector.toml  registry.db  server.crt  server.key
//     sealing/<id>.key, <id>.crt    enrolment/<tenant>.key, …    trail/<tenant>/000001.jsonl, …
//
// It is as secret as the keys are.
#pragma once

#include <string>

#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::tools {

struct BackupOptions {
    std::string config;  // the collector's configuration
    std::string folder;  // of the backup
    WallUs now;
};

// Into a new folder, which is read back. Exit codes: 65 when something is damaged or missing, 78
// for the configuration.
Result<int, Message> back_up(const BackupOptions& options);
// To where the configuration says; without one, that of the backup is put there. Nothing is done
// when anything of the backup is damaged, or any of its files has its place taken.
Result<int, Message> restore(const BackupOptions& options);

}  // namespace longhaul::tools
