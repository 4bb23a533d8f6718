#include "collector/journal/local_reader.hpp"

#include <algorithm>
#include <array>

#include "collector/journal/segment.hpp"

namespace longhaul::collector {
namespace {

constexpr std::size_t read_ahead_bytes = 4 * entry_bytes_max;
constexpr Offset no_end = UINT64_MAX;

}  // namespace

Result<ReadEntry> LocalReader::next() {
    const Offset durable_end = durable_end_.load();
    if (offset_ >= durable_end) return ErrorCode::not_found;
    auto parsed = parse_entry(buffered(), {salt_, offset_});
    if (!parsed.ok()) {
        LH_TRY(fill(durable_end));
        parsed = parse_entry(buffered(), {salt_, offset_});
    }
    if (!parsed.ok()) {
        skip_damage();
        return Error{ErrorCode::corrupt, "journal entry"};
    }
    const ReadEntry result{parsed.value().entry, offset_, offset_ + parsed.value().bytes,
                           parsed.value().checksum};
    offset_ = result.end;
    return result;
}

// To the next whole entry, or to the end of the segment when there is none.
void LocalReader::skip_damage() {
    const Bytes rest = buffered();
    if (rest.empty()) {
        offset_ = segment_end_;  // the segment has lost its end
        return;
    }
    std::size_t skipped = skip_to_entry(rest, {salt_, offset_});
    // An entry may begin near the end of the buffer and go on behind it.
    if (skipped == rest.size() && skipped == read_ahead_bytes) skipped -= entry_bytes_max;
    offset_ += skipped;
}

Bytes LocalReader::buffered() const {
    if (offset_ < buffer_offset_ || offset_ > buffer_offset_ + buffer_.size()) return {};
    return Bytes{buffer_}.subspan(static_cast<std::size_t>(offset_ - buffer_offset_));
}

// Reads from offset_ on, never over the segment's or the durable end: a whole entry at least, or
// nothing when the segment has lost its end.
Status LocalReader::fill(Offset durable_end) {
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (file_ == nullptr || offset_ >= segment_end_) LH_TRY(open_segment());
        const Offset end = std::min(durable_end, segment_end_);
        buffer_.resize(std::min<Offset>(read_ahead_bytes, end - offset_));
        buffer_offset_ = offset_;
        LH_TRY_ASSIGN(const std::size_t got,
                      file_->read_at(segment_header_bytes + offset_ - segment_base_, buffer_));
        buffer_.resize(got);
        if (got != 0 || segment_end_ != no_end) return {};
        file_ = nullptr;  // was the newest segment: perhaps a newer one has begun
    }
    return Error{ErrorCode::io, "the newest journal segment is shorter than what was synced"};
}

Status LocalReader::open_segment() {
    LH_TRY_ASSIGN(const std::vector<Offset> bases, segment_bases(disk_, shard_));
    const auto after = std::upper_bound(bases.begin(), bases.end(), offset_);
    if (after == bases.begin()) {
        return Error{ErrorCode::io, "this part of the journal is gone"};
    }
    segment_base_ = *(after - 1);
    segment_end_ = after == bases.end() ? no_end : *after;
    LH_TRY_ASSIGN(file_, disk_.open(segment_path(shard_, segment_base_)));
    std::array<std::byte, segment_header_bytes> header{};
    LH_TRY_ASSIGN(const std::size_t got, file_->read_at(0, header));
    const Status sound =
        check_segment_header(Bytes{header}.first(got), {shard_, segment_base_, salt_});
    // The entries say themselves whether they are sound.
    return sound.ok() || sound.error().code == ErrorCode::corrupt ? Status{} : sound;
}

}  // namespace longhaul::collector
