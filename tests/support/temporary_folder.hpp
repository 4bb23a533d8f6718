// A folder for one test, gone when the test ends.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "common/base/check.hpp"

namespace longhaul::test {

class TemporaryFolder {
 public:
    TemporaryFolder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "longhaul-test-XXXXXX").string();
        LH_CHECK(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::string& path() const { return path_; }
    std::string operator/(std::string_view name) const { return path_ + "/" + std::string{name}; }
    // Makes a file there; a secret one is readable by its owner only. Returns its path.
    std::string write(std::string_view name, std::string_view text, bool secret = false) const {
        std::ofstream{*this / name, std::ios::binary} << text;
        using std::filesystem::perms;
        const perms owner = perms::owner_read | perms::owner_write;
        std::filesystem::permissions(*this / name, secret ? owner : owner | perms::others_read);
        return *this / name;
    }

 private:
    std::string path_;
};

}  // namespace longhaul::test
