// What blocks under which name had which content, of a shard's newest blocks: enough to tell a
// block that came twice from two that bear one name.
//
// It reaches back one generation of journal bytes at least, and two at most. Generations begin at
// fixed offsets, so that what is remembered follows from the journal alone.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "collector/journal/journal.hpp"

namespace longhaul::collector {

class ContentTags {
 public:
    explicit ContentTags(Offset generation_bytes = 64 << 20)
        : generation_bytes_{generation_bytes} {}

    // A name is 64 bits of a hash; 0 stands for none.
    struct Tag {
        std::uint64_t name = 0;
        std::uint64_t content = 0;
    };

    // What comes from here on lies at this offset. Before each use.
    void reach(Offset offset);
    void put(std::uint64_t name, std::uint64_t content);
    std::optional<std::uint64_t> find(std::uint64_t name) const;
    void remove(std::uint64_t name);

    // For snapshots: those of a generation, 0 the newest.
    static constexpr std::size_t generations = 2;
    std::vector<Tag> tags_of(std::size_t generation) const;
    void put_old(std::size_t generation, const Tag& tag) { tables_[generation].put(tag); }

 private:
    // Open addressing, at most two thirds full. What is removed keeps its place without a content.
    class Table {
     public:
        void put(const Tag& tag);
        Tag* find(std::uint64_t name);
        const Tag* find(std::uint64_t name) const;
        const std::vector<Tag>& places() const { return places_; }

     private:
        std::size_t place_of(std::uint64_t name) const;
        std::vector<Tag> places_;
        std::size_t used_ = 0;
    };

    Offset generation_bytes_;
    Table tables_[generations];
    std::uint64_t generation_ = 0;  // of tables_[0]
};

}  // namespace longhaul::collector
