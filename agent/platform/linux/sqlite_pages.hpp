// The rows of a damaged SQLite file, read without SQLite: page by page, as far as a page can be
// walked, else from every offset of it. What is a row its checksum says (sqlite_rows.hpp), so a
// damaged byte costs the row that it lies in. Pages come from the log if it has them.
//
// Rows that were removed may come back from pages that are free now.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/platform/linux/spool_files.hpp"
#include "agent/platform/linux/sqlite_rows.hpp"

namespace longhaul::agent {

// A whole row: its columns behind key and checksum.
struct FoundRow {
    static constexpr std::size_t columns_max = 8;
    struct Column {
        bool is_blob = false;
        std::int64_t integer = 0;
        Bytes blob;
    };
    RowKind kind = RowKind::block;
    RowId id = 0;
    std::array<Column, columns_max> columns{};
    std::size_t count = 0;

    std::int64_t integer(std::size_t column) const { return columns[column].integer; }
    Bytes blob(std::size_t column) const { return columns[column].blob; }
};

class DamagedPages {
 public:
    DamagedPages(SpoolFiles& files, std::string path, std::string log_path);

    // Every row that can be read, some of them twice. Ends with the first error of `take`.
    using Take = std::function<Status(const FoundRow&)>;
    Status each_row(const Take& take);

 private:
    static constexpr std::size_t page_bytes = 4096;
    using Page = std::array<std::byte, page_bytes>;

    void index_log();
    bool read_page(std::uint32_t number, Page& page);
    Status rows_of(std::uint32_t number, const Take& take);
    // The row whose cell begins at `at`; false: there is none.
    bool read_cell(const Page& page, std::size_t at, FoundRow& row);
    // Whether the cells of a page, of `used` bytes, and its gaps are all that it has.
    static bool fills(const Page& page, std::size_t head, std::size_t used);
    bool read_payload(const Page& page, std::size_t at, std::size_t bytes);

    SpoolFiles* files_;
    std::string path_;
    std::string log_path_;
    std::map<std::uint32_t, std::uint64_t> in_log_;  // page to where it lies
    std::vector<std::byte> payload_;
    std::size_t cell_bytes_ = 0;  // that the last cell takes on its page
};

}  // namespace longhaul::agent
