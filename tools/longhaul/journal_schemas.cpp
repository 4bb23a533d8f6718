#include "tools/longhaul/journal_schemas.hpp"

#include <algorithm>

#include "collector/disk/posix_disk.hpp"
#include "collector/journal/local_journal.hpp"
#include "common/host/files.hpp"

namespace longhaul::tools {
namespace {

// What is damaged is passed over.
Status read_shard(collector::LocalJournal& journal, collector::Shard shard, SentSchemas& schemas) {
    LH_TRY_ASSIGN(const collector::Offset begin, journal.begin(shard));
    LH_TRY_ASSIGN(const auto reader, journal.read(shard, begin));
    for (;;) {
        const auto read = reader->next();
        if (!read.ok() && read.error().code == ErrorCode::corrupt) continue;
        if (!read.ok() && read.error().code == ErrorCode::not_found) return {};
        if (!read.ok()) return read.error();
        const collector::JournalEntry& entry = read.value().entry;
        if (entry.kind != collector::JournalKind::schema) continue;
        auto stored = StoredSchema::parse(entry.body);
        if (!stored.ok()) continue;
        const SchemaHash hash = stored.value()->hash();
        const auto [place, is_new] = schemas.try_emplace({std::string{entry.tenant}, hash});
        SentSchema& sent = place->second;
        if (is_new) sent = {entry.receive_time, std::move(stored).value()};
        sent.received.value = std::min(sent.received.value, entry.receive_time.value);
    }
}

}  // namespace

Result<SentSchemas, Message> read_schemas(const std::string& journal) {
    SentSchemas schemas;
    LH_TRY_ASSIGN(const bool there, is_there(journal));
    if (!there) return schemas;
    const auto about = [&journal](const Error& error) {
        return Message{journal + ": " + to_string(error)};
    };
    const auto disk = collector::PosixDisk::open_root(journal);
    if (!disk.ok()) return about(disk.error());
    const auto opened = collector::LocalJournal::open_to_read(*disk.value());
    if (!opened.ok()) return about(opened.error());
    for (collector::Shard shard = 0; shard < opened.value()->shards(); ++shard) {
        if (const Status read = read_shard(*opened.value(), shard, schemas); !read.ok())
            return about(read.error());
    }
    return schemas;
}

}  // namespace longhaul::tools
