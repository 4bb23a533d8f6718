#include "agent/platform/linux/sealing_file.hpp"

#include <cstdio>

#include "common/base/hex.hpp"
#include "common/host/files.hpp"

namespace longhaul::agent {

Status SealingFile::keep(Bytes certificate) {
    if (const auto replaced = replace(certificate); !replaced.ok()) {
        std::fprintf(stderr, "longhaul-agent: %s: the collector's sealing key is not taken: %s\n",
                     device_.c_str(), replaced.error().text.c_str());
        return ErrorCode::denied;
    }
    std::fprintf(stderr,
                 "longhaul-agent: %s: the collector has a new sealing key, %s; what is measured "
                 "after the next start is sealed for it\n",
                 device_.c_str(), hex(newest_).c_str());
    return {};
}

// The file may have been replaced by hand since the start, so it is read again.
Result<void, Message> SealingFile::replace(Bytes certificate) {
    LH_TRY_ASSIGN(const SealingCertificate next, credentials_.judge_sealing(certificate, path_));
    LH_TRY(replace_file(path_, as_bytes(next.pem), public_file_mode));
    LH_TRY(sync_file_system(path_));
    newest_ = sealing_key_id(next.key);
    return {};
}

}  // namespace longhaul::agent
