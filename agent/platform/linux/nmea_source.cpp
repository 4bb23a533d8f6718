#include "agent/platform/linux/nmea_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace longhaul::agent {
namespace {

constexpr std::size_t read_bytes = 4096;
constexpr unsigned reads_per_pump = 16;

struct Baud {
    std::int64_t rate;
    speed_t speed;
};
constexpr Baud bauds[] = {{4800, B4800},      {9600, B9600},      {19'200, B19200},
                          {38'400, B38400},   {57'600, B57600},   {115'200, B115200},
                          {230'400, B230400}, {460'800, B460800}, {921'600, B921600}};

const Baud* find_baud(std::int64_t rate) {
    const auto* const found = std::find_if(std::begin(bauds), std::end(bauds),
                                           [rate](const Baud& baud) { return baud.rate == rate; });
    return found == std::end(bauds) ? nullptr : found;
}

}  // namespace

bool NmeaSource::valid_baud(std::int64_t baud) { return find_baud(baud) != nullptr; }

NmeaSource::NmeaSource(const NmeaConfig& config)
    : config_{config},
      streams_{StreamInfo{config_.stream, &schema_.schema(), schema_.encoded(),
                          schema_.schema().default_class}} {}

void NmeaSource::open(MonotonicMs now) {
    line_ = Descriptor{::open(config_.path.c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
    if (!line_.open()) return lose(now, std::string{"cannot open: "} + std::strerror(errno));
    struct stat facts{};
    if (::fstat(line_.number(), &facts) != 0 || S_ISDIR(facts.st_mode))
        return lose(now, "is neither a serial line nor a file");
    regular_file_ = S_ISREG(facts.st_mode);
    if (!set_up_line().ok()) return lose(now, "the serial line takes no settings");
    trouble_.clear();
}

// Eight bits, no translation, the speed of the configuration.
Status NmeaSource::set_up_line() {
    if (::isatty(line_.number()) == 0) return {};
    termios settings{};
    if (::tcgetattr(line_.number(), &settings) != 0) return ErrorCode::io;
    ::cfmakeraw(&settings);
    settings.c_cflag |= CLOCAL | CREAD;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    const speed_t speed = find_baud(config_.baud)->speed;
    if (::cfsetispeed(&settings, speed) != 0 || ::cfsetospeed(&settings, speed) != 0 ||
        ::tcsetattr(line_.number(), TCSANOW, &settings) != 0)
        return ErrorCode::io;
    return {};
}

void NmeaSource::lose(MonotonicMs now, const std::string& why) {
    line_.close();
    gap_ = true;
    trouble_ = why;
    retry_at_ = now + retry_ms_;
    retry_ms_ = std::min(retry_ms_ * 2, retry_ms_max);
}

void NmeaSource::pump(MonotonicMs now) {
    if (!line_.open() && !ended_ && now >= retry_at_) open(now);
    for (unsigned i = 0; i < reads_per_pump && line_.open(); ++i) {
        if (regular_file_ && queue_full()) return;
        std::array<char, read_bytes> room;
        const ssize_t count = ::read(line_.number(), room.data(), room.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (count <= 0 && regular_file_) {
            ended_ = true;
            line_.close();
        } else if (count <= 0) {
            lose(now, count == 0 ? "the line was closed" : std::strerror(errno));
        } else {
            const auto bytes = static_cast<std::size_t>(count);
            retry_ms_ = retry_ms_min;
            last_byte_at_ = now;
            if (queue_full()) {
                gap_ = true;
                lost_ += static_cast<std::uint64_t>(
                    std::count(room.begin(), room.begin() + count, '\n'));
                continue;
            }
            queue_.push_back({now, {room.data(), bytes}, std::exchange(gap_, false)});
            queued_bytes_ += bytes;
        }
    }
}

MonotonicMs NmeaSource::pump_at() const {
    if (line_.open() || ended_) return MonotonicMs::never();
    return retry_at_;
}

void NmeaSource::watch(std::vector<pollfd>& watched) const {
    if (line_.open() && !(regular_file_ && queue_full()))
        watched.push_back({line_.number(), POLLIN, 0});
}

MonotonicMs NmeaSource::next_at() const {
    if (!queue_.empty()) return {};
    if (fixes_.under_way()) return ended_ ? MonotonicMs{} : last_byte_at_ + pause_ms;
    return ended_ ? MonotonicMs::never() : until_woken;
}

const Sample* NmeaSource::next(MonotonicMs now) {
    while (!queue_.empty()) {
        Chunk& chunk = queue_.front();
        if (unread_.empty()) unread_ = chunk.bytes;
        const MonotonicMs at = chunk.at;
        const std::optional<Line> line =
            std::exchange(chunk.after_gap, false) ? splitter_.rest() : splitter_.next(unread_);
        const GnssFix* const fix = line ? fixes_.take(line->text, at.value * 1000) : nullptr;
        if (unread_.empty()) {
            queued_bytes_ -= queue_.front().bytes.size();
            queue_.pop_front();
        }
        if (fix != nullptr) return give(fix);
    }
    if (ended_) {
        if (const std::optional<Line> line = splitter_.rest()) {
            const GnssFix* const fix = fixes_.take(line->text, last_byte_at_.value * 1000);
            if (fix != nullptr) return give(fix);
        }
    }
    return next_at() <= now && fixes_.under_way() ? give(fixes_.flush()) : nullptr;
}

const Sample* NmeaSource::give(const GnssFix* fix) {
    sample_ = {0, fix->time_us(), fix->values()};
    return &sample_;
}

void NmeaSource::stop() {
    ended_ = true;
    line_.close();
}

SourceReport NmeaSource::report() const {
    SourceReport report{"nmea " + config_.path, trouble_, {}, lost_};
    for (std::size_t i = 0; i < nmea_refusal_count; ++i) {
        if (const std::uint64_t count = counts().refused[i]; count != 0)
            report.refused.emplace_back(name_of(static_cast<NmeaRefusal>(i)), count);
    }
    return report;
}

}  // namespace longhaul::agent
