#include "agent/sources/put_line.hpp"

#include <algorithm>

#include "agent/sources/cell.hpp"
#include "common/host/config.hpp"

namespace longhaul::agent {
namespace {

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

// Takes what stands in quotes, whose first one is at the front.
Result<std::string, Message> take_quoted(std::string_view& line) {
    std::string text;
    for (std::size_t i = 1; i < line.size(); ++i) {
        const char c = line[i];
        if (c == '"') {
            line.remove_prefix(i + 1);
            return text;
        }
        if (c != '\\') {
            text += c;
            continue;
        }
        const char escaped = ++i < line.size() ? line[i] : '\0';
        if (escaped != 'n' && escaped != '"' && escaped != '\\')
            return Message{"after \\ in quotes comes n, \" or \\"};
        text += escaped == 'n' ? '\n' : escaped;
    }
    return Message{"a quote is not closed"};
}

Result<std::string, Message> take_word(std::string_view& line, std::string_view ends) {
    if (line.starts_with('"')) return take_quoted(line);
    const std::size_t end = std::min(line.find_first_of(ends), line.size());
    std::string word{line.substr(0, end)};
    line.remove_prefix(end);
    return word;
}

void take_spaces(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
}

std::string kind_text(const Field& field) {
    switch (field.kind) {
        case FieldKind::integer:
            return "a whole number";
        case FieldKind::decimal:
        case FieldKind::float32:
        case FieldKind::float64:
            return "a number";
        case FieldKind::boolean:
            return "true or false";
        case FieldKind::enumeration: {
            std::string labels;
            for (std::size_t i = 0; i < field.label_count(); ++i)
                labels += (i == 0 ? "" : ", ") + std::string{field.label(i)};
            return "one of " + labels;
        }
        case FieldKind::text:
            return "UTF-8 of at most 1024 bytes";
        case FieldKind::bytes:
            return "pairs of hexadecimal digits, at most 1024";
    }
    return "";
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& names) {
    const std::string_view near = nearest(word, names);
    return near.empty() ? "" : ", did you mean \"" + std::string{near} + "\"?";
}

}  // namespace

Result<PutLine, Message> parse_put_line(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    PutLine put;
    take_spaces(line);
    LH_TRY_ASSIGN(put.stream, take_word(line, " "));
    if (put.stream.empty()) return Message{"the line names no stream"};
    for (;;) {
        if (!line.empty() && !line.starts_with(' ')) return Message{"after a quote comes a space"};
        take_spaces(line);
        if (line.empty()) break;
        const std::size_t equal = line.find_first_of("= ");
        if (equal == std::string_view::npos || line[equal] != '=')
            return Message{"\"" + std::string{line.substr(0, equal)} + "\" is not field=value"};
        std::string name{line.substr(0, equal)};
        line.remove_prefix(equal + 1);
        LH_TRY_ASSIGN(std::string value, take_word(line, " "));
        put.fields.emplace_back(std::move(name), std::move(value));
    }
    if (put.fields.empty()) return Message{"the line has no field=value"};
    return put;
}

std::string write_put_line(const PutLine& put) {
    std::string line = quoted(put.stream);
    for (const auto& [name, value] : put.fields) line += " " + name + "=" + quoted(value);
    return line;
}

Result<std::vector<Value>, Message> put_values(const PutLine& put, const Schema& schema,
                                               ByteArena& arena) {
    std::vector<Value> values(schema.fields.size());
    std::vector<bool> named(schema.fields.size());
    std::vector<std::string_view> names;
    for (const Field& field : schema.fields) names.push_back(field.name);
    for (const auto& [name, text] : put.fields) {
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end())
            return Message{"stream \"" + put.stream + "\" has no field \"" + name + "\"" +
                           did_you_mean(name, names)};
        const auto i = static_cast<std::size_t>(found - names.begin());
        if (named[i]) return Message{"field \"" + name + "\" is named twice"};
        const auto value = read_cell(schema.fields[i], text, &arena);
        if (!value)
            return Message{"field \"" + name + "\" is \"" + text + "\", has to be " +
                           kind_text(schema.fields[i])};
        values[i] = *value;
        named[i] = true;
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!named[i] && !schema.fields[i].nullable)
            return Message{"field \"" + std::string{names[i]} + "\" is missing"};
    }
    return values;
}

}  // namespace longhaul::agent
