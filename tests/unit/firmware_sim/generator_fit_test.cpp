// The generators against the recordings that they are fitted to: the same levels, the same changes
// within an hour.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "firmware-sim/world/stream_plan.hpp"

using namespace longhaul;
using namespace longhaul::sim;

namespace {

constexpr std::int64_t hour_us = 3'600'000'000;
constexpr std::uint32_t devices = 40;
constexpr std::int64_t samples = 3'000;  // of a device

// A field of one device, as it goes.
struct Course {
    std::vector<std::int64_t> times;  // microseconds
    std::vector<double> values;
};
using Courses = std::vector<Course>;

std::size_t index_of(const Schema& schema, std::string_view field) {
    for (std::size_t i = 0; i < schema.fields.size(); ++i)
        if (schema.fields[i].name == field) return i;
    FAIL("there is no field " << field);
    return 0;
}

// In the field's unit; a text is as long as it is.
double number(const Value& value, const Field& field) {
    if (value.form == ValueForm::text) return static_cast<double>(value.text.size());
    if (field.kind == FieldKind::float32)
        return std::bit_cast<float>(static_cast<std::uint32_t>(value.real_bits));
    if (value.form == ValueForm::real) return value.real();
    return static_cast<double>(value.integer) * std::pow(10.0, -field.scale);
}

Courses recorded(const std::string& recording, std::string_view field) {
    const std::string path = "firmware-sim/traces/" + recording + "/mapping.toml";
    const auto mapping = agent::TraceMapping::load(path);
    REQUIRE(mapping.ok());
    const auto file = agent::TraceFile::load(*mapping.value(), mapping.value()->file, {});
    REQUIRE(file.ok());
    const Schema& schema = mapping.value()->schema();
    const std::size_t at = index_of(schema, field);
    Courses courses;
    for (const auto& [name, trace] : file.value()->devices()) {
        Course& course = courses.emplace_back();
        for (std::size_t i = 0; i < trace.times.size(); ++i) {
            const Value& value = trace.values[i * schema.fields.size() + at];
            if (value.form == ValueForm::null) continue;
            course.times.push_back(trace.times[i]);
            course.values.push_back(number(value, schema.fields[at]));
        }
    }
    return courses;
}

Courses generated(std::string_view generator, std::string_view field) {
    const auto plan = make_generator(generator, 1);
    const std::size_t at = index_of(plan->schema(), field);
    Courses courses(devices);
    SampleValues out;
    for (std::uint32_t device = 0; device < devices; ++device) {
        std::int64_t time_us = 0;
        for (std::int64_t n = 0; n < samples; ++n) {
            plan->make(device, n, out);
            courses[device].times.push_back(time_us);
            courses[device].values.push_back(number(out.values[at], plan->schema().fields[at]));
            time_us += 1'000 * plan->gap_ms(device, n);
        }
    }
    return courses;
}

double at_share(std::vector<double> values, double share) {
    REQUIRE(!values.empty());
    const auto at = values.begin() +
                    static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

std::vector<double> all_values(const Courses& courses) {
    std::vector<double> all;
    for (const Course& course : courses)
        all.insert(all.end(), course.values.begin(), course.values.end());
    return all;
}

// Between a sample and the first one that is an hour later, in the middle of all.
double change_of_an_hour(const Courses& courses) {
    std::vector<double> changes;
    for (const Course& course : courses) {
        std::size_t later = 0;
        for (std::size_t i = 0; i < course.times.size(); ++i) {
            while (later < course.times.size() && course.times[later] < course.times[i] + hour_us)
                ++later;
            if (later == course.times.size()) break;
            changes.push_back(std::abs(course.values[later] - course.values[i]));
        }
    }
    return at_share(changes, 0.5);
}

// Each as it goes around its own middle.
Courses around_their_middles(Courses courses) {
    for (Course& course : courses) {
        if (course.values.empty()) continue;
        const double middle = at_share(course.values, 0.5);
        for (double& value : course.values) value -= middle;
    }
    return courses;
}

// A quarter, the half and three quarters of what is generated lie where in the recording?
void check_levels(const Courses& made, const Courses& real) {
    const std::vector<double> all = all_values(made);
    const std::vector<double> heard = all_values(real);
    for (const double share : {0.25, 0.5, 0.75}) {
        const double low = at_share(heard, share - 0.15);
        const double high = at_share(heard, share + 0.15);
        const double value = at_share(all, share);
        CAPTURE(share, value, low, high);
        CHECK(low <= value);
        CHECK(value <= high);
    }
}

void check_changes(const Courses& made, const Courses& real) {
    const double is = change_of_an_hour(made);
    const double should = change_of_an_hour(real);
    CAPTURE(is, should);
    CHECK(is <= 3 * should);
    CHECK(should <= 3 * is);
}

}  // namespace

TEST_CASE("generators: optical is like recorded bit error ratios") {
    const Courses real = recorded("optical-prefec-ber", "value");
    check_levels(generated("optical", "ber"), real);
    check_changes(generated("optical", "ber"), real);
}

TEST_CASE("generators: vehicle goes like a recorded bus") {
    check_levels(generated("vehicle", "speed"), recorded("bus-fleet-austin", "speed"));
    for (const auto& [field, column] : {std::pair{"lat", "latitude"}, {"lon", "longitude"}}) {
        CAPTURE(field);
        const Courses made = around_their_middles(generated("vehicle", field));
        const Courses real = around_their_middles(recorded("bus-fleet-austin", column));
        check_levels(made, real);
        check_changes(made, real);
    }
}

TEST_CASE("generators: sensor measures like a recorded one") {
    const std::string recording = "sensors-lorawan";
    for (const char* field : {"temperature", "humidity"}) {
        CAPTURE(field);
        check_levels(generated("sensor", field), recorded(recording, field));
        check_changes(generated("sensor", field), recorded(recording, field));
    }
    Courses millivolts = recorded(recording, "battery");
    for (Course& course : millivolts)
        for (double& value : course.values) value /= 1'000;
    check_levels(generated("sensor", "battery"), millivolts);
    check_changes(generated("sensor", "battery"), millivolts);
}

TEST_CASE("generators: log lines are as long as recorded ones") {
    check_levels(generated("log", "line"), recorded("network-syslog", "message"));
}

TEST_CASE("generators: no two devices say the same") {
    for (const std::string_view name : generator_names()) {
        CAPTURE(name);
        const auto plan = make_generator(name, 1);
        SampleValues one;
        SampleValues other;
        int same = 0;
        for (std::int64_t n = 0; n < 100; ++n) {
            plan->make(1, n, one);
            plan->make(2, n, other);
            bool equal = one.text == other.text;
            for (std::size_t i = 1; equal && i < one.values.size(); ++i)
                equal = one.values[i].integer == other.values[i].integer &&
                        one.values[i].real_bits == other.values[i].real_bits;
            same += equal ? 1 : 0;
        }
        CHECK(same < 60);  // an alarm has two grades and a number
    }
}
