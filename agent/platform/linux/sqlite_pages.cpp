#include "agent/platform/linux/sqlite_pages.hpp"

#include <algorithm>
#include <optional>

namespace longhaul::agent {
namespace {

// Of SQLite's file format (sqlite.org/fileformat2.html).
constexpr std::size_t log_head_bytes = 32;
constexpr std::size_t frame_head_bytes = 24;
constexpr std::size_t file_head_bytes = 100;  // of the first page
constexpr std::byte table_leaf{0x0d};
constexpr std::size_t leaf_head_bytes = 8;
constexpr std::size_t local_max = 4096 - 35;
constexpr std::size_t local_min = (4096 - 12) * 32 / 255 - 23;
constexpr std::size_t overflow_bytes = 4096 - 4;

constexpr std::size_t payload_min = 8;
constexpr std::size_t payload_max = 32'768;  // more than any row has

std::uint64_t big_endian(Bytes bytes) {
    std::uint64_t value = 0;
    for (const std::byte each : bytes) value = value << 8 | std::to_integer<std::uint64_t>(each);
    return value;
}

std::size_t two_bytes(Bytes bytes, std::size_t at) {
    return static_cast<std::size_t>(big_endian(bytes.subspan(at, 2)));
}

// Of SQLite: seven bits a byte, the highest first; the ninth byte has eight.
std::optional<std::uint64_t> varint(Bytes bytes, std::size_t& at) {
    constexpr std::size_t bytes_max = 9;
    std::uint64_t value = 0;
    for (std::size_t i = 1; at < bytes.size(); ++i) {
        const auto byte = std::to_integer<std::uint64_t>(bytes[at++]);
        if (i == bytes_max) return value << 8 | byte;
        value = value << 7 | (byte & 0x7f);
        if (byte < 0x80) return value;
    }
    return {};
}

std::optional<std::size_t> integer_bytes(std::uint64_t type) {
    constexpr std::array<std::size_t, 7> sizes{0, 1, 2, 3, 4, 6, 8};
    if (type < sizes.size()) return sizes[static_cast<std::size_t>(type)];
    if (type == 8 || type == 9) return 0;
    return {};
}

std::int64_t integer_of(std::uint64_t type, Bytes bytes) {
    if (type == 8 || type == 9) return static_cast<std::int64_t>(type - 8);
    if (bytes.empty()) return 0;
    const std::size_t shift = 64 - 8 * bytes.size();
    return static_cast<std::int64_t>(big_endian(bytes) << shift) >> shift;
}

// A record's columns, the first of which is the place of the key, empty.
bool parse_record(Bytes payload, FoundRow& row) {
    std::size_t at = 0;
    const auto head = varint(payload, at);
    if (!head || *head > payload.size() || *head < 4) return false;
    auto body = static_cast<std::size_t>(*head);
    row.count = 0;
    for (bool first = true; at < *head; first = false) {
        const auto type = varint(payload, at);
        if (!type || (first != (*type == 0)) || row.count == row.columns.size()) return false;
        if (first) continue;
        FoundRow::Column& column = row.columns[row.count++];
        const auto number = integer_bytes(*type);
        column.is_blob = !number;
        if (column.is_blob && (*type < 12 || *type % 2 != 0)) return false;
        const std::uint64_t wanted = number ? *number : (*type - 12) / 2;
        if (wanted > payload.size() - body) return false;
        const auto size = static_cast<std::size_t>(wanted);
        const Bytes bytes = payload.subspan(body, size);
        if (column.is_blob)
            column.blob = bytes;
        else
            column.integer = integer_of(*type, bytes);
        body += size;
    }
    return body == payload.size() && row.count >= 2;
}

// What kind of row it is; the first column is its checksum.
bool recognise(FoundRow& row) {
    for (const RowKind kind : {RowKind::block, RowKind::waiting, RowKind::durable, RowKind::count,
                               RowKind::epoch, RowKind::schema, RowKind::state, RowKind::spool}) {
        RowSum sum{kind, row.id};
        for (std::size_t i = 1; i < row.count; ++i) {
            const FoundRow::Column& column = row.columns[i];
            if (column.is_blob)
                sum.add(column.blob);
            else
                sum.add(column.integer);
        }
        if (sum.value() != row.integer(0)) continue;
        row.kind = kind;
        std::copy(row.columns.begin() + 1, row.columns.end(), row.columns.begin());
        --row.count;
        return true;
    }
    return false;
}

}  // namespace

DamagedPages::DamagedPages(SpoolFiles& files, std::string path, std::string log_path)
    : files_{&files}, path_{std::move(path)}, log_path_{std::move(log_path)} {
    index_log();
}

// Up to the last frame that ends a transaction. Frames of an earlier round of the log have other
// salts.
void DamagedPages::index_log() {
    constexpr std::size_t salts_at = 16;
    std::array<std::byte, log_head_bytes> head;
    const auto got = files_->read(log_path_, 0, head);
    if (!got.ok() || got.value().size() < head.size()) return;
    std::map<std::uint32_t, std::uint64_t> open;
    std::uint64_t salts = big_endian(Bytes{head}.subspan(salts_at, 8));
    for (std::uint64_t at = log_head_bytes;; at += frame_head_bytes + page_bytes) {
        std::array<std::byte, frame_head_bytes> frame;
        const auto read = files_->read(log_path_, at, frame);
        if (!read.ok() && read.error() == ErrorCode::corrupt) continue;  // not this one alone
        if (!read.ok() || read.value().size() < frame.size()) return;
        const std::uint64_t own = big_endian(Bytes{frame}.subspan(8, 8));
        if (at == log_head_bytes && own != salts) salts = own;  // one of the two is damaged
        if (own != salts) continue;
        open[static_cast<std::uint32_t>(big_endian(Bytes{frame}.first(4)))] = at + frame_head_bytes;
        if (big_endian(Bytes{frame}.subspan(4, 4)) == 0) continue;
        for (const auto& [page, where] : open) in_log_[page] = where;
        open.clear();
    }
}

bool DamagedPages::read_page(std::uint32_t number, Page& page) {
    const auto logged = in_log_.find(number);
    const bool in_log = logged != in_log_.end();
    const std::uint64_t at = in_log ? logged->second : (std::uint64_t{number} - 1) * page_bytes;
    const auto got = files_->read(in_log ? log_path_ : path_, at, page);
    if (!got.ok()) {
        page.fill(std::byte{0});  // a sector that the medium cannot read any more
        return got.error() == ErrorCode::corrupt;
    }
    std::fill(page.begin() + static_cast<std::ptrdiff_t>(got.value().size()), page.end(),
              std::byte{0});
    return !got.value().empty();
}

Status DamagedPages::each_row(const Take& take) {
    constexpr std::uint32_t pages_unreadable_max = 1 << 16;
    std::uint32_t last = in_log_.empty() ? 0 : in_log_.rbegin()->first;
    std::uint32_t unreadable = 0;
    for (std::uint32_t number = 1;; ++number) {
        std::array<std::byte, 1> any;
        const auto there = files_->read(path_, (std::uint64_t{number} - 1) * page_bytes, any);
        if (!there.ok() && ++unreadable > pages_unreadable_max) return {};
        if (there.ok() && there.value().empty() && number > last) return {};
        LH_TRY(rows_of(number, take));
    }
}

Status DamagedPages::rows_of(std::uint32_t number, const Take& take) {
    Page page;
    if (!read_page(number, page)) return {};
    const std::size_t head = number == 1 ? file_head_bytes : 0;
    const std::size_t cells = two_bytes(page, head + 3);
    bool whole = page[head] == table_leaf && cells <= page_bytes / 4;
    FoundRow row;
    std::size_t used = 0;
    for (std::size_t i = 0; whole && i < cells; ++i) {
        const std::size_t pointer = head + leaf_head_bytes + 2 * i;
        const std::size_t at = two_bytes(page, pointer);
        whole = at < page_bytes && read_cell(page, at, row);
        if (!whole) break;
        used += cell_bytes_;
        LH_TRY(take(row));
    }
    if (whole && fills(page, head, used)) return {};
    for (std::size_t at = head; at < page_bytes; ++at) {
        if (read_cell(page, at, row)) LH_TRY(take(row));
    }
    return {};
}

// A count of cells that rotted leaves some of them out.
bool DamagedPages::fills(const Page& page, std::size_t head, std::size_t used) {
    constexpr unsigned gaps_max = 1000;
    std::size_t sum = used + std::to_integer<std::size_t>(page[head + 7]);  // with fragments
    std::size_t gap = two_bytes(page, head + 1);
    for (unsigned i = 0; gap != 0 && i < gaps_max; ++i) {
        if (gap + 4 > page_bytes) return false;
        sum += two_bytes(page, gap + 2);
        gap = two_bytes(page, gap);
    }
    return two_bytes(page, head + 5) + sum == page_bytes;
}

bool DamagedPages::read_cell(const Page& page, std::size_t at, FoundRow& row) {
    const std::size_t begin = at;
    const auto bytes = varint(page, at);
    if (!bytes || *bytes < payload_min || *bytes > payload_max) return false;
    const auto id = varint(page, at);
    if (!id || at + 4 > page_bytes) return false;
    // The length of the head, the empty place of the key, the size of the checksum.
    constexpr unsigned head_max = 40;
    const auto head_bytes = std::to_integer<unsigned>(page[at]);
    if (head_bytes < 4 || head_bytes > head_max || page[at + 1] != std::byte{0}) return false;
    row.id = static_cast<RowId>(*id);
    cell_bytes_ = at - begin;
    return read_payload(page, at, static_cast<std::size_t>(*bytes)) &&
           parse_record(payload_, row) && recognise(row);
}

bool DamagedPages::read_payload(const Page& page, std::size_t at, std::size_t bytes) {
    std::size_t local = bytes;
    if (bytes > local_max) {
        local = local_min + (bytes - local_min) % overflow_bytes;
        if (local > local_max) local = local_min;
    }
    const bool overflows = local < bytes;
    if (at + local + (overflows ? 4 : 0) > page_bytes) return false;
    cell_bytes_ += local + (overflows ? 4 : 0);
    const auto from = page.begin() + static_cast<std::ptrdiff_t>(at);
    payload_.assign(from, from + static_cast<std::ptrdiff_t>(local));
    if (!overflows) return true;
    auto next = static_cast<std::uint32_t>(big_endian(Bytes{page}.subspan(at + local, 4)));
    Page more;
    while (payload_.size() < bytes) {
        if (next == 0 || !read_page(next, more)) return false;
        next = static_cast<std::uint32_t>(big_endian(Bytes{more}.first(4)));
        const std::size_t count = std::min(overflow_bytes, bytes - payload_.size());
        payload_.insert(payload_.end(), more.begin() + 4,
                        more.begin() + 4 + static_cast<std::ptrdiff_t>(count));
    }
    return true;
}

}  // namespace longhaul::agent
