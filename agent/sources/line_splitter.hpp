// Cuts a stream of bytes into lines of bounded length.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace longhaul::agent {

struct Line {
    std::string_view text;  // without its line feed; valid until the splitter is asked again
    bool too_long = false;  // then only its beginning
};

class LineSplitter {
 public:
    explicit LineSplitter(std::size_t bytes_max) : bytes_max_{bytes_max} {}

    // Takes from the front of `bytes`; nullopt when they hold no further end of a line.
    std::optional<Line> next(std::string_view& bytes) {
        if (complete_) clear();
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        const std::size_t room = bytes_max_ - line_.size();
        line_ += bytes.substr(0, std::min(end, room));
        too_long_ = too_long_ || end > room;
        complete_ = end < bytes.size();
        bytes.remove_prefix(complete_ ? end + 1 : end);
        if (!complete_) return std::nullopt;
        return Line{line_, too_long_};
    }
    // What came after the last line feed, when no more bytes will follow.
    std::optional<Line> rest() {
        if (complete_) clear();
        if (line_.empty()) return std::nullopt;
        complete_ = true;
        return Line{line_, too_long_};
    }
    void clear() {
        line_.clear();
        too_long_ = complete_ = false;
    }

 private:
    std::size_t bytes_max_;
    std::string line_;
    bool too_long_ = false;
    bool complete_ = false;
};

}  // namespace longhaul::agent
