#include "agent/platform/linux/sqlite_opening.hpp"

#include <algorithm>
#include <array>

#include "agent/platform/linux/sqlite_migration.hpp"

namespace longhaul::agent {
namespace {

constexpr std::size_t header_bytes = 100;
constexpr std::string_view magic{"SQLite format 3\0", 16};

std::uint32_t big_endian(Bytes header, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < sizeof(value); ++i)
        value = value << 8 | std::to_integer<std::uint32_t>(header[at + i]);
    return value;
}

// What SQLite does not look at, or takes for another kind of file: those bytes that are the same in
// all of our files.
Status check_header(const std::string& path, SpoolFiles& files) {
    constexpr std::size_t application_at = 68;
    constexpr std::size_t formats_at = 16;  // page size, log, fractions of pages
    constexpr std::array<std::uint32_t, 2> formats{0x1000'0202, 0x0040'2020};
    constexpr std::size_t schema_format_at = 44;
    constexpr std::size_t encoding_at = 56;
    if (!files.exists(path)) return {};
    std::array<std::byte, header_bytes> room;
    LH_TRY_ASSIGN(const Bytes header, files.read(path, 0, room));
    if (header.empty()) return {};
    if (header.size() < room.size() || as_text(header.first(magic.size())) != magic)
        return Error{ErrorCode::corrupt, "the file is not an SQLite database"};
    if (big_endian(header, application_at) != spool_application_id) return {};
    if (big_endian(header, formats_at) != formats[0] ||
        big_endian(header, formats_at + 4) != formats[1] ||
        big_endian(header, schema_format_at) != 4 || big_endian(header, encoding_at) != 1)
        return Error{ErrorCode::corrupt, "the head of the spool's file is damaged"};
    return {};
}

constexpr const char* lock_first = "PRAGMA locking_mode = EXCLUSIVE";
constexpr Error not_a_spool{ErrorCode::unsupported, "this is not a spool"};

// What SQLite calls no database is a damaged one here: its head was looked at.
template <class Answer>
Answer as_damage(Answer answer) {
    if (!answer.ok() && answer.error() == ErrorCode::malformed)
        return Error{ErrorCode::corrupt, answer.error().detail};
    return answer;
}

Status configure(SqliteDatabase& database) {
    return database.execute(
        "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 1048576;"
        "PRAGMA wal_autocheckpoint = 128;"
        "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
        "BEGIN IMMEDIATE; COMMIT;");  // takes the lock now and not at the first append
}

Status format(SpoolTables& tables, const SpoolRoot& root) {
    return tables.database().in_transaction([&] { return tables.make(root); });
}

Status check_application(SqliteDatabase& database) {
    LH_TRY_ASSIGN(const std::int64_t application, database.integer("PRAGMA application_id"));
    if (application == spool_application_id) return {};
    LH_TRY_ASSIGN(const std::int64_t ours,
                  database.integer("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND"
                                   " name IN ('spool', 'blocks', 'epochs', 'schemas', 'state')"));
    constexpr std::int64_t ours_all = 5;
    if (ours == ours_all) return Error{ErrorCode::corrupt, "the head of the spool is damaged"};
    return not_a_spool;
}

Status prepare_existing(SpoolTables& tables) {
    LH_TRY_ASSIGN(const std::int64_t version, tables.database().integer("PRAGMA user_version"));
    if (version == 1) return migrate_tables(tables);
    const Status prepared = tables.prepare();
    if (version == spool_version) return prepared;
    if (prepared.ok()) return Error{ErrorCode::corrupt, "the head of the spool is damaged"};
    return Error{ErrorCode::unsupported, "the spool was made by another version"};
}

// Of a file without tables: whether it is one that was just made, and not one whose count of tables
// has rotted to nothing.
Status check_new(SqliteDatabase& database) {
    LH_TRY_ASSIGN(const std::int64_t pages, database.integer("PRAGMA page_count"));
    LH_TRY_ASSIGN(const std::int64_t application, database.integer("PRAGMA application_id"));
    if (pages > 1 || application == spool_application_id)
        return Error{ErrorCode::corrupt, "the tables of the spool are gone"};
    LH_TRY_ASSIGN(const std::int64_t version, database.integer("PRAGMA user_version"));
    return application == 0 && version == 0 ? Status{} : Status{not_a_spool};
}

// Nothing is changed before it is known whose file it is. The log gets the mode of the file.
Status prepare(SpoolTables& tables, const std::string& path, Entropy& entropy, SpoolFiles& files) {
    SqliteDatabase& database = tables.database();
    LH_TRY(database.execute(lock_first));
    LH_TRY_ASSIGN(const std::int64_t existing,
                  database.integer("SELECT count(*) FROM sqlite_master"));
    LH_TRY(existing == 0 ? check_new(database) : check_application(database));
    LH_TRY(files.make_private(path));
    LH_TRY(configure(database));
    if (existing != 0) return {};
    SpoolRoot root;
    std::array<std::byte, 4> random;
    LH_TRY(entropy.fill(random));
    root.incarnation.value = ByteReader{random}.u32();
    return format(tables, root);
}

}  // namespace

Result<SpoolTables> open_tables(const std::string& path, Entropy& entropy, SpoolFiles& files) {
    LH_TRY(check_header(path, files));
    if (!files.exists(path)) LH_TRY(files.make_private(path));
    LH_TRY_ASSIGN(SqliteDatabase database,
                  as_damage(SqliteDatabase::open(path, SqliteAccess::make, 0, files.vfs())));
    SpoolTables tables{std::move(database)};
    LH_TRY(as_damage(prepare(tables, path, entropy, files)));
    LH_TRY(prepare_existing(tables));
    return tables;
}

Result<SpoolTables> make_tables(const std::string& path, const SpoolRoot& root, SpoolFiles& files) {
    LH_TRY(files.make_private(path));
    LH_TRY_ASSIGN(SqliteDatabase database,
                  SqliteDatabase::open(path, SqliteAccess::make, 0, files.vfs()));
    SpoolTables tables{std::move(database)};
    LH_TRY(tables.database().execute(lock_first));
    LH_TRY(configure(tables.database()));
    LH_TRY(format(tables, root));
    return tables;
}

Status RunBuilder::add(RunKind kind, const BlockRun& block, std::int64_t last_us) {
    if (any_ && (kind != kind_ || block.first != run_.last + 1)) LH_TRY(finish());
    if (!any_) run_ = BlockRun{block.first, block.last};
    any_ = true;
    kind_ = kind;
    run_.last = block.last;
    run_.samples += block.samples;
    run_.bytes += block.bytes;
    last_us_ = last_us;
    return {};
}

Status RunBuilder::finish() {
    if (!any_) return {};
    any_ = false;
    LH_TRY(tables_->add_run(kind_, run_));
    LH_TRY_ASSIGN(ClassCount count, tables_->count(count_id(run_.first)));
    count.kept += run_.blocks();
    if (place_of(run_.last).number > count.last_number) {
        count.last_number = place_of(run_.last).number;
        count.last_us = last_us_;
    }
    return tables_->put_count(count);
}

}  // namespace longhaul::agent
