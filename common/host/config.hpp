// Configuration files: TOML, read strictly. The only file pair that knows the TOML library.
//
// A program takes its settings out of a Section one by one; problems are collected with their lines, and a
// key that nobody asked for is one of them, with the key that was probably meant.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.hpp"

namespace longhaul {

class Config;

// One table of the file.
class Section {
 public:
    std::string text(std::string_view key);  // required
    std::string text_or(std::string_view key, std::string_view otherwise);
    std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most);
    std::int64_t integer_or(std::string_view key, std::int64_t otherwise, std::int64_t least, std::int64_t most);
    double number_or(std::string_view key, double otherwise);
    bool flag_or(std::string_view key, bool otherwise);
    std::vector<std::string> texts_or(std::string_view key, std::vector<std::string> otherwise);
    bool has(std::string_view key) const;

    // A file or folder, relative to the configuration's own folder unless absolute.
    std::string path(std::string_view key);
    std::string path_or(std::string_view key, std::string_view otherwise);

    // Something is wrong with the value of this key.
    void problem(std::string_view key, const std::string& what);

 private:
    friend class Config;
    struct Node;
    explicit Section(std::shared_ptr<Node> node) : node_{std::move(node)} {}
    std::shared_ptr<Node> node_;
};

class Config {
 public:
    static Result<Config, Message> load(const std::string& path);
    // `name` stands in messages; relative paths are relative to `folder`.
    static Result<Config, Message> parse(std::string_view text, std::string name, std::string folder);

    // The table [name]; an absent one is empty.
    Section section(std::string_view name);
    // Each table of [[name]].
    std::vector<Section> sections(std::string_view name);

    // After everything was taken: the problems, a line each, or ok.
    Result<void, Message> finish();

 private:
    struct State;
    std::shared_ptr<State> state_;
};

// The candidate that `word` was probably meant to be; empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace longhaul
