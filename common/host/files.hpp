// Small files of a host program: keys, certificates, configuration. Errors are sentences for a
// person.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace longhaul {

inline constexpr std::size_t small_file_bytes_max = 16 << 20;

// Whole files of at most so many bytes.
Result<std::vector<std::byte>, Message> read_file(const std::string& path);
Result<std::string, Message> read_text_file(const std::string& path,
                                            std::size_t bytes_max = small_file_bytes_max);

// A file that holds a secret: refused when the group or others may do anything with it.
Result<std::vector<std::byte>, Message> read_private_file(const std::string& path);

inline constexpr unsigned public_file_mode = 0644;
inline constexpr unsigned private_file_mode = 0600;
inline constexpr unsigned private_folder_mode = 0700;

// A new file that is written piece by piece; closed at the end of its life.
class NewFile {
 public:
    // With this mode whatever the umask; refuses when it is there already.
    static Result<NewFile, Message> make(const std::string& path, unsigned mode);
    NewFile(NewFile&& other) noexcept
        : path_{std::move(other.path_)}, descriptor_{std::exchange(other.descriptor_, -1)} {}
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile();

    Result<void, Message> append(Bytes bytes);
    Result<void, Message> sync();

 private:
    NewFile(std::string path, int descriptor) : path_{std::move(path)}, descriptor_{descriptor} {}

    std::string path_;
    int descriptor_;
};

// Makes a new file with this mode whatever the umask; refuses when it is there already. It lasts
// after sync_file_system().
Result<void, Message> write_new_file(const std::string& path, Bytes bytes, unsigned mode);
// As long as it may be, to a new file.
Result<void, Message> copy_file(const std::string& from, const std::string& to, unsigned mode);
// Takes the place of an older file in one step; afterwards the old or the new one is there.
Result<void, Message> replace_file(const std::string& path, Bytes bytes, unsigned mode);

// Makes the folder and those above it; fine when it is there already.
Result<void, Message> make_folders(const std::string& path, unsigned mode);

// Whether there is such a file or folder. The error says why this user cannot know, for example
// because a folder above is closed to it.
Result<bool, Message> is_there(const std::string& path);
// Whether there is such a folder, as far as this user can see.
bool is_folder(const std::string& path);
// What lies in a folder, in no order.
Result<std::vector<std::string>, Message> paths_in(const std::string& folder);

// Makes everything written to the file system of `path` last; one call for many small files.
Result<void, Message> sync_file_system(const std::string& path);

}  // namespace longhaul
