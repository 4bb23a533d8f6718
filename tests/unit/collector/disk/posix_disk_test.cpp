// What only the operating system's disk can show; its contract is in
// tests/port/disk_contract_test.cpp.
#include "collector/disk/posix_disk.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::collector;

namespace {

std::unique_ptr<PosixDisk> open(const std::string& path) {
    auto disk = PosixDisk::open_root(path);
    REQUIRE(disk.ok());
    return std::move(disk).value();
}

// Files may not grow over `bytes` while it lives: a disk that is full in the middle of a write.
class FileSizeLimit {
 public:
    explicit FileSizeLimit(rlim_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit limited{bytes, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &limited) == 0);
    }
    ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("posix disk: the root is made, and stays the same folder when it is renamed") {
    const test::TemporaryFolder folder;
    const auto disk = open(folder / "a/b");
    std::filesystem::rename(folder / "a", folder / "moved");
    REQUIRE(write_synced(*disk, "f", as_bytes("x")).ok());
    CHECK(std::filesystem::exists(folder / "moved/b/f"));
}

TEST_CASE("posix disk: a root that is no folder is refused") {
    const test::TemporaryFolder folder;
    std::ofstream{folder / "file"} << "x";
    CHECK_FALSE(PosixDisk::open_root(folder / "file").ok());
    CHECK_FALSE(PosixDisk::open_root(folder / "file/below").ok());
}

TEST_CASE("posix disk: files are for their owner and group only") {
    const test::TemporaryFolder folder;
    const auto disk = open(folder.path());
    REQUIRE(disk->make_directories("d").ok());
    REQUIRE(write_synced(*disk, "d/f", as_bytes("x")).ok());
    using std::filesystem::perms;
    const auto others = perms::others_all;
    CHECK((std::filesystem::status(folder / "d").permissions() & others) == perms::none);
    CHECK((std::filesystem::status(folder / "d/f").permissions() & others) == perms::none);
}

TEST_CASE("posix disk: an append that cannot be finished says so") {
    const test::TemporaryFolder folder;
    const auto disk = open(folder.path());
    const auto file = disk->create("f");
    REQUIRE(file.ok());
    const std::string bytes(3000, 'x');
    const FileSizeLimit limit{4096};
    CHECK(file.value()->append(as_bytes(bytes)).ok());
    const Status second = file.value()->append(as_bytes(bytes));
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().code == ErrorCode::io);
    CHECK(to_string(second.error()) == "input/output error: File too large");
}

TEST_CASE("posix disk: a file that cannot be replaced stays, with nothing beside it") {
    const test::TemporaryFolder folder;
    const auto disk = open(folder.path());
    REQUIRE(replace_file(*disk, "f", as_bytes("old")).ok());
    const FileSizeLimit limit{4096};
    CHECK_FALSE(replace_file(*disk, "f", as_bytes(std::string(5000, 'x'))).ok());
    CHECK(as_text(read_file(*disk, "f").value()) == "old");
    CHECK(disk->list("").value().size() == 1);
}

TEST_CASE("posix disk: a file that may only be read is opened, and appending to it fails") {
    if (::geteuid() == 0) SKIP("root may write everything");
    const test::TemporaryFolder folder;
    const auto disk = open(folder.path());
    REQUIRE(write_synced(*disk, "f", as_bytes("abc")).ok());
    std::filesystem::permissions(folder / "f", std::filesystem::perms::owner_read);
    const auto file = disk->open("f");
    REQUIRE(file.ok());
    CHECK(file.value()->size().value() == 3);
    CHECK_FALSE(file.value()->append(as_bytes("d")).ok());
}
