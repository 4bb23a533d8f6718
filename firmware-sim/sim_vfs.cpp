#include "firmware-sim/sim_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "common/base/check.hpp"

namespace longhaul::sim {
namespace {

constexpr std::size_t sector_bytes = 512;

// One open file, as SQLite lays it out.
struct OpenFile {
    sqlite3_file base;
    SimVfs* vfs;
    std::shared_ptr<SimVfs::Inode>* inode;
};

// What is left of a file whose last changes were not synced.
std::vector<std::byte> after_power_cut(const SimVfs::Inode& inode, std::mt19937& random) {
    const auto& [now, synced, is_new_log] = inode;
    if (now == synced) return synced;
    std::vector<std::byte> left = synced;
    if (random() % 2 == 0) left.resize(now.size());  // the length was on its way as well
    for (std::size_t at = 0; at < now.size(); at += sector_bytes) {
        const std::size_t size = std::min(sector_bytes, now.size() - at);
        const bool same = at + size <= synced.size() &&
                          std::memcmp(now.data() + at, synced.data() + at, size) == 0;
        if (same || random() % 2 == 0) continue;
        const std::size_t kept = random() % 4 == 0 ? random() % size : size;
        if (at + kept > left.size()) continue;  // behind the end of what there is
        std::copy_n(now.begin() + static_cast<std::ptrdiff_t>(at), kept,
                    left.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return left;
}

}  // namespace

// What SQLite calls.
struct VfsCalls {
    static SimVfs& of(sqlite3_vfs* vfs) { return *static_cast<SimVfs*>(vfs->pAppData); }
    static OpenFile& of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }

    static int close(sqlite3_file* file) {
        delete of(file).inode;
        return SQLITE_OK;
    }
    static int read(sqlite3_file* file, void* room, int count, sqlite3_int64 offset) {
        const OpenFile& open = of(file);
        if (open.vfs->power_lost_) return SQLITE_IOERR;
        const auto first = static_cast<std::uint64_t>(offset);
        if (open.vfs->is_unreadable(**open.inode, first, static_cast<std::uint64_t>(count)))
            return SQLITE_IOERR_READ;
        const std::vector<std::byte>& bytes = (*open.inode)->now;
        const auto at = std::min<std::size_t>(static_cast<std::size_t>(offset), bytes.size());
        const std::size_t got =
            std::min<std::size_t>(static_cast<std::size_t>(count), bytes.size() - at);
        if (got != 0) std::memcpy(room, bytes.data() + at, got);
        open.vfs->bytes_read_ += got;
        if (got == static_cast<std::size_t>(count)) return SQLITE_OK;
        std::memset(static_cast<char*>(room) + got, 0, static_cast<std::size_t>(count) - got);
        return SQLITE_IOERR_SHORT_READ;
    }
    static int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
        const OpenFile& open = of(file);
        if (open.vfs->power_lost_) return SQLITE_IOERR_WRITE;
        SimVfs::Inode& inode = **open.inode;
        const auto end = static_cast<std::size_t>(offset) + static_cast<std::size_t>(count);
        if (!open.vfs->has_room_for(inode, end)) return SQLITE_FULL;
        const bool held = open.vfs->take_step();
        if (inode.now.size() < end) inode.now.resize(end);
        std::memcpy(inode.now.data() + offset, bytes, static_cast<std::size_t>(count));
        open.vfs->bytes_written_ += static_cast<std::uint64_t>(count);
        return held ? SQLITE_OK : SQLITE_IOERR_WRITE;
    }
    static int truncate(sqlite3_file* file, sqlite3_int64 size) {
        const OpenFile& open = of(file);
        if (open.vfs->power_lost_) return SQLITE_IOERR_TRUNCATE;
        const bool held = open.vfs->take_step();
        std::vector<std::byte>& now = (*open.inode)->now;
        now.resize(std::min(now.size(), static_cast<std::size_t>(size)));
        return held ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
    }
    static int sync(sqlite3_file* file, int /*flags*/) {
        const OpenFile& open = of(file);
        if (open.vfs->power_lost_ || !open.vfs->take_step()) return SQLITE_IOERR_FSYNC;
        SimVfs::Inode& inode = **open.inode;
        inode.synced = inode.now;
        if (inode.is_new_log) open.vfs->sync_names();
        inode.is_new_log = false;
        return SQLITE_OK;
    }
    static int file_size(sqlite3_file* file, sqlite3_int64* size) {
        *size = static_cast<sqlite3_int64>((*of(file).inode)->now.size());
        return of(file).vfs->power_lost_ ? SQLITE_IOERR_FSTAT : SQLITE_OK;
    }
    static int lock(sqlite3_file*, int) { return SQLITE_OK; }
    static int is_reserved(sqlite3_file*, int* reserved) {
        *reserved = 0;
        return SQLITE_OK;
    }
    static int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
    static int sector_size(sqlite3_file*) { return 4096; }
    // What a write does not name it does not change; that is what SQLite expects of Linux, too.
    static int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

    static int open(sqlite3_vfs* self, const char* name, sqlite3_file* file, int flags,
                    int* out_flags) {
        static const sqlite3_io_methods methods = methods_of();
        file->pMethods = nullptr;
        SimVfs& vfs = of(self);
        if (vfs.power_lost_) return SQLITE_CANTOPEN;
        std::shared_ptr<SimVfs::Inode> inode;
        if (name == nullptr) {
            inode = std::make_shared<SimVfs::Inode>();
        } else if (const auto found = vfs.names_.find(name); found != vfs.names_.end()) {
            inode = found->second;
        } else if ((flags & SQLITE_OPEN_CREATE) == 0) {
            return SQLITE_CANTOPEN;
        } else {
            if (!vfs.take_step()) return SQLITE_CANTOPEN;
            inode = vfs.make(name);
            inode->is_new_log = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
        }
        of(file).vfs = &vfs;
        of(file).inode = new std::shared_ptr<SimVfs::Inode>{std::move(inode)};
        file->pMethods = &methods;
        if (out_flags != nullptr) *out_flags = flags;
        return SQLITE_OK;
    }
    static int remove(sqlite3_vfs* self, const char* name, int sync_folder) {
        SimVfs& vfs = of(self);
        if (vfs.power_lost_) return SQLITE_IOERR_DELETE;
        if (!vfs.names_.contains(name)) return SQLITE_IOERR_DELETE_NOENT;
        const bool held = vfs.take_step();
        vfs.change_name({name, nullptr});
        if (held && sync_folder != 0) vfs.sync_names();
        return held ? SQLITE_OK : SQLITE_IOERR_DELETE;
    }
    static int access(sqlite3_vfs* self, const char* name, int /*flags*/, int* result) {
        *result = of(self).names_.contains(name) ? 1 : 0;
        return of(self).power_lost_ ? SQLITE_IOERR_ACCESS : SQLITE_OK;
    }
    static int full_path(sqlite3_vfs*, const char* name, int room, char* out) {
        sqlite3_snprintf(room, out, "%s", name);
        return SQLITE_OK;
    }
    static int randomness(sqlite3_vfs* self, int count, char* out) {
        for (int i = 0; i < count; ++i) out[i] = static_cast<char>(of(self).random_());
        return count;
    }
    static int sleep(sqlite3_vfs*, int us) { return us; }
    static int time(sqlite3_vfs*, double* julian_day) {
        *julian_day = 2'460'000;
        return SQLITE_OK;
    }
    static int last_error(sqlite3_vfs*, int, char*) { return 0; }

    static sqlite3_io_methods methods_of() {
        sqlite3_io_methods methods{};
        methods.iVersion = 1;
        methods.xClose = close;
        methods.xRead = read;
        methods.xWrite = write;
        methods.xTruncate = truncate;
        methods.xSync = sync;
        methods.xFileSize = file_size;
        methods.xLock = lock;
        methods.xUnlock = lock;
        methods.xCheckReservedLock = is_reserved;
        methods.xFileControl = control;
        methods.xSectorSize = sector_size;
        methods.xDeviceCharacteristics = characteristics;
        return methods;
    }
};

SimVfs::SimVfs(std::string name) : name_{std::move(name)}, vfs_{new sqlite3_vfs{}} {
    constexpr int path_bytes_max = 512;
    vfs_->iVersion = 1;
    vfs_->szOsFile = sizeof(OpenFile);
    vfs_->mxPathname = path_bytes_max;
    vfs_->zName = name_.c_str();
    vfs_->pAppData = this;
    vfs_->xOpen = VfsCalls::open;
    vfs_->xDelete = VfsCalls::remove;
    vfs_->xAccess = VfsCalls::access;
    vfs_->xFullPathname = VfsCalls::full_path;
    vfs_->xRandomness = VfsCalls::randomness;
    vfs_->xSleep = VfsCalls::sleep;
    vfs_->xCurrentTime = VfsCalls::time;
    vfs_->xGetLastError = VfsCalls::last_error;
    LH_CHECK(sqlite3_vfs_register(vfs_.get(), 0) == SQLITE_OK);
}

SimVfs::~SimVfs() { sqlite3_vfs_unregister(vfs_.get()); }

bool SimVfs::take_step() {
    ++steps_taken_;
    if (steps_left_ != UINT64_MAX) --steps_left_;
    if (steps_left_ == 0) power_lost_ = true;
    return !power_lost_;
}

void SimVfs::power_on(std::uint32_t seed) {
    steps_left_ = UINT64_MAX;
    if (!power_lost_) return;
    power_lost_ = false;
    random_.seed(seed);
    Names left = synced_names_;
    for (std::size_t i = 0; i < changes_.size(); ++i) {
        const bool kept = random_() % 2 == 0;
        for (;; ++i) {
            const NameChange& change = changes_[i];
            if (kept && change.inode != nullptr) left[change.name] = change.inode;
            if (kept && change.inode == nullptr) left.erase(change.name);
            if (!change.with_next) break;
        }
    }
    changes_.clear();
    names_ = synced_names_ = std::move(left);
    for (const auto& [name, inode] : names_) {
        inode->now = inode->synced = after_power_cut(*inode, random_);
        inode->is_new_log = false;
    }
}

bool SimVfs::set_reserved(std::uint64_t bytes_wanted) {
    const bool room = bytes_max_ == UINT64_MAX || bytes() + bytes_wanted <= bytes_max_;
    if (room) reserved_ = bytes_wanted;
    return room;
}

std::uint64_t SimVfs::bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& [name, inode] : names_) bytes += inode->now.size();
    return bytes;
}

bool SimVfs::has_room_for(const Inode& inode, std::uint64_t end) const {
    if (bytes_max_ == UINT64_MAX || end <= inode.now.size()) return true;
    return bytes() + reserved_ + end - inode.now.size() <= bytes_max_;
}

bool SimVfs::is_unreadable(const Inode& inode, std::uint64_t offset, std::uint64_t count) const {
    const std::uint64_t begin = unreadable_at_;
    return &inode == unreadable_.get() && offset < begin + unreadable_bytes &&
           begin < offset + count;
}

void SimVfs::make_unreadable(const std::string& path, std::uint64_t at) {
    unreadable_ = names_.at(path);
    unreadable_at_ = at;
}

void SimVfs::change_name(NameChange change) {
    if (change.inode == nullptr)
        names_.erase(change.name);
    else
        names_[change.name] = change.inode;
    changes_.push_back(std::move(change));
}

void SimVfs::sync_names() {
    changes_.clear();
    synced_names_ = names_;
}

std::shared_ptr<SimVfs::Inode> SimVfs::make(const std::string& path) {
    auto inode = std::make_shared<Inode>();
    change_name({path, inode});
    return inode;
}

Status SimVfs::rename(const std::string& from, const std::string& to) {
    if (power_lost_) return ErrorCode::io;
    const auto found = names_.find(from);
    if (found == names_.end()) return ErrorCode::not_found;
    const bool held = take_step();
    change_name({to, found->second, true});
    change_name({from, nullptr});
    if (!held || !take_step()) return ErrorCode::io;
    sync_names();
    return {};
}

Status SimVfs::remove(const std::string& path) {
    if (power_lost_) return ErrorCode::io;
    if (!names_.contains(path)) return {};
    const bool held = take_step();
    change_name({path, nullptr});
    if (!held || !take_step()) return ErrorCode::io;
    sync_names();
    return {};
}

Status SimVfs::write(const std::string& path, Bytes bytes) {
    if (power_lost_) return ErrorCode::io;
    auto inode = std::make_shared<Inode>();
    inode->now.assign(bytes.begin(), bytes.end());
    if (!has_room_for(Inode{}, bytes.size())) return ErrorCode::full;
    if (!take_step()) return ErrorCode::io;
    inode->synced = inode->now;
    change_name({path, inode});
    if (!take_step()) return ErrorCode::io;
    sync_names();
    return {};
}

Result<Bytes> SimVfs::read(const std::string& path, std::uint64_t offset, MutableBytes room) const {
    if (power_lost_) return ErrorCode::io;
    const auto found = names_.find(path);
    if (found == names_.end()) return ErrorCode::not_found;
    if (is_unreadable(*found->second, offset, room.size())) return ErrorCode::corrupt;
    const std::vector<std::byte>& bytes = found->second->now;
    if (offset >= bytes.size()) return Bytes{};
    const std::size_t got =
        static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), bytes.size() - offset));
    std::memcpy(room.data(), bytes.data() + offset, got);
    return Bytes{room.first(got)};
}

void SimVfs::flip(const std::string& path, std::size_t at, std::byte mask) {
    Inode& inode = *names_.at(path);
    inode.now.at(at) ^= mask;
    inode.synced = inode.now;
}

SimVfs::Files SimVfs::files() const {
    Files files;
    for (const auto& [name, inode] : names_) files[name] = inode->now;
    return files;
}

void SimVfs::set_files(const Files& files) {
    names_.clear();
    for (const auto& [name, bytes] : files)
        names_[name] = std::make_shared<Inode>(Inode{bytes, bytes});
    sync_names();
}

}  // namespace longhaul::sim
