// The collector put together: journal, sessions and writer in one process; as a gateway without
// the writer, and without the keys that it needs.
//
// Five threads: the network (listener, sessions, everything of a Gateway), the journal, the writer,
// the upkeep of the lake, the operations; and those of the handshakes, which the listener keeps for
// itself. They meet in JournalThread, WriterThread, UpkeepThread and Operations only.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <memory>
#include <optional>
#include <string>

#include "collector/app/config.hpp"
#include "collector/app/config_keys.hpp"
#include "collector/app/credentials.hpp"
#include "collector/app/enrolment.hpp"
#include "collector/app/last_moment.hpp"
#include "collector/app/operations.hpp"
#include "collector/disk/folder_lock.hpp"
#include "collector/disk/posix_disk.hpp"
#include "collector/lake/local_store.hpp"
#include "collector/net/guard.hpp"
#include "collector/session/renewals.hpp"
#include "common/host/exit_codes.hpp"

namespace longhaul::collector {

// Why a collector does not start, and the exit code for it.
struct StartFailure {
    StartFailure(Message message, int code = exit_retry_later)
        : text{std::move(message.text)}, exit_code{code} {}
    std::string text;
    int exit_code;
};

class Collector {
 public:
    // `read_again` yields what a reload takes over.
    Collector(CollectorConfig config, Credentials credentials, Log& log,
              std::function<Result<CollectorConfig, Message>()> read_again);

    // Where ports are written once they are listened on; may be empty.
    struct PortFiles {
        std::string devices;
        std::string http;
        std::string enrolment;
    };
    // Opens journal and lake, recovers, listens.
    Result<void, StartFailure> open(const PortFiles& files);
    // Until SIGTERM, SIGINT or a failure; the exit code.
    int run();

 private:
    Result<void, StartFailure> open_journal();
    Result<void, StartFailure> check_environment();
    Result<void, StartFailure> open_lake();
    Result<void, StartFailure> open_renewals();
    Result<void, StartFailure> open_enrolment(const std::string& port_file);
    Result<void, StartFailure> open_writer();
    void start_threads();
    void start_writer();
    void reload();
    void apply(const CollectorConfig& config, Credentials credentials);
    void apply_limits(const CollectorConfig& config);
    void tell_stopping();
    void tell_late();
    void give_up();
    void tell_renewed(const CollectorConfig& config, const Credentials& credentials);
    void note_in_trail(const std::vector<TrailFact>& facts);
    boost::asio::awaitable<void> supervise();
    void on_durable(std::vector<DurableNews> news);
    void on_failure(Message message, int exit_code);
    void watch_signals();
    void report() const;
    std::shared_ptr<const std::vector<SealingKeyId>> sealing_ids() const;

    CollectorConfig config_;  // from the start of the operations on, theirs
    Credentials credentials_;
    Log& log_;
    const AuditTrail trail_;
    std::function<Result<CollectorConfig, Message>()> read_again_;

    std::atomic<int> exit_code_ = 0;
    std::optional<LastMoment> last_moment_;  // holds until everything below is gone

    std::unique_ptr<FolderLock> lock_;
    std::unique_ptr<PosixDisk> journal_disk_;
    std::unique_ptr<PosixDisk> lake_disk_;
    std::unique_ptr<LocalJournal> journal_;
    std::unique_ptr<LocalStore> store_;
    std::unique_ptr<Writer> writer_;
    std::unique_ptr<Releases> releases_;
    KnownDevices known_;
    Intake intake_;

    boost::asio::io_context network_{1};
    boost::asio::signal_set signals_{network_};
    Wakeup news_{network_.get_executor()};
    std::unique_ptr<JournalThread> journal_thread_;
    std::unique_ptr<WriterThread> writer_thread_;
    std::unique_ptr<UpkeepThread> upkeep_thread_;
    std::unique_ptr<Gateway> gateway_;
    std::unique_ptr<Renewals> renewals_;
    std::unique_ptr<Listener> listener_;
    std::unique_ptr<Guard> guard_;
    std::unique_ptr<Enrolment> enrolment_;  // none if nobody enrols here
    MonotonicMs stop_deadline_;
    int signals_seen_ = 0;
    bool failed_ = false;
    std::unique_ptr<Operations> operations_;  // ends before what it looks at
};

}  // namespace longhaul::collector
