#include "agent/platform/linux/syslog_tail.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "agent/platform/linux/descriptor.hpp"
#include "agent/sources/line_splitter.hpp"
#include "common/block/limits.hpp"

namespace longhaul::agent {
namespace {

constexpr std::size_t read_bytes = 16 * 1024;

class SyslogTail final : public SyslogInput {
 public:
    SyslogTail(const std::string& path, bool from_start) : path_{path}, skip_to_end_{!from_start} {}

    void pump(SyslogQueue& queue, MonotonicMs now) override {
        if (now < look_at_) return;
        look_at_ = now + syslog_tail_interval_ms;
        if (!file_.open() && !open()) return;
        // More than twice in a row it is not replaced in one look.
        for (int files = 0; files < 3; ++files) {
            if (!read_all(queue, now) || !follow(queue, now)) return;
        }
    }
    MonotonicMs pump_at() const override { return look_at_; }
    int descriptor() const override { return -1; }
    const std::string& trouble() const override { return trouble_; }

 private:
    bool open() {
        file_ = Descriptor{::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
        const bool skip = skip_to_end_;
        skip_to_end_ = false;  // a file that comes later is new from its beginning
        struct stat facts{};
        if (!file_.open()) {
            trouble_ = std::string{"cannot open: "} + std::strerror(errno);
            return false;
        }
        if (::fstat(file_.number(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
            trouble_ = "is not a file";
            file_.close();
            return false;
        }
        position_ = skip ? begin_of_last_line(facts.st_size) : 0;
        leave_at_ = MonotonicMs::never();
        trouble_.clear();
        return true;
    }

    // Where the line begins that is not complete yet; of one that is too long, so late that it
    // still is.
    off_t begin_of_last_line(off_t size) const {
        std::array<char, limits::text_bytes_max + 1> room;
        const off_t from = std::max<off_t>(0, size - static_cast<off_t>(room.size()));
        const ssize_t count =
            ::pread(file_.number(), room.data(), static_cast<std::size_t>(size - from), from);
        if (count != size - from) return size;
        const std::string_view bytes{room.data(), static_cast<std::size_t>(count)};
        const std::size_t line_feed = bytes.rfind('\n');
        return line_feed == std::string_view::npos ? from
                                                   : from + static_cast<off_t>(line_feed) + 1;
    }

    // Whether the end was reached.
    bool read_all(SyslogQueue& queue, MonotonicMs now) {
        std::array<char, read_bytes> room;
        while (!queue.full()) {
            const ssize_t count = ::pread(file_.number(), room.data(), room.size(), position_);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) trouble_ = std::string{"cannot read: "} + std::strerror(errno);
            if (count <= 0) return count == 0;
            trouble_.clear();
            position_ += count;
            std::string_view bytes{room.data(), static_cast<std::size_t>(count)};
            while (const std::optional<Line> line = splitter_.next(bytes)) put(*line, queue, now);
        }
        return false;
    }

    // After the end: whether there is another beginning to read.
    bool follow(SyslogQueue& queue, MonotonicMs now) {
        struct stat here{};
        struct stat there{};
        if (::fstat(file_.number(), &here) != 0) return false;
        if (here.st_size < position_) {
            begin_anew(queue, now);
            position_ = 0;
            return true;
        }
        if (::stat(path_.c_str(), &there) != 0) return false;  // renamed; the next one will come
        if (here.st_dev == there.st_dev && here.st_ino == there.st_ino) return false;
        if (leave_at_ == MonotonicMs::never()) leave_at_ = now + syslog_tail_farewell_ms;
        if (now < leave_at_) return false;
        begin_anew(queue, now);
        return open();
    }

    // What stands after the last line feed will not be continued.
    void begin_anew(SyslogQueue& queue, MonotonicMs now) {
        if (const std::optional<Line> line = splitter_.rest()) put(*line, queue, now);
    }

    static void put(const Line& line, SyslogQueue& queue, MonotonicMs now) {
        if (line.too_long) return queue.refuse(SyslogRefusal::too_long);
        queue.put(line.text, now);
    }

    std::string path_;
    bool skip_to_end_;
    Descriptor file_;
    off_t position_ = 0;
    MonotonicMs look_at_;
    MonotonicMs leave_at_ = MonotonicMs::never();  // the file, which was replaced
    LineSplitter splitter_{limits::text_bytes_max};
    std::string trouble_;
};

}  // namespace

std::unique_ptr<SyslogInput> make_syslog_tail(const std::string& path, bool from_start) {
    return std::make_unique<SyslogTail>(path, from_start);
}

}  // namespace longhaul::agent
