#include "collector/writer/decoded_block.hpp"

#include <algorithm>

#include "common/base/utf8.hpp"

namespace longhaul::collector {
namespace {

Status decode_system(const Section& section, DecodedBlock& block) {
    ByteReader in{section.content};
    for (std::size_t i = 0; i < section.count; ++i) {
        longhaul_SystemEntry entry;
        LH_TRY(read_system_entry(in, entry));
        block.system.push_back(entry);
    }
    return in.at_end() ? Status{} : Error{ErrorCode::malformed, "bytes after the system entries"};
}

// Readers of the table rely on it: one text that is none would make them refuse the whole file.
bool texts_are_utf8(const Field& field, std::span<const Value> values) {
    return field.kind != FieldKind::text ||
           std::all_of(values.begin(), values.end(), [](const Value& value) {
               return value.form != ValueForm::text || is_utf8(value.text);
           });
}

Result<DecodedSection> decode_section(const Section& section, const Schema& schema) {
    DecodedSection decoded;
    decoded.stream = section.stream;
    ByteReader in{section.content};
    decoded.times.resize(section.count);
    LH_TRY(decode_times(in, decoded.times));
    decoded.columns.resize(schema.fields.size());
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
        decoded.columns[i].resize(section.count);
        LH_TRY(decode_column(schema.fields[i], in, decoded.columns[i]));
        if (!texts_are_utf8(schema.fields[i], decoded.columns[i])) {
            return Error{ErrorCode::malformed, "a text that is not UTF-8"};
        }
    }
    if (!in.at_end()) return Error{ErrorCode::malformed, "bytes after the columns"};
    return decoded;
}

}  // namespace

Result<DecodedBlock> decode_block(Bytes body, std::span<const Schema* const> schemas,
                                  std::uint16_t samples) {
    DecodedBlock block;
    std::size_t seen = 0;
    for (SectionReader reader{body}; !reader.at_end();) {
        LH_TRY_ASSIGN(const Section section, reader.next());
        if (section.codec != codec_columns) return Error{ErrorCode::unsupported, "codec"};
        if (section.stream == system_stream) {
            LH_TRY(decode_system(section, block));
            continue;
        }
        if (section.stream >= schemas.size() || schemas[section.stream] == nullptr) {
            return Error{ErrorCode::not_found,
                         "a stream that the epoch does not list, or whose schema is missing"};
        }
        seen += section.count;
        if (seen > samples) break;
        LH_TRY_ASSIGN(DecodedSection decoded, decode_section(section, *schemas[section.stream]));
        block.sections.push_back(std::move(decoded));
    }
    if (seen != samples)
        return Error{ErrorCode::malformed, "other number of samples than the header says"};
    return block;
}

}  // namespace longhaul::collector
