#include "agent/sources/trace_file.hpp"

#include <algorithm>

#include "agent/sources/recording_bytes.hpp"
#include "agent/sources/trace_formats.hpp"

namespace longhaul::agent {

Result<std::unique_ptr<TraceFile>, Message> TraceFile::load(const TraceMapping& mapping,
                                                            const std::string& path,
                                                            const std::set<std::string>& wanted) {
    auto text = read_recording(path);
    if (!text.ok()) return text.error();
    std::unique_ptr<TraceFile> file{new TraceFile{mapping, std::move(text).value()}};
    LH_TRY_ASSIGN(file->rows_, open_rows(mapping, file->text_, path));
    file->read_rows(wanted);
    return file;
}

void TraceFile::read_rows(const std::set<std::string>& wanted) {
    row_.resize(mapping_.schema().fields.size());
    const auto is_empty = [](std::string_view part) { return part.empty(); };
    while (rows_->next()) {
        const std::span<const std::string_view> parts = rows_->device_parts();
        if (!parts.empty() && std::all_of(parts.begin(), parts.end(), is_empty)) {
            rows_->refuse(Refusal::device);
            continue;
        }
        Owner& owner = owner_of(parts, wanted);
        if (owner.wanted) read_row(owner);
    }
}

TraceFile::Owner& TraceFile::owner_of(std::span<const std::string_view> parts,
                                      const std::set<std::string>& wanted) {
    key_.clear();
    for (const std::string_view part : parts) key_.append(part).push_back('\0');
    const auto [found, added] = owners_.try_emplace(key_);
    Owner& owner = found->second;
    if (added) {
        owner.name = parts.empty()
                         ? mapping_.device_fixed
                         : device_name(mapping_.device_prefix, {parts.begin(), parts.end()});
        owner.wanted = wanted.empty() || wanted.contains(owner.name);
    }
    return owner;
}

void TraceFile::read_row(Owner& owner) {
    std::int64_t time_us = 0;
    if (!rows_->read(time_us, row_)) return;
    if (owner.trace == nullptr) owner.trace = &devices_[owner.name];
    owner.trace->times.push_back(time_us);
    owner.trace->values.insert(owner.trace->values.end(), row_.begin(), row_.end());
}

const DeviceTrace* TraceFile::find(const std::string& device) const {
    const auto found = devices_.find(device);
    return found == devices_.end() ? nullptr : &found->second;
}

}  // namespace longhaul::agent
