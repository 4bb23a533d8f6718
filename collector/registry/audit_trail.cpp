#include "collector/registry/audit_trail.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <thread>

#include "collector/registry/trail_files.hpp"
#include "collector/registry/trail_line.hpp"
#include "common/host/files.hpp"

namespace longhaul::collector {
namespace {

Message problem(const std::string& path, const char* what) {
    return {path + ": " + what + ": " + std::strerror(errno)};
}

class File {
 public:
    static Result<File, Message> open(const std::string& path, int flags) {
        File file{path, ::open(path.c_str(), flags | O_CLOEXEC, private_file_mode)};
        if (file.number_ < 0) return problem(path, "cannot open");
        return file;
    }
    File(File&& other) noexcept
        : path_{std::move(other.path_)}, number_{std::exchange(other.number_, -1)} {}
    File& operator=(File&&) = delete;
    ~File() {
        if (number_ >= 0) ::close(number_);
    }

    // A writer that was stopped keeps its lock for as long as it likes.
    Result<void, Message> lock(std::chrono::milliseconds wait_max) {
        constexpr std::chrono::milliseconds pause{5};
        for (std::chrono::milliseconds waited{0}; ::flock(number_, LOCK_EX | LOCK_NB) != 0;) {
            if (errno == EINTR) continue;
            if (errno != EWOULDBLOCK) return problem(path_, "cannot lock");
            if (waited >= wait_max) return Message{path_ + ": another program keeps the lock"};
            std::this_thread::sleep_for(pause);
            waited += pause;
        }
        return {};
    }
    // A tool that root runs leaves files that the collector's user can write to.
    void give_to_owner_of(const std::string& folder) {
        struct stat owner{};
        if (::geteuid() != 0 || ::stat(folder.c_str(), &owner) != 0) return;
        if (::fchown(number_, owner.st_uid, owner.st_gid) != 0) return;  // it may be read-only
    }
    Result<std::uint64_t, Message> size() {
        struct stat facts{};
        if (::fstat(number_, &facts) != 0) return problem(path_, "cannot read");
        return static_cast<std::uint64_t>(facts.st_size);
    }
    Result<std::string, Message> read(std::uint64_t from, std::uint64_t to) {
        std::string text(to - from, '\0');
        std::size_t got = 0;
        while (got < text.size()) {
            const ssize_t count = ::pread(number_, text.data() + got, text.size() - got,
                                          static_cast<off_t>(from + got));
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) return problem(path_, "cannot read");
            got += static_cast<std::size_t>(count);
        }
        return text;
    }
    Result<void, Message> cut(std::uint64_t size) {
        if (::ftruncate(number_, static_cast<off_t>(size)) != 0)
            return problem(path_, "cannot cut");
        return {};
    }
    Result<void, Message> write_synced(std::string_view text, std::uint64_t at) {
        while (!text.empty()) {
            const ssize_t count =
                ::pwrite(number_, text.data(), text.size(), static_cast<off_t>(at));
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return problem(path_, "cannot write");
            text.remove_prefix(static_cast<std::size_t>(count));
            at += static_cast<std::uint64_t>(count);
        }
        return sync();
    }
    Result<void, Message> sync() {
        if (::fsync(number_) != 0) return problem(path_, "cannot sync");
        return {};
    }

 private:
    File(std::string path, int number) : path_{std::move(path)}, number_{number} {}
    std::string path_;
    int number_;
};

// Where the sound part of a file ends, and the line that it ends with.
struct Ending {
    std::uint64_t size = 0;
    std::uint64_t cut = 0;  // bytes behind it
    std::optional<TrailPlace> place;
};

// What a power cut can leave unsound: the lines of the last append. More than that is damage.
constexpr std::uint64_t append_bytes_max = 64 * trail_line_bytes_max;

// The last sound line of a file's text, which begins at `from`; absent: none in it is sound. Zeros
// stand in no line: a power cut has left them where something was not written, and what came behind
// that in the same append may be sound and is no part of the chain.
std::optional<Ending> last_sound_line(std::string_view text, std::uint64_t from,
                                      std::string_view trail) {
    for (std::size_t end = std::min(text.find('\0'), text.size()); end > 0;) {
        const std::size_t before = end == 1 ? std::string::npos : text.rfind('\n', end - 2);
        const std::size_t begin = before == std::string::npos ? 0 : before + 1;
        if (text[end - 1] == '\n') {
            const auto link = read_trail_line(text.substr(begin, end - 1 - begin), trail);
            if (link) return Ending{from + end, text.size() - end, link->place};
        }
        end = begin;
    }
    return std::nullopt;
}

Result<Ending, Message> ending_of(File& file, const std::string& path, std::string_view trail) {
    LH_TRY_ASSIGN(const std::uint64_t size, file.size());
    // The last line is enough nearly always.
    for (const std::uint64_t most : {2 * trail_line_bytes_max, append_bytes_max}) {
        const std::uint64_t from = size - std::min<std::uint64_t>(size, most);
        LH_TRY_ASSIGN(const std::string text, file.read(from, size));
        if (const auto ending = last_sound_line(text, from, trail)) return *ending;
        // Of a file in which nothing was ever sound: its first append, and not somebody else's
        // file.
        if (size <= 2 * trail_line_bytes_max) return Ending{0, size, std::nullopt};
    }
    return Message{path + ": its end is damaged; see `longhaul audit-trail verify`"};
}

class OneTrail {
 public:
    OneTrail(std::string folder, std::string name, std::uint64_t bytes_max)
        : folder_{std::move(folder)}, name_{std::move(name)}, bytes_max_{bytes_max} {}

    Result<void, Message> append(const std::vector<const TrailFact*>& facts,
                                 std::chrono::milliseconds lock_wait) {
        LH_TRY_ASSIGN(File lock, File::open(folder_ + "/lock", O_RDWR | O_CREAT));
        lock.give_to_owner_of(folder_);
        LH_TRY(lock.lock(lock_wait));
        LH_TRY(find_end());
        if (cut_ != 0) LH_TRY(set_aside());
        for (const TrailFact* fact : facts) {
            if (text_.size() + size_ >= bytes_max_) LH_TRY(next_file());
            add(*fact);
        }
        return write();
    }
    // Cuts off what a power cut has left, if there is anything.
    Result<void, Message> mend(const TrailFact& by, std::chrono::milliseconds lock_wait) {
        LH_TRY_ASSIGN(File lock, File::open(folder_ + "/lock", O_RDWR | O_CREAT));
        lock.give_to_owner_of(folder_);
        LH_TRY(lock.lock(lock_wait));
        LH_TRY(find_end());
        if (cut_ == 0) return {};
        LH_TRY(set_aside());
        add_cut(by);
        return write();
    }

 private:
    // The newest file that has a sound line, or the first one of all.
    Result<void, Message> find_end() {
        LH_TRY_ASSIGN(const std::vector<std::uint64_t> files, trail_files(folder_));
        if (files.empty()) return open_file(1);
        for (std::size_t i = files.size(); i-- > 0;) {
            const std::string path = trail_file(folder_, files[i]);
            LH_TRY_ASSIGN(File file, File::open(path, O_RDWR));
            LH_TRY_ASSIGN(const Ending ending, ending_of(file, path, name_));
            if (i + 1 == files.size()) {
                file_.emplace(std::move(file));
                number_ = files[i];
                size_ = ending.size;
                cut_ = ending.cut;
            }
            if (ending.place) {
                place_ = *ending.place;
                break;
            }
        }
        return {};
    }
    Result<void, Message> open_file(std::uint64_t number) {
        LH_TRY_ASSIGN(File file, File::open(trail_file(folder_, number), O_RDWR | O_CREAT));
        file.give_to_owner_of(folder_);
        file_.emplace(std::move(file));
        number_ = number;
        size_ = 0;
        LH_TRY_ASSIGN(File folder, File::open(folder_, O_RDONLY));
        return folder.sync();
    }
    Result<void, Message> next_file() {
        LH_TRY(write());
        return open_file(number_ + 1);
    }
    // For who wants to see that it was a power cut, and no hand.
    Result<void, Message> set_aside() {
        const std::string path = folder_ + "/torn-" + std::to_string(place_.number);
        LH_TRY_ASSIGN(const std::string torn, file_->read(size_, size_ + cut_));
        LH_TRY_ASSIGN(File aside, File::open(path, O_RDWR | O_CREAT | O_TRUNC));
        aside.give_to_owner_of(folder_);
        return aside.write_synced(torn, 0);
    }
    void add(const TrailFact& fact) {
        if (cut_ != 0) add_cut(fact);
        text_ += trail_line(fact, place_) + "\n";
    }
    void add_cut(const TrailFact& by) {
        const std::uint64_t bytes = std::exchange(cut_, 0);
        const std::string aside = "torn-" + std::to_string(place_.number);
        const TrailFact cut{
            by.tenant,
            by.time,
            by.who,
            "tail_cut",
            trail_file_name(number_),
            std::to_string(bytes) + " bytes of what was not finished, now in " + aside};
        text_ += trail_line(cut, place_) + "\n";
    }
    // What a full disk took only half of is taken away again.
    Result<void, Message> write() {
        LH_TRY(file_->cut(size_));
        auto written = file_->write_synced(text_, size_);
        if (!written.ok()) {
            static_cast<void>(file_->cut(size_).ok());
            return written;
        }
        size_ += text_.size();
        text_.clear();
        return {};
    }

    std::string folder_;
    std::string name_;
    std::uint64_t bytes_max_;
    std::optional<File> file_;
    std::uint64_t number_ = 0;
    std::uint64_t size_ = 0;
    std::uint64_t cut_ = 0;
    TrailPlace place_;
    std::string text_;
};

// The folder belongs to whom the one above it belongs to.
Result<void, Message> make_folder(const std::string& folder) {
    LH_TRY_ASSIGN(const bool there, is_there(folder));
    if (there) return {};
    LH_TRY(make_folders(folder, private_folder_mode));
    LH_TRY_ASSIGN(File made, File::open(folder, O_RDONLY));
    const std::filesystem::path parent_path = std::filesystem::path{folder}.parent_path();
    const std::string above = parent_path.empty() ? "." : parent_path.string();
    made.give_to_owner_of(above);
    LH_TRY_ASSIGN(File parent, File::open(above, O_RDONLY));
    return parent.sync();
}

}  // namespace

std::string AuditTrail::folder_beside(const std::string& registry_path) {
    return (std::filesystem::path{registry_path}.parent_path() / "trail").string();
}

Result<void, Message> AuditTrail::append(const std::vector<TrailFact>& facts) const {
    std::map<std::string, std::vector<const TrailFact*>> by_trail;
    for (const TrailFact& fact : facts)
        by_trail[fact.tenant.empty() ? std::string{site_trail} : fact.tenant].push_back(&fact);
    for (const auto& [name, its] : by_trail) {
        LH_TRY(make_folder(folder_));
        LH_TRY(make_folder(folder_ + "/" + name));
        OneTrail trail{folder_ + "/" + name, name, file_bytes_max_};
        LH_TRY(trail.append(its, lock_wait_));
    }
    return {};
}

Result<void, Message> AuditTrail::mend(WallUs now) const {
    LH_TRY_ASSIGN(const std::vector<std::string> names, trail_names(folder_));
    for (const std::string& name : names) {
        const std::string tenant = name == site_trail ? std::string{} : name;
        OneTrail trail{folder_ + "/" + name, name, file_bytes_max_};
        LH_TRY(trail.mend({tenant, now, "collector", "", "", ""}, lock_wait_));
    }
    return {};
}

}  // namespace longhaul::collector
