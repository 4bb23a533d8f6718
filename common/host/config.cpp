#include "common/host/config.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <limits>
#include <map>
#include <numeric>

#include "common/host/files.hpp"

namespace longhaul {

struct ConfigTable::Node {
    ConfigFile::Body* body = nullptr;
    const toml::table* toml = nullptr;  // nullptr: the table is not in the file
    std::string name;                   // "[session]"; empty for the root
    std::vector<std::string> asked;
    std::map<std::string, Node*, std::less<>> children;

    const toml::node* find(std::string_view key);
};

struct ConfigFile::Body {
    std::string path;
    std::filesystem::path folder;
    toml::table toml;
    std::deque<ConfigTable::Node> nodes;
    std::multimap<std::size_t, std::string> problems;  // by line; 0: of the whole file

    ConfigTable::Node* add(const toml::table* table, std::string name) {
        return &nodes.emplace_back(ConfigTable::Node{this, table, std::move(name), {}, {}});
    }
};

namespace {

std::string in_quotes(std::string_view text) { return "\"" + std::string{text} + "\""; }

std::size_t line_of(const toml::node* node) {
    return node == nullptr ? 0 : node->source().begin.line;
}

std::size_t edits(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[b.size()];
}

template <class T>
std::string between_text(Between<T> allowed) {
    if (allowed.high == std::numeric_limits<T>::max()) {
        return "at least " + std::to_string(allowed.low);
    }
    return "from " + std::to_string(allowed.low) + " to " + std::to_string(allowed.high);
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
    std::string_view best;
    std::size_t fewest = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const std::string_view candidate : candidates) {
        const std::size_t count = edits(word, candidate);
        if (count >= fewest || count >= candidate.size()) continue;
        fewest = count;
        best = candidate;
    }
    return best;
}

const toml::node* ConfigTable::Node::find(std::string_view key) {
    if (std::find(asked.begin(), asked.end(), key) == asked.end()) asked.emplace_back(key);
    return toml == nullptr ? nullptr : toml->get(key);
}

void ConfigTable::problem(std::string_view key, const std::string& text) {
    const toml::node* value = node_->find(key);
    const std::size_t line = value == nullptr ? line_of(node_->toml) : line_of(value);
    node_->body->problems.emplace(line, in_quotes(key) + " " + text);
}

std::string ConfigTable::text(std::string_view key) {
    if (!has(key))
        problem(key, std::string{"is missing"} + (node_->name.empty() ? "" : " in " + node_->name));
    return text(key, "");
}

std::string ConfigTable::text(std::string_view key, std::string_view absent) {
    const toml::node* value = node_->find(key);
    if (value == nullptr) return std::string{absent};
    if (const auto* string = value->as_string()) return string->get();
    problem(key, "must be a text in quotes");
    return std::string{absent};
}

std::vector<std::string> ConfigTable::texts(std::string_view key) {
    const toml::node* value = node_->find(key);
    if (value == nullptr) return {};
    const toml::array* array = value->as_array();
    if (array == nullptr) return {text(key)};
    std::vector<std::string> all;
    for (const toml::node& element : *array) {
        if (const auto* string = element.as_string()) {
            all.push_back(string->get());
        } else {
            problem(key, "must be a list of texts in quotes");
            return {};
        }
    }
    return all;
}

std::string ConfigTable::resolved(std::string path) const {
    if (path.empty()) return path;
    return (node_->body->folder / path).lexically_normal().string();
}

std::string ConfigTable::path(std::string_view key) {
    if (!has(key)) return text(key);
    return path(key, "");
}

std::string ConfigTable::path(std::string_view key, std::string_view absent) {
    if (has_text(key) && text(key).empty()) problem(key, "has to be a path");
    return resolved(text(key, absent));
}

std::int64_t ConfigTable::integer(std::string_view key, Between<std::int64_t> allowed) {
    if (!has(key))
        problem(key, std::string{"is missing"} + (node_->name.empty() ? "" : " in " + node_->name));
    return integer(key, allowed.low, allowed);
}

std::int64_t ConfigTable::integer(std::string_view key, std::int64_t absent,
                                  Between<std::int64_t> allowed) {
    const toml::node* value = node_->find(key);
    if (value == nullptr) return absent;
    const auto* number = value->as_integer();
    if (number != nullptr && number->get() >= allowed.low && number->get() <= allowed.high) {
        return number->get();
    }
    problem(key, "must be a whole number, " + between_text(allowed));
    return absent;
}

double ConfigTable::real(std::string_view key, double absent, Between<double> allowed) {
    const toml::node* value = node_->find(key);
    if (value == nullptr) return absent;
    const std::optional<double> number = value->value<double>();
    if (value->is_number() && number && *number >= allowed.low && *number <= allowed.high) {
        return *number;
    }
    problem(key, "must be a number, " + between_text(allowed));
    return absent;
}

bool ConfigTable::boolean(std::string_view key, bool absent) {
    const toml::node* value = node_->find(key);
    if (value == nullptr) return absent;
    if (const auto* boolean = value->as_boolean()) return boolean->get();
    problem(key, "must be true or false");
    return absent;
}

std::size_t ConfigTable::choice(std::string_view key, std::string_view absent,
                                const std::vector<std::string_view>& words) {
    const std::string word = text(key, absent);
    const auto found = std::find(words.begin(), words.end(), word);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    std::string allowed;
    for (const std::string_view each : words)
        allowed += (allowed.empty() ? "" : ", ") + in_quotes(each);
    problem(key, "is " + in_quotes(word) + ", must be one of " + allowed);
    return 0;
}

bool ConfigTable::has(std::string_view key) { return node_->find(key) != nullptr; }

bool ConfigTable::has_text(std::string_view key) {
    const toml::node* value = node_->find(key);
    return value != nullptr && value->is_string();
}

ConfigTable ConfigTable::table(std::string_view key) {
    if (const auto known = node_->children.find(key); known != node_->children.end()) {
        return ConfigTable{known->second};
    }
    const toml::node* value = node_->find(key);
    if (value != nullptr && !value->is_table()) problem(key, "must be a table");
    Node* child = node_->body->add(value == nullptr ? nullptr : value->as_table(),
                                   "[" + std::string{key} + "]");
    node_->children.emplace(key, child);
    return ConfigTable{child};
}

std::vector<ConfigTable> ConfigTable::tables(std::string_view key) {
    const toml::node* value = node_->find(key);
    if (value == nullptr) return {};
    const toml::array* array = value->as_array();
    std::vector<ConfigTable> all;
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
        const toml::table* table = array->get(i)->as_table();
        if (table == nullptr) break;
        all.push_back(ConfigTable{node_->body->add(table, "[[" + std::string{key} + "]]")});
    }
    if (array == nullptr || all.size() != array->size()) {
        problem(key, "must be tables, each begun by [[" + std::string{key} + "]]");
    }
    return all;
}

ConfigFile::ConfigFile(std::unique_ptr<Body> body) : body_{std::move(body)} {}
ConfigFile::ConfigFile(ConfigFile&&) noexcept = default;
ConfigFile& ConfigFile::operator=(ConfigFile&&) noexcept = default;
ConfigFile::~ConfigFile() = default;

Result<ConfigFile, Message> ConfigFile::read(const std::string& path) {
    LH_TRY_ASSIGN(const std::string text, read_text_file(path));
    return parse(text, path);
}

Result<ConfigFile, Message> ConfigFile::parse(std::string_view text, const std::string& path) {
    auto body = std::make_unique<Body>();
    body->path = path;
    body->folder = std::filesystem::path{path}.parent_path();
    try {
        body->toml = toml::parse(text, path);
    } catch (const toml::parse_error& error) {
        return Message{path + ": line " + std::to_string(error.source().begin.line) + ": " +
                       std::string{error.description()}};
    }
    body->add(&body->toml, "");
    return ConfigFile{std::move(body)};
}

ConfigTable ConfigFile::root() { return ConfigTable{&body_->nodes.front()}; }

Result<void, Message> ConfigFile::finish(UnknownKeys unknown) const {
    auto problems = body_->problems;
    for (const ConfigTable::Node& node : body_->nodes) {
        if (node.toml == nullptr || unknown == UnknownKeys::ignored) continue;
        const std::vector<std::string_view> known{node.asked.begin(), node.asked.end()};
        for (const auto& [key, value] : *node.toml) {
            if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
            const std::string_view meant = nearest(key.str(), known);
            problems.emplace(key.source().begin.line,
                             "unknown key " + in_quotes(key.str()) +
                                 (meant.empty() ? "" : ", did you mean " + in_quotes(meant) + "?"));
        }
    }
    if (problems.empty()) return {};
    std::string text;
    for (const auto& [line, problem] : problems) {
        if (!text.empty()) text += '\n';
        text += body_->path + ": ";
        if (line != 0) text += "line " + std::to_string(line) + ": ";
        text += problem;
    }
    return Message{text};
}

}  // namespace longhaul
