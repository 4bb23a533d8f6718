// A line of an audit trail: its bytes, and what makes a row of them a chain.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/registry/audit_trail.hpp"

namespace longhaul::collector {

inline constexpr std::size_t trail_line_bytes_max = 8192;
inline constexpr std::size_t trail_hash_digits = 64;

// Where a trail stands: the number and the hash of its last line.
struct TrailPlace {
    std::uint64_t number = 0;
    std::string hash = std::string(trail_hash_digits, '0');
};

// The line of a fact behind `place`, which becomes the line's own; without the end of the line.
std::string trail_line(const TrailFact& fact, TrailPlace& place);

// What a sound line says of its place; absent: no line, or one that was changed.
struct TrailLink {
    TrailPlace place;
    std::string before;  // the hash of the line before
};
std::optional<TrailLink> read_trail_line(std::string_view line, std::string_view trail);

// Goes through the lines of one trail in their order and collects what is wrong.
class TrailVerifier {
 public:
    explicit TrailVerifier(std::string_view trail) : trail_{trail} {}

    // `where` is told when the line is wrong: "000001.jsonl:12".
    void line(std::string_view line, const std::string& where);
    // Bytes behind the last whole line: an append that was cut off, or a line that was.
    void rest(std::string_view bytes, const std::string& where);

    const TrailPlace& end() const { return end_; }
    std::uint64_t lines() const { return lines_; }
    const std::vector<std::string>& problems() const { return problems_; }
    const std::string& torn() const { return torn_; }  // a sentence; empty: nothing is
    // Where a sound line says that what was not finished was cut off.
    const std::vector<std::string>& cuts() const { return cuts_; }
    // Another hash that some line must have, for example one that was kept elsewhere.
    void look_for(std::string hash) { wanted_.push_back(std::move(hash)); }
    bool found(std::string_view hash) const;

 private:
    void problem(const std::string& where, const std::string& text);

    std::string trail_;
    TrailPlace end_;
    bool known_ = true;  // whether end_ is a place to go on from
    std::uint64_t lines_ = 0;
    std::vector<std::string> problems_;
    std::string torn_;
    std::vector<std::string> cuts_;
    std::vector<std::string> wanted_;
    std::vector<std::string> found_;
};

}  // namespace longhaul::collector
