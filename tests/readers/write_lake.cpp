// Writes a lake of known rows through the real journal and writer, for readers_test.py.
//
//   write_lake FOLDER FIRST LAST   journals the blocks FIRST..LAST-1 (of the series in
//   readers_test.py) and
//                                  brings them into the lake, in several commits; and the table
//                                  "extremes", once
//   write_lake FOLDER FIRST LAST N the same with N blocks a commit
//   write_lake FOLDER fleet        a table "fleet": fleet_devices that measure every second, an
//   hour
//                                  a commit
//   write_lake FOLDER upkeep DAYS  looks after the lake as if it were so many days later
//   write_lake FOLDER audit        prints "rows duplicates" of the table, read from its files
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "collector/disk/posix_disk.hpp"
#include "collector/journal/local_journal.hpp"
#include "collector/lake/audit_rows.hpp"
#include "collector/lake/local_store.hpp"
#include "collector/lake/upkeep.hpp"
#include "collector/writer/writer.hpp"
#include "tests/unit/collector/writer/device_maker.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

constexpr std::int64_t rows_per_block = 100;
constexpr std::int64_t start_us = 1'795'262'400'000'000;  // 2026-11-21 12:00 UTC
constexpr std::int64_t block_us = 7'200'000'000;          // from one arrival to the next

std::unique_ptr<StoredSchema> make_series(bool with_extra) {
    Field state = field("state", FieldKind::enumeration);
    state.labels = "off\non\nunknown\n";
    std::vector<Field> fields{
        field("count", FieldKind::integer),  field("level", FieldKind::decimal, 2),
        field("ready", FieldKind::boolean),  state,
        field("note", FieldKind::text),      field("raw", FieldKind::bytes),
        field("single", FieldKind::float32), field("real", FieldKind::float64)};
    fields[1].unit = "Cel";
    fields[1].help = "what the probe says";
    if (with_extra) fields.push_back(field("extra", FieldKind::integer));
    return make_schema("series", TimeKind::source, fields);
}

std::int64_t event_time(std::int64_t i) { return start_us + i * 1'000'003 - i % 3 * 5'000'000; }

double real(std::int64_t i) {
    if (i % 50 == 49) return NAN;
    if (i % 50 == 48) return INFINITY;
    return i % 50 == 47 ? -0.0 : std::sqrt(static_cast<double>(i));
}

// The values of row `i`; `text` holds those that need a place.
std::vector<Value> values_of(std::int64_t i, std::string& text) {
    text = "n" + std::to_string(i) + " é😀";
    text.push_back(static_cast<char>(i % 256));
    const Bytes all = as_bytes(text);
    return {i % 7 == 3 ? Value{} : Value::of_integer(i * i * 1'000'000'007 - 1000),
            i % 11 == 5 ? Value::of_real(0.1 * static_cast<double>(i))
                        : Value::of_integer(i * 37 - 5000),
            Value::of_integer(i % 2),
            Value::of_integer(i % 3),
            i % 13 == 0 ? Value{} : Value::of_text(all.first(all.size() - 1)),
            Value::of_text(all.last(1)),
            Value::of_float32(static_cast<float>(i) / 3),
            Value::of_real(real(i)),
            Value::of_integer(-i)};
}

Body make_body(const StoredSchema& schema, std::int64_t block) {
    std::vector<std::string> texts(rows_per_block);
    std::vector<std::vector<Value>> columns(schema.schema().fields.size());
    std::vector<std::int64_t> times;
    for (std::int64_t row = 0; row < rows_per_block; ++row) {
        const std::int64_t i = block * rows_per_block + row;
        times.push_back(event_time(i));
        const std::vector<Value> values = values_of(i, texts[static_cast<std::size_t>(row)]);
        for (std::size_t column = 0; column < columns.size(); ++column)
            columns[column].push_back(values[column]);
    }
    return Body{}.samples(1, schema, times, columns);
}

struct Lake {
    explicit Lake(const std::string& folder) {
        LH_CHECK(crypto_init().ok());
        LH_CHECK(keys.add(sealing_key()).ok());
        journal_disk = PosixDisk::open_root(folder + "/journal").value();
        lake_disk = PosixDisk::open_root(folder + "/lake").value();
        LocalJournalSettings settings;
        settings.uuid_if_new[0] = std::byte{7};
        journal = LocalJournal::open(*journal_disk, settings).value();
        store = std::make_unique<LocalStore>(*lake_disk);
        writer = std::make_unique<Writer>(*journal, *store, keys, WriterSettings{});
    }
    void append(JournalKind kind, const char* device, Bytes body, std::int64_t time_us) {
        LH_CHECK(journal->append(0, {{time_us}, kind, "acme", device, body}, {0}).ok());
    }
    bool commit(std::int64_t time_us) {
        LH_CHECK(journal->flush().ok());
        writer->request_barrier();
        while (!writer->drained()) {
            const auto next = writer->step({0}, {time_us});
            if (next.ok()) continue;
            std::fprintf(stderr, "%s\n", next.error().text.c_str());
            return false;
        }
        return true;
    }

    KeyRing keys;
    std::unique_ptr<PosixDisk> journal_disk;
    std::unique_ptr<PosixDisk> lake_disk;
    std::unique_ptr<LocalJournal> journal;
    std::unique_ptr<LocalStore> store;
    std::unique_ptr<Writer> writer;
};

// Even blocks come from probe-0, odd ones from probe-1; the schema has grown from block 6 on.
bool write(Lake& lake, std::int64_t first, std::int64_t last, std::int64_t blocks_per_commit) {
    for (std::int64_t block = first; block < last; ++block) {
        const std::int64_t time_us = start_us + block * block_us;
        const char* device = block % 2 == 0 ? "probe-0" : "probe-1";
        const auto schema = make_series(block >= 6);
        EpochMaker epoch{"acme", device, 11, block >= 6 ? 2U : 1U};
        epoch.stream(1, "series", *schema);
        lake.append(JournalKind::schema, "", schema->encoded(), time_us);
        lake.append(JournalKind::epoch, device, epoch.signed_record(), time_us);
        const auto sealed =
            epoch.block(static_cast<std::uint32_t>(block + 1), make_body(*schema, block));
        lake.append(JournalKind::block, device, sealed, time_us);
        lake.append(JournalKind::block, device, sealed, time_us);  // came twice
        const bool enough = block % blocks_per_commit == blocks_per_commit - 1 || block == last - 1;
        if (enough && !lake.commit(time_us)) return false;
    }
    return true;
}

// A table of times that a calendar does and does not have.
bool write_extremes(Lake& lake) {
    const auto schema = make_schema("extremes", TimeKind::source, {field("n", FieldKind::integer)});
    EpochMaker epoch{"acme", "probe-9", 11, 1};
    epoch.stream(1, "extremes", *schema);
    const std::vector<std::int64_t> times{INT64_MIN, -62'135'596'800'000'001, 0,
                                          start_us,  253'402'300'800'000'000, INT64_MAX - 1};
    lake.append(JournalKind::schema, "", schema->encoded(), start_us);
    lake.append(JournalKind::epoch, "probe-9", epoch.signed_record(), start_us);
    const Body body = Body{}.samples(1, *schema, times, {std::vector<Value>(times.size())});
    lake.append(JournalKind::block, "probe-9", epoch.block(1, body), start_us);
    return lake.commit(start_us);
}

constexpr std::int64_t fleet_devices = 19;
constexpr std::int64_t fleet_hours = 8;
constexpr std::int64_t fleet_block_rows = 240;  // four minutes
constexpr std::int64_t hour_us = 3'600'000'000;

// Each row tells of its device and second.
bool write_fleet(Lake& lake) {
    const auto schema = make_schema("fleet", TimeKind::source, {field("n", FieldKind::integer)});
    lake.append(JournalKind::schema, "", schema->encoded(), start_us);
    std::vector<EpochMaker> epochs;
    std::vector<std::string> names;
    for (std::int64_t device = 0; device < fleet_devices; ++device) {
        names.push_back((device < 10 ? "bus-0" : "bus-") + std::to_string(device));
        epochs.emplace_back("acme", names.back().c_str(), 11, 1).stream(1, "fleet", *schema);
        lake.append(JournalKind::epoch, names.back().c_str(), epochs.back().signed_record(),
                    start_us);
    }
    for (std::int64_t second = 0; second < fleet_hours * 3600; second += fleet_block_rows) {
        for (std::int64_t device = 0; device < fleet_devices; ++device) {
            std::vector<std::int64_t> times;
            std::vector<Value> values;
            for (std::int64_t row = second; row < second + fleet_block_rows; ++row) {
                times.push_back(start_us + row * 1'000'000);
                values.push_back(Value::of_integer(device * 1'000'000 + row));
            }
            const Body body = Body{}.samples(1, *schema, times, {values});
            const auto at = static_cast<std::size_t>(device);
            const auto number = static_cast<std::uint32_t>(second / fleet_block_rows + 1);
            lake.append(JournalKind::block, names[at].c_str(), epochs[at].block(number, body),
                        times.back());
        }
        const std::int64_t now_us = start_us + (second + fleet_block_rows) * 1'000'000;
        if (now_us % hour_us == 0 && !lake.commit(now_us)) return false;
    }
    return true;
}

int print_audit(Lake& lake) {
    const auto audited = audit_rows(*lake.store, "acme/series");
    if (!audited.ok()) {
        std::fprintf(stderr, "%s\n", to_string(audited.error()).c_str());
        return 1;
    }
    for (const std::string& fault : audited.value().faults)
        std::fprintf(stderr, "%s\n", fault.c_str());
    if (!audited.value().faults.empty()) return 1;
    std::uint64_t rows = 0;
    std::uint64_t duplicates = 0;
    for (const auto& [block, counts] : audited.value().blocks) {
        rows += counts.rows;
        duplicates += counts.duplicates;
    }
    std::printf("%llu %llu\n", static_cast<unsigned long long>(rows),
                static_cast<unsigned long long>(duplicates));
    return 0;
}

// What it did, as numbers: merges, checkpoints, deleted files, deleted commits, conflicts.
int look_after(const std::string& folder, std::int64_t days) {
    LH_CHECK(crypto_init().ok());
    const auto disk = PosixDisk::open_root(folder + "/lake").value();
    LocalStore store{*disk, "upkeep-"};
    Upkeep::Ports ports;
    ports.tell = [](const Upkeep::Note& note) {
        std::fprintf(stderr, "%s: %s\n", note.table.c_str(), note.text.c_str());
    };
    UpkeepSettings settings;
    settings.retention_days = 0;
    settings.compaction.files_min = 4;
    Upkeep upkeep{store, settings, ports};
    const auto now = std::chrono::system_clock::now().time_since_epoch() + std::chrono::days{days};
    upkeep.look_after_all(Upkeep::all_work,
                          {std::chrono::duration_cast<std::chrono::microseconds>(now).count()});
    const UpkeepCounters& done = upkeep.counters();
    const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
    std::printf("%llu %llu %llu %llu %llu\n", number(done.compactions), number(done.checkpoints),
                number(done.removed_files), number(done.removed_commits), number(done.conflicts));
    return done.failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 64;
    if (argc == 4 && argv[2] == std::string_view{"upkeep"})
        return look_after(argv[1], std::atoll(argv[3]));
    Lake lake{argv[1]};
    if (argc == 3 && argv[2] == std::string_view{"fleet"}) return write_fleet(lake) ? 0 : 1;
    if (argc == 3) return print_audit(lake);
    const std::int64_t blocks_per_commit = argc > 4 ? std::atoll(argv[4]) : 3;
    return write(lake, std::atoll(argv[2]), std::atoll(argv[3]), blocks_per_commit) &&
                   write_extremes(lake)
               ? 0
               : 1;
}
