#include "common/block/schema.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "common/base/utf8.hpp"
#include "common/block/crypto.hpp"

namespace longhaul {
namespace {

constexpr std::uint8_t encoding_version = 1;
constexpr std::uint8_t flag_nullable = 1;
constexpr std::uint8_t flag_bounded = 2;

constexpr std::array<std::string_view, 11> fixed_columns{
    "device",     "stream", "incarnation",   "epoch",        "seq",         "row",
    "event_time", "anchor", "time_error_us", "receive_time", "receive_date"};

bool is_name(std::string_view text) {
    if (text.empty() || text.size() > limits::name_bytes_max) return false;
    if (text[0] < 'a' || text[0] > 'z') return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

Status validate_labels(const Field& field) {
    if (field.kind != FieldKind::enumeration) {
        return field.labels.empty()
                   ? Status{}
                   : Error{ErrorCode::malformed, "labels of a field that is no enumeration"};
    }
    if (field.labels.size() > limits::labels_bytes_max)
        return Error{ErrorCode::too_large, "labels"};
    if (field.labels.empty() || field.labels.back() != '\n') {
        return Error{ErrorCode::malformed, "an enumeration's labels each end in a line feed"};
    }
    for (std::size_t i = 0; i < field.label_count(); ++i) {
        if (field.label(i).empty()) return Error{ErrorCode::malformed, "an empty label"};
    }
    return {};
}

void encode_field(const Field& field, ByteWriter& out) {
    out.short_text(field.name);
    out.u8(static_cast<std::uint8_t>(field.kind));
    out.u8(field.scale);
    out.u8(static_cast<std::uint8_t>((field.nullable ? flag_nullable : 0) |
                                     (field.bounded ? flag_bounded : 0)));
    out.short_text(field.unit);
    out.short_text(field.help);
    if (field.bounded) {
        out.f64(field.minimum);
        out.f64(field.maximum);
    }
    if (field.kind == FieldKind::enumeration) {
        out.u16(static_cast<std::uint16_t>(field.labels.size()));
        out.text(field.labels);
    }
}

Field parse_field(ByteReader& in) {
    Field field;
    field.name = in.short_text();
    field.kind = static_cast<FieldKind>(in.u8());
    field.scale = in.u8();
    const std::uint8_t flags = in.u8();
    if ((flags & ~(flag_nullable | flag_bounded)) != 0) in.fail();
    field.nullable = (flags & flag_nullable) != 0;
    field.bounded = (flags & flag_bounded) != 0;
    field.unit = in.short_text();
    field.help = in.short_text();
    if (field.bounded) {
        field.minimum = in.f64();
        field.maximum = in.f64();
    }
    if (field.kind == FieldKind::enumeration) field.labels = in.text(in.u16());
    return field;
}

}  // namespace

std::size_t Field::label_count() const {
    return static_cast<std::size_t>(std::count(labels.begin(), labels.end(), '\n'));
}

std::string_view Field::label(std::size_t index) const {
    std::string_view rest = labels;
    while (!rest.empty()) {
        const std::size_t end = rest.find('\n');
        if (end == std::string_view::npos) return {};
        if (index-- == 0) return rest.substr(0, end);
        rest.remove_prefix(end + 1);
    }
    return {};
}

// minimum <= maximum, by their bits: nothing else of a small device compares doubles, and the
// library for it is not small.
static bool in_order(double minimum, double maximum) {
    constexpr std::int64_t infinity = std::int64_t{0x7ff} << 52;
    const auto magnitude = [](double value) {
        return std::bit_cast<std::int64_t>(value) & INT64_MAX;
    };
    const auto place = [&](double value) {
        return std::bit_cast<std::int64_t>(value) < 0 ? -magnitude(value) : magnitude(value);
    };
    return magnitude(minimum) <= infinity && magnitude(maximum) <= infinity &&
           place(minimum) <= place(maximum);
}

Status validate_field(const Field& field) {
    if (!is_name(field.name))
        return Error{ErrorCode::malformed, "field name, which is a-z, 0-9 and _"};
    if (std::find(fixed_columns.begin(), fixed_columns.end(), field.name) != fixed_columns.end()) {
        return Error{ErrorCode::malformed, "field has the name of a fixed column"};
    }
    if (field.unit.size() > limits::unit_bytes_max) return Error{ErrorCode::too_large, "unit"};
    if (field.help.size() > limits::help_bytes_max) return Error{ErrorCode::too_large, "help"};
    if (field.kind < FieldKind::integer || field.kind > FieldKind::float64) {
        return Error{ErrorCode::unsupported, "field kind"};
    }
    const bool decimal = field.kind == FieldKind::decimal;
    if (field.scale > (decimal ? limits::decimal_scale_max : 0)) {
        return Error{ErrorCode::malformed, "scale"};
    }
    // Written so that NaN bounds are refused too.
    if (field.bounded && !in_order(field.minimum, field.maximum))
        return Error{ErrorCode::malformed, "bounds"};
    // Readers of the table are lost on a text that is none.
    if (!is_utf8(field.unit) || !is_utf8(field.help) || !is_utf8(field.labels)) {
        return Error{ErrorCode::malformed, "a text of the field is not UTF-8"};
    }
    return validate_labels(field);
}

Status validate(const Schema& schema) {
    if (!is_name(schema.name))
        return Error{ErrorCode::malformed, "schema name, which is a-z, 0-9 and _"};
    if (schema.fields.empty()) return Error{ErrorCode::malformed, "a schema without fields"};
    if (schema.fields.size() > limits::schema_fields_max)
        return Error{ErrorCode::too_large, "fields"};
    if (schema.time != TimeKind::device && schema.time != TimeKind::source) {
        return Error{ErrorCode::unsupported, "time kind"};
    }
    if (schema.tick_us == 0 || (schema.time == TimeKind::source && schema.tick_us != 1)) {
        return Error{ErrorCode::malformed, "tick length"};
    }
    if (static_cast<std::uint8_t>(schema.default_class) >= block_class_count) {
        return Error{ErrorCode::malformed, "class"};
    }
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
        LH_TRY(validate_field(schema.fields[i]));
        for (std::size_t j = 0; j < i; ++j) {
            if (schema.fields[i].name == schema.fields[j].name) {
                return Error{ErrorCode::malformed, "two fields of one name"};
            }
        }
    }
    return {};
}

Status encode_schema(const Schema& schema, ByteWriter& out) {
    LH_TRY(validate(schema));
    const std::size_t begin = out.size();
    out.u8(encoding_version);
    out.short_text(schema.name);
    out.u8(static_cast<std::uint8_t>(schema.time));
    out.u32(schema.tick_us);
    out.u8(static_cast<std::uint8_t>(schema.default_class));
    out.u32(schema.deadline_ms);
    out.u8(static_cast<std::uint8_t>(schema.fields.size()));
    for (const Field& field : schema.fields) encode_field(field, out);
    if (!out.ok()) return Error{ErrorCode::full, "no room for the schema"};
    if (out.size() - begin > limits::schema_bytes_max) return Error{ErrorCode::too_large, "schema"};
    return {};
}

Result<Schema> parse_schema(Bytes encoded, std::span<Field, limits::schema_fields_max> storage) {
    if (encoded.size() > limits::schema_bytes_max) return Error{ErrorCode::too_large, "schema"};
    ByteReader in{encoded};
    if (in.u8() != encoding_version)
        return Error{ErrorCode::unsupported, "schema encoding version"};
    Schema schema;
    schema.name = in.short_text();
    schema.time = static_cast<TimeKind>(in.u8());
    schema.tick_us = in.u32();
    schema.default_class = static_cast<BlockClass>(in.u8());
    schema.deadline_ms = in.u32();
    const std::size_t count = in.u8();
    if (count > storage.size()) return Error{ErrorCode::too_large, "fields"};
    for (std::size_t i = 0; i < count; ++i) storage[i] = parse_field(in);
    schema.fields = storage.first(count);
    if (!in.at_end()) return Error{ErrorCode::malformed, "schema encoding"};
    LH_TRY(validate(schema));
    return schema;
}

SchemaHash schema_hash(Bytes encoded) { return sha256(encoded); }

}  // namespace longhaul
