#include "agent/sources/trace_formats.hpp"

#include "agent/sources/csv_cells.hpp"
#include "agent/sources/log_rows.hpp"
#include "agent/sources/mapped_rows.hpp"
#include "agent/sources/ndjson.hpp"

namespace longhaul::agent {

Result<std::unique_ptr<TraceRows>, Message> open_rows(const TraceMapping& mapping,
                                                      std::string_view text,
                                                      const std::string& path) {
    std::unique_ptr<TraceRows> rows;
    const std::vector<std::string> columns = MappedRows::columns_of(mapping);
    switch (mapping.format) {
        case TraceFormat::csv: {
            auto cells = CsvCells::make(text, mapping.csv, columns, path);
            if (!cells.ok()) return cells.error();
            rows = std::make_unique<MappedRows>(mapping, std::move(cells).value());
            break;
        }
        case TraceFormat::ndjson:
            rows =
                std::make_unique<MappedRows>(mapping, std::make_unique<NdjsonCells>(text, columns));
            break;
        case TraceFormat::candump:
            rows = std::make_unique<CandumpRows>(mapping, text);
            break;
        case TraceFormat::nmea:
            rows = std::make_unique<NmeaRows>(mapping, text);
            break;
        case TraceFormat::syslog:
            rows = std::make_unique<SyslogRows>(mapping, text);
            break;
    }
    return rows;
}

}  // namespace longhaul::agent
