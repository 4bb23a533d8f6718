#include "agent/core/block_builder.hpp"

#include <algorithm>
#include <utility>

#include "common/base/check.hpp"

namespace longhaul::agent {

BlockBuilder::BlockBuilder(std::span<const AgentStream> streams, const BuilderRooms& rooms,
                           CodecSet allowed, const CodecTools& tools)
    : streams_{streams},
      sections_{rooms.sections},
      body_{rooms.body},
      column_{rooms.column},
      allowed_{allowed},
      tools_{tools} {
    LH_CHECK(sections_.size() == streams_.size());
    LH_CHECK(column_.size() >= limits::section_samples_max);
    LH_CHECK(body_.size() >= body_bytes_min && body_.size() <= limits::block_body_bytes_max);
    share_out(rooms.arena);
}

void BlockBuilder::share_out(std::span<std::uint64_t> arena) {
    ClassFlags used{};
    for (const AgentStream& stream : streams_)
        used[static_cast<std::size_t>(stream.info.block_class)] = true;
    const auto count = static_cast<std::size_t>(std::count(used.begin(), used.end(), true));
    const std::size_t part = arena.size() / std::max(count, std::size_t{1});
    for (std::size_t i = 0; i < block_class_count; ++i) {
        if (!used[i]) continue;
        stagings_[i] = Staging{arena.first(part)};
        arena = arena.subspan(part);
    }
}

BlockClass BlockBuilder::class_of(const Sample& sample) const {
    return streams_[sample.stream - 1U].info.block_class;
}

std::size_t BlockBuilder::system_room(BlockClass block_class) const {
    const std::size_t used = block(block_class).bytes + limits::section_header_bytes_max;
    return plain_bytes_max() - std::min(used, plain_bytes_max());
}

BlockBuilder::Fit BlockBuilder::fit(const Sample& sample, std::size_t reserve) const {
    const std::size_t index = sample.stream - 1U;
    const OpenSection& section = sections_[index];
    const OpenBlock& open = block(class_of(sample));

    const Staging& staged = staging(class_of(sample));
    if (!staged.could_ever_hold(sample)) return Fit::never;
    if (!staged.has_room_for(sample)) return Fit::after_class;
    if (section.count == limits::section_samples_max) return Fit::after_class;
    if (open.samples == limits::block_samples_max) return Fit::after_class;

    std::size_t bytes = open.bytes + reserve;
    if (section.count == 0) {
        SectionBound fresh;
        fresh.begin(schema(index));
        const std::size_t alone = fresh.with(sample);
        if (alone > plain_bytes_max()) return Fit::never;
        if (open.samples == 0) return Fit::yes;  // what the room is kept for waits
        bytes += alone;
    } else {
        bytes += section.bound.with(sample) - section.bound.bytes();
    }
    return bytes > plain_bytes_max() ? Fit::after_class : Fit::yes;
}

void BlockBuilder::add(const Sample& sample, MonotonicMs now, std::int64_t elapsed_us) {
    const std::size_t index = sample.stream - 1U;
    const std::size_t fields = sample.values.size();
    OpenSection& section = sections_[index];
    OpenBlock& open = block(class_of(sample));
    Staging& staged = staging(class_of(sample));

    const StagedAt at = staged.put(sample);
    if (section.count == 0) {
        section.bound.begin(schema(index));
        section.first = at;
    } else {
        open.bytes -= section.bound.bytes();
        staged.link(section.last, at);
    }
    section.last = at;
    ++section.count;

    // The bound keeps the texts that it is shown, so it is shown those in the arena.
    for (std::size_t i = 0; i < fields; ++i) column_[i] = staged.value(at, fields, i);
    section.bound.add({sample.stream, sample.time, column_.first(fields)});
    open.bytes += section.bound.bytes();

    if (open.samples == 0) open.first_us = elapsed_us;
    open.last_us = elapsed_us;
    ++open.samples;
    const bool at_once =
        class_of(sample) == BlockClass::alarm || section.count == limits::section_samples_max;
    open.at_once = open.at_once || at_once;
    open.due_at = std::min(open.due_at, at_once ? now : now + schema(index).deadline_ms);
}

void BlockBuilder::encode_section(std::size_t index, const Staging& staging, MutableBytes scratch,
                                  ByteWriter& body) {
    const OpenSection& section = sections_[index];
    StagedSource source{staging, section.first, schema(index).fields.size()};
    const CodecAids aids{streams_[index].model, tools_.compression, tools_.plain};
    const SectionMemory memory{tools_.range, column_};
    // No more than the bound, which codec 0 keeps to: others may be larger with noise.
    const MutableBytes room =
        scratch.first(section.bound.bytes() - limits::section_header_bytes_max);
    const auto chosen =
        encode_smallest_section(allowed_, schema(index), section.count, source, aids, memory, room);
    LH_CHECK(chosen.has_value());
    write_section({static_cast<std::uint8_t>(index + 1), chosen->codec, section.count,
                   room.first(chosen->bytes)},
                  body);
    if (streams_[index].model_hash && sections_[index].fit.due())
        compare_model(index, source, memory, chosen->bytes, room);
}

void BlockBuilder::compare_model(std::size_t index, SectionSource& source,
                                 const SectionMemory& memory, std::size_t bytes,
                                 MutableBytes room) {
    OpenSection& section = sections_[index];
    const CodecAids builtin{Model{}, tools_.compression, tools_.plain};
    const auto chosen = encode_smallest_section(allowed_, schema(index), section.count, source,
                                                builtin, memory, room);
    if (chosen) section.fit.compare(bytes, chosen->bytes);
}

Result<SpoolBlock> BlockBuilder::seal(const BlockName& name, const BlockKey& key,
                                      const SystemEntries& system, MutableBytes out) {
    const BlockClass block_class = name.seq.block_class();
    const OpenBlock& open = block(block_class);
    LH_CHECK(out.size() >= block_header_bytes + body_.size());

    ByteWriter body{body_.first(plain_bytes_max())};
    if (system.count != 0)
        write_section({system_stream, codec_columns, system.count, system.content}, body);
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        if (sections_[i].count == 0 || streams_[i].info.block_class != block_class) continue;
        encode_section(i, staging(block_class), out, body);  // `out` is not in use yet
    }
    LH_CHECK(body.ok());

    SpoolBlock sealed{{name, open.samples, open.first_us, open.last_us, 0}, {}};
    LH_TRY_ASSIGN(const std::size_t size, seal_block(key, name, open.samples, body.written(), out));
    sealed.sealed = out.first(size);
    clear(block_class);
    return sealed;
}

void BlockBuilder::clear(BlockClass block_class) {
    block(block_class) = {};
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        if (streams_[i].info.block_class != block_class) continue;
        sections_[i].sealed += std::exchange(sections_[i].count, std::uint16_t{0});
        sections_[i].first = sections_[i].last = staged_nowhere;
    }
    staging(block_class).clear();
}

bool BlockBuilder::empty() const {
    return std::all_of(blocks_.begin(), blocks_.end(),
                       [](const OpenBlock& open) { return open.samples == 0; });
}

}  // namespace longhaul::agent
