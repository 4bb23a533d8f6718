#include "agent/sources/csv_cells.hpp"

#include <algorithm>
#include <iterator>

namespace longhaul::agent {

Result<std::unique_ptr<CsvCells>, Message> CsvCells::make(std::string_view text,
                                                          const CsvShape& shape,
                                                          const std::vector<std::string>& wanted,
                                                          const std::string& path) {
    std::unique_ptr<CsvCells> cells{new CsvCells{text, shape.separator}};
    std::vector<std::string_view> names{shape.head.begin(), shape.head.end()};
    if (shape.head.empty() && !cells->reader_.next(names))
        return Message{path + ": the file is empty; its first line has to name the columns"};
    cells->column_count_ = names.size();
    cells->rest_ = shape.rest;
    for (const std::string& column : wanted) {
        const auto found = std::find(names.begin(), names.end(), column);
        if (found == names.end()) {
            return Message{path + ": no column \"" + column + "\"; it has " +
                           std::to_string(names.size()) + ", the first one is \"" +
                           std::string{names.front()} + "\""};
        }
        if (std::find(std::next(found), names.end(), column) != names.end())
            return Message{path + ": two columns are called \"" + column + "\""};
        cells->places_.push_back(static_cast<std::size_t>(found - names.begin()));
    }
    cells->cells_.resize(wanted.size());
    return cells;
}

bool CsvCells::next(Line& line) {
    if (!(rest_ ? reader_.next_with_rest(all_, column_count_) : reader_.next(all_))) return false;
    line = {};
    const auto is_empty = [](std::string_view cell) { return cell.empty(); };
    if (std::all_of(all_.begin(), all_.end(), is_empty)) {
        line.refused = Refusal::empty;
    } else if (reader_.torn()) {
        line.refused = Refusal::malformed;
    } else if (all_.size() != column_count_) {
        line.refused = Refusal::columns;
    } else {
        for (std::size_t i = 0; i < places_.size(); ++i) cells_[i] = all_[places_[i]];
        line.cells = cells_;
    }
    return true;
}

}  // namespace longhaul::agent
