// `longhaul adopt --close`: only a journal that has adopted a lake can be closed.
#include <algorithm>

#include "collector/lake/delta_log.hpp"
#include "collector/registry/certificate.hpp"
#include "collector/writer/table_buffer.hpp"
#include "tools/longhaul/adopt.hpp"
#include "tools/longhaul/text.hpp"

namespace longhaul::tools {

using collector::JournalKind;
using collector::LocalJournal;
using collector::Shard;

namespace {

Message journal_failed(const Error& error) { return {"the journal: " + to_string(error)}; }

// An adoption lies before all else in each shard; what of it cannot be read tells nothing.
Result<bool, Message> begins_with_adoption(LocalJournal& journal, Shard shard) {
    auto reader = journal.read(shard, 0);
    if (!reader.ok()) return journal_failed(reader.error());
    while (true) {
        const auto read = reader.value()->next();
        if (!read.ok() && read.error().code == ErrorCode::not_found) return false;
        if (!read.ok() && read.error().code == ErrorCode::corrupt) continue;
        if (!read.ok()) return journal_failed(read.error());
        if (read.value().entry.kind != JournalKind::adoption) return false;
        const auto adoption = collector::decode_adoption(read.value().entry.body);
        return adoption.ok() && !std::holds_alternative<collector::AdoptionClose>(adoption.value());
    }
}

// A collector goes on with a table of another journal only when its own has adopted it.
Result<bool, Message> has_other_journals(collector::ObjectStore& lake, const std::string& own) {
    const auto tenants = lake.entries("");
    if (!tenants.ok()) return Message{"the lake: " + to_string(tenants.error())};
    for (const collector::StoredObject& tenant : tenants.value()) {
        if (!tenant.folder || !collector::is_name_part(tenant.name)) continue;
        const auto tables = lake.entries(tenant.name);
        if (!tables.ok()) return Message{"the lake: " + to_string(tables.error())};
        for (const collector::StoredObject& each : tables.value()) {
            if (!each.folder) continue;
            collector::DeltaTable table{lake, tenant.name + "/" + each.name,
                                        collector::DeltaTable::Keep::no_files};
            if (const Status read = table.refresh(); !read.ok())
                return Message{"table " + table.folder() + ": " + to_string(read.error())};
            const auto& txns = table.state().txns;
            const bool found = std::any_of(txns.begin(), txns.end(), [&own](const auto& txn) {
                return collector::is_of_journal(txn.first) && !txn.first.starts_with(own);
            });
            if (found) return true;
        }
    }
    return false;
}

// When the beginning of all shards was cut off, the writer went on behind it, and the lake tells.
Result<bool, Message> has_adopted(LocalJournal& journal, collector::ObjectStore& lake) {
    bool is_cut = false;
    for (Shard shard = 0; shard < journal.shards(); ++shard) {
        const auto begin = journal.begin(shard);
        if (!begin.ok()) return journal_failed(begin.error());
        is_cut = is_cut || begin.value() != 0;
        if (begin.value() != 0) continue;
        LH_TRY_ASSIGN(const bool adopts, begins_with_adoption(journal, shard));
        if (adopts) return true;
    }
    if (!is_cut) return false;
    return has_other_journals(lake, uuid_text(journal.id().uuid));
}

Status append_close(LocalJournal& journal, WallUs now) {
    for (Shard shard = 0; shard < journal.shards(); ++shard) {
        LH_TRY(collector::encode_adoption(collector::AdoptionClose{}, [&](Bytes body) -> Status {
            const auto end = journal.append(shard, {now, JournalKind::adoption, {}, {}, body}, {0});
            return end.ok() ? Status{} : end.error();
        }));
    }
    return journal.flush();
}

}  // namespace

Result<std::uint64_t, Message> close_adoption(collector::Disk& disk, collector::ObjectStore& lake,
                                              WallUs now) {
    const auto there = LocalJournal::open_to_read(disk);
    if (!there.ok()) return journal_failed(there.error());
    LH_TRY_ASSIGN(const bool adopted, has_adopted(*there.value(), lake));
    if (!adopted)
        return Message{
            "this journal has adopted no lake, so there is nothing to close, and nothing was "
            "changed: what has not come of its devices is still awaited (_gaps). `longhaul adopt`, "
            "without --close, is for a journal that was lost or set back"};
    auto journal = LocalJournal::open(disk, {});
    if (!journal.ok()) return journal_failed(journal.error());
    if (const Status done = append_close(*journal.value(), now); !done.ok())
        return journal_failed(done.error());
    return std::uint64_t{journal.value()->shards()};
}

}  // namespace longhaul::tools
