// Walks along a line of syslog and recognizes the ways in which a time is written.
#pragma once

#include <string_view>

namespace longhaul::agent {

unsigned number_of(std::string_view digits);  // up to 9 of them
// How many bytes at the beginning are "2019-02-20T15:10:50.505646+00:00"; 0: none.
std::size_t iso_time_bytes(std::string_view text);

class SyslogScanner {
 public:
    explicit SyslogScanner(std::string_view line) : rest_{line} {}

    std::string_view rest() const { return rest_; }
    void skip(std::size_t bytes) { rest_.remove_prefix(bytes); }
    bool take(char c);
    void take_spaces();
    std::string_view take_until(std::string_view ends);  // may be empty; the end is left
    std::string_view take_word() { return take_until(" "); }
    std::string_view take_digits(std::size_t count_max);

    // What has to be read ends at a space or at the end of the line; empty: there is no time.
    //   "Oct 11 22:14:15", "Oct  4 22:52:47.441", "Oct 11 2018 22:14:15", "2018 Apr 20 13:15:07"
    //   "2020-03-31T08:41:59+00:00", "2018-7-23 01:00:34.270.1"
    std::string_view take_time();
    // The same after "*" or ".", which say that a router's clock is not right, and before the name
    // of a zone: "*Nov 14 08:30:56.699 MEST". A colon may follow.
    std::string_view take_router_time();

 private:
    std::string_view take_front(std::size_t bytes);

    std::string_view rest_;
};

}  // namespace longhaul::agent
