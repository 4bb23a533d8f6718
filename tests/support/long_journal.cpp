// Makes a journal long: long_journal FOLDER SEALING_KEY MIB appends blocks of a device of its own,
// all of which become rows, until the shards have so many MiB together. No collector may run on it.
// SEALING_KEY is one of the collector's, <id>.key.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "collector/disk/posix_disk.hpp"
#include "collector/journal/local_journal.hpp"
#include "collector/net/clock.hpp"
#include "collector/registry/certificate.hpp"
#include "common/host/files.hpp"
#include "tests/unit/collector/writer/device_maker.hpp"

using namespace longhaul;
using namespace longhaul::collector;
using namespace longhaul::test;

namespace {

constexpr const char* tenant = "acme";
constexpr std::size_t rows_per_block = 8;
constexpr std::size_t text_bytes = 480;
constexpr std::size_t room_bytes = 1 << 20;  // of which each text is a part: it compresses a little

std::uint64_t bytes_of(const LocalJournal& journal) {
    std::uint64_t bytes = 0;
    for (Shard shard = 0; shard < journal.shards(); ++shard)
        bytes += journal.durable_end(shard) - journal.begin(shard).value();
    return bytes;
}

std::string random_text(std::mt19937_64& random) {
    std::string text(room_bytes, ' ');
    for (char& letter : text) letter = static_cast<char>('!' + random() % 90);
    return text;
}

class Filler {
 public:
    Filler(LocalJournal& journal, const PrivateKey& key)
        : journal_{journal},
          random_{bytes_of(journal)},
          device_{"filler-" + std::to_string(bytes_of(journal))},
          epoch_{tenant, device_.c_str(), 1, 1, key} {
        epoch_.stream(1, "filler", *schema_);
        append(JournalKind::schema, "", schema_->encoded());
        append(JournalKind::epoch, device_, epoch_.signed_record());
    }

    void add_block(std::uint32_t number) {
        std::vector<std::int64_t> times;
        std::vector<Value> texts;
        for (std::size_t row = 0; row < rows_per_block; ++row) {
            times.push_back(now_.value + static_cast<std::int64_t>(number * rows_per_block + row));
            const std::size_t at = random_() % (room_bytes - text_bytes);
            texts.push_back(Value::of_text(as_bytes(text_).subspan(at, text_bytes)));
        }
        append(JournalKind::block, device_,
               epoch_.block(number, Body{}.samples(1, *schema_, times, {texts})));
    }

 private:
    // Groups and segments get as long as a collector's.
    void append(JournalKind kind, const std::string& device, Bytes body) {
        const Shard shard = journal_.shard_of(tenant, device_);
        LH_CHECK(journal_.append(shard, {now_, kind, tenant, device, body}, {0}).ok());
        LH_CHECK(journal_.step({0}).ok());
    }

    LocalJournal& journal_;
    std::mt19937_64 random_;
    std::string device_;
    EpochMaker epoch_;
    std::unique_ptr<StoredSchema> schema_ =
        make_schema("filler", TimeKind::source, {field("text", FieldKind::text)});
    std::string text_ = random_text(random_);
    WallUs now_ = wall_now();
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: long_journal FOLDER SEALING_KEY MIB\n");
        return 64;
    }
    const std::uint64_t wanted = std::strtoull(argv[3], nullptr, 10) << 20;
    const auto pem = read_file(argv[2]);
    LH_CHECK(pem.ok());
    const auto key = private_key_of(as_text(pem.value()));
    LH_CHECK(key.ok());
    auto disk = PosixDisk::open_root(argv[1]);
    LH_CHECK(disk.ok());
    auto opened = LocalJournal::open(*disk.value(), {});
    LH_CHECK(opened.ok());
    LocalJournal& journal = *opened.value();
    Filler filler{journal, key.value()};
    std::uint32_t blocks = 0;
    while (bytes_of(journal) < wanted) filler.add_block(++blocks);
    LH_CHECK(journal.flush().ok());
    std::printf("%llu rows appended, %llu bytes\n",
                static_cast<unsigned long long>(blocks) * rows_per_block,
                static_cast<unsigned long long>(bytes_of(journal)));
    return 0;
}
