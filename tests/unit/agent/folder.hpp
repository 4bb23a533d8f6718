// A folder of a test's own, gone afterwards.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "common/base/check.hpp"

namespace longhaul::test {

class Folder {
 public:
    Folder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "longhaul-test-XXXXXX").string();
        LH_CHECK(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string path(std::string_view name) const { return (path_ / name).string(); }
    std::string write(std::string_view name, std::string_view text, bool secret = false) const {
        std::ofstream{path_ / name, std::ios::binary} << text;
        using std::filesystem::perms;
        const perms readable = perms::owner_read | perms::owner_write;
        std::filesystem::permissions(path_ / name,
                                     secret ? readable : readable | perms::others_read);
        return path(name);
    }

 private:
    std::filesystem::path path_;
};

}  // namespace longhaul::test
