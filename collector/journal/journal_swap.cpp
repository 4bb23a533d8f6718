#include "collector/journal/journal_swap.hpp"

#include "collector/journal/journal_meta.hpp"

namespace longhaul::collector {
namespace {

constexpr std::string_view ready = "adopting/ready";      // the old files are to be moved away
constexpr std::string_view emptied = "adopting/emptied";  // the new ones are to be moved in
constexpr std::string_view snapshots = "snapshots";

bool has_files_of_journal(const DiskEntry& entry) {
    return entry.directory && (entry.name.starts_with("shard-") || entry.name == snapshots);
}

std::string in(std::string_view folder, std::string_view name) {
    return folder.empty() ? std::string{name} : std::string{folder} + "/" + std::string{name};
}

Result<std::vector<DiskEntry>> list_if_there(Disk& disk, std::string_view folder) {
    auto entries = disk.list(folder);
    if (!entries.ok() && entries.error().code == ErrorCode::not_found)
        return std::vector<DiskEntry>{};
    return entries;
}

// Both names last when it returns: first the one that is new.
Status move(Disk& disk, const std::string& from, const std::string& to) {
    if (!folder_of(to).empty()) LH_TRY(disk.make_directories(folder_of(to)));
    LH_TRY(disk.rename(from, to));
    LH_TRY(disk.sync_directory(folder_of(to)));
    return disk.sync_directory(folder_of(from));
}

// The entries of a journal, without its journal.meta.
Status move_entries(Disk& disk, std::string_view from, std::string_view to) {
    LH_TRY_ASSIGN(const std::vector<DiskEntry> folders, list_if_there(disk, from));
    for (const DiskEntry& folder : folders) {
        if (!has_files_of_journal(folder)) continue;
        // A shard without entries has a folder, too.
        LH_TRY(disk.make_directories(in(to, folder.name)));
        LH_TRY_ASSIGN(const std::vector<DiskEntry> files, disk.list(in(from, folder.name)));
        for (const DiskEntry& file : files) {
            const std::string name = folder.name + "/" + file.name;
            LH_TRY(move(disk, in(from, name), in(to, name)));
        }
    }
    return {};
}

Result<bool> is_file(Disk& disk, std::string_view path) {
    const auto file = disk.open(path);
    if (file.ok()) return true;
    if (file.error().code == ErrorCode::not_found) return false;
    return file.error();
}

Status move_meta(Disk& disk, std::string_view from, std::string_view to) {
    const std::string meta = in(from, journal_meta_path);
    LH_TRY_ASSIGN(const bool there, is_file(disk, meta));
    return there ? move(disk, meta, in(to, journal_meta_path)) : Status{};
}

}  // namespace

Result<std::string> remains_of_journal(Disk& disk) {
    LH_TRY_ASSIGN(const bool has_meta, is_file(disk, journal_meta_path));
    if (has_meta) return std::string{journal_meta_path};
    LH_TRY_ASSIGN(const std::vector<DiskEntry> entries, list_if_there(disk, ""));
    for (const DiskEntry& entry : entries) {
        if (!has_files_of_journal(entry)) continue;
        LH_TRY_ASSIGN(const std::vector<DiskEntry> files, disk.list(entry.name));
        if (!files.empty()) return in(entry.name, files.front().name);
    }
    return std::string{};
}

Result<std::optional<std::string>> begun_swap(Disk& disk) {
    for (const std::string_view mark : {ready, emptied}) {
        const auto aside = read_file(disk, mark);
        if (aside.ok()) return std::optional{std::string{as_text(aside.value())}};
        if (aside.error().code != ErrorCode::not_found) return aside.error();
    }
    return std::optional<std::string>{};
}

Status clear_next_journal(Disk& disk) {
    LH_TRY_ASSIGN(const std::vector<DiskEntry> entries, list_if_there(disk, next_journal));
    for (const DiskEntry& entry : entries) {
        const std::string path = in(next_journal, entry.name);
        if (!entry.directory) {
            LH_TRY(disk.remove(path));
            continue;
        }
        LH_TRY_ASSIGN(const std::vector<DiskEntry> files, disk.list(path));
        for (const DiskEntry& file : files) LH_TRY(disk.remove(in(path, file.name)));
        LH_TRY(disk.sync_directory(path));
    }
    return entries.empty() ? Status{} : disk.sync_directory(next_journal);
}

Status begin_swap(Disk& disk, const std::string& aside) {
    return replace_file(disk, aside.empty() ? emptied : ready, as_bytes(aside));
}

Status finish_swap(Disk& disk) {
    LH_TRY_ASSIGN(const bool is_ready, is_file(disk, ready));
    if (is_ready) {
        LH_TRY_ASSIGN(const std::vector<std::byte> content, read_file(disk, ready));
        const std::string aside{as_text(content)};
        // Anywhere else its files could be moved onto others, and the new ones over them.
        if (!aside.starts_with(aside_prefix) || aside.find('/') != std::string::npos)
            return Error{ErrorCode::malformed, "adopting/ready names no folder for the old files"};
        LH_TRY(move_meta(disk, "", aside));
        LH_TRY(move_entries(disk, "", aside));
        LH_TRY(move(disk, std::string{ready}, std::string{emptied}));
    }
    LH_TRY_ASSIGN(const bool is_emptied, is_file(disk, emptied));
    if (!is_emptied) return {};
    LH_TRY(move_entries(disk, next_journal, ""));
    LH_TRY(move_meta(disk, next_journal, ""));
    LH_TRY(disk.remove(emptied));
    return disk.sync_directory(next_journal);
}

}  // namespace longhaul::collector
