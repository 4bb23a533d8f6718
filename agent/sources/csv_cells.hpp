// The cells of a recording in CSV that are asked for by the names of their columns.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/sources/csv.hpp"
#include "agent/sources/mapped_rows.hpp"

namespace longhaul::agent {

class CsvCells final : public CellReader {
 public:
    // `text` outlives the reader. `path` is for messages.
    static Result<std::unique_ptr<CsvCells>, Message> make(std::string_view text,
                                                           const CsvShape& shape,
                                                           const std::vector<std::string>& wanted,
                                                           const std::string& path);
    bool next(Line& line) override;
    bool empty_is_text() const override { return false; }

 private:
    CsvCells(std::string_view text, char separator) : reader_{text, separator} {}

    CsvReader reader_;
    std::size_t column_count_ = 0;
    bool rest_ = false;
    std::vector<std::size_t> places_;  // of the columns wanted
    std::vector<std::string_view> all_;
    std::vector<std::string_view> cells_;
};

}  // namespace longhaul::agent
