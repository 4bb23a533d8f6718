#include "agent/platform/linux/why.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

#include "agent/platform/linux/json_text.hpp"

namespace longhaul::agent {
namespace {

std::string duration_text(std::int64_t ms) {
    const std::int64_t s = (ms + 500) / 1000;
    constexpr std::int64_t minute = 60;
    constexpr std::int64_t hour = 60 * minute;
    constexpr std::int64_t day = 24 * hour;
    if (s < 2 * minute) return std::to_string(s) + " s";
    if (s < 2 * hour) return std::to_string(s / minute) + " min";
    if (s < 2 * day) return std::to_string(s / hour) + " h";
    return std::to_string(s / day) + " d";
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1024 && unit < 4; ++unit) value /= 1024;
    char text[32];
    const bool whole = unit == 0 || value == static_cast<double>(static_cast<int>(value));
    std::snprintf(text, sizeof(text), whole ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

std::string date_text(WallUs at) {
    using namespace std::chrono;
    const year_month_day date{floor<days>(sys_time<microseconds>{microseconds{at.value}})};
    char text[48];
    std::snprintf(text, sizeof(text), "%04d-%02u-%02u", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    return text;
}

std::string range_text(std::uint32_t first, std::uint32_t last) {
    if (first == last) return std::to_string(first);
    return std::to_string(first) + "–" + std::to_string(last);
}

// "seq 1–412 acknowledged; 413–438 waiting"
std::string class_text(const SpoolStanding& standing, bool name_class) {
    std::string text = name_class ? std::string{name_of(standing.block_class)} + " " : "";
    text += "seq ";
    const std::uint32_t acknowledged =
        standing.waiting == 0 ? standing.last : standing.first_waiting - 1;
    if (acknowledged != 0) text += range_text(1, acknowledged) + " acknowledged";
    if (standing.waiting == 0) return text;
    if (acknowledged != 0) text += "; ";
    return text + range_text(standing.first_waiting, standing.last_waiting) + " waiting";
}

std::string spool_text(const WhyFacts& facts) {
    if (facts.spool.empty()) return "no block yet";
    const Epoch newest = facts.spool.back().epoch;
    std::uint64_t waiting = 0;
    std::uint64_t waiting_before = 0;
    std::uint64_t bytes = 0;
    std::vector<const SpoolStanding*> shown;
    for (const SpoolStanding& standing : facts.spool) {
        waiting += standing.waiting;
        bytes += standing.bytes_waiting;
        if (standing.epoch == newest)
            shown.push_back(&standing);
        else
            waiting_before += standing.waiting;
    }
    std::string text;
    for (const SpoolStanding* standing : shown)
        text += (text.empty() ? "" : "; ") + class_text(*standing, shown.size() > 1);
    if (waiting_before != 0)
        text += "; " + std::to_string(waiting_before) + " blocks of earlier epochs waiting";
    if (waiting == 0) return text;
    return text + " (" + std::to_string(waiting) + ", " + bytes_text(bytes) + " of " +
           bytes_text(facts.spool_bytes_max) + ")";
}

std::uint64_t lost_of(const RunningFacts& running) {
    std::uint64_t lost = running.dropped;
    for (const SourceReport& source : running.sources) lost += source.lost;
    return lost;
}

// "full 1,200 samples, corrupt 3 samples"; what the device dropped or could not read any more.
std::string untold_text(const RunningFacts& running) {
    std::map<std::string, std::uint64_t> samples;
    for (const Loss& loss : running.untold) samples[name_of(loss.reason)] += loss.samples;
    std::string text;
    for (const auto& [reason, count] : samples) {
        text += (text.empty() ? "; not told to the collector yet: " : ", ") + reason + " " +
                std::to_string(count) + (count == 1 ? " sample" : " samples");
    }
    return text;
}

std::string rate_text(double value) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.1f", value);
    return text;
}

std::string life_text(std::uint64_t days) {
    constexpr std::uint64_t year = 365;
    if (days >= 100 * year) return "more than 100 years";
    return days >= 2 * year ? std::to_string(days / year) + " years" : std::to_string(days) + " d";
}

// "written 1.3 bytes for each stored, 41 erases a sector on average, at this rate 38 years"
std::string wear_text(const AgentWear& wear) {
    std::string text;
    const SpoolWear& spool = wear.spool;
    if (spool.bytes_stored != 0 && spool.bytes_written != 0) {
        text = "; written " +
               rate_text(static_cast<double>(spool.bytes_written) /
                         static_cast<double>(spool.bytes_stored)) +
               " bytes for each stored";
    }
    if (spool.sectors != 0) {
        const std::uint64_t sectors = spool.sectors;
        text += (text.empty() ? "; " : ", ") +
                std::to_string((spool.erases + sectors / 2) / sectors) +
                " erases a sector on average";
        if (wear.days_left) text += ", at this rate " + life_text(*wear.days_left);
        if (spool.sectors_bad != 0)
            text += ", " + std::to_string(spool.sectors_bad) + " bad sectors";
    }
    if (wear.overdrawn) text += "; blocks wait for the write budget";
    return text;
}

std::string refused_text(const RunningFacts& running) {
    std::string text;
    const auto add = [&text](std::uint64_t count, const std::string& what) {
        text += (text.empty() ? "; refused: " : ", ") + std::to_string(count) + " " + what;
    };
    if (running.too_large != 0) add(running.too_large, "samples larger than a block");
    for (const SourceReport& source : running.sources) {
        for (const auto& [reason, count] : source.refused) add(count, source.name + " " + reason);
    }
    return text;
}

std::string models_text(const RunningFacts& running) {
    std::string text;
    for (const std::string& stream : running.worse_models)
        text += (text.empty() ? "; the model no longer fits stream " : ", ") + stream;
    return text;
}

std::string running_text(const RunningFacts& running) {
    std::string text =
        std::string{running.connected ? "link up " : "link down "} + duration_text(running.link_ms);
    if (!running.cause.empty()) text += ", " + running.cause;
    if (running.next_try_ms)
        text += "; next try in " + duration_text(std::max<std::int64_t>(*running.next_try_ms, 0));
    else if (!running.connected)
        text += "; connecting now";
    if (!running.storing.empty()) text += "; " + running.storing;
    if (!running.clock.empty()) text += "; " + running.clock;
    for (const SourceReport& source : running.sources) {
        if (!source.trouble.empty()) text += "; " + source.name + ": " + source.trouble;
    }
    text += models_text(running) + wear_text(running.wear) +
            "; lost: " + std::to_string(lost_of(running));
    if (running.cut_off_before)
        text += " in this run, and what the run before had not stored when it was cut off";
    return text + refused_text(running) + untold_text(running);
}

// Adds members and elements, and the commas between them.
class Json {
 public:
    void open(const char* bracket) { put(bracket, true); }
    void open(const char* name, const char* bracket) { put(json_text(name) + ":" + bracket, true); }
    void close(const char* bracket) {
        text_ += bracket;
        first_ = false;
    }
    void member(const std::string& name, const std::string& value) {
        put(json_text(name) + ":" + json_text(value), false);
    }
    void member(const std::string& name, bool value) {
        put(json_text(name) + (value ? ":true" : ":false"), false);
    }
    void element(const std::string& value) { put(json_text(value), false); }
    void count(const std::string& name, std::uint64_t value) {
        put(json_text(name) + ":" + std::to_string(value), false);
    }
    const std::string& text() const { return text_; }

 private:
    void put(const std::string& text, bool opens) {
        if (!first_) text_ += ',';
        text_ += text;
        first_ = opens;
    }
    std::string text_;
    bool first_ = true;
};

void add_source(Json& json, const SourceReport& source) {
    json.open("{");
    json.member("name", source.name);
    if (!source.trouble.empty()) json.member("trouble", source.trouble);
    json.count("lost", source.lost);
    json.open("refused", "{");
    for (const auto& [reason, count] : source.refused) json.count(reason, count);
    json.close("}");
    json.close("}");
}

void add_losses(Json& json, const RunningFacts& running) {
    json.count("dropped", running.dropped);
    json.open("untold", "[");
    for (const Loss& loss : running.untold) {
        json.open("{");
        json.member("class", std::string{name_of(loss.block_class)});
        json.member("reason", std::string{name_of(loss.reason)});
        json.count("epoch", loss.first.epoch.value);
        json.count("first", loss.first.number);
        json.count("last_epoch", loss.last.epoch.value);
        json.count("last", loss.last.number);
        json.count("samples", loss.samples);
        json.close("}");
    }
    json.close("]");
}

void add_wear(Json& json, const AgentWear& wear) {
    json.open("wear", "{");
    json.count("bytes_stored", wear.spool.bytes_stored);
    json.count("bytes_written", wear.spool.bytes_written);
    json.member("waits_for_budget", wear.overdrawn);
    if (wear.spool.sectors != 0) {
        json.count("sectors", wear.spool.sectors);
        json.count("sectors_bad", wear.spool.sectors_bad);
        json.count("erases", wear.spool.erases);
        json.count("erases_min", wear.spool.erases_min);
        json.count("erases_max", wear.spool.erases_max);
        if (wear.days_left) json.count("days_left", *wear.days_left);
    }
    json.close("}");
}

void add_running(Json& json, const RunningFacts& running) {
    constexpr std::int64_t ms_per_s = 1000;
    json.member("connected", running.connected);
    json.count("link_s", static_cast<std::uint64_t>(running.link_ms / ms_per_s));
    if (running.next_try_ms)
        json.count("next_try_s", static_cast<std::uint64_t>(
                                     std::max<std::int64_t>(*running.next_try_ms, 0) / ms_per_s));
    if (!running.cause.empty()) json.member("cause", running.cause);
    if (!running.storing.empty()) json.member("storing", running.storing);
    if (!running.clock.empty()) json.member("clock", running.clock);
    json.count("samples", running.samples);
    json.count("lost", lost_of(running));
    json.member("cut_off_before", running.cut_off_before);
    json.count("too_large", running.too_large);
    add_losses(json, running);
    add_wear(json, running.wear);
    json.open("worse_models", "[");
    for (const std::string& stream : running.worse_models) json.element(stream);
    json.close("]");
    json.open("sources", "[");
    for (const SourceReport& source : running.sources) add_source(json, source);
    json.close("]");
}

}  // namespace

std::string clock_trouble(WallUs shown, WallUs known) {
    return "the clock says " + date_text(shown) + ", before " + date_text(known) +
           ", which it has already been";
}

std::string why_sentence(const WhyFacts& facts) {
    std::string lost;
    if (facts.spool_lost != 0)
        lost = "; lost from the spool: " + std::to_string(facts.spool_lost) + " samples";
    return facts.device + ": " + spool_text(facts) + lost + "; " +
           (facts.running ? running_text(*facts.running) : "no agent runs");
}

std::string why_json(const WhyFacts& facts) {
    Json json;
    json.open("{");
    json.member("device", facts.device);
    json.member("running", facts.running.has_value());
    json.open("blocks", "[");
    for (const SpoolStanding& standing : facts.spool) {
        json.open("{");
        json.count("epoch", standing.epoch.value);
        json.member("class", std::string{name_of(standing.block_class)});
        json.count("last", standing.last);
        json.count("waiting", standing.waiting);
        if (standing.waiting != 0) {
            json.count("first_waiting", standing.first_waiting);
            json.count("last_waiting", standing.last_waiting);
            json.count("samples_waiting", standing.samples_waiting);
            json.count("bytes_waiting", standing.bytes_waiting);
        }
        json.close("}");
    }
    json.close("]");
    json.count("spool_bytes_max", facts.spool_bytes_max);
    json.count("spool_lost", facts.spool_lost);
    if (facts.running) add_running(json, *facts.running);
    json.close("}");
    return json.text();
}

}  // namespace longhaul::agent
