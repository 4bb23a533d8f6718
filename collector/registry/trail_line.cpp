#include "collector/registry/trail_line.hpp"

#include <algorithm>
#include <charconv>

#include "common/base/civil_time.hpp"
#include "common/base/hex.hpp"
#include "common/base/json_text.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::collector {
namespace {

constexpr std::size_t word_bytes_max = 128;
constexpr std::size_t sentence_bytes_max = 512;
constexpr std::string_view before_key = ",\"prev\":\"";
constexpr std::string_view hash_key = "\",\"hash\":\"";
constexpr std::string_view line_end = "\"}";

std::string cut(const std::string& text, std::size_t bytes_max) {
    return in_json(std::string_view{text}.substr(0, bytes_max));
}

std::string_view name_of(const std::string& tenant) {
    return tenant.empty() ? site_trail : std::string_view{tenant};
}

std::string hash_of(std::string_view text) { return hex(sha256(as_bytes(text))); }

bool is_hash(std::string_view text) {
    return text.size() == trail_hash_digits && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

std::string beginning(std::uint64_t number, std::string_view trail) {
    return "{\"n\":" + std::to_string(number) + ",\"trail\":\"" + std::string{trail} + "\",";
}

}  // namespace

std::string trail_line(const TrailFact& fact, TrailPlace& place) {
    ++place.number;
    std::string line = beginning(place.number, name_of(fact.tenant));
    line += "\"time\":\"" + timestamp_text_ms(fact.time) + "\"";
    line += ",\"who\":" + cut(fact.who, word_bytes_max);
    line += ",\"what\":" + cut(fact.what, word_bytes_max);
    line += ",\"about\":" + cut(fact.about, word_bytes_max);
    line += ",\"why\":" + cut(fact.why, sentence_bytes_max);
    line += std::string{before_key} + place.hash;
    place.hash = hash_of(line);
    line += std::string{hash_key} + place.hash;
    return line += line_end;
}

// What is not at its place shows itself in the hash, so only the parts that say where the line
// stands are looked at.
std::optional<TrailLink> read_trail_line(std::string_view line, std::string_view trail) {
    constexpr std::size_t tail = before_key.size() + trail_hash_digits + hash_key.size() +
                                 trail_hash_digits + line_end.size();
    if (line.size() <= tail || line.size() > trail_line_bytes_max) return std::nullopt;
    const std::size_t hash_at = line.size() - line_end.size() - trail_hash_digits;
    const std::size_t hashed = hash_at - hash_key.size();
    const std::size_t before_at = hashed - trail_hash_digits;
    TrailLink link;
    link.place.hash = line.substr(hash_at, trail_hash_digits);
    link.before = line.substr(before_at, trail_hash_digits);
    if (!line.ends_with(line_end) || line.substr(hashed, hash_key.size()) != hash_key ||
        line.substr(before_at - before_key.size(), before_key.size()) != before_key ||
        !is_hash(link.before) || hash_of(line.substr(0, hashed)) != link.place.hash) {
        return std::nullopt;
    }
    constexpr std::string_view number_key = "{\"n\":";
    if (!line.starts_with(number_key)) return std::nullopt;
    const char* const digits = line.data() + number_key.size();
    std::from_chars(digits, line.data() + line.size(), link.place.number);
    if (link.place.number == 0 || !line.starts_with(beginning(link.place.number, trail)))
        return std::nullopt;
    return link;
}

void TrailVerifier::problem(const std::string& where, const std::string& text) {
    constexpr std::size_t problems_max = 100;  // the first ones say enough
    if (problems_.size() < problems_max) problems_.push_back(where + ": " + text);
}

void TrailVerifier::line(std::string_view line, const std::string& where) {
    ++lines_;
    const auto link = read_trail_line(line, trail_);
    if (!link) {
        problem(where, "the line was changed, or belongs to another trail");
        known_ = false;
        ++end_.number;
        return;
    }
    const std::uint64_t expected = end_.number + 1;
    const std::uint64_t number = link->place.number;
    if (number > expected) {
        problem(where, "is line " + std::to_string(number) + " where line " +
                           std::to_string(expected) + " should be: lines are missing");
    } else if (number < expected) {
        problem(where, "is line " + std::to_string(number) + " where line " +
                           std::to_string(expected) + " should be: lines were put elsewhere");
    } else if (known_ && link->before != end_.hash) {
        problem(where, "does not follow the line before it: one of them was replaced");
    }
    end_ = link->place;
    known_ = true;
    if (line.find(",\"what\":\"tail_cut\",") != std::string_view::npos)
        cuts_.push_back(where +
                        ": behind the line before it a power cut had left what was not "
                        "finished, which was cut off");
    if (std::find(wanted_.begin(), wanted_.end(), end_.hash) != wanted_.end())
        found_.push_back(end_.hash);
}

void TrailVerifier::rest(std::string_view bytes, const std::string& where) {
    if (bytes.empty()) return;
    torn_ =
        where + ": " + std::to_string(bytes.size()) +
        " bytes of an unfinished line, as a power cut leaves them; the next entry cuts them off";
}

bool TrailVerifier::found(std::string_view hash) const {
    return std::find(found_.begin(), found_.end(), hash) != found_.end();
}

}  // namespace longhaul::collector
