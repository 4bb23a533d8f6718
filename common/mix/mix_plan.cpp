#include "common/mix/mix_plan.hpp"

namespace longhaul {
namespace {

// What the schema does not have, or has of another kind, is as if it were not there.
bool is_for(const Schema& schema, const MixEntry& entry) {
    const auto literal = [&schema](std::size_t column) {
        return column != 0 && is_literal(schema.fields[column - 1].kind);
    };
    if (entry.column > schema.fields.size() || entry.key > schema.fields.size()) return false;
    if (entry.form != MixForm::in_place && literal(entry.column)) return false;
    return entry.key == 0 || !literal(entry.key);
}

}  // namespace

MixPlan::MixPlan(const Schema& schema, const Model& model) {
    for (const Field& field : schema.fields) any = any || is_literal(field.kind);
    ByteReader in{model.mix_entries()};
    while (in.remaining() > 0) {
        const MixEntry entry = read_mix_entry(in);
        if (!is_for(schema, entry)) {
            fits = false;
            continue;
        }
        columns[entry.column] = {entry.form, entry.key, entry.width};
        moved[entry.column] = entry.form != MixForm::in_place;
        any = any || moved[entry.column];
    }
}

std::int64_t mix_base(MixForm form, std::int64_t before, std::int64_t time) {
    std::int64_t unit = 1;
    switch (form) {
        case MixForm::in_place:
        case MixForm::as_it_is:
            return 0;
        case MixForm::difference:
            return before;
        case MixForm::from_time_us:
            break;
        case MixForm::from_time_ms:
            unit = 1000;
            break;
        case MixForm::from_time_s:
            unit = 1000000;
            break;
    }
    return time / unit - (time % unit < 0 ? 1 : 0);
}

}  // namespace longhaul
