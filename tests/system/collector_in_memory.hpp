// A device's ports and a collector as one process, without sockets, files or threads: for runs in
// which its disk fails.
#pragma once

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "agent/core/agent.hpp"
#include "collector/journal/local_journal.hpp"
#include "collector/lake/local_store.hpp"
#include "collector/registry/certificate.hpp"
#include "collector/session/session.hpp"
#include "collector/writer/writer.hpp"
#include "firmware-sim/sim_disk.hpp"
#include "firmware-sim/sim_link.hpp"

namespace longhaul::test {

using namespace longhaul::collector;

inline constexpr WallUs start_wall{1'480'000'000'000'000};
// Several barriers come in a run, so that the disk also fails between two of them.
inline constexpr std::int64_t commit_interval_ms = 700;

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

inline const Pki& pki() {
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
    // A `patient` one tries again what its writer failed to do, as the program does.
    Collector(sim::SimDisk& disk, sim::SimLink& link, bool patient = false)
        : disk_{disk}, link_{link}, patient_{patient} {}

    // false: the disk has failed; the process is gone.
    bool step(MonotonicMs now) {
        if (!running() && !start(now)) return fail();
        if (!serve(now)) return fail();
        const auto journalled = journal_->step(now);
        if (!journalled.ok()) return fail();
        if (session_) tell_durable();
        const auto written = writer_->step(now, start_wall);
        if (!written.ok()) UNSCOPED_INFO(written.error().text);
        if (!written.ok() && patient_ && !writer_->fatal()) {
            ++waits_;
            return true;
        }
        return written.ok() || fail();
    }
    void request_barrier() { writer_->request_barrier(); }
    // As if it was killed; it starts again with the next step.
    void end() { fail(); }
    bool drained() const { return writer_ && writer_->drained(); }
    const WriterCounters& counters() const { return writer_->counters(); }
    std::uint64_t waits() const { return waits_; }
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
        writing.snapshot_bytes = 1500;  // so that the journal is cut several times in a run
        writer_ = std::make_unique<Writer>(*journal_, *store_, keys_, writing, &disk_);
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
            session_ = std::make_unique<Session>(device_, settings, known_,
                                                 std::span{&pki().authority, 1}, now);
            submitted_.clear();
            durable_ = 0;
        }
        if (!session_ || !link_.is_open()) return true;
        if (!obey(now)) return false;
        std::vector<std::byte>& in = link_.to_collector;
        if (in.empty() || !session_) return true;
        session_->on_bytes(in, start_wall, now);
        const bool going_on = obey(now);
        in.clear();
        return going_on;
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
    const bool patient_;
    std::uint64_t waits_ = 0;
    std::unique_ptr<LocalJournal> journal_;
    std::unique_ptr<LocalStore> store_;
    KnownDevices known_;
    KeyRing keys_;
    std::unique_ptr<Writer> writer_;
    const DeviceName device_{"test", "acme", "probe-1"};
    std::unique_ptr<Session> session_;
    std::uint64_t session_number_ = 0;
    std::deque<Offset> submitted_;
    std::uint64_t durable_ = 0;
};

}  // namespace longhaul::test
