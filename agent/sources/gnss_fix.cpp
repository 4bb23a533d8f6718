#include "agent/sources/gnss_fix.hpp"

#include <algorithm>

#include "agent/sources/nmea_values.hpp"

namespace longhaul::agent {
namespace {

constexpr std::int64_t us_per_day = 86'400'000'000;

constexpr std::size_t place(GnssField field) { return static_cast<std::size_t>(field); }

}  // namespace

// What one sentence says. A field that cannot be read refuses all of it.
struct GnssFixes::Reading {
    std::array<Value, gnss_field_count> values{};  // texts point into the line
    std::optional<std::int64_t> time_of_day_us;
    std::optional<std::int64_t> day;
    bool readable = true;

    explicit Reading(const NmeaSentence& sentence) : sentence_{sentence} {}
    // Whether the sentence is of a kind that is used; then it has been read.
    bool read();

 private:
    template <class T>
    void set(std::optional<T>& out, std::string_view text,
             std::optional<T> (*reader)(std::string_view)) {
        if (text.empty()) return;
        out = reader(text);
        readable = readable && out;
    }
    void set(GnssField field, const std::optional<Value>& value) {
        if (value) values[place(field)] = *value;
        readable = readable && value;
    }
    void time(std::size_t at) { set(time_of_day_us, sentence_.field(at), &read_nmea_time); }
    void decimal(GnssField field, std::size_t at) {
        if (sentence_.field(at).empty()) return;
        set(field, read_nmea_decimal(sentence_.field(at), gnss_schema.fields[place(field)].scale));
    }
    void integer(GnssField field, std::size_t at) {
        if (sentence_.field(at).empty()) return;
        const auto value = read_nmea_integer(sentence_.field(at));
        set(field, value ? std::optional{Value::of_integer(*value)} : std::nullopt);
    }
    void text(GnssField field, std::size_t at) {
        const std::string_view written = sentence_.field(at);
        if (written.empty()) return;
        const bool fits = written.size() <= GnssFix::text_bytes_max;
        set(field, fits ? std::optional{Value::of_text(as_bytes(written))} : std::nullopt);
    }
    void position(std::size_t at) {
        angle(GnssField::latitude, at, 90);
        angle(GnssField::longitude, at + 2, 180);
    }
    void angle(GnssField field, std::size_t at, int degrees_max) {
        if (sentence_.field(at).empty()) return;
        const auto value =
            read_nmea_angle(sentence_.field(at), sentence_.field(at + 1), degrees_max);
        set(field, value ? std::optional{Value::of_integer(*value)} : std::nullopt);
    }
    void rmc();
    void gga();
    void gll();
    void vtg();
    void zda();
    void gns();

    const NmeaSentence& sentence_;
};

// time, status, latitude, N, longitude, E, speed, course, date, variation, E, mode
void GnssFixes::Reading::rmc() {
    time(0);
    text(GnssField::status, 1);
    position(2);
    decimal(GnssField::speed, 6);
    decimal(GnssField::course, 7);
    set(day, sentence_.field(8), &read_nmea_short_date);
    text(GnssField::mode, 11);
}

// time, latitude, N, longitude, E, quality, satellites, HDOP, altitude, M, …
void GnssFixes::Reading::gga() {
    time(0);
    position(1);
    integer(GnssField::quality, 5);
    integer(GnssField::satellites, 6);
    decimal(GnssField::hdop, 7);
    decimal(GnssField::altitude, 8);
}

// latitude, N, longitude, E, time, status, mode
void GnssFixes::Reading::gll() {
    position(0);
    time(4);
    text(GnssField::status, 5);
    text(GnssField::mode, 6);
}

// course, T, course, M, speed, N, speed, K, mode
void GnssFixes::Reading::vtg() {
    decimal(GnssField::course, 0);
    decimal(GnssField::speed, 4);
    text(GnssField::mode, 8);
}

// time, day, month, year, …
void GnssFixes::Reading::zda() {
    time(0);
    if (sentence_.field(1).empty() && sentence_.field(2).empty() && sentence_.field(3).empty())
        return;
    day = read_nmea_date(sentence_.field(1), sentence_.field(2), sentence_.field(3));
    readable = readable && day;
}

// time, latitude, N, longitude, E, mode, satellites, HDOP, altitude, …
void GnssFixes::Reading::gns() {
    time(0);
    position(1);
    text(GnssField::mode, 5);
    integer(GnssField::satellites, 6);
    decimal(GnssField::hdop, 7);
    decimal(GnssField::altitude, 8);
}

bool GnssFixes::Reading::read() {
    struct Kind {
        std::string_view name;
        void (Reading::*read)();
    };
    static constexpr Kind kinds[] = {{"RMC", &Reading::rmc}, {"GGA", &Reading::gga},
                                     {"GLL", &Reading::gll}, {"VTG", &Reading::vtg},
                                     {"ZDA", &Reading::zda}, {"GNS", &Reading::gns}};
    for (const Kind& kind : kinds) {
        if (sentence_.kind() != kind.name) continue;
        (this->*kind.read)();
        return true;
    }
    return false;
}

void GnssFix::begin(std::int64_t time_us) {
    values_ = {};
    time_us_ = time_us;
    time_of_day_us_.reset();
    day_.reset();
    sentence_count_ = 0;
}

const GnssFix* GnssFixes::take(std::string_view line, std::int64_t time_us) {
    NmeaSentence sentence;
    NmeaRefusal refusal{};
    if (!read_nmea_sentence(line, sentence, refusal)) {
        ++counts_.refused[static_cast<std::size_t>(refusal)];
        return nullptr;
    }
    Reading reading{sentence};
    if (!reading.read()) {
        ++counts_.not_used;
        return nullptr;
    }
    if (!reading.readable) {
        ++counts_.refused[static_cast<std::size_t>(NmeaRefusal::value)];
        return nullptr;
    }
    ++counts_.used;
    const GnssFix* const complete = belongs(sentence, reading) ? nullptr : flush();
    if (!under_way()) fixes_[current_].begin(time_us);
    merge(sentence, reading);
    return complete;
}

const GnssFix* GnssFixes::flush() {
    if (!under_way()) return nullptr;
    const GnssFix* const complete = &fixes_[current_];
    current_ = 1 - current_;
    fixes_[current_].begin(0);
    return complete;
}

bool GnssFixes::belongs(const NmeaSentence& sentence, const Reading& reading) const {
    const GnssFix& fix = fixes_[current_];
    if (fix.sentence_count_ == GnssFix::sentences_max) return false;
    for (std::size_t i = 0; i < fix.sentence_count_; ++i) {
        const auto& seen = fix.sentences_[i];
        if (std::string_view{seen.data(), seen.size()} == sentence.address) return false;
    }
    return !fix.time_of_day_us_ || !reading.time_of_day_us ||
           *fix.time_of_day_us_ == *reading.time_of_day_us;
}

void GnssFixes::merge(const NmeaSentence& sentence, const Reading& reading) {
    GnssFix& fix = fixes_[current_];
    const auto set = [&fix](std::size_t i, const Value& value) {
        if (fix.values_[i].form != ValueForm::null) return;
        fix.values_[i] = value;
        if (value.form != ValueForm::text) return;
        std::copy_n(as_text(value.text).data(), value.text.size(), fix.texts_[i].data());
        fix.values_[i].text = as_bytes({fix.texts_[i].data(), value.text.size()});
    };
    std::copy_n(sentence.address.data(), sentence.address.size(),
                fix.sentences_[fix.sentence_count_++].data());
    set(place(GnssField::talker), Value::of_text(as_bytes(sentence.talker())));
    for (std::size_t i = 0; i < gnss_field_count; ++i) set(i, reading.values[i]);

    if (!fix.time_of_day_us_) fix.time_of_day_us_ = reading.time_of_day_us;
    if (!fix.day_) fix.day_ = reading.day;
    if (fix.time_of_day_us_ && fix.day_) {
        const std::int64_t utc_us = *fix.day_ * us_per_day + *fix.time_of_day_us_;
        set(place(GnssField::gnss_time), Value::of_integer(utc_us));
    }
}

}  // namespace longhaul::agent
