// What a session says of blocks: which are durable, and how many more may come.
#include "collector/session/session.hpp"

namespace longhaul::collector {

void Session::write_acks() {
    for (std::size_t at = 0; at < acks_.size(); at += limits::ack_ranges_max) {
        longhaul_Ack ack = longhaul_Ack_init_zero;
        std::memcpy(ack.journal_uuid, settings_.journal.uuid.data(), settings_.journal.uuid.size());
        ack.journal_resend = settings_.journal.resend;
        const std::size_t count = std::min(acks_.size() - at, limits::ack_ranges_max);
        std::copy_n(acks_.begin() + static_cast<std::ptrdiff_t>(at), count, ack.ranges);
        ack.ranges_count = static_cast<pb_size_t>(count);
        queue([&](ByteWriter& out) { return write_message(ack, out); });
    }
    acks_.clear();
}

// As far as the session's own blocks are durable, and its tenant and the collector have room.
std::uint64_t Session::credit_now() {
    const std::uint64_t wanted = counters_.acked_bytes + settings_.credit_bytes;
    wait_for_no_credit();
    if (settings_.intake == nullptr) return wanted;
    const TenantIntake::Room room = settings_.intake->room(now_);
    const std::uint64_t under_way = wanted - std::min(wanted, counters_.block_bytes);
    if (room.bytes >= under_way) return wanted;
    const std::uint64_t allowed = counters_.block_bytes + room.bytes;
    if (allowed > credit_said_) return allowed;
    if (credit_said_ - counters_.block_bytes >= frame_bytes_max) return credit_said_;
    waits_for_ = room.limited_by;
    credit_due_ = settings_.intake->opens_at(now_);
    return credit_said_;
}

void Session::raise_credit() {
    const std::uint64_t credit = credit_now();
    const std::uint64_t gained = credit - credit_said_;
    if (gained == 0) return;
    // Small steps only when credit is short: the next block may be as long as any.
    const bool is_short = credit < counters_.acked_bytes + settings_.credit_bytes &&
                          credit_said_ - counters_.block_bytes < frame_bytes_max;
    if (gained < settings_.credit_bytes / 4 && !is_short) return;
    credit_said_ = credit;
    const longhaul_Window window{credit};
    queue([&](ByteWriter& out) { return write_message(window, out); });
}

}  // namespace longhaul::collector
