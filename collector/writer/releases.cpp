#include "collector/writer/releases.hpp"

namespace longhaul::collector {
namespace {

constexpr std::size_t releases_max = 64;  // appended, and not yet read by the writer

}  // namespace

Status Releases::step(WallUs now) {
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

// One that cannot be read for now holds up no other.
Status Releases::append_releases(WallUs now) {
    Status first_error;
    for (const WaitingBlock& block : writer_.releasable()) {
        if (blocks_.size() == releases_max) break;
        if (blocks_.contains(block) || damaged_.contains(block)) continue;
        const Status done = append_release(block, now);
        if (!done.ok() && done.error() == ErrorCode::closed) return done;
        if (first_error.ok()) first_error = done;
    }
    return first_error;
}

// A block whose entry has been damaged since stays in quarantine.
Status Releases::append_release(const WaitingBlock& block, WallUs now) {
    LH_TRY_ASSIGN(const auto reader, journal_.read(block.shard, block.offset));
    const auto read = reader->next();
    if (!read.ok() && read.error() == ErrorCode::corrupt) {
        damaged_.insert(block);
        return {};
    }
    if (!read.ok()) return read.error();
    const JournalEntry& entry = read.value().entry;
    LH_TRY(ports_.append(block.shard,
                         {now, JournalKind::release, entry.tenant, entry.device, entry.body}));
    blocks_.insert(block);
    return {};
}

}  // namespace longhaul::collector
