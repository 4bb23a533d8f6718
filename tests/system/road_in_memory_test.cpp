// The whole road without sockets, files or threads: the agent's core, a link in memory, the
// collector's session, its journal and its lake on a simulated disk. The disk fails at every step
// of the run in turn; the collector starts again from what the disk kept; at the end every sample
// is in the table once.
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "collector/journal/local_journal.hpp"
#include "collector/lake/local_store.hpp"
#include "collector/lake/parquet_file.hpp"
#include "collector/registry/certificate.hpp"
#include "collector/session/session.hpp"
#include "collector/writer/writer.hpp"
#include "firmware-sim/sim_device_spool.hpp"
#include "firmware-sim/sim_disk.hpp"
#include "firmware-sim/sim_link.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

constexpr WallUs start_wall{1'480'000'000'000'000};
// Long enough for several barriers of the writer, so that it also fails between two of them.
constexpr std::int64_t samples_total = 60;
constexpr std::int64_t sample_interval_ms = 50;
constexpr std::int64_t commit_interval_ms = 700;

// A source whose n-th sample is known, so that rows can be compared with it.
class CountingSource final : public agent::Source {
 public:
    CountingSource() {
        fields_[0] = {.name = "reading",
                      .unit = "Cel",
                      .help = {},
                      .labels = {},
                      .kind = FieldKind::decimal,
                      .scale = 2};
        fields_[1] = {.name = "note",
                      .unit = {},
                      .help = {},
                      .labels = {},
                      .kind = FieldKind::text,
                      .scale = 0,
                      .nullable = true};
        schema_.name = "probe";
        schema_.fields = fields_;
        schema_.time = TimeKind::source;
        schema_.tick_us = 1;
        schema_.deadline_ms = 40;
        encoded_.resize(limits::schema_bytes_max);
        ByteWriter out{encoded_};
        LH_CHECK(encode_schema(schema_, out).ok());
        info_ = {"probe", &schema_, out.written(), BlockClass::normal};
    }
    std::span<const agent::StreamInfo> streams() const override { return {&info_, 1}; }
    const Sample* next(MonotonicMs now) override {
        if (given_ == samples_total || now < next_at()) return nullptr;
        values_[0] = Value::of_integer(reading(given_));
        note_ = note(given_);
        values_[1] = note_.empty() ? Value{} : Value::of_text(as_bytes(note_));
        sample_ = {0, time(given_), values_};
        ++given_;
        return &sample_;
    }
    MonotonicMs next_at() const override {
        return given_ == samples_total ? MonotonicMs::never()
                                       : MonotonicMs{given_ * sample_interval_ms};
    }

    static std::int64_t reading(std::int64_t n) { return 2000 + n * n % 37; }
    static std::string note(std::int64_t n) { return n % 3 == 0 ? "" : "n" + std::to_string(n); }
    static std::int64_t time(std::int64_t n) { return start_wall.value + (n % 5) * 1000 - n; }

 private:
    std::array<Field, 2> fields_;
    Schema schema_;
    std::vector<std::byte> encoded_;
    agent::StreamInfo info_;
    std::array<Value, 2> values_;
    std::string note_;
    Sample sample_;
    std::int64_t given_ = 0;
};

struct Pki {
    std::string root_key = generate_key().value();
    std::string root = issue_certificate({.subject = "root",
                                          .subject_key_pem = root_key,
                                          .issuer_key_pem = root_key,
                                          .issuer_pem = {},
                                          .authority = true,
                                          .uri = {},
                                          .dns = {},
                                          .now = start_wall})
                           .value();
    std::string device_key = generate_key().value();
    std::string device = issue_certificate({.subject = "probe-1",
                                            .subject_key_pem = device_key,
                                            .issuer_key_pem = root_key,
                                            .issuer_pem = root,
                                            .uri = "longhaul://test/acme/probe-1",
                                            .dns = {},
                                            .now = start_wall})
                             .value();
    PrivateKey sealing_key = private_key_of(generate_key().value()).value();
    Certificate authority = Certificate::parse(as_bytes(root)).value();
};

const Pki& pki() {
    static const Pki made = [] {
        LH_CHECK(crypto_init().ok());
        return Pki{};
    }();
    return made;
}

class TestIdentity final : public agent::Identity {
 public:
    Result<Signature> sign(Bytes bytes) override { return longhaul::sign(key_, bytes); }
    Bytes certificate() const override { return certificate_.der(); }
    Bytes device_secret() const override { return as_bytes("a secret of sixteen"); }

 private:
    PrivateKey key_ = private_key_of(pki().device_key).value();
    Certificate certificate_ = Certificate::parse(as_bytes(pki().device)).value();
};

class TestEntropy final : public agent::Entropy {
 public:
    Status fill(MutableBytes room) override {
        for (std::byte& byte : room) byte = static_cast<std::byte>(random_());
        return {};
    }

 private:
    std::mt19937_64 random_{7};
};

class TestClock final : public agent::WallClock {
 public:
    agent::WallReading read() override { return {true, true, start_wall, 1000}; }
};

// The collector as one process: it dies with its disk and starts again from what the disk kept.
class Collector {
 public:
    Collector(sim::SimDisk& disk, sim::SimLink& link) : disk_{disk}, link_{link} {}

    // false: the disk has failed; the process is gone.
    bool step(MonotonicMs now) {
        if (!running() && !start(now)) return fail();
        if (!serve(now)) return fail();
        const auto journalled = journal_->step(now);
        if (!journalled.ok()) return fail();
        if (session_) tell_durable();
        const auto written = writer_->step(now, start_wall);
        if (!written.ok()) UNSCOPED_INFO(written.error().text);
        return written.ok() || fail();
    }
    void request_barrier() { writer_->request_barrier(); }
    bool drained() const { return writer_ && writer_->drained(); }
    const WriterCounters& counters() const { return writer_->counters(); }
    const JournalId& journal() const { return journal_->id(); }

 private:
    bool running() const { return writer_ != nullptr; }

    bool start(MonotonicMs now) {
        (void)now;
        LocalJournalSettings settings;
        settings.uuid_if_new[0] = std::byte{42};
        settings.group_ms_max = 5;
        settings.segment_bytes_max = 2000;
        auto journal = LocalJournal::open(disk_, settings);
        if (!journal.ok()) return false;
        journal_ = std::move(journal).value();
        store_ = std::make_unique<LocalStore>(disk_);
        known_ = {};
        if (!store_->clean_up().ok() || !known_.load(*journal_).ok()) return false;
        LH_CHECK(keys_.add(pki().sealing_key).ok());
        WriterSettings writing;
        writing.commit_interval_ms = commit_interval_ms;
        writing.entries_per_step = 2;
        writer_ = std::make_unique<Writer>(*journal_, *store_, keys_, writing);
        link_.listening = true;
        return true;
    }

    bool fail() {
        link_.listening = false;
        link_.cut();
        session_.reset();
        submitted_.clear();
        writer_.reset();
        store_.reset();
        journal_.reset();
        return false;
    }

    bool serve(MonotonicMs now) {
        if (link_.opened != session_number_ && link_.is_open()) {
            session_number_ = link_.opened;
            SessionSettings settings;
            settings.journal = journal_->id();
            settings.credit_bytes = 1500;
            session_ = std::make_unique<Session>(DeviceName{"test", "acme", "probe-1"}, settings,
                                                 known_, pki().authority, now);
            submitted_.clear();
            durable_ = 0;
        }
        if (!session_ || !link_.is_open()) return true;
        if (!obey(now)) return false;
        std::vector<std::byte>& in = link_.to_collector;
        while (!in.empty() && session_) {
            const std::size_t taken = session_->on_bytes(in, start_wall, now);
            in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(taken));
            if (!obey(now)) return false;
        }
        return true;
    }

    bool obey(MonotonicMs now) {
        while (session_) {
            const SessionAction action = session_->next();
            switch (action.kind) {
                case SessionAction::Kind::wait:
                    return true;
                case SessionAction::Kind::write:
                    link_.to_device.insert(link_.to_device.end(), action.bytes.begin(),
                                           action.bytes.end());
                    break;
                case SessionAction::Kind::close:
                    UNSCOPED_INFO("session ended: " << session_->end_reason());
                    session_.reset();
                    link_.cut();
                    break;
                case SessionAction::Kind::submit: {
                    const auto end = journal_->append(
                        0, {start_wall, action.entry_kind, "acme", "probe-1", action.bytes}, now);
                    if (!end.ok()) return false;
                    submitted_.push_back(end.value());
                    break;
                }
            }
        }
        return true;
    }

    void tell_durable() {
        while (!submitted_.empty() && submitted_.front() <= journal_->durable_end(0)) {
            submitted_.pop_front();
            ++durable_;
        }
        session_->on_durable(durable_);
    }

    sim::SimDisk& disk_;
    sim::SimLink& link_;
    std::unique_ptr<LocalJournal> journal_;
    std::unique_ptr<LocalStore> store_;
    KnownDevices known_;
    KeyRing keys_;
    std::unique_ptr<Writer> writer_;
    std::unique_ptr<Session> session_;
    std::uint64_t session_number_ = 0;
    std::deque<Offset> submitted_;
    std::uint64_t durable_ = 0;
};

// What the table says, by the order in which the device made the samples.
std::map<std::string, int> read_table(sim::SimDisk& disk) {
    LocalStore store{disk};
    DeltaTable table{store, "acme/probe"};
    REQUIRE(table.refresh().ok());
    std::map<std::string, int> rows;
    for (const auto& [path, file] : table.state().files) {
        const auto bytes = store.read("acme/probe/" + path);
        REQUIRE(bytes.ok());
        CHECK(bytes.value().size() == file.bytes);
        const Status read =
            read_text_rows(bytes.value(), {"reading", "note", "event_time", "device", "stream"},
                           [&rows](const std::vector<std::string>& row) {
                               ++rows[row[0] + "|" + row[1] + "|" + row[3] + "|" + row[4]];
                           });
        REQUIRE(read.ok());
    }
    return rows;
}

std::map<std::string, int> expected_rows() {
    std::map<std::string, int> rows;
    for (std::int64_t n = 0; n < samples_total; ++n) {
        char reading[32];
        std::snprintf(reading, sizeof(reading), "%.10g",
                      static_cast<double>(CountingSource::reading(n)) / 100);
        ++rows[std::string{reading} + "|" + CountingSource::note(n) + "|probe-1|probe"];
    }
    return rows;
}

struct Outcome {
    bool disk_failed = false;
    std::uint64_t steps = 0;
};

// One run in which the disk fails at step `fail_after` (never: UINT64_MAX), then works.
Outcome run(std::uint64_t fail_after, bool torn) {
    sim::SimDisk disk;
    disk.fail_after(fail_after);
    sim::SimLink link;
    sim::SimDeviceSpool device_spool{{0xabcd}, UINT64_MAX, {4096, 64, 1}};
    agent::Spool& spool = *device_spool;
    TestIdentity identity;
    TestEntropy entropy;
    TestClock clock;
    CountingSource source;
    agent::Source* sources[] = {&source};
    agent::AgentSettings settings;
    settings.environment = "test";
    settings.tenant = "acme";
    settings.device = "probe-1";
    settings.firmware = "test";
    settings.sealing_key = public_key_of(pki().sealing_key).value();
    settings.body_bytes_max = 256;
    std::vector<std::byte> memory(agent::Agent::memory_bytes(settings, sources));
    agent::Agent device{settings, {spool, link, entropy, identity, clock, sources}, memory};
    Collector collector{disk, link};

    Outcome outcome;
    std::mt19937_64 random{fail_after};
    bool barrier_requested = false;
    for (std::int64_t ms = 0; ms < 3'600'000; ms += 10) {
        device.poll({ms});
        if (!collector.step({ms})) {
            outcome.disk_failed = true;
            disk.cut_power(torn ? &random : nullptr);
            barrier_requested = false;
            continue;
        }
        if (!device.drained()) continue;
        if (!barrier_requested) collector.request_barrier();
        barrier_requested = true;
        if (collector.drained()) break;
    }
    REQUIRE(device.drained());
    REQUIRE(collector.drained());
    outcome.steps = disk.steps_taken();
    CHECK(device.status().samples == samples_total);
    CHECK(device.uplink_status().acked_samples >= samples_total);
    CHECK(collector.counters().quarantined == 0);
    CHECK(collector.counters().damaged == 0);
    CHECK(read_table(disk) == expected_rows());
    return outcome;
}

}  // namespace

TEST_CASE("road: without a fault every sample is in the table once") {
    const Outcome outcome = run(UINT64_MAX, false);
    CHECK_FALSE(outcome.disk_failed);
    INFO("disk steps " << outcome.steps);
    CHECK(outcome.steps > 50);
}

TEST_CASE("road: at whatever step the collector's disk fails, every sample is in the table once") {
    for (const bool torn : {false, true}) {
        for (std::uint64_t step = 1;; ++step) {
            CAPTURE(step, torn);
            if (!run(step, torn).disk_failed) {
                CHECK(step > 50);
                break;
            }
        }
    }
}
