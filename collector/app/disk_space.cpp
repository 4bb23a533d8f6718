#include "collector/app/disk_space.hpp"

#include <sys/statvfs.h>

namespace longhaul::collector {
namespace {

// A journal makes a segment a shard, a lake some files a commit; more than that is for those who
// clean up.
constexpr std::uint64_t files_min = 64;

}  // namespace

std::optional<DiskSpace> disk_space(const std::string& folder) {
    struct statvfs found{};
    if (::statvfs(folder.c_str(), &found) != 0) return std::nullopt;
    // File systems that do not count files say that they have none at all.
    const bool may_make_files = found.f_files == 0 || found.f_favail >= files_min;
    return DiskSpace{may_make_files ? std::uint64_t{found.f_bavail} * found.f_frsize : 0,
                     std::uint64_t{found.f_blocks} * found.f_frsize};
}

void DiskForecast::add(MonotonicMs now, std::uint64_t free_bytes) {
    now_ = {now, free_bytes};
    if (!samples_.empty() && now - samples_.back().time < sample_ms) return;
    samples_.push_back(now_);
    if (samples_.size() > samples_max) samples_.pop_front();
}

std::optional<std::int64_t> DiskForecast::full_in_s() const {
    if (samples_.empty()) return std::nullopt;
    const Sample& first = samples_.front();
    const std::int64_t span_ms = now_.time - first.time;
    if (span_ms < span_ms_min || now_.free_bytes >= first.free_bytes) return std::nullopt;
    const double per_s = static_cast<double>(first.free_bytes - now_.free_bytes) * 1000 /
                         static_cast<double>(span_ms);
    return static_cast<std::int64_t>(static_cast<double>(now_.free_bytes) / per_s);
}

}  // namespace longhaul::collector
