#include "collector/writer/releases.hpp"

namespace longhaul::collector {
namespace {

constexpr std::size_t releases_per_step = 64;

}  // namespace

Result<bool> Releases::step(WallUs now) {
    std::erase_if(models_, [this](const MissingModel& model) {
        return !writer_.missing_models().contains(model);
    });
    std::erase_if(blocks_, [this](const WaitingBlock& block) {
        return !writer_.releasable().contains(block);
    });
    LH_TRY(append_models(now));
    return append_releases(now);
}

Status Releases::append_models(WallUs now) {
    for (const MissingModel& missing : writer_.missing_models()) {
        if (models_.contains(missing)) continue;
        const auto model = ports_.find_model(missing.tenant, missing.hash);
        if (model == nullptr) continue;
        LH_TRY(ports_.append(missing.shard, {now, JournalKind::model, missing.tenant, {}, *model}));
        models_.insert(missing);
    }
    return {};
}

Result<bool> Releases::append_releases(WallUs now) {
    std::size_t appended = 0;
    for (const WaitingBlock& block : writer_.releasable()) {
        if (blocks_.contains(block)) continue;
        if (appended++ == releases_per_step) return true;
        LH_TRY(append_release(block, now));
        blocks_.insert(block);
    }
    return false;
}

// A block whose entry has been damaged since stays in quarantine.
Status Releases::append_release(const WaitingBlock& block, WallUs now) {
    LH_TRY_ASSIGN(const auto reader, journal_.read(block.shard, block.offset));
    const auto read = reader->next();
    if (!read.ok() && read.error() == ErrorCode::corrupt) return {};
    if (!read.ok()) return read.error();
    const JournalEntry& entry = read.value().entry;
    return ports_.append(block.shard,
                         {now, JournalKind::release, entry.tenant, entry.device, entry.body});
}

}  // namespace longhaul::collector
