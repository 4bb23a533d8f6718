// The collector put together: journal, sessions and writer in one process.
//
// Three threads: the network (listener, sessions, everything of a Gateway), the journal, the
// writer. They meet in JournalThread and WriterThread only.
#pragma once

#include <spdlog/logger.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <memory>
#include <optional>
#include <string>

#include "collector/app/config.hpp"
#include "collector/app/credentials.hpp"
#include "collector/app/folder_lock.hpp"
#include "collector/app/journal_thread.hpp"
#include "collector/app/writer_thread.hpp"
#include "collector/disk/posix_disk.hpp"
#include "collector/lake/local_store.hpp"
#include "collector/net/listener.hpp"

namespace longhaul::collector {

class Collector {
 public:
    Collector(CollectorConfig config, Credentials credentials, spdlog::logger& log);

    // Opens journal and lake, recovers, listens. `port_file`: where the port is written; may be
    // empty.
    Result<void, Message> open(const std::string& port_file);
    // Until SIGTERM, SIGINT or a failure; the exit code.
    int run();

 private:
    Result<void, Message> open_journal();
    Result<void, Message> open_lake();
    boost::asio::awaitable<void> supervise();
    void on_durable(std::vector<DurableNews> news);
    void on_failure(Message message, int exit_code);
    void watch_signals();
    void report() const;

    CollectorConfig config_;
    Credentials credentials_;
    spdlog::logger& log_;

    std::unique_ptr<FolderLock> lock_;
    std::unique_ptr<PosixDisk> journal_disk_;
    std::unique_ptr<PosixDisk> lake_disk_;
    std::unique_ptr<LocalJournal> journal_;
    std::unique_ptr<LocalStore> store_;
    std::unique_ptr<Writer> writer_;
    KnownDevices known_;

    boost::asio::io_context network_{1};
    boost::asio::signal_set signals_{network_};
    Wakeup news_{network_.get_executor()};
    std::unique_ptr<JournalThread> journal_thread_;
    std::unique_ptr<WriterThread> writer_thread_;
    std::unique_ptr<Gateway> gateway_;
    std::unique_ptr<Listener> listener_;
    MonotonicMs stop_deadline_;
    int signals_seen_ = 0;
    bool failed_ = false;
    int exit_code_ = 0;
};

}  // namespace longhaul::collector
