// Attacks the reader of NMEA lines: whatever comes, a fix holds values within their bounds, and
// each line is counted once.
#include <algorithm>
#include <string_view>

#include "agent/sources/gnss_fix.hpp"
#include "common/base/check.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

void check_fix(const GnssFix& fix) {
    const auto values = fix.values();
    LH_CHECK(values.size() == gnss_field_count);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const Field& field = gnss_schema.fields[i];
        const Value& value = values[i];
        if (value.form == ValueForm::null) {
            LH_CHECK(field.nullable);
            continue;
        }
        LH_CHECK((value.form == ValueForm::text) == (field.kind == FieldKind::text));
        LH_CHECK(value.form != ValueForm::real || field.kind == FieldKind::decimal);
        LH_CHECK(value.text.size() <= 8);
    }
    const Value& latitude = values[static_cast<std::size_t>(GnssField::latitude)];
    const Value& longitude = values[static_cast<std::size_t>(GnssField::longitude)];
    LH_CHECK(latitude.integer >= -900'000'000 && latitude.integer <= 900'000'000);
    LH_CHECK(longitude.integer >= -1'800'000'000 && longitude.integer <= 1'800'000'000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text{reinterpret_cast<const char*>(data), size};
    GnssFixes fixes;
    std::uint64_t lines = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (const GnssFix* const fix = fixes.take(text.substr(0, end), 0)) check_fix(*fix);
        text.remove_prefix(std::min(end + 1, text.size()));
        ++lines;
    }
    if (const GnssFix* const fix = fixes.flush()) check_fix(*fix);
    LH_CHECK(!fixes.under_way());
    std::uint64_t counted = fixes.counts().used + fixes.counts().not_used;
    for (const std::uint64_t refused : fixes.counts().refused) counted += refused;
    LH_CHECK(counted == lines);
    return 0;
}
