#include "common/host/config.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <toml++/toml.h>

#include "common/host/files.hpp"

namespace longhaul {

struct Config::State {
    std::string name;
    std::string folder;
    toml::table root;
    std::vector<std::pair<unsigned, std::string>> problems;  // line, text
    std::set<std::string> asked;                             // top-level names
    std::vector<std::shared_ptr<Section::Node>> nodes;

    void problem(unsigned line, const std::string& text) { problems.emplace_back(line, text); }
};

struct Section::Node {
    Config::State* state;
    std::string name;
    const toml::table* table;  // nullptr: absent
    unsigned line;
    std::set<std::string> asked;

    const toml::node* find(std::string_view key) {
        asked.emplace(key);
        return table == nullptr ? nullptr : table->get(key);
    }
    template <class T>
    std::optional<T> value(std::string_view key, const char* wanted) {
        const toml::node* found = find(key);
        if (found == nullptr) return std::nullopt;
        if (auto typed = found->value_exact<T>()) return typed;
        state->problem(found->source().begin.line, "\"" + std::string{key} + "\" must be " + wanted);
        return std::nullopt;
    }
    void missing(std::string_view key) {
        state->problem(line, "[" + name + "] needs the key \"" + std::string{key} + "\"");
    }
    void check_unasked() {
        if (table == nullptr) return;
        const std::vector<std::string> known{asked.begin(), asked.end()};
        for (const auto& [key, value] : *table) {
            const std::string word{key.str()};
            if (asked.contains(word)) continue;
            const std::string meant = nearest(word, known);
            state->problem(key.source().begin.line,
                           "unknown key \"" + word + "\"" + (meant.empty() ? "" : ", did you mean \"" + meant + "\"?"));
        }
    }
};

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        // Levenshtein distance, row by row.
        std::vector<std::size_t> row(candidate.size() + 1);
        for (std::size_t i = 0; i < row.size(); ++i) row[i] = i;
        for (std::size_t i = 1; i <= word.size(); ++i) {
            std::size_t diagonal = row[0];
            row[0] = i;
            for (std::size_t j = 1; j < row.size(); ++j) {
                const std::size_t replaced = diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
            }
        }
        if (row.back() < best_distance) {
            best_distance = row.back();
            best = candidate;
        }
    }
    return best;
}

std::string Section::text(std::string_view key) {
    if (!has(key)) node_->missing(key);
    return text_or(key, "");
}

std::string Section::text_or(std::string_view key, std::string_view otherwise) {
    return node_->value<std::string>(key, "text in quotes").value_or(std::string{otherwise});
}

std::int64_t Section::integer(std::string_view key, std::int64_t least, std::int64_t most) {
    if (!has(key)) node_->missing(key);
    return integer_or(key, least, least, most);
}

std::int64_t Section::integer_or(std::string_view key, std::int64_t otherwise, std::int64_t least,
                                 std::int64_t most) {
    const auto value = node_->value<std::int64_t>(key, "a whole number");
    if (value && (*value < least || *value > most)) {
        problem(key, "must be from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return value.value_or(otherwise);
}

double Section::number_or(std::string_view key, double otherwise) {
    const toml::node* found = node_->find(key);
    if (found == nullptr) return otherwise;
    if (const auto value = found->value<double>()) return *value;
    node_->state->problem(found->source().begin.line, "\"" + std::string{key} + "\" must be a number");
    return otherwise;
}

bool Section::flag_or(std::string_view key, bool otherwise) {
    return node_->value<bool>(key, "true or false").value_or(otherwise);
}

std::vector<std::string> Section::texts_or(std::string_view key, std::vector<std::string> otherwise) {
    const toml::node* found = node_->find(key);
    if (found == nullptr) return otherwise;
    std::vector<std::string> texts;
    if (const toml::array* array = found->as_array()) {
        for (const toml::node& entry : *array) {
            if (const auto value = entry.value_exact<std::string>()) texts.push_back(*value);
        }
        if (texts.size() == array->size()) return texts;
    }
    node_->state->problem(found->source().begin.line, "\"" + std::string{key} + "\" must be a list of texts");
    return otherwise;
}

bool Section::has(std::string_view key) const { return node_->find(key) != nullptr; }

std::string Section::path(std::string_view key) {
    const std::string value = text(key);
    return value.empty() ? value : (std::filesystem::path{node_->state->folder} / value).lexically_normal().string();
}

std::string Section::path_or(std::string_view key, std::string_view otherwise) {
    const std::string value = text_or(key, otherwise);
    return value.empty() ? value : (std::filesystem::path{node_->state->folder} / value).lexically_normal().string();
}

void Section::problem(std::string_view key, const std::string& what) {
    const toml::node* found = node_->find(key);
    node_->state->problem(found == nullptr ? node_->line : found->source().begin.line,
                          "\"" + std::string{key} + "\" " + what);
}

Result<Config, Message> Config::load(const std::string& path) {
    auto text = read_text_file(path);
    if (!text.ok()) return text.error();
    return parse(text.value(), path, std::filesystem::path{path}.parent_path().string());
}

Result<Config, Message> Config::parse(std::string_view text, std::string name, std::string folder) {
    Config config;
    config.state_ = std::make_shared<State>();
    config.state_->name = std::move(name);
    config.state_->folder = std::move(folder);
    try {
        config.state_->root = toml::parse(text);
    } catch (const toml::parse_error& error) {
        return Message{config.state_->name + ": line " + std::to_string(error.source().begin.line) + ": " +
                       std::string{error.description()}};
    }
    return config;
}

Section Config::section(std::string_view name) {
    state_->asked.emplace(name);
    const toml::node* found = state_->root.get(name);
    if (found != nullptr && !found->is_table()) {
        state_->problem(found->source().begin.line, "\"" + std::string{name} + "\" must be a table, [" + std::string{name} + "]");
    }
    const toml::table* table = found == nullptr ? nullptr : found->as_table();
    const unsigned line = found == nullptr ? 0 : found->source().begin.line;
    state_->nodes.push_back(std::make_shared<Section::Node>(Section::Node{state_.get(), std::string{name}, table, line, {}}));
    return Section{state_->nodes.back()};
}

std::vector<Section> Config::sections(std::string_view name) {
    state_->asked.emplace(name);
    std::vector<Section> sections;
    const toml::node* found = state_->root.get(name);
    if (found == nullptr) return sections;
    const toml::array* array = found->as_array();
    if (array == nullptr || !array->is_homogeneous<toml::table>()) {
        state_->problem(found->source().begin.line, "\"" + std::string{name} + "\" must be tables, [[" + std::string{name} + "]]");
        return sections;
    }
    for (const toml::node& entry : *array) {
        state_->nodes.push_back(std::make_shared<Section::Node>(
            Section::Node{state_.get(), std::string{name}, entry.as_table(), entry.source().begin.line, {}}));
        sections.push_back(Section{state_->nodes.back()});
    }
    return sections;
}

Result<void, Message> Config::finish() {
    for (const auto& node : state_->nodes) node->check_unasked();
    const std::vector<std::string> known{state_->asked.begin(), state_->asked.end()};
    for (const auto& [key, value] : state_->root) {
        const std::string word{key.str()};
        if (state_->asked.contains(word)) continue;
        const std::string meant = nearest(word, known);
        state_->problem(key.source().begin.line,
                        "unknown table \"" + word + "\"" + (meant.empty() ? "" : ", did you mean \"" + meant + "\"?"));
    }
    if (state_->problems.empty()) return {};
    std::stable_sort(state_->problems.begin(), state_->problems.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string text;
    for (const auto& [line, problem] : state_->problems) {
        if (!text.empty()) text += '\n';
        text += state_->name + ": " + (line == 0 ? "" : "line " + std::to_string(line) + ": ") + problem;
    }
    return Message{text};
}

}  // namespace longhaul
