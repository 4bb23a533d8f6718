// Records in the sectors of a flash: written body first and header last, found again whatever lies
// between them.
#pragma once

#include <span>

#include "agent/core/flash_sectors.hpp"

namespace longhaul::agent {

struct FlashRecord {
    std::uint32_t sector = no_sector;
    std::uint32_t offset = 0;
    RecordHeader header;

    std::uint32_t end(const FlashLayout& layout) const {
        return offset + layout.record_bytes(header.body_bytes);
    }
};

// Where the next record of a chain goes.
struct FlashTail {
    std::uint32_t sector = no_sector;
    std::uint32_t used = 0;  // 0: there is no sector that takes records

    bool fits(const FlashLayout& layout, std::size_t body_bytes) const {
        return used != 0 && used + layout.record_bytes(body_bytes) <= layout.summary_at();
    }
};

// The body in pieces, so that nobody has to put them together. Fills in the header's body fields.
using BodyPieces = std::span<const Bytes>;
// Error io: it does not read back as it was written; the sector has failed and takes no more.
Status append_record(FlashSectors& sectors, FlashTail& tail, RecordHeader& header, BodyPieces body);
// The same, of a record that lies elsewhere, in its own words. Error corrupt: its body is damaged.
Status copy_record(FlashSectors& sectors, const FlashRecord& from, FlashTail& to);

// Three attempts to read a body that matches its header.
bool read_body(FlashSectors& sectors, const FlashRecord& record, MutableBytes room);
// Of such a body the first bytes, and those from `skip` on.
bool read_body_parts(FlashSectors& sectors, const FlashRecord& record, MutableBytes head,
                     std::size_t skip, MutableBytes rest);
bool body_is_whole(FlashSectors& sectors, const FlashRecord& record);

// The body piece by piece, from its start on, for who has no room for it.
class BodyReader final : public ByteSource {
 public:
    BodyReader(FlashSectors& sectors, const FlashRecord& record);
    bool read(MutableBytes room) override;
    bool skip(std::size_t bytes);
    // Takes the rest: whether all of it was as it was written. Only then is what was read believed.
    bool was_whole();

 private:
    FlashSectors& sectors_;
    const FlashRecord& record_;
    std::uint32_t at_;
    std::size_t rest_;
    std::uint32_t crc_ = 0;
};

void write_summary(FlashSectors& sectors, std::uint32_t sector, RecordHeader summary);
bool read_summary(FlashSectors& sectors, std::uint32_t sector, RecordHeader& summary);

// From record to record in [from, to) of a sector, unit by unit over what is none.
class RecordScan {
 public:
    RecordScan(FlashSectors& sectors, std::uint32_t sector, std::uint32_t from, std::uint32_t to)
        : sectors_{sectors}, record_{sector, from, {}}, next_{from}, to_{to} {}
    // All of a sector, or what of it the tail of its chain says.
    RecordScan(FlashSectors& sectors, std::uint32_t sector, const FlashTail& tail);

    bool next();
    const FlashRecord& record() const { return record_; }
    std::uint32_t end() const { return next_; }  // of the last record that was found

 private:
    bool try_at(std::uint32_t offset);
    bool resync();

    FlashSectors& sectors_;
    FlashRecord record_;
    std::uint32_t next_;
    std::uint32_t to_;
};

}  // namespace longhaul::agent
