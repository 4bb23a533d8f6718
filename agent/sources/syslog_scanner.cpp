#include "agent/sources/syslog_scanner.hpp"

#include <algorithm>
#include <array>

namespace longhaul::agent {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Matches a text against a pattern piece by piece; at_ stands behind what has matched.
class Match {
 public:
    explicit Match(std::string_view text) : text_{text} {}

    bool digits(std::size_t least, std::size_t most) {
        std::size_t count = 0;
        while (count < most && at_ < text_.size() && is_digit(text_[at_])) {
            ++at_;
            ++count;
        }
        return count >= least;
    }
    bool one(char c) {
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    bool month() {
        static constexpr std::array<std::string_view, 12> names = {
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        const std::string_view name = text_.substr(at_, 3);
        if (std::find(names.begin(), names.end(), name) == names.end()) return false;
        at_ += name.size();
        return true;
    }
    // " 4" or "14", after a space.
    bool day() {
        if (!one(' ')) return false;
        one(' ');
        return digits(1, 2);
    }
    // "22:14:15", with fractions of any kind.
    bool clock() {
        if (!digits(2, 2) || !one(':') || !digits(2, 2) || !one(':') || !digits(2, 2)) return false;
        while (at_ + 1 < text_.size() && (text_[at_] == '.' || text_[at_] == ',') &&
               is_digit(text_[at_ + 1])) {
            ++at_;
            digits(1, text_.size());
        }
        return true;
    }
    std::size_t at() const { return at_; }

 private:
    std::string_view text_;
    std::size_t at_ = 0;
};

std::size_t bsd_time_bytes(std::string_view text) {
    Match plain{text};
    if (plain.month() && plain.day() && plain.one(' ') && plain.clock()) return plain.at();
    Match with_year{text};
    if (with_year.month() && with_year.day() && with_year.one(' ') && with_year.digits(4, 4) &&
        with_year.one(' ') && with_year.clock())
        return with_year.at();
    Match year_first{text};
    if (year_first.digits(4, 4) && year_first.one(' ') && year_first.month() && year_first.day() &&
        year_first.one(' ') && year_first.clock())
        return year_first.at();
    return 0;
}

// "2018-7-23 01:00:34.270.1"
std::size_t loose_time_bytes(std::string_view text) {
    Match match{text};
    const bool found = match.digits(4, 4) && match.one('-') && match.digits(1, 2) &&
                       match.one('-') && match.digits(1, 2) && match.one(' ') && match.clock();
    return found ? match.at() : 0;
}

std::size_t time_bytes(std::string_view text) {
    return std::max({bsd_time_bytes(text), iso_time_bytes(text), loose_time_bytes(text)});
}

}  // namespace

unsigned number_of(std::string_view digits) {
    unsigned value = 0;
    for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
    return value;
}

std::size_t iso_time_bytes(std::string_view text) {
    Match match{text};
    const bool local = match.digits(4, 4) && match.one('-') && match.digits(2, 2) &&
                       match.one('-') && match.digits(2, 2) && match.one('T') && match.clock();
    if (!local) return 0;
    if (match.one('Z')) return match.at();
    Match zone{text.substr(match.at())};
    if ((zone.one('+') || zone.one('-')) && zone.digits(2, 2)) {
        zone.one(':');
        if (zone.digits(2, 2)) return match.at() + zone.at();
    }
    return match.at();
}

std::string_view SyslogScanner::take_front(std::size_t bytes) {
    const std::string_view front = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return front;
}

bool SyslogScanner::take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
}

void SyslogScanner::take_spaces() {
    while (take(' ')) {
    }
}

std::string_view SyslogScanner::take_until(std::string_view ends) {
    return take_front(std::min(rest_.find_first_of(ends), rest_.size()));
}

std::string_view SyslogScanner::take_digits(std::size_t count_max) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_digit);
    const auto count = static_cast<std::size_t>(end - rest_.begin());
    return count > count_max ? std::string_view{} : take_front(count);
}

std::string_view SyslogScanner::take_time() { return take_front(time_bytes(rest_)); }

std::string_view SyslogScanner::take_router_time() {
    const bool marked = rest_.starts_with('*') || rest_.starts_with('.');
    const std::size_t mark = marked ? 1 : 0;
    const std::size_t time = time_bytes(rest_.substr(mark));
    if (time == 0) return {};
    std::size_t bytes = mark + time;
    const std::string_view after = rest_.substr(bytes);
    if (after.starts_with(' ')) {
        const auto end = std::find_if_not(after.begin() + 1, after.end(),
                                          [](char c) { return c >= 'A' && c <= 'Z'; });
        const auto zone = static_cast<std::size_t>(end - after.begin());
        if (zone > 1 && end != after.end() && *end == ':') bytes += zone;
    }
    return take_front(bytes);
}

}  // namespace longhaul::agent
