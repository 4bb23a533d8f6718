#include "collector/writer/content_tags.hpp"

#include <algorithm>

namespace longhaul::collector {
namespace {

constexpr std::size_t places_min = 64;

}  // namespace

// The name is a hash already.
std::size_t ContentTags::Table::place_of(std::uint64_t name) const {
    const std::size_t mask = places_.size() - 1;
    std::size_t at = static_cast<std::size_t>(name) & mask;
    while (places_[at].name != 0 && places_[at].name != name) at = (at + 1) & mask;
    return at;
}

void ContentTags::Table::put(const Tag& tag) {
    if (3 * (used_ + 1) > 2 * places_.size()) {
        std::vector<Tag> old(std::max(places_min, 2 * places_.size()));
        old.swap(places_);
        used_ = 0;
        for (const Tag& each : old) {
            if (each.name != 0) put(each);
        }
    }
    Tag& place = places_[place_of(tag.name)];
    if (place.name == 0) ++used_;
    place = tag;
}

ContentTags::Tag* ContentTags::Table::find(std::uint64_t name) {
    if (places_.empty()) return nullptr;
    Tag& place = places_[place_of(name)];
    return place.name == 0 ? nullptr : &place;
}

const ContentTags::Tag* ContentTags::Table::find(std::uint64_t name) const {
    return const_cast<Table*>(this)->find(name);
}

void ContentTags::reach(Offset offset) {
    const std::uint64_t wanted = offset / generation_bytes_;
    if (wanted == generation_) return;
    tables_[1] = wanted == generation_ + 1 ? std::move(tables_[0]) : Table{};
    tables_[0] = Table{};
    generation_ = wanted;
}

void ContentTags::put(std::uint64_t name, std::uint64_t content) {
    tables_[0].put({name, content});
}

// 0 is the content of what was removed; a tag of 64 zeros is as rare as any other.
std::optional<std::uint64_t> ContentTags::find(std::uint64_t name) const {
    for (const Table& table : tables_) {
        if (const Tag* const tag = table.find(name)) {
            return tag->content == 0 ? std::nullopt : std::optional{tag->content};
        }
    }
    return std::nullopt;
}

void ContentTags::remove(std::uint64_t name) {
    for (Table& table : tables_) {
        if (Tag* const tag = table.find(name)) tag->content = 0;
    }
}

std::vector<ContentTags::Tag> ContentTags::tags_of(std::size_t generation) const {
    std::vector<Tag> tags;
    for (const Tag& tag : tables_[generation].places()) {
        if (tag.name != 0 && tag.content != 0) tags.push_back(tag);
    }
    return tags;
}

}  // namespace longhaul::collector
