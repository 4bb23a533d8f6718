// Comma-separated values as RFC 4180 describes them, and as they are found: quoted cells with
// separators, doubled quotes and line ends in them; LF or CRLF; a last line without an end; a byte
// order mark.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace longhaul::agent {

class CsvReader {
 public:
    // `text` outlives the reader, and so outlive the cells it yields.
    CsvReader(std::string_view text, char separator);

    // The cells of the next line; false at the end. A line without any character has one empty
    // cell. Cells that had doubled quotes are owned by the reader, the others point into the text.
    bool next(std::vector<std::string_view>& cells);
    // The same, but a quote is a character like any other, and the last of `count` cells takes the
    // rest of the line, separators and all.
    bool next_with_rest(std::vector<std::string_view>& cells, std::size_t count);
    // A quote of the line that next() gave last never ends.
    bool torn() const { return torn_; }
    // Of the line that next() gave last, counted from 1.
    std::size_t line() const { return line_; }

 private:
    std::string_view take_quoted();
    std::string_view take_plain();

    std::string_view rest_;
    char separator_;
    std::size_t line_ = 0;
    std::size_t next_line_ = 1;
    bool torn_ = false;
    std::deque<std::string> unquoted_;
};

}  // namespace longhaul::agent
