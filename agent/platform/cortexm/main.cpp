// The firmware: one device, one receiver, one collector.
#include <memory>
#include <optional>

#include "agent/core/agent.hpp"
#include "agent/core/flash_spool.hpp"
#include "agent/platform/cortexm/board.hpp"
#include "agent/platform/cortexm/boot_journal.hpp"
#include "agent/platform/cortexm/codecs.hpp"
#include "agent/platform/cortexm/console.hpp"
#include "agent/platform/cortexm/entropy.hpp"
#include "agent/platform/cortexm/flash_part.hpp"
#include "agent/platform/cortexm/heap.hpp"
#include "agent/platform/cortexm/identity_block.hpp"
#include "agent/platform/cortexm/lwip_link.hpp"
#include "agent/platform/cortexm/nmea_receiver.hpp"
#include "agent/platform/cortexm/startup.hpp"
#include "agent/tls/tls_link.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint32_t identity_sectors = 1, boot_sectors = 2;
constexpr std::int64_t report_ms = 10'000, progress_ms = 1000;

// Of a signed epoch with the receiver's streams, and a certificate as long as it may be here.
constexpr std::size_t certificate_bytes_max = 768;
constexpr std::size_t stream_entry_bytes_max = 1 + 2 + longhaul_StreamEntry_size;
constexpr std::size_t epoch_bytes_max =
    signed_epoch_head_bytes + longhaul_EpochRecord_size -
    (streams_of_sources_max - NmeaReceiver::stream_count) * stream_entry_bytes_max +
    signed_epoch_rest_bytes + certificate_bytes_max;

// The device has no clock of its own; the collector says the date.
class NoClock final : public WallClock {
 public:
    WallReading read() override { return {}; }
};

// Nothing can be done without what is missing: it is said, and tried again after a reset.
[[noreturn]] void give_up(const char* what, const Error& error) {
    console() << "longhaul: " << what << ": " << name_of(error.code) << " " << error.detail << "\n";
    for (const MonotonicMs until = board::now() + 5000; board::now() < until;) board::wait();
    board::reset();
}

longhaul_BootCause cause_of(const Remembered& remembered) {
    if (remembered.power_was_off) return longhaul_BootCause_BOOT_CAUSE_POWER_ON;
    if (remembered.words.death == Death::watchdog) return longhaul_BootCause_BOOT_CAUSE_WATCHDOG;
    return longhaul_BootCause_BOOT_CAUSE_RESET;
}

SpoolPolicy policy_for(const FlashGeometry& geometry) {
    SpoolPolicy policy;
    policy.bytes_max = std::uint64_t{geometry.sectors} * geometry.sector_bytes;
    return policy;
}

// Everything of the device; lives as long as it runs. Memory is dealt out once, here.
class Firmware {
 public:
    void run() {
        begin();
        agent_->poll(board::now());
        for (MonotonicMs due = board::now();;) {
            board::kick_watchdog();
            poll_network();
            const MonotonicMs now = board::now();
            if (board::receiver_has_bytes() || link_->take_stirred() || now >= due) {
                if (const auto floor = agent_->time().floor()) tls_->set_date_floor(*floor);
                due = agent_->poll(now);
                keep_new_ticket();
            }
            report(now);
            if (due > now) board::wait();
        }
    }

 private:
    void begin();
    void begin_identity();
    void begin_spool();
    void begin_agent();
    void report(MonotonicMs now);
    void keep_new_ticket() {
        const Bytes ticket = tls_->take_ticket();
        if (!ticket.empty()) static_cast<void>(spool_->put_state(state_ticket, ticket));
    }

    Remembered remembered_ = take_last_words();
    std::array<char, limits::name_bytes_max> last_words_room_;
    std::string_view last_words_;
    std::array<std::byte, IdentityBlock::bytes_max / 2> identity_room_;
    std::optional<IdentityBlock> identity_;
    std::optional<FlashPart> spool_flash_;
    std::optional<FlashSpool> spool_;
    std::optional<LwipLink> link_;
    std::unique_ptr<TlsLink> tls_;
    CryptoEntropy entropy_;
    NoClock clock_;
    NmeaReceiver receiver_;
    Source* sources_[1] = {&receiver_};
    BoardCodecs codecs_;
    std::optional<Agent> agent_;
    bool was_connected_ = false;
    std::uint64_t told_acked_ = 0;
    MonotonicMs report_at_;
    MonotonicMs progress_at_;
};

alignas(8) std::byte spool_memory[LH_SPOOL_BYTES];
alignas(8) std::byte agent_memory[LH_AGENT_BYTES];

void Firmware::begin() {
    board::begin();
    console() << "longhaul: start\n";
    last_words_ = say(remembered_.words, last_words_room_);
    if (!last_words_.empty()) console() << "longhaul: before: " << last_words_ << "\n";
    begin_identity();
    begin_spool();
    begin_agent();
}

void Firmware::begin_identity() {
    FlashPart boots{board::flash(), identity_sectors, boot_sectors};
    auto identity = IdentityBlock::read(board::flash(), identity_room_);
    if (!identity.ok()) give_up("identity", identity.error());
    identity_.emplace(identity.value());
    if (identity_->certificate().size() > certificate_bytes_max)
        give_up("identity", {ErrorCode::too_large, "certificate"});
    const auto count = count_boot(boots, remembered_);
    if (!count.ok()) give_up("boot journal", count.error());
    feed_entropy(identity_->seed(), identity_->device_secret(), count.value());
    if (const Status made = crypto_init(); !made.ok()) give_up("crypto", made.error());
    if (const Status kept = identity_->keep_key(); !kept.ok()) give_up("key", kept.error());
    console() << "longhaul: " << identity_->tenant() << "/" << identity_->device() << ", start "
              << count.value() << "\n";
}

void Firmware::begin_spool() {
    const std::uint32_t first = identity_sectors + boot_sectors;
    const FlashGeometry whole = board::flash().geometry();
    spool_flash_.emplace(board::flash(), first, whole.sectors - first);
    const FlashGeometry geometry = spool_flash_->geometry();
    LH_CHECK(FlashSpool::memory_bytes(geometry) <= sizeof(spool_memory));
    spool_.emplace(*spool_flash_, policy_for(geometry), entropy_, spool_memory);
    if (const Status opened = spool_->open(); !opened.ok()) give_up("spool", opened.error());
}

void Firmware::begin_agent() {
    if (!begin_network()) give_up("network", ErrorCode::io);
    link_.emplace(identity_->collector_address(), identity_->collector_port());
    TlsSettings tls;
    tls.root_certificate = identity_->root();
    tls.device_certificates = identity_->certificate();
    tls.issuer_certificate = identity_->issuer();
    tls.device_key = identity_->key();
    tls.server_name = identity_->server_name();
    tls.certificates_stay = true;
    auto made = TlsLink::make(tls, *link_);
    if (!made.ok()) give_up("TLS", made.error());
    tls_ = std::move(made).value();
    std::array<std::byte, TlsLink::ticket_bytes_max> ticket;
    if (const auto kept = spool_->read_state(state_ticket, ticket); kept.ok())
        tls_->use_ticket(kept.value());

    AgentSettings settings;
    settings.environment = identity_->environment();
    settings.tenant = identity_->tenant();
    settings.device = identity_->device();
    settings.firmware = "longhaul-cortexm " LH_VERSION;
    settings.boot_cause = cause_of(remembered_);
    settings.last_words = last_words_;
    settings.sealing_key = identity_->sealing_key();
    settings.body_bytes_max = LH_BODY_BYTES;
    settings.stored_body_bytes_max = LH_BODY_BYTES;
    settings.epoch_bytes_max = epoch_bytes_max;
    settings.schema_bytes_max = NmeaReceiver::schema_bytes_max;
    settings.staging_bytes = LH_STAGING_BYTES;
    settings.section_samples_max = LH_SECTION_SAMPLES;
    settings.codecs = BoardCodecs::chosen(identity_->codecs());
    LH_CHECK(Agent::memory_bytes(settings, sources_) <= sizeof(agent_memory));
    const Ports ports{
        *spool_, *tls_, entropy_, *identity_, clock_, sources_, codecs_.tools(settings.codecs)};
    agent_.emplace(settings, ports, agent_memory);
}

// For people at the console and tests: what changed, and what the memory was used for.
void Firmware::report(MonotonicMs now) {
    const UplinkStatus& uplink = agent_->uplink_status();
    if (uplink.connected != was_connected_) {
        was_connected_ = uplink.connected;
        console() << (was_connected_ ? "longhaul: connected "
                                     : "longhaul: disconnected, next attempt in ms ")
                  << (was_connected_ ? std::uint64_t{0}
                                     : static_cast<std::uint64_t>(agent_->next_attempt() - now))
                  << "\n";
    }
    const bool progress = uplink.acked_blocks != told_acked_ && now >= progress_at_;
    if (now < report_at_ && !progress) return;
    report_at_ = now + report_ms;
    progress_at_ = now + progress_ms;
    told_acked_ = uplink.acked_blocks;
    const AgentStatus& status = agent_->status();
    console() << "longhaul: samples " << status.samples << " blocks " << status.blocks << " acked "
              << uplink.acked_blocks << " stack " << stack_bytes_max() << " of " << LH_STACK_BYTES
              << " heap " << heap_use().peak << " of " << heap_use().arena << " refused "
              << heap_use().refused << " " << status.trouble << status.link_trouble << "\n";
    for (const Loss& loss : spool_->losses().entries())  // until a block has told of them
        console() << "longhaul: lost, " << name_of(loss.reason) << ": epoch "
                  << std::uint64_t{loss.first.epoch.value} << " number "
                  << std::uint64_t{loss.first.number} << " to epoch "
                  << std::uint64_t{loss.last.epoch.value} << " number "
                  << std::uint64_t{loss.last.number} << "\n";
}

Firmware firmware;

}  // namespace
}  // namespace longhaul::agent

extern "C" void lh_run() { longhaul::agent::firmware.run(); }
