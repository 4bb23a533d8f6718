#include "agent/platform/cortexm/last_words.hpp"

#include <cstring>

#include "agent/platform/cortexm/board.hpp"
#include "common/base/check.hpp"
#include "common/base/crc32c.hpp"

namespace longhaul::agent {
namespace {

// Bytes alone: an object of its own type would be made anew at each start.
struct Kept {
    alignas(LastWords) std::byte words[sizeof(LastWords)];
    std::uint32_t sum;
};
[[gnu::section(".noinit")]] Kept kept;

void keep(const LastWords& words) {
    std::memcpy(kept.words, &words, sizeof(words));
    kept.sum = crc32c(kept.words);
}

// Without a library of formats.
class Writer {
 public:
    explicit Writer(std::span<char> room) : room_{room} {}
    void text(std::string_view from) {
        for (const char each : from)
            if (count_ < room_.size()) room_[count_++] = each;
    }
    void number(std::uint32_t value, std::uint32_t base) {
        if (value >= base) number(value / base, base);
        text(std::string_view{"0123456789abcdef"}.substr(value % base, 1));
    }
    std::string_view written() const { return {room_.data(), count_}; }

 private:
    std::span<char> room_;
    std::size_t count_ = 0;
};

}  // namespace

std::string_view say(const LastWords& words, std::span<char> room) {
    Writer out{room};
    out.text(words.text);
    if (words.death == Death::check) {
        out.text(":");
        out.number(words.place, 10);
    } else if (words.death == Death::fault) {
        out.text(" at 0x");
        out.number(words.place, 16);
    }
    return out.written();
}

void die(Death death, const char* text, std::uint32_t place) {
    LastWords words;
    words.death = death;
    words.place = place;
    std::strncpy(words.text, text, LastWords::text_bytes - 1);
    keep(words);
    board::write_console("longhaul: stopped: ");
    board::write_console(words.text);
    board::write_console("\n");
    board::reset();
}

Remembered take_last_words() {
    Remembered found;
    if (kept.sum == crc32c(kept.words)) {
        found.power_was_off = false;
        std::memcpy(&found.words, kept.words, sizeof(found.words));
    }
    keep({});
    return found;
}

}  // namespace longhaul::agent

namespace longhaul {

// What lwIP asserts.
extern "C" void lh_lwip_failed(const char* file, int line) { check_failed("", file, line); }

void check_failed(const char* /*condition*/, const char* file, int line) {
    agent::die(agent::Death::check, file, static_cast<std::uint32_t>(line));
}

}  // namespace longhaul
