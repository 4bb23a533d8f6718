#include "agent/sources/log_rows.hpp"

#include <algorithm>

namespace longhaul::agent {

bool Lines::next(std::string_view& line) {
    if (rest_.empty()) return false;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    line = rest_.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return true;
}

LogRows::LogRows(const TraceMapping& mapping) {
    const std::span<const Field> fields = mapping.schema().fields;
    for (const std::string& column : mapping.device_columns) {
        const auto found =
            std::find_if(fields.begin(), fields.end(),
                         [&column](const Field& field) { return field.name == column; });
        LH_CHECK(found != fields.end());  // the mapping was checked
        part_fields_.push_back(static_cast<std::size_t>(found - fields.begin()));
    }
    parts_.resize(part_fields_.size());
}

void LogRows::set_parts(std::span<const Value> values) {
    for (std::size_t i = 0; i < parts_.size(); ++i)
        parts_[i] = as_text(values[part_fields_[i]].text);
}

bool CandumpRows::next() {
    std::string_view line;
    while (lines_.next(line)) {
        const auto refused =
            line.empty() ? std::optional{Refusal::empty} : read_candump(line, arena_, frame_);
        if (!refused) return set_parts(frame_.values), true;
        refuse(*refused);
    }
    return false;
}

bool CandumpRows::read(std::int64_t& time_us, std::span<Value> values) {
    time_us = frame_.time_us;
    std::copy(frame_.values.begin(), frame_.values.end(), values.begin());
    return true;
}

bool NmeaRows::next() {
    std::string_view line;
    while (lines_.next(line)) {
        if (line.empty()) {
            refuse(Refusal::empty);
        } else if (fix_ = fixes_.take(line, 0); fix_ != nullptr) {
            return set_parts(fix_->values()), true;
        }
    }
    if (ended_) return false;
    ended_ = true;
    count_refused();
    fix_ = fixes_.flush();
    if (fix_ != nullptr) set_parts(fix_->values());
    return fix_ != nullptr;
}

void NmeaRows::count_refused() {
    constexpr Refusal reasons[nmea_refusal_count] = {Refusal::not_nmea, Refusal::too_long,
                                                     Refusal::checksum_missing,
                                                     Refusal::checksum_wrong, Refusal::value};
    const NmeaCounts& counts = fixes_.counts();
    for (std::size_t i = 0; i < nmea_refusal_count; ++i) refuse(reasons[i], counts.refused[i]);
}

bool NmeaRows::read(std::int64_t& time_us, std::span<Value> values) {
    time_us = 0;
    std::copy(fix_->values().begin(), fix_->values().end(), values.begin());
    for (Value& value : values)
        if (value.form == ValueForm::text) value.text = arena_.keep(value.text);
    return true;
}

bool SyslogRows::next() {
    std::string_view line;
    while (lines_.next(line)) {
        const auto refused = read_syslog(line, values_);
        if (!refused) return set_parts(values_), true;
        refuse(*refused == SyslogRefusal::empty ? Refusal::empty : Refusal::too_long);
    }
    return false;
}

bool SyslogRows::read(std::int64_t& time_us, std::span<Value> values) {
    time_us = 0;
    std::copy(values_.begin(), values_.end(), values.begin());
    return true;
}

}  // namespace longhaul::agent
