// A recording of JSON objects, one a line: the cells are the values at paths like "decoded.rssi" or
// "hotspots.0.snr", in the words of the recording, so that a number keeps all its digits.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/sources/mapped_rows.hpp"

namespace longhaul::agent {

class NdjsonCells final : public CellReader {
 public:
    // `text` outlives the reader. A path ends at a value that is no object and no array; what is
    // not there, or is null, is a missing cell.
    NdjsonCells(std::string_view text, const std::vector<std::string>& paths);
    ~NdjsonCells() override;

    bool next(Line& line) override;
    bool empty_is_text() const override { return true; }

 private:
    class Parser;

    std::string_view rest_;
    std::unique_ptr<Parser> parser_;
};

}  // namespace longhaul::agent
