// `longhaul inspect journal`: every entry of a journal's folder, shard by shard.
#include <boost/json.hpp>

#include "collector/disk/posix_disk.hpp"
#include "collector/journal/connection_cost.hpp"
#include "collector/journal/local_journal.hpp"
#include "common/block/model.hpp"
#include "common/block/stored_schema.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/inspect.hpp"
#include "tools/longhaul/text.hpp"

namespace longhaul::tools {

using collector::JournalEntry;
using collector::JournalKind;
using collector::Shard;

namespace {

const char* name_of(JournalKind kind) {
    switch (kind) {
        case JournalKind::epoch:
            return "epoch";
        case JournalKind::schema:
            return "schema";
        case JournalKind::block:
            return "block";
        case JournalKind::model:
            return "model";
        case JournalKind::release:
            return "release";
        case JournalKind::adoption:
            return "adoption";
        case JournalKind::connection:
            return "connection";
    }
    return "unknown";
}

Result<boost::json::object, Message> describe_schema(Bytes encoded) {
    const auto schema = StoredSchema::parse(encoded);
    if (!schema.ok()) return Message{to_string(schema.error())};
    return boost::json::object{{"schema", schema.value()->schema().name},
                               {"hash", hex(schema.value()->hash())},
                               {"fields", schema.value()->schema().fields.size()}};
}

Result<boost::json::object, Message> describe_connection(Bytes body) {
    const auto cost = collector::parse_connection_cost(body);
    if (!cost.ok()) return Message{to_string(cost.error())};
    boost::json::object described{{"connected_ms", cost.value().connected_ms},
                                  {"wire_received_bytes", cost.value().wire.received},
                                  {"wire_sent_bytes", cost.value().wire.sent},
                                  {"ended", cost.value().ended}};
    if (cost.value().backlog) described["backlog_blocks"] = *cost.value().backlog;
    return described;
}

Result<boost::json::object, Message> describe(const JournalEntry& entry) {
    switch (entry.kind) {
        case JournalKind::block:
        case JournalKind::release:
            return describe_block(entry.body);
        case JournalKind::model:
            return boost::json::object{{"hash", hex(model_hash(entry.body))},
                                       {"bytes", entry.body.size()}};
        case JournalKind::epoch:
            return describe_epoch(entry.body);
        case JournalKind::schema:
            return describe_schema(entry.body);
        case JournalKind::connection:
            return describe_connection(entry.body);
        default:
            return boost::json::object{{"bytes", entry.body.size()}};
    }
}

void print_entry(Shard shard, const collector::ReadEntry& read, const InspectOptions& options) {
    boost::json::object item{{"shard", shard},
                             {"offset", read.offset},
                             {"kind", name_of(read.entry.kind)},
                             {"receive_time_us", read.entry.receive_time.value},
                             {"tenant", read.entry.tenant},
                             {"device", read.entry.device}};
    const auto described = describe(read.entry);
    if (described.ok()) {
        for (const auto& field : described.value()) item.emplace(field.key(), field.value());
    } else {
        item["problem"] = described.error().text;
    }
    print_item(item, options);
}

Result<void, Message> print_shard(collector::Journal& journal, Shard shard,
                                  const InspectOptions& options) {
    const auto begin = journal.begin(shard);
    if (!begin.ok()) return Message{options.path + ": " + to_string(begin.error())};
    auto reader = journal.read(shard, begin.value());
    if (!reader.ok()) return Message{options.path + ": " + to_string(reader.error())};
    while (true) {
        const collector::Offset at = reader.value()->offset();
        const auto read = reader.value()->next();
        if (read.ok()) {
            print_entry(shard, read.value(), options);
        } else if (read.error().code == ErrorCode::corrupt) {
            print_item({{"shard", shard}, {"offset", at}, {"problem", to_string(read.error())}},
                       options);
        } else if (read.error().code == ErrorCode::not_found) {
            return {};
        } else {
            return Message{options.path + ": " + to_string(read.error())};
        }
    }
}

}  // namespace

Result<void, Message> inspect_journal(const InspectOptions& options) {
    LH_TRY_ASSIGN(const bool there, is_there(options.path));
    if (!there || !is_folder(options.path)) {
        return Message{options.path + ": give the journal's folder, as in [journal] path"};
    }
    auto disk = collector::PosixDisk::open_root(options.path);
    if (!disk.ok()) return Message{options.path + ": " + to_string(disk.error())};
    auto journal = collector::LocalJournal::open_to_read(*disk.value());
    if (!journal.ok()) return Message{options.path + ": " + to_string(journal.error())};
    print_item({{"journal", uuid_text(journal.value()->id().uuid)},
                {"resend", journal.value()->id().resend},
                {"shards", journal.value()->shards()}},
               options);
    for (Shard shard = 0; shard < journal.value()->shards(); ++shard) {
        LH_TRY(print_shard(*journal.value(), shard, options));
    }
    return {};
}

}  // namespace longhaul::tools
