#include "collector/writer/snapshots.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace longhaul::collector {
namespace {

constexpr std::string_view suffix = ".snap";
constexpr std::size_t digits = 20;
constexpr std::string_view unfinished = "snapshots/unfinished";

}  // namespace

std::string snapshot_path(std::uint64_t number) {
    char name[32];
    std::snprintf(name, sizeof(name), "/%020llu", static_cast<unsigned long long>(number));
    return std::string{snapshots_folder} + name + std::string{suffix};
}

Result<std::vector<std::uint64_t>> snapshot_numbers(Disk& disk) {
    std::vector<std::uint64_t> numbers;
    const auto entries = disk.list(snapshots_folder);
    if (!entries.ok() && entries.error() == ErrorCode::not_found) return numbers;
    if (!entries.ok()) return entries.error();
    for (const DiskEntry& entry : entries.value()) {
        const std::string_view name = entry.name;
        if (name.size() != digits + suffix.size() || !name.ends_with(suffix)) continue;
        std::uint64_t number = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + digits, number);
        if (parsed.ec == std::errc{} && parsed.ptr == name.data() + digits)
            numbers.push_back(number);
    }
    std::sort(numbers.rbegin(), numbers.rend());
    return numbers;
}

Result<std::unique_ptr<DiskFile>> begin_snapshot(Disk& disk) {
    LH_TRY(disk.make_directories(snapshots_folder));
    if (const Status removed = disk.remove(unfinished);
        !removed.ok() && removed.error() != ErrorCode::not_found) {
        return removed.error();
    }
    return disk.create(unfinished);
}

Status name_snapshot(Disk& disk, std::uint64_t number) {
    LH_TRY(disk.rename(unfinished, snapshot_path(number)));
    return disk.sync_directory(snapshots_folder);
}

Status keep_snapshots(Disk& disk, const std::vector<std::uint64_t>& kept) {
    LH_TRY_ASSIGN(const std::vector<std::uint64_t> numbers, snapshot_numbers(disk));
    for (const std::uint64_t number : numbers) {
        if (std::find(kept.begin(), kept.end(), number) == kept.end())
            LH_TRY(disk.remove(snapshot_path(number)));
    }
    return disk.sync_directory(snapshots_folder);
}

}  // namespace longhaul::collector
