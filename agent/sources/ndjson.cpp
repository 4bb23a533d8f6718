#include "agent/sources/ndjson.hpp"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <functional>

namespace longhaul::agent {
namespace {

namespace json = boost::json;

// The paths asked for, as a tree: names of objects and, as numbers, places in arrays.
struct Node {
    std::string name;
    std::optional<std::size_t> cell;  // a path ends here
    std::deque<Node> children;

    const Node* child(std::string_view wanted) const {
        for (const Node& each : children)
            if (each.name == wanted) return &each;
        return nullptr;
    }
};

void grow(Node& node, std::string_view path, std::size_t cell) {
    if (path.empty()) {
        node.cell = cell;
        return;
    }
    const std::size_t end = std::min(path.find('.'), path.size());
    const std::string_view step = path.substr(0, end);
    auto child = std::find_if(node.children.begin(), node.children.end(),
                              [step](const Node& each) { return each.name == step; });
    if (child == node.children.end())
        child = node.children.insert(child, Node{std::string{step}, {}, {}});
    grow(*child, path.substr(std::min(end + 1, path.size())), cell);
}

// A text that the parser gives in one piece or in several.
class Pieces {
 public:
    void add(std::string_view piece) {
        text_ += piece;
        any_ = true;
    }
    // With the last piece; valid until add() is called again.
    std::string_view whole(std::string_view last) {
        if (!any_) return last;
        any_ = false;
        joined_ = std::move(text_);
        text_.clear();
        joined_ += last;
        return joined_;
    }
    void clear() {
        text_.clear();
        any_ = false;
    }

 private:
    std::string text_;
    std::string joined_;
    bool any_ = false;
};

// Called by the parser with what it finds; fills the cells.
class Handler {
 public:
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    using Text = json::string_view;
    using Error = json::error_code;

    explicit Handler(const std::vector<std::string>& paths) : cells_(paths.size()) {
        for (std::size_t i = 0; i < paths.size(); ++i) {
            const auto same = std::find(paths.begin(), paths.end(), paths[i]);
            first_with_path_.push_back(static_cast<std::size_t>(same - paths.begin()));
            if (first_with_path_.back() == i) grow(root_, paths[i], i);
        }
    }

    void begin(std::string_view line) {
        line_ = line;
        std::fill(cells_.begin(), cells_.end(), std::string_view{});
        seen_.assign(cells_.size(), false);
        levels_.clear();
        text_.clear();
        key_.clear();
        refused_.reset();
    }
    std::optional<Refusal> refused() const { return refused_; }
    std::span<const std::string_view> cells() {
        for (std::size_t i = 0; i < cells_.size(); ++i) cells_[i] = cells_[first_with_path_[i]];
        return cells_;
    }

    bool on_document_begin(Error&) { return true; }
    bool on_document_end(Error&) { return true; }
    bool on_object_begin(Error&) { return descend(false); }
    bool on_object_end(std::size_t, Error&) { return ascend(); }
    bool on_array_begin(Error&) { return descend(true); }
    bool on_array_end(std::size_t, Error&) { return ascend(); }
    bool on_key_part(Text piece, std::size_t, Error&) { return key_.add(view(piece)), true; }
    bool on_key(Text piece, std::size_t, Error&) {
        const std::string_view name = key_.whole(view(piece));
        Level& level = levels_.back();
        level.next = level.node != nullptr ? level.node->child(name) : nullptr;
        return true;
    }
    bool on_string_part(Text piece, std::size_t, Error&) { return text_.add(view(piece)), true; }
    bool on_string(Text piece, std::size_t, Error&) { return take(text_.whole(view(piece))); }
    bool on_number_part(Text piece, Error&) { return text_.add(view(piece)), true; }
    bool on_int64(std::int64_t, Text piece, Error&) { return take(text_.whole(view(piece))); }
    bool on_uint64(std::uint64_t, Text piece, Error&) { return take(text_.whole(view(piece))); }
    bool on_double(double, Text piece, Error&) { return take(text_.whole(view(piece))); }
    bool on_bool(bool value, Error&) { return set(value ? "true" : "false"); }
    bool on_null(Error&) { return set({}); }
    bool on_comment_part(Text, Error&) { return true; }
    bool on_comment(Text, Error&) { return true; }

 private:
    struct Level {
        const Node* node = nullptr;  // nullptr: nobody asks for what is in here
        const Node* next = nullptr;  // of the value that comes next, in an object
        bool array = false;
        std::size_t index = 0;  // of the value that comes next, in an array
    };

    static std::string_view view(Text text) { return {text.data(), text.size()}; }
    void refuse(Refusal reason) {
        if (!refused_) refused_ = reason;
    }
    // Where the value that begins now is in the tree.
    const Node* place() {
        if (levels_.empty()) return &root_;
        Level& level = levels_.back();
        if (!level.array) return level.next;
        const std::size_t index = level.index++;
        return level.node == nullptr ? nullptr : level.node->child(std::to_string(index));
    }
    bool descend(bool array) {
        if (levels_.empty() && array) refuse(Refusal::malformed);
        const Node* const node = place();
        if (node != nullptr && node->cell) refuse(Refusal::value);  // is no single value
        levels_.push_back({node, nullptr, array, 0});
        return true;
    }
    bool ascend() { return levels_.pop_back(), true; }

    // The cell of the value that comes now; nullptr: nobody asks for it.
    std::string_view* cell() {
        if (levels_.empty()) refuse(Refusal::malformed);
        const Node* const node = place();
        if (node == nullptr || !node->cell) return nullptr;
        if (seen_[*node->cell]) refuse(Refusal::columns);
        seen_[*node->cell] = true;
        return &cells_[*node->cell];
    }
    bool set(std::string_view lasting) {
        if (std::string_view* const place = cell()) *place = lasting;
        return true;
    }
    bool take(std::string_view text) {
        if (std::string_view* const place = cell()) *place = lasting(text);
        return true;
    }
    // Texts with escapes lie in the parser's own memory, and have to be kept.
    std::string_view lasting(std::string_view text) {
        const std::less_equal<const char*> before;
        const bool in_line = before(line_.data(), text.data()) &&
                             before(text.data() + text.size(), line_.data() + line_.size());
        return in_line ? text : arena_.keep(text);
    }

    Node root_;
    std::vector<std::size_t> first_with_path_;
    std::string_view line_;
    std::vector<std::string_view> cells_;
    std::vector<bool> seen_;
    std::vector<Level> levels_;
    Pieces key_;
    Pieces text_;
    std::optional<Refusal> refused_;
    ByteArena arena_;
};

}  // namespace

class NdjsonCells::Parser {
 public:
    explicit Parser(const std::vector<std::string>& paths)
        : parser_{json::parse_options{}, paths} {}

    void read(std::string_view text, Line& line) {
        parser_.reset();
        parser_.handler().begin(text);
        json::error_code error;
        const std::size_t read = parser_.write_some(false, text.data(), text.size(), error);
        line = {};
        if (error || read != text.size() || !parser_.done()) {
            line.refused = Refusal::malformed;
        } else if (parser_.handler().refused()) {
            line.refused = parser_.handler().refused();
        } else {
            line.cells = parser_.handler().cells();
        }
    }

 private:
    json::basic_parser<Handler> parser_;
};

NdjsonCells::NdjsonCells(std::string_view text, const std::vector<std::string>& paths)
    : rest_{text}, parser_{std::make_unique<Parser>(paths)} {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
}

NdjsonCells::~NdjsonCells() = default;

bool NdjsonCells::next(Line& line) {
    if (rest_.empty()) return false;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) {
        line = {};
        line.refused = Refusal::empty;
    } else {
        parser_->read(text, line);
    }
    return true;
}

}  // namespace longhaul::agent
