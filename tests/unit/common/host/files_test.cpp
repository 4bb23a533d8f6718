#include "common/host/files.hpp"

#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using Catch::Matchers::ContainsSubstring;

namespace {

unsigned mode_of(const std::string& path) {
    struct stat facts{};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return facts.st_mode & 0777;
}

}  // namespace

TEST_CASE("files: a secret that others may read is refused") {
    const test::TemporaryFolder folder;
    const std::string path = folder / "key";
    REQUIRE(write_new_file(path, as_bytes("secret"), private_file_mode).ok());
    CHECK(mode_of(path) == 0600);
    REQUIRE(read_private_file(path).ok());

    for (const unsigned mode : {0640U, 0604U, 0660U, 0644U}) {
        CAPTURE(mode);
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        const auto read = read_private_file(path);
        REQUIRE_FALSE(read.ok());
        CHECK_THAT(read.error().text, ContainsSubstring("chmod 600 " + path));
        CHECK(read_file(path).ok());
    }
}

TEST_CASE("files: a new file never takes an old one's place, a replacement does so whole") {
    const test::TemporaryFolder folder;
    const std::string path = folder / "file";
    REQUIRE(write_new_file(path, as_bytes("one"), public_file_mode).ok());
    CHECK_FALSE(write_new_file(path, as_bytes("two"), public_file_mode).ok());
    CHECK(read_text_file(path).value() == "one");
    REQUIRE(replace_file(path, as_bytes("two"), public_file_mode).ok());
    CHECK(read_text_file(path).value() == "two");
    CHECK(mode_of(path) == 0644);
    CHECK(sync_file_system(folder.path()).ok());
}

TEST_CASE("files: what cannot be read is told with its path") {
    const test::TemporaryFolder folder;
    CHECK_THAT(read_file(folder / "none").error().text, ContainsSubstring(folder / "none"));
    CHECK_THAT(read_file(folder.path()).error().text, ContainsSubstring("is not a file"));
}

TEST_CASE(
    "files: what is there, what is a folder and what lies in it is asked without exceptions") {
    const test::TemporaryFolder folder;
    const std::string file = folder.write("file", "x");
    CHECK(is_there(file).value());
    CHECK_FALSE(is_there(folder / "nowhere").value());
    CHECK_FALSE(is_there(folder / "file/below").value());
    CHECK(is_folder(folder / ""));
    CHECK_FALSE(is_folder(file));
    CHECK_FALSE(is_folder(folder / "nowhere"));
    CHECK(paths_in(folder / "").value().size() == 1);
    CHECK_THAT(paths_in(folder / "").value().front(), ContainsSubstring("/file"));
    CHECK_THAT(paths_in(file).error().text, ContainsSubstring("Not a directory"));
    CHECK_THAT(is_there(folder / std::string(300, 'x')).error().text,
               ContainsSubstring("File name too long"));
}
