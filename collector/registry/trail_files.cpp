#include "collector/registry/trail_files.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>

#include "common/host/files.hpp"

namespace longhaul::collector {
namespace {

constexpr std::string_view ending = ".jsonl";
constexpr std::size_t digits_min = 6;

// A last line can push a file over the size at which the next one begins.
constexpr std::size_t readable_bytes_max = AuditTrail::file_bytes_max + (1 << 20);

std::uint64_t number_of(std::string_view name) {
    if (!name.ends_with(ending)) return 0;
    name.remove_suffix(ending.size());
    std::uint64_t number = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), number);
    return read.ec == std::errc{} && trail_file_name(number).starts_with(name) ? number : 0;
}

}  // namespace

std::string trail_file_name(std::uint64_t number) {
    std::string digits = std::to_string(number);
    if (digits.size() < digits_min) digits.insert(0, digits_min - digits.size(), '0');
    return digits + std::string{ending};
}

std::string trail_file(const std::string& folder, std::uint64_t number) {
    return folder + "/" + trail_file_name(number);
}

Result<std::vector<std::uint64_t>, Message> trail_files(const std::string& folder) {
    LH_TRY_ASSIGN(const std::vector<std::string> paths, paths_in(folder));
    std::vector<std::uint64_t> numbers;
    for (const std::string& path : paths) {
        const std::uint64_t number = number_of(std::filesystem::path{path}.filename().string());
        if (number != 0) numbers.push_back(number);
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

Result<std::vector<std::string>, Message> trail_names(const std::string& folder) {
    std::vector<std::string> names;
    LH_TRY_ASSIGN(const bool there, is_there(folder));
    if (!there) return names;
    LH_TRY_ASSIGN(const std::vector<std::string> paths, paths_in(folder));
    for (const std::string& path : paths)
        if (is_folder(path)) names.push_back(std::filesystem::path{path}.filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

Result<void, Message> verify_trail(const std::string& folder, TrailVerifier& verifier) {
    LH_TRY_ASSIGN(const std::vector<std::uint64_t> files, trail_files(folder));
    for (const std::uint64_t file : files) {
        LH_TRY_ASSIGN(const std::string text,
                      read_text_file(trail_file(folder, file), readable_bytes_max));
        std::string_view rest = text;
        for (std::uint64_t number = 1; !rest.empty(); ++number) {
            const std::string where = trail_file_name(file) + ":" + std::to_string(number);
            const std::size_t end = rest.find('\n');
            if (end != std::string_view::npos) {
                verifier.line(rest.substr(0, end), where);
                rest.remove_prefix(end + 1);
            } else if (file == files.back()) {
                verifier.rest(std::exchange(rest, {}), where);
            } else {
                verifier.line(std::exchange(rest, {}), where);
            }
        }
    }
    return {};
}

}  // namespace longhaul::collector
