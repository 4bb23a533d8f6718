#include "agent/platform/linux/sqlite_aside.hpp"

#include <array>

namespace longhaul::agent {
namespace {

constexpr unsigned asides_max = 3;
constexpr const char* companions[] = {"-wal", "-journal"};

Status remove_aside(const std::string& path, unsigned number, SpoolFiles& files) {
    LH_TRY(remove_companions(aside_path(path, number), files));
    return files.remove(aside_path(path, number));
}

}  // namespace

std::string damage_mark_of(const std::string& path) { return path + ".damaged"; }

Status remove_companions(const std::string& path, SpoolFiles& files) {
    for (const char* companion : companions) LH_TRY(files.remove(path + companion));
    return {};
}

Status remove_oldest_aside(const std::string& path, unsigned number, SpoolFiles& files) {
    return remove_aside(path, number % (asides_max + 1) + 1, files);
}

std::string aside_path(const std::string& path, unsigned number) {
    return path + ".damaged-" + std::to_string(number);
}

Status remove_other_asides(const std::string& path, unsigned number, SpoolFiles& files) {
    for (unsigned each = 1; each <= asides_max + 1; ++each) {
        if (each != number) LH_TRY(remove_aside(path, each, files));
    }
    return {};
}

Result<unsigned> begin_aside(const std::string& path, SpoolFiles& files) {
    std::array<std::byte, 16> room;
    const auto noted = files.read(damage_mark_of(path), 0, room);
    unsigned number = 0;
    if (noted.ok()) {
        for (const char digit : as_text(noted.value())) {
            if (digit >= '0' && digit <= '9') number = number * 10 + unsigned(digit - '0');
        }
    }
    if (number != 0) return number;
    for (number = 1; number <= asides_max && files.exists(aside_path(path, number));) ++number;
    LH_TRY(remove_aside(path, number, files));
    const auto note = [&] {
        return files.write(damage_mark_of(path), as_bytes(std::to_string(number)));
    };
    Status noted_now = note();
    if (!noted_now.ok() && noted_now.error() == ErrorCode::full) {
        LH_TRY(remove_other_asides(path, number, files));
        noted_now = note();
    }
    LH_TRY(noted_now);
    return number;
}

Status move_with_companions(const std::string& from, const std::string& to, SpoolFiles& files) {
    if (files.exists(from)) LH_TRY(files.make_private(from));
    for (const char* companion : companions) {
        if (files.exists(from + companion)) LH_TRY(files.rename(from + companion, to + companion));
    }
    return files.exists(from) ? files.rename(from, to) : Status{};
}

}  // namespace longhaul::agent
