#include "agent/sources/csv.hpp"

#include <algorithm>

namespace longhaul::agent {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

}  // namespace

CsvReader::CsvReader(std::string_view text, char separator) : rest_{text}, separator_{separator} {
    if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
}

// Up to the separator or the end of the line. A quote inside is a character like any other.
std::string_view CsvReader::take_plain() {
    std::size_t end = 0;
    while (end < rest_.size() && rest_[end] != separator_ && rest_[end] != '\n') ++end;
    const std::string_view cell = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return cell;
}

// After the opening quote. Without a closing one the cell ends with its line, which is torn then.
std::string_view CsvReader::take_quoted() {
    std::string_view cell;
    for (std::size_t from = 0;;) {
        const std::size_t quote = rest_.find('"', from);
        if (quote == std::string_view::npos) {
            torn_ = true;
            cell = rest_.substr(0, rest_.find('\n'));
            rest_.remove_prefix(cell.size());
            return cell;
        }
        if (rest_.substr(quote + 1, 1) != "\"") {
            cell = rest_.substr(0, quote);
            rest_.remove_prefix(quote + 1);
            break;
        }
        from = quote + 2;
    }
    next_line_ += static_cast<std::size_t>(std::count(cell.begin(), cell.end(), '\n'));
    if (cell.find('"') == std::string_view::npos) return cell;

    std::string& own = unquoted_.emplace_back();
    for (std::size_t i = 0; i < cell.size(); ++i) {
        own += cell[i];
        if (cell[i] == '"') ++i;  // the second of two
    }
    return own;
}

bool CsvReader::next(std::vector<std::string_view>& cells) {
    cells.clear();
    torn_ = false;
    if (rest_.empty()) return false;
    line_ = next_line_;
    for (;;) {
        std::string_view cell;
        if (rest_.starts_with('"')) {
            rest_.remove_prefix(1);
            cell = take_quoted();
            // What stands between the closing quote and the separator belongs to no rule; it is
            // kept.
            std::string_view behind = take_plain();
            if (behind.ends_with('\r')) behind.remove_suffix(1);
            if (!behind.empty()) cell = unquoted_.emplace_back(std::string{cell}.append(behind));
        } else {
            cell = take_plain();
            const bool last_of_line = rest_.empty() || rest_.front() == '\n';
            if (last_of_line && cell.ends_with('\r')) cell.remove_suffix(1);
        }
        cells.push_back(cell);
        const bool more = rest_.starts_with(separator_);
        if (!rest_.empty()) rest_.remove_prefix(1);
        if (!more) break;
    }
    ++next_line_;
    return true;
}

bool CsvReader::next_with_rest(std::vector<std::string_view>& cells, std::size_t count) {
    cells.clear();
    if (rest_.empty()) return false;
    line_ = next_line_++;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (cells.size() + 1 < count && line.find(separator_) != std::string_view::npos) {
        cells.push_back(line.substr(0, line.find(separator_)));
        line.remove_prefix(cells.back().size() + 1);
    }
    cells.push_back(line);
    return true;
}

}  // namespace longhaul::agent
