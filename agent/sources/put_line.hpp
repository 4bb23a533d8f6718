// One request of `put`: the name of a stream and values for its fields, on one line.
//
//   climate temperature=21.5 note="window open, \"again\""
//
// A value ends at a space, or stands in quotes, where \" \\ \n mean a quote, a backslash and a line
// feed. A stream's name may stand in quotes as well.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/sources/byte_arena.hpp"
#include "common/base/result.hpp"
#include "common/block/schema.hpp"
#include "common/block/value.hpp"

namespace longhaul::agent {

inline constexpr std::size_t put_line_bytes_max = 8192;

struct PutLine {
    std::string stream;
    std::vector<std::pair<std::string, std::string>> fields;  // name, value
};
Result<PutLine, Message> parse_put_line(std::string_view line);
// Without a line end; parse_put_line() reads it back.
std::string write_put_line(const PutLine& put);

// The values of a schema's fields; a field that is not named is null. Texts point into `put`, bytes
// into `arena`. The error names the field and says what it has to be.
Result<std::vector<Value>, Message> put_values(const PutLine& put, const Schema& schema,
                                               ByteArena& arena);

}  // namespace longhaul::agent
