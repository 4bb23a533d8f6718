// Attacks the reader of NDJSON. Every line is refused or gives as many cells as were asked for, in
// valid UTF-8; and a line that is read alone gives the same as among others.
#include "agent/sources/ndjson.hpp"
#include "common/base/check.hpp"
#include "common/base/utf8.hpp"

using namespace longhaul;
using namespace longhaul::agent;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const std::vector<std::string> paths = {"a", "a.b", "b.0.c", "b.1", "a", "id"};
    NdjsonCells reader{text, paths};
    CellReader::Line line;
    std::size_t lines = 0;
    std::string_view rest = text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text;
    while (reader.next(line)) {
        ++lines;
        LH_CHECK(lines <= size);
        LH_CHECK(line.refused.has_value() || line.cells.size() == paths.size());
        const std::string_view own = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(own.size() + 1, rest.size()));
        NdjsonCells alone{own, paths};
        CellReader::Line again;
        if (!alone.next(again)) continue;  // an empty line at all
        if (own.starts_with("\xef\xbb\xbf")) continue;
        LH_CHECK(again.refused == line.refused);
        for (std::size_t i = 0; i < line.cells.size(); ++i) {
            LH_CHECK(is_utf8(line.cells[i]));
            LH_CHECK(again.cells[i] == line.cells[i]);
            LH_CHECK((again.cells[i].data() == nullptr) == (line.cells[i].data() == nullptr));
        }
    }
    LH_CHECK(rest.empty());
    return 0;
}
