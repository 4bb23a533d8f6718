#include "agent/platform/linux/sealing_file.hpp"

#include <cstdio>

#include "agent/platform/linux/credentials.hpp"
#include "common/base/hex.hpp"
#include "common/host/files.hpp"

namespace longhaul::agent {

// A certificate of another authority brought a file of its own.
SealingKeyId SealingFile::newest() const {
    if (version_ == slots_.version()) return newest_;
    version_ = slots_.version();
    if (const auto in_use = Credentials::load(slots_.in_use()); in_use.ok())
        newest_ = sealing_key_id(in_use.value()->sealing_key());
    return newest_;
}

Status SealingFile::keep(Bytes certificate) {
    const std::string device = slots_.in_use().name;
    if (const auto replaced = replace(certificate); !replaced.ok()) {
        std::fprintf(stderr, "longhaul-agent: %s: the collector's sealing key is not taken: %s\n",
                     device.c_str(), replaced.error().text.c_str());
        return ErrorCode::denied;
    }
    std::fprintf(stderr,
                 "longhaul-agent: %s: the collector has a new sealing key, %s; what is measured "
                 "after the next start is sealed for it\n",
                 device.c_str(), hex(newest_).c_str());
    return {};
}

// The files may have been replaced, by a renewal or by hand, so they are read again.
Result<void, Message> SealingFile::replace(Bytes certificate) {
    const AgentConfig config = slots_.in_use();
    LH_TRY_ASSIGN(const auto credentials, Credentials::load(config));
    LH_TRY_ASSIGN(const SealingCertificate next,
                  credentials->judge_sealing(certificate, config.sealing_key));
    LH_TRY(replace_file(config.sealing_key, as_bytes(next.pem), public_file_mode));
    LH_TRY(sync_file_system(config.sealing_key));
    newest_ = sealing_key_id(next.key);
    return {};
}

}  // namespace longhaul::agent
