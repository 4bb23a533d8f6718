// Configuration in TOML, read so that every mistake is told with its line and nothing is guessed.
//
// A program asks for the keys that it knows; finish() then says what was wrong and what nobody
// asked for. Problems are collected, so that one run names them all:
//
//   auto file = ConfigFile::read("collector.toml");      // a file that is not TOML fails here
//   ConfigTable session = file.value().table("session");
//   settings.idle_s = session.integer("idle_deadline_s", 900, {1, 86'400});
//   LH_TRY(file.value().finish());                       // line 14: unknown key "idle_deadlin_s",
//   did …
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace longhaul {

class ConfigFile;

template <class T>
struct Between {
    T low;
    T high;
};

// One table of the file. A key without a default has to be there; after a problem the value
// returned is the default or an empty one. Copies refer to the same table; the ConfigFile outlives
// them.
class ConfigTable {
 public:
    std::string text(std::string_view key);
    std::string text(std::string_view key, std::string_view absent);
    std::vector<std::string> texts(
        std::string_view key);  // absent: empty; one text counts as a list
    // A path, not an empty text; a relative one counts from the folder of the configuration file.
    std::string path(std::string_view key);
    std::string path(std::string_view key, std::string_view absent);
    std::int64_t integer(std::string_view key, Between<std::int64_t> allowed);
    std::int64_t integer(std::string_view key, std::int64_t absent, Between<std::int64_t> allowed);
    double real(std::string_view key, double absent, Between<double> allowed);
    bool boolean(std::string_view key, bool absent);
    // One of a few words; returns its position.
    std::size_t choice(std::string_view key, std::string_view absent,
                       const std::vector<std::string_view>& words);

    bool has(std::string_view key);
    bool has_text(std::string_view key);                    // maybe an empty one
    ConfigTable table(std::string_view key);                // absent: as if it were empty
    std::vector<ConfigTable> tables(std::string_view key);  // [[key]]; absent: none

    // A problem that the caller found; told with the line and the name of the key, so the text goes
    // on with "must be ..." or "is ...".
    void problem(std::string_view key, const std::string& text);

 private:
    friend class ConfigFile;
    struct Node;
    explicit ConfigTable(Node* node) : node_{node} {}
    std::string resolved(std::string path) const;

    Node* node_;
};

enum class UnknownKeys { refused, ignored };

class ConfigFile {
 public:
    static Result<ConfigFile, Message> read(const std::string& path);
    // `path` is the name in messages and decides what relative paths mean.
    static Result<ConfigFile, Message> parse(std::string_view text, const std::string& path);
    ConfigFile(ConfigFile&&) noexcept;
    ConfigFile& operator=(ConfigFile&&) noexcept;
    ~ConfigFile();

    ConfigTable root();
    ConfigTable table(std::string_view key) { return root().table(key); }

    // Every problem and unknown key so far, in the order of the lines, one a line; ok when there is
    // none.
    // `ignored`: for a program that reads a part of another one's file.
    Result<void, Message> finish(UnknownKeys unknown = UnknownKeys::refused) const;

 private:
    friend class ConfigTable;
    struct Body;
    explicit ConfigFile(std::unique_ptr<Body> body);

    std::unique_ptr<Body> body_;
};

// The candidate that somebody who typed `word` most likely meant; empty: none is near enough.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace longhaul
