// A listener with everything behind it, on a thread of its own, for tests with real sockets and
// real TLS.
#pragma once

#include <spdlog/sinks/ostream_sink.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <sstream>
#include <thread>

#include "collector/journal/local_journal.hpp"
#include "collector/net/guard.hpp"
#include "firmware-sim/sim_disk.hpp"
#include "tests/support/pki.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/tls_client.hpp"

namespace longhaul::test {

using namespace longhaul::collector;

// Certificates of two tenants, and of strangers; made once, because keys take their time.
struct GatewayPki {
    Issued root = issue_authority("root");
    Issued server = issue_server(root, "localhost");
    Issued acme = issue_authority("acme", &root);
    Issued other = issue_authority("other", &root);
    Issued stranger = issue_authority("stranger");
};
inline GatewayPki& gateway_pki() {
    static GatewayPki pki;
    return pki;
}

// Keeps what was submitted; says that it is durable when it is told to.
class HeldSubmissions final : public Submissions {
 public:
    bool submit(const std::shared_ptr<Submitter>& from, Shard, const JournalEntry& entry) override {
        if (!from) {
            costs.push_back(parse_connection_cost(entry.body).value());
            return true;
        }
        from_ = from;
        kinds.push_back(entry.kind);
        return true;
    }
    void make_durable() {
        if (from_) from_->on_durable(kinds.size() - durable_);
        durable_ = kinds.size();
    }
    void forget() { from_.reset(); }
    std::vector<JournalKind> kinds;
    std::vector<ConnectionCost> costs;  // nobody waits for them

 private:
    std::shared_ptr<Submitter> from_;
    std::size_t durable_ = 0;
};

class GatewayFixture {
 public:
    GatewayFixture() {
        fill_registry(registry_path());
        const auto entrance = make_entrance();
        journal_ = LocalJournal::open(disk_, {}).value();
        gateway_.reset(
            new Gateway{entrance, known_, intake, submissions, *journal_, log_, {}, 30'000, 100});
        gateway_->session.journal = journal_->id();
    }
    ~GatewayFixture() { stop(); }

    // Two tenants; bus-1 of acme is allowed, bus-2 revoked.
    static void fill_registry(const std::string& path) {
        const auto registry = Registry::open(path).value();
        LH_CHECK(registry->add_tenant({"acme", gateway_pki().acme.certificate}).ok());
        LH_CHECK(registry->add_tenant({"other", gateway_pki().other.certificate}).ok());
        LH_CHECK(registry->allow("acme", {"bus-1", "bus-2"}).ok());
        LH_CHECK(registry->revoke("acme", "bus-2").ok());
    }
    // By the registry as it is now.
    std::shared_ptr<const Entrance> make_entrance() const {
        const GatewayPki& pki = gateway_pki();
        auto registry = Registry::open(registry_path()).value();
        auto admission = Admission::make("test", *registry).value();
        auto tickets = std::make_shared<Tickets>();
        auto tls = TlsContext::make({pki.server.certificate,
                                     pki.server.key,
                                     {pki.acme.certificate, pki.other.certificate},
                                     tickets})
                       .value();
        return std::make_shared<const Entrance>(
            Entrance{std::move(registry), std::move(admission), tickets, std::move(tls)});
    }

    // Settings of the gateway may be changed before this.
    void start() {
        listener_ = Listener::open(network_.get_executor(), "127.0.0.1:0", *gateway_).value();
        guard_ = std::make_unique<Guard>(registry_path(), *gateway_, *listener_);
        guard_->look(test::wall_now());
        tasks_.start(listener_->run());
        thread_ = std::thread{[this] { network_.run(); }};
    }
    // Stops reading, waits until the last connection has ended.
    void stop() {
        if (!thread_.joinable()) return;
        finish();
        thread_.join();
        submissions.forget();  // before the network goes that its connection belongs to
    }
    void finish() {
        boost::asio::post(network_, [this] { listener_->finish(); });
    }
    // Runs a function on the network's thread and waits for it.
    template <class Function>
    void on_network(Function function) {
        std::promise<void> done;
        boost::asio::post(network_, [&] {
            function();
            done.set_value();
        });
        done.get_future().wait();
    }

    TlsClientSettings device(const Issued& identity) const {
        TlsClientSettings settings;
        settings.port = listener_->port();
        settings.root_pem = gateway_pki().root.certificate;
        settings.certificate_pem = identity.certificate;
        settings.key_pem = identity.key;
        return settings;
    }
    std::string registry_path() const { return folder_ / "registry.db"; }
    // What the guard sees at this time.
    void look(WallUs now) {
        on_network([&] { guard_->look(now); });
    }
    void reload() {
        on_network([&] {
            gateway_->entrance = make_entrance();
            guard_->look_at_everybody(test::wall_now());
        });
    }
    unsigned short port() const { return listener_->port(); }
    Gateway& gateway() { return *gateway_; }
    // After stop().
    std::string log() const { return log_text_.str(); }

    HeldSubmissions submissions;
    Intake intake;

 private:
    TemporaryFolder folder_;
    sim::SimDisk disk_;
    std::ostringstream log_text_;
    Log log_{std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_)};
    std::unique_ptr<LocalJournal> journal_;
    KnownDevices known_;
    std::unique_ptr<Gateway> gateway_;
    boost::asio::io_context network_{1};
    std::unique_ptr<Listener> listener_;
    std::unique_ptr<Guard> guard_;
    TaskGroup tasks_{network_.get_executor(), [](const std::string&) {}};
    std::thread thread_;
};

}  // namespace longhaul::test
