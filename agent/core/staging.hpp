// Staged samples: the arena in which the samples of an open block wait to be encoded.
//
// Every sample takes a head, eight bytes a field, two bits a field for the form, and its texts.
// Room is given back all at once, when all of them are sealed. Samples lie in the order in which
// they were put.
//
//   u32 next, u32 when | i64 time | u64 slot a field | forms, 4 a byte | texts | padding to 8
#pragma once

#include <cstdint>
#include <span>

#include "common/base/bytes.hpp"
#include "common/block/section_source.hpp"
#include "common/block/value.hpp"

namespace longhaul::agent {

// Where a staged sample lies in the arena.
using StagedAt = std::uint32_t;
inline constexpr StagedAt staged_nowhere = UINT32_MAX;

class Staging {
 public:
    // The arena is aligned for 64-bit integers.
    explicit Staging(std::span<std::uint64_t> arena = {});

    bool has_room_for(const Sample& sample) const {
        return bytes_of(sample) <= arena_.size() - used_;
    }
    bool could_ever_hold(const Sample& sample) const { return bytes_of(sample) <= arena_.size(); }
    bool empty() const { return used_ == 0; }
    void clear() { used_ = 0; }

    // Copies the sample, texts included. Relies on has_room_for(). `when` is the caller's.
    StagedAt put(const Sample& sample, std::uint32_t when);
    void link(StagedAt before, StagedAt after);

    StagedAt next(StagedAt at) const;
    std::uint32_t when(StagedAt at) const;
    std::int64_t time(StagedAt at) const;
    // Field `index` of a sample that has `fields` of them. Texts point into the arena.
    Value value(StagedAt at, std::size_t fields, std::size_t index) const;

 private:
    static std::size_t bytes_of(const Sample& sample);

    MutableBytes arena_;
    std::size_t used_ = 0;
};

// Linked samples, the first of them at `first`, as an encoder asks for them.
class StagedSource final : public SectionSource {
 public:
    // The staging outlives the source.
    StagedSource(const Staging& staging, StagedAt first, std::size_t fields)
        : staging_{staging}, first_{first}, fields_{fields} {}

    void read_times(std::span<std::int64_t> times) override;
    void begin_column(std::size_t field) override;
    Value next() override;

 private:
    const Staging& staging_;
    StagedAt first_;
    std::size_t fields_;
    std::size_t field_ = 0;
    StagedAt at_ = staged_nowhere;
};

}  // namespace longhaul::agent
