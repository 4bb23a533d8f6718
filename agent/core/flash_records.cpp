#include "agent/core/flash_records.hpp"

#include <algorithm>

#include "common/base/check.hpp"
#include "common/base/crc32c.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint32_t chunk_bytes = flash_unit_bytes_max;

// Gathers pieces into chunks of whole units.
class ChunkWriter {
 public:
    ChunkWriter(FlashSectors& sectors, std::uint32_t sector, std::uint32_t offset)
        : sectors_{sectors}, sector_{sector}, offset_{offset} {}

    Status add(Bytes bytes) {
        while (!bytes.empty()) {
            const std::size_t count = std::min<std::size_t>(bytes.size(), chunk_.size() - filled_);
            std::copy_n(bytes.begin(), count, chunk_.begin() + filled_);
            filled_ += static_cast<std::uint32_t>(count);
            bytes = bytes.subspan(count);
            if (filled_ == chunk_.size()) LH_TRY(flush());
        }
        return {};
    }
    Status flush() {
        const std::uint32_t whole = sectors_.layout().up(filled_);
        std::fill(chunk_.begin() + filled_, chunk_.begin() + whole, std::byte{0xff});
        const Status done = sectors_.program(sector_, offset_, Bytes{chunk_}.first(whole));
        offset_ += whole;
        filled_ = 0;
        return done;
    }

 private:
    FlashSectors& sectors_;
    std::uint32_t sector_;
    std::uint32_t offset_;
    std::uint32_t filled_ = 0;
    std::array<std::byte, chunk_bytes> chunk_;
};

// The CRC of what lies there, and each piece of it to `take`.
template <class Take>
bool crc_of(FlashSectors& sectors, std::uint32_t sector, std::uint32_t offset, std::uint32_t bytes,
            std::uint32_t& crc, Take&& take) {
    std::array<std::byte, chunk_bytes> chunk;
    crc = 0;
    while (bytes != 0) {
        const MutableBytes piece =
            MutableBytes{chunk}.first(std::min<std::uint32_t>(bytes, chunk_bytes));
        if (!sectors.read(sector, offset, piece) || !take(Bytes{piece})) return false;
        crc = crc32c(piece, crc);
        offset += static_cast<std::uint32_t>(piece.size());
        bytes -= static_cast<std::uint32_t>(piece.size());
    }
    return true;
}

std::uint32_t body_at(const FlashSectors& sectors, const FlashRecord& record) {
    return record.offset + sectors.layout().up(record_header_bytes);
}

bool write_header(FlashSectors& sectors, const FlashRecord& record) {
    const FlashLayout& layout = sectors.layout();
    std::array<std::byte, flash_unit_bytes_max> unit;
    unit.fill(std::byte{0xff});
    ByteWriter out{unit};
    write_record_header(record.header, {sectors.at(record.sector).order, record.offset}, out);
    const Bytes whole = Bytes{unit}.first(layout.up(record_header_bytes));
    std::array<std::byte, record_header_bytes> room;
    return sectors.program(record.sector, record.offset, whole).ok() && sectors.sync().ok() &&
           sectors.read_until(record.sector, record.offset, room,
                              [&](Bytes bytes) { return equal(bytes, out.written()); });
}

// `write_body` has written it, or not.
Status finish(FlashSectors& sectors, FlashTail& tail, const FlashRecord& record,
              const Status& body) {
    if (body.ok() && sectors.sync().ok() && body_is_whole(sectors, record) &&
        write_header(sectors, record)) {
        tail.used = record.end(sectors.layout());
        return {};
    }
    sectors.at(tail.sector).state = FlashSector::State::failed;
    tail.used = 0;
    return Error{ErrorCode::io, "the flash does not keep what is written"};
}

}  // namespace

Status append_record(FlashSectors& sectors, FlashTail& tail, RecordHeader& header,
                     BodyPieces body) {
    std::size_t bytes = 0;
    header.body_crc = 0;
    for (const Bytes piece : body) {
        bytes += piece.size();
        header.body_crc = crc32c(piece, header.body_crc);
    }
    LH_CHECK(bytes <= UINT16_MAX && tail.fits(sectors.layout(), bytes));
    header.body_bytes = static_cast<std::uint16_t>(bytes);
    const FlashRecord record{tail.sector, tail.used, header};
    const auto write_body = [&]() -> Status {
        ChunkWriter writer{sectors, tail.sector, body_at(sectors, record)};
        for (const Bytes piece : body) LH_TRY(writer.add(piece));
        return writer.flush();
    };
    return finish(sectors, tail, record, write_body());
}

Status copy_record(FlashSectors& sectors, const FlashRecord& from, FlashTail& to) {
    if (!body_is_whole(sectors, from)) return ErrorCode::corrupt;
    LH_CHECK(to.fits(sectors.layout(), from.header.body_bytes));
    const FlashRecord record{to.sector, to.used, from.header};
    ChunkWriter writer{sectors, to.sector, body_at(sectors, record)};
    std::uint32_t crc = 0;
    Status written;
    crc_of(sectors, from.sector, body_at(sectors, from), from.header.body_bytes, crc,
           [&](Bytes piece) {
               if (written.ok()) written = writer.add(piece);
               return true;
           });
    if (written.ok()) written = writer.flush();
    return finish(sectors, to, record, written);
}

bool read_body(FlashSectors& sectors, const FlashRecord& record, MutableBytes room) {
    return sectors.read_until(record.sector, body_at(sectors, record), room,
                              [&](Bytes bytes) { return crc32c(bytes) == record.header.body_crc; });
}

bool read_body_parts(FlashSectors& sectors, const FlashRecord& record, MutableBytes head,
                     std::size_t skip, MutableBytes rest) {
    LH_CHECK(std::max<std::size_t>(head.size(), skip + rest.size()) <= record.header.body_bytes);
    for (int attempt = 0; attempt < FlashSectors::reads_max; ++attempt) {
        std::uint32_t crc = 0;
        std::size_t at = 0;
        const bool readable = crc_of(sectors, record.sector, body_at(sectors, record),
                                     record.header.body_bytes, crc, [&](Bytes piece) {
                                         for (const std::byte each : piece) {
                                             if (at < head.size()) head[at] = each;
                                             if (at >= skip && at - skip < rest.size())
                                                 rest[at - skip] = each;
                                             ++at;
                                         }
                                         return true;
                                     });
        if (readable && crc == record.header.body_crc) return true;
    }
    return false;
}

bool body_is_whole(FlashSectors& sectors, const FlashRecord& record) {
    for (int attempt = 0; attempt < FlashSectors::reads_max; ++attempt) {
        std::uint32_t crc = 0;
        if (crc_of(sectors, record.sector, body_at(sectors, record), record.header.body_bytes, crc,
                   [](Bytes) { return true; }) &&
            crc == record.header.body_crc)
            return true;
    }
    return false;
}

BodyReader::BodyReader(FlashSectors& sectors, const FlashRecord& record)
    : sectors_{sectors},
      record_{record},
      at_{body_at(sectors, record)},
      rest_{record.header.body_bytes} {}

bool BodyReader::read(MutableBytes room) {
    if (room.size() > rest_ || !sectors_.read(record_.sector, at_, room)) return false;
    crc_ = crc32c(room, crc_);
    at_ += static_cast<std::uint32_t>(room.size());
    rest_ -= room.size();
    return true;
}

bool BodyReader::skip(std::size_t bytes) {
    std::array<std::byte, chunk_bytes> chunk;
    while (bytes != 0) {
        const MutableBytes piece = MutableBytes{chunk}.first(std::min(bytes, chunk.size()));
        if (!read(piece)) return false;
        bytes -= piece.size();
    }
    return true;
}

bool BodyReader::was_whole() { return skip(rest_) && crc_ == record_.header.body_crc; }

void write_summary(FlashSectors& sectors, std::uint32_t sector, RecordHeader summary) {
    summary.kind = RecordKind::summary;
    if (!write_header(sectors, {sector, sectors.layout().summary_at(), summary}))
        sectors.at(sector).state = FlashSector::State::failed;
}

bool read_summary(FlashSectors& sectors, std::uint32_t sector, RecordHeader& summary) {
    std::array<std::byte, record_header_bytes> room;
    const std::uint32_t offset = sectors.layout().summary_at();
    const RecordSpot spot{sectors.at(sector).order, offset};
    bool blank = false;
    return sectors.read_until(sector, offset, room, [&](Bytes bytes) {
        blank = is_blank(bytes);
        return blank ||
               (read_record_header(bytes, spot, summary) && summary.kind == RecordKind::summary &&
                summary.place.number <= BlockSeq::number_max);
    }) && !blank;
}

RecordScan::RecordScan(FlashSectors& sectors, std::uint32_t sector, const FlashTail& tail)
    : RecordScan{
          sectors, sector, sectors.layout().records_at(),
          tail.used != 0 && tail.sector == sector ? tail.used : sectors.layout().summary_at()} {}

bool RecordScan::next() { return try_at(next_) || resync(); }

bool RecordScan::try_at(std::uint32_t offset) {
    if (offset + record_header_bytes > to_) return false;
    const FlashLayout& layout = sectors_.layout();
    const RecordSpot spot{sectors_.at(record_.sector).order, offset};
    std::array<std::byte, record_header_bytes> room;
    bool blank = false;
    RecordHeader header;
    const bool found = sectors_.read_until(record_.sector, offset, room, [&](Bytes bytes) {
        blank = is_blank(bytes);
        return blank ||
               (read_record_header(bytes, spot, header) && header.kind != RecordKind::summary &&
                offset + layout.record_bytes(header.body_bytes) <= to_);
    });
    if (!found || blank) return false;
    record_.offset = offset;
    record_.header = header;
    next_ = record_.end(layout);
    return true;
}

bool RecordScan::resync() {
    const FlashLayout& layout = sectors_.layout();
    std::array<std::byte, chunk_bytes> window;
    for (std::uint32_t from = next_; from + record_header_bytes <= to_;) {
        const MutableBytes seen = MutableBytes{window}.first(std::min(to_ - from, chunk_bytes));
        std::uint32_t at = 0;
        const bool readable = sectors_.read(record_.sector, from, seen);
        for (; at + record_header_bytes <= seen.size(); at += layout.unit) {
            const std::uint32_t room = to_ - from - at;
            if (readable && may_be_record(Bytes{seen}.subspan(at), room) && try_at(from + at))
                return true;
        }
        from += at;
    }
    return false;
}

}  // namespace longhaul::agent
