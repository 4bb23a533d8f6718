// A journal, a lake and a writer on one simulated disk, for tests of the writer.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/journal/local_journal.hpp"
#include "collector/lake/delta_log.hpp"
#include "collector/lake/local_store.hpp"
#include "collector/lake/parquet_file.hpp"
#include "collector/writer/writer.hpp"
#include "firmware-sim/sim_disk.hpp"
#include "tests/unit/collector/writer/device_maker.hpp"

namespace longhaul::test {

inline constexpr std::int64_t noon_us = 1'795'262'400'000'000;  // 2026-11-21 12:00 UTC

// A schema that counts, and a body of it: 0, 1, 2 … at these times.
inline std::unique_ptr<StoredSchema> counter(TimeKind time = TimeKind::source) {
    return make_schema("counter", time, {field("n", FieldKind::integer)});
}

inline Body count_body(const StoredSchema& schema, std::vector<std::int64_t> times) {
    std::vector<Value> values;
    for (std::size_t i = 0; i < times.size(); ++i)
        values.push_back(Value::of_integer(static_cast<std::int64_t>(i)));
    return Body{}.samples(1, schema, times, {values});
}

// Opens each epoch's key once for all writers of the program: tests start many on one journal.
class RememberingKeyRing final : public collector::KeyRing {
 public:
    Result<BlockKey> unwrap(const PrivateKey& key,
                            const longhaul_EpochRecord& record) const override {
        std::vector<std::byte> input(sizeof(key.bytes) + limits::epoch_record_bytes_max);
        ByteWriter out{input};
        out.bytes(key.bytes);
        LH_TRY(encode_epoch_record(record, out));
        static std::map<Sha256, BlockKey> known;
        const Sha256 name = sha256(out.written());
        const auto found = known.find(name);
        if (found != known.end()) return found->second;
        LH_TRY_ASSIGN(const BlockKey opened, KeyRing::unwrap(key, record));
        return known.emplace(name, opened).first->second;
    }
};

struct WriterBench {
    explicit WriterBench(collector::Shard shards = 1) {
        LH_CHECK(crypto_init().ok());
        journal_settings.uuid_if_new[0] = std::byte{7};
        journal_settings.shards_if_new = shards;
        LH_CHECK(keys.add(sealing_key()).ok());
    }

    // Starts again from what the disk holds; false when it fails.
    bool start() {
        writer.reset();
        journal.reset();
        auto opened = collector::LocalJournal::open(disk, journal_settings);
        if (!opened.ok()) return false;
        journal = std::move(opened).value();
        store = std::make_unique<collector::LocalStore>(disk);
        if (!store->clean_up().ok()) return false;
        writer = std::make_unique<collector::Writer>(*journal, *store, keys, settings,
                                                     with_snapshots ? &disk : nullptr);
        return true;
    }

    void append(collector::JournalKind kind, const char* tenant, const char* device, Bytes body,
                std::int64_t time_us = noon_us, collector::Shard shard = 0) {
        if (!journal) LH_CHECK(start());
        LH_CHECK(journal->append(shard, {{time_us}, kind, tenant, device, body}, {0}).ok());
        LH_CHECK(journal->flush().ok());
    }
    void schema(const StoredSchema& schema, const char* tenant = "acme",
                collector::Shard shard = 0) {
        append(collector::JournalKind::schema, tenant, "", schema.encoded(), noon_us, shard);
    }
    void epoch(const EpochMaker& epoch, collector::Shard shard = 0) {
        append(collector::JournalKind::epoch, epoch.record.tenant, epoch.record.device,
               epoch.signed_record(), noon_us, shard);
    }
    void block(const EpochMaker& epoch, Bytes sealed, std::int64_t time_us = noon_us,
               collector::Shard shard = 0) {
        append(collector::JournalKind::block, epoch.record.tenant, epoch.record.device, sealed,
               time_us, shard);
    }

    // The entry at this offset of the first shard cannot be read any more.
    void damage(collector::Offset offset) {
        const auto segments = disk.list("shard-0000").value();
        LH_CHECK(segments.size() == 1);
        const std::size_t header =
            segments[0].bytes - static_cast<std::size_t>(journal->durable_end(0));
        disk.flip("shard-0000/" + segments[0].name, header + static_cast<std::size_t>(offset) + 40,
                  std::byte{1});
    }

    // Writes everything out; the error's text, or nothing.
    std::string drain() {
        writer->request_barrier();
        for (int steps = 0; steps < 100'000; ++steps) {
            const auto next = writer->step({0}, {noon_us});
            if (!next.ok()) return next.error().text;
            if (writer->drained()) return "";
        }
        return "the writer does not come to an end";
    }

    // The rows of a batch file; one that other benches have read too is not read again.
    static const std::vector<std::string>& rows_of(Bytes parquet,
                                                   const std::vector<std::string>& columns) {
        static std::map<std::pair<Sha256, std::vector<std::string>>, std::vector<std::string>>
            known;
        const auto [place, is_new] = known.try_emplace({sha256(parquet), columns});
        if (!is_new) return place->second;
        LH_CHECK(collector::read_text_rows(parquet, columns, [place](const auto& row) {
                     std::string line;
                     for (const std::string& value : row)
                         line += (&value == &row[0] ? "" : "|") + value;
                     place->second.push_back(line);
                 }).ok());
        return place->second;
    }

    // The rows of a table, sorted: the columns' values separated by '|'.
    std::vector<std::string> rows(const std::string& folder,
                                  const std::vector<std::string>& columns) {
        collector::LocalStore reading{disk};
        collector::DeltaTable table{reading, folder};
        LH_CHECK(table.refresh().ok());
        std::vector<std::string> rows;
        for (const auto& [path, file] : table.state().files) {
            const auto bytes = reading.read(folder + "/" + path);
            LH_CHECK(bytes.ok() && bytes.value().size() == file.bytes);
            const auto& read = rows_of(bytes.value(), columns);
            rows.insert(rows.end(), read.begin(), read.end());
        }
        std::sort(rows.begin(), rows.end());
        return rows;
    }

    sim::SimDisk disk;
    collector::LocalJournalSettings journal_settings;
    collector::WriterSettings settings;
    RememberingKeyRing keys;
    bool with_snapshots = true;
    std::unique_ptr<collector::LocalJournal> journal;
    std::unique_ptr<collector::LocalStore> store;
    std::unique_ptr<collector::Writer> writer;
};

}  // namespace longhaul::test
