// The image that shows whether a board keeps what its ports promise: board.hpp and what stands on
// it, on the board itself. It starts itself anew three times: by reset, by a failed check and by
// the watchdog. Results are lines on the console, the last one counts them. docs/porting.md.
//
// What it did before a restart it knows from memory that is not zeroed. Where that does not stay, a
// mark in the flash says so. A power cut looks the same, so it is believed only the second time in
// a row; the first time everything begins again.
#include "agent/platform/cortexm/board.hpp"
#include "agent/platform/cortexm/console.hpp"
#include "agent/platform/cortexm/entropy.hpp"
#include "agent/platform/cortexm/last_words.hpp"
#include "agent/platform/cortexm/lwip_link.hpp"
#include "agent/platform/cortexm/startup.hpp"
#include "common/base/check.hpp"
#include "common/base/crc32c.hpp"
#include "common/block/crypto.hpp"
#include "tests/port/board/contract.hpp"
#include "tests/port/board/restart_mark.hpp"

namespace longhaul::port {
namespace {

using agent::console;
namespace board = agent::board;

// The last sectors: what is written at the start of the flash, an identity for example, stays.
// The first of them has the mark, the flash is checked with the others.
constexpr std::uint32_t sectors_used = 3;
constexpr std::uint32_t losses_believed = 2;  // in a row
constexpr std::size_t receiver_bytes = 400;
constexpr std::int64_t receiver_ms_max = 5000;

enum class Phase : std::uint32_t { first, after_reset, after_check, after_watchdog };

// The promise that the start in this phase is about.
constexpr std::string_view promise_of(Phase phase) {
    switch (phase) {
        case Phase::after_reset:
            return "memory that is not zeroed stays";
        case Phase::after_check:
            return "a failed check leaves last words";
        default:
            return "a main loop that hangs is ended, and leaves last words";
    }
}

// What is remembered over a reset, in the same memory as last words.
struct Progress {
    Phase phase;
    Contract contract;
    RestartMark lost;  // by which the first start knew that memory had been lost before
};
struct Kept {
    alignas(Progress) std::byte progress[sizeof(Progress)];
    std::uint32_t sum;
};
[[gnu::section(".noinit")]] Kept kept;

void keep(const Progress& progress) {
    std::memcpy(kept.progress, &progress, sizeof(progress));
    kept.sum = crc32c(kept.progress);
}

Progress take_progress() {
    Progress progress{Phase::first, Contract{board::write_console}, {}};
    if (kept.sum == crc32c(kept.progress))
        std::memcpy(static_cast<void*>(&progress), kept.progress, sizeof(progress));
    kept.sum = ~kept.sum;
    return progress;
}

void wait() {
    board::kick_watchdog();
    agent::poll_network();
    board::wait();
}

std::uint32_t mark_sector() { return board::flash().geometry().sectors - sectors_used; }
std::uint32_t first_sector() { return mark_sector() + 1; }

// A link to "10.0.2.100:7".
agent::LwipLink link_to(std::string_view text) {
    std::array<std::uint8_t, 4> address{};
    std::array<std::uint32_t, 5> numbers{};
    std::size_t at = 0;
    for (const char each : text) {
        if (each == '.' || each == ':')
            ++at;
        else
            numbers[at] = numbers[at] * 10 + static_cast<std::uint32_t>(each - '0');
        LH_CHECK(at < numbers.size());
    }
    for (std::size_t i = 0; i < 4; ++i) address[i] = static_cast<std::uint8_t>(numbers[i]);
    return {address, static_cast<std::uint16_t>(numbers[4])};
}

// Whoever is at the other end of the line sends 400 bytes 0, 1, 2 … when it reads that they are
// waited for; half of them while nobody reads.
void check_receiver(Contract& contract) {
    contract.begin("receiver");
    while (board::read_receiver() >= 0) {
    }
    console() << "contract: receiver: waits for " << std::uint64_t{receiver_bytes} << " bytes\n";
    const MonotonicMs until = board::now() + receiver_ms_max;
    while (!board::receiver_has_bytes() && board::now() < until) wait();
    constexpr std::string_view promise = "no byte is lost while less than 512 wait, none is added";
    if (!board::receiver_has_bytes()) return contract.leave_out(promise);
    for (const MonotonicMs pause = board::now() + 200; board::now() < pause;) wait();
    std::size_t count = 0;
    bool right = true;
    while (count < receiver_bytes && board::now() < until) {
        const int byte = board::read_receiver();
        if (byte < 0) {
            wait();
            continue;
        }
        right = right && byte == static_cast<int>(count++ % 256);
    }
    contract.check(right && count == receiver_bytes && board::read_receiver() < 0, promise);
}

void check_all(Contract& contract) {
    check_flash(board::flash(), first_sector(), contract);
    const Pace pace{board::now, wait};
    contract.begin("network");
    contract.check(agent::begin_network(), "there is an Ethernet controller");
    check_clock(pace, contract);
    agent::feed_entropy(as_bytes("seed of a contract, not secret"), as_bytes("no device"), 1);
    LH_CHECK(crypto_init().ok());
    agent::CryptoEntropy entropy;
    check_entropy(entropy, contract);
    check_receiver(contract);
    agent::LwipLink echo = link_to(LH_CONTRACT_ECHO);
    agent::LwipLink refused = link_to(LH_CONTRACT_REFUSED);
    check_link(echo, refused, pace, contract);
}

[[noreturn]] void finish(const Contract& contract) {
    console() << "contract: stack " << agent::stack_bytes_max() << " of " << LH_STACK_BYTES
              << "\ncontract: " << contract.held() << " hold, " << contract.failed() << " fail, "
              << contract.left_out() << " left out\n";
    for (;;) wait();
}

// What can only be seen with memory that stays: from this phase on.
[[noreturn]] void finish_without(Phase phase, Contract& contract) {
    contract.begin("reset");
    for (auto each = static_cast<std::uint32_t>(phase);
         each <= static_cast<std::uint32_t>(Phase::after_watchdog); ++each)
        contract.leave_out(promise_of(static_cast<Phase>(each)));
    finish(contract);
}

// The next start is in `phase`, or finds the mark.
void prepare(Progress progress, Phase phase) {
    const auto number = static_cast<std::uint32_t>(phase);
    const std::uint32_t before = progress.lost.phase == number ? progress.lost.times : 0;
    Contract& contract = progress.contract;
    if (!write_mark(board::flash(), mark_sector(), {number, before + 1, contract.counts()})) {
        console() << "contract: the flash keeps no mark, so nothing is restarted\n";
        finish_without(phase, contract);
    }
    progress.phase = phase;
    keep(progress);
}

// Memory stayed, so the mark goes at once: a power cut from here on is none of a restart.
void check_words(Contract& contract, const agent::Remembered& before, agent::Death death,
                 Phase phase) {
    static_cast<void>(remove_mark(board::flash(), mark_sector()));
    contract.begin("reset");
    contract.check(!before.power_was_off && before.words.death == death, promise_of(phase));
}

// The board restarted as it should, and nothing that was in memory is there any more.
[[noreturn]] void finish_lost(const RestartMark& lost) {
    Contract contract{board::write_console, lost.counts};
    const auto phase = static_cast<Phase>(lost.phase);
    static_cast<void>(remove_mark(board::flash(), mark_sector()));
    if (phase == Phase::after_reset) check_flash_kept(board::flash(), first_sector(), contract);
    contract.begin("reset");
    contract.check(false, promise_of(phase));
    console()
        << "contract: memory was lost over " << lost.times
        << " such restarts in a row: nothing that runs before may clear the section .noinit"
           " (a boot loader, a test of the RAM), or it has to lie where a reset clears nothing"
           " (image.ld.in); if it was the power that was cut, both times, run this again\n";
    finish_without(static_cast<Phase>(lost.phase + 1), contract);
}

[[noreturn]] void begin(Progress& progress) {
    progress.lost = read_mark(board::flash(), mark_sector());
    if (progress.lost.times >= losses_believed) finish_lost(progress.lost);
    if (progress.lost.times > 0)
        console() << "contract: memory was lost over a restart, or power was cut: once more\n";
    console() << "contract: begins\n";
    check_all(progress.contract);
    prepare(progress, Phase::after_reset);
    board::reset();
}

void run() {
    const agent::Remembered before = agent::take_last_words();
    Progress progress = take_progress();
    Contract& contract = progress.contract;
    board::begin();
    switch (progress.phase) {
        case Phase::first:
            begin(progress);
        case Phase::after_reset:
            check_words(contract, before, agent::Death::none, progress.phase);
            check_flash_kept(board::flash(), first_sector(), contract);
            prepare(progress, Phase::after_check);
            LH_CHECK(board::now() < MonotonicMs{});  // never
            break;
        case Phase::after_check:
            check_words(contract, before, agent::Death::check, progress.phase);
            prepare(progress, Phase::after_watchdog);
            for (;;) board::wait();
        case Phase::after_watchdog:
            check_words(contract, before, agent::Death::watchdog, progress.phase);
            break;
    }
    finish(contract);
}

}  // namespace
}  // namespace longhaul::port

extern "C" void lh_run() { longhaul::port::run(); }
