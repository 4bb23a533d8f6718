// Journal and lake, read whole and changed in nothing, as `longhaul-collector check` looks at them;
// and the clock, of which they have a witness.
#include <cstring>
#include <filesystem>
#include <set>

#include "collector/app/check.hpp"
#include "collector/disk/posix_disk.hpp"
#include "collector/lake/delta_log.hpp"
#include "collector/lake/lake_marker.hpp"
#include "collector/lake/local_store.hpp"
#include "collector/registry/certificate.hpp"
#include "collector/writer/key_ring.hpp"
#include "common/base/civil_time.hpp"
#include "common/base/hex.hpp"
#include "common/host/files.hpp"

namespace longhaul::collector {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t clock_slack_us = 60'000'000;

struct JournalContents {
    std::uint64_t entries = 0;
    std::uint64_t damaged = 0;
    WallUs newest{};
    std::set<SealingKeyId> sealing_keys;  // that its epochs name
};

void take(const JournalEntry& entry, JournalContents& contents) {
    ++contents.entries;
    contents.newest = std::max(contents.newest, entry.receive_time);
    if (entry.kind != JournalKind::epoch) return;
    longhaul_EpochRecord record;
    const auto parsed = parse_signed_epoch(entry.body);
    if (!parsed.ok() || !parse_epoch_record(parsed.value().record, record).ok()) return;
    SealingKeyId id;
    std::memcpy(id.data(), record.sealing_key_id, id.size());
    contents.sealing_keys.insert(id);
}

Result<JournalContents> read_whole(LocalJournal& journal) {
    JournalContents contents;
    for (Shard shard = 0; shard < journal.shards(); ++shard) {
        LH_TRY_ASSIGN(const Offset begin, journal.begin(shard));
        LH_TRY_ASSIGN(const auto reader, journal.read(shard, begin));
        for (;;) {
            const auto read = reader->next();
            if (read.ok()) {
                take(read.value().entry, contents);
            } else if (read.error().code == ErrorCode::corrupt) {
                ++contents.damaged;
            } else if (read.error().code == ErrorCode::not_found) {
                break;
            } else {
                return read.error();
            }
        }
    }
    return contents;
}

void check_clock(WallUs now, WallUs newest, Findings& findings) {
    if (newest.value <= now.value + clock_slack_us)
        return findings.in_order("clock", timestamp_text_ms(now));
    findings.problem("clock",
                     "it is " + timestamp_text_ms(now) +
                         " here, but the newest entry of the "
                         "journal came at " +
                         timestamp_text_ms(newest) +
                         "; set this machine's clock right before the collector starts",
                     exit_check_failed);
}

void check_keys_of_epochs(const CollectorConfig& config, const std::set<SealingKeyId>& wanted,
                          Findings& findings) {
    KeyRing keys;
    const auto files = paths_in(config.sealing_keys);
    if (!files.ok()) return;  // told of already
    for (const std::string& file : files.value()) {
        if (!file.ends_with(".key")) continue;
        const auto pem = longhaul::read_file(file);
        if (!pem.ok()) continue;
        if (const auto key = private_key_of(as_text(pem.value())); key.ok())
            static_cast<void>(keys.add(key.value()));
    }
    for (const SealingKeyId& id : wanted) {
        if (keys.find(id) != nullptr) continue;
        findings.problem("sealing key",
                         config.sealing_keys + ": " + hex(id) +
                             ".key is missing, blocks of the "
                             "journal are sealed to it and the writer would stop; put it back",
                         exit_configuration);
    }
}

void check_journal(const CollectorConfig& config, WallUs now, Findings& findings) {
    const std::string& path = config.journal_path;
    const auto there = is_there(path + "/journal.meta");
    if (!there.ok()) findings.problem("journal", there.error().text, exit_configuration);
    if (!there.ok() || !there.value()) return check_clock(now, {}, findings);
    const auto bad = [&](const Error& error) {
        findings.problem("journal", path + ": " + to_string(error), exit_bad_data);
    };
    const auto disk = PosixDisk::open_root(path);
    if (!disk.ok()) return bad(disk.error());
    const auto journal = LocalJournal::open_to_read(*disk.value());
    if (!journal.ok()) return bad(journal.error());
    const auto contents = read_whole(*journal.value());
    if (!contents.ok()) return bad(contents.error());
    const JournalContents& found = contents.value();
    const std::string text = path + ": " + std::to_string(found.entries) + " entries";
    if (found.damaged != 0) {
        findings.problem("journal",
                         text + ", " + std::to_string(found.damaged) +
                             " places are damaged and are skipped; `longhaul audit` says which "
                             "blocks are missing",
                         exit_bad_data);
    } else {
        findings.in_order("journal", text);
    }
    if (journal.value()->shards() != config.journal.shards_if_new) {
        findings.warning("journal", path + ": has " + std::to_string(journal.value()->shards()) +
                                        " shards since it was made; \"shards\" says otherwise and "
                                        "changes nothing");
    }
    if (!config.gateway) check_keys_of_epochs(config, found.sealing_keys, findings);
    check_clock(now, found.newest, findings);
}

// "acme/bus_position" of every table.
std::vector<std::string> table_names(const std::string& lake, Findings& findings) {
    std::vector<std::string> names;
    const auto hidden = [&findings](const Message& why) {
        findings.problem("lake", why.text, exit_configuration);
    };
    const auto tenants = paths_in(lake);
    if (!tenants.ok()) {
        hidden(tenants.error());
        return names;
    }
    for (const std::string& tenant : tenants.value()) {
        if (!is_folder(tenant)) continue;
        const auto tables = paths_in(tenant);
        if (!tables.ok()) {
            hidden(tables.error());
            continue;
        }
        for (const std::string& table : tables.value()) {
            if (is_folder(table + "/_delta_log"))
                names.push_back(fs::path{tenant}.filename().string() + "/" +
                                fs::path{table}.filename().string());
        }
    }
    return names;
}

void check_lake(const CollectorConfig& config, Findings& findings) {
    const std::string& path = config.lake_path;
    if (!is_folder(path)) return;
    const auto disk = PosixDisk::open_root(path);
    if (!disk.ok())
        return findings.problem("lake", path + ": " + to_string(disk.error()), exit_bad_data);
    LocalStore store{*disk.value()};
    const auto marker = read_lake_marker(store);
    if (!marker.ok())
        return findings.problem("lake", path + ": " + to_string(marker.error()), exit_bad_data);
    if (marker.value()) {
        const std::string foreign = foreign_lake(*marker.value(), config.environment);
        if (!foreign.empty())
            return findings.problem("lake", path + ": " + foreign, exit_configuration);
    }
    std::size_t tables = 0;
    bool all_read = true;
    for (const std::string& name : table_names(path, findings)) {
        DeltaTable table{store, name};
        ++tables;
        if (const Status read = table.refresh(); !read.ok()) {
            all_read = false;
            findings.problem("lake",
                             path + ": table " + name + ": " + to_string(read.error()) +
                                 "; the writer would stop",
                             exit_bad_data);
        }
    }
    if (all_read) findings.in_order("lake", path + ": " + std::to_string(tables) + " tables");
}

}  // namespace

void check_stores(const CollectorConfig& config, WallUs now, Findings& findings) {
    check_journal(config, now, findings);
    if (!config.gateway) check_lake(config, findings);
}

}  // namespace longhaul::collector
