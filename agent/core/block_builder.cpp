#include "agent/core/block_builder.hpp"

#include <algorithm>
#include <utility>

#include "common/base/check.hpp"

namespace longhaul::agent {

std::size_t SizeRatio::expected_bytes(std::size_t bound_bytes) const {
    constexpr std::size_t head = limits::section_header_bytes_max;
    const std::size_t with_margin = std::min(ratio_ + ratio_ / 16 + 1, one);
    return head + ((bound_bytes - head) * with_margin + one - 1) / one;
}

void SizeRatio::learn(std::size_t coded_bytes, std::size_t bound_bytes) {
    const std::size_t now = std::min(coded_bytes * one / bound_bytes + 1, one);
    learned_ = now > learned_ ? now : learned_ - (learned_ - now) / 2;
}

BlockBuilder::BlockBuilder(std::span<const AgentStream> streams, const BuilderRooms& rooms,
                           CodecSet allowed, const CodecTools& tools)
    : streams_{streams},
      sections_{rooms.sections},
      body_{rooms.body},
      column_{rooms.column},
      allowed_{allowed},
      tools_{tools} {
    LH_CHECK(sections_.size() == streams_.size());
    LH_CHECK(column_.size() >= limits::schema_fields_max);
    LH_CHECK(column_.size() <= limits::section_samples_max);
    LH_CHECK(body_.size() >= body_bytes_min && body_.size() <= limits::block_body_bytes_max);
    share_out(rooms.arena);
    std::span<SectionBound::Column> fields = rooms.fields;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        const std::size_t count = schema(i).fields.size();
        sections_[i].bound = SectionBound{fields.first(count)};
        fields = fields.subspan(count);
    }
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
    const OpenBlock& open = block(block_class);
    const std::size_t samples_bytes =
        part_to_seal(open) == Part::sure ? open.sure_bytes : std::max(open.bytes, open.sure_bytes);
    const std::size_t used = samples_bytes + limits::section_header_bytes_max;
    return plain_bytes_max() - std::min(used, plain_bytes_max());
}

BlockBuilder::Fit BlockBuilder::fit(const Sample& sample, std::size_t reserve) const {
    const std::size_t index = sample.stream - 1U;
    const OpenSection& section = sections_[index];
    const OpenBlock& open = block(class_of(sample));

    const Staging& staged = staging(class_of(sample));
    if (!staged.could_ever_hold(sample)) return Fit::never;
    if (!staged.has_room_for(sample)) return Fit::after_class;
    if (section.count == column_.size()) return Fit::after_class;
    if (open.samples == limits::block_samples_max) return Fit::after_class;

    std::size_t bytes = open.bytes + reserve;
    if (section.count == 0) {
        const std::size_t alone = SectionBound::alone(schema(index), sample);
        if (alone > plain_bytes_max()) return Fit::never;
        if (open.samples == 0) return Fit::yes;  // what the room is kept for waits
        bytes += section.ratio.expected_bytes(alone);
    } else {
        bytes += section.ratio.expected_bytes(section.bound.with(sample)) -
                 section.ratio.expected_bytes(section.bound.bytes());
    }
    return bytes > plain_bytes_max() ? Fit::after_class : Fit::yes;
}

void BlockBuilder::add(const Sample& sample, MonotonicMs now, std::int64_t elapsed_us) {
    const std::size_t index = sample.stream - 1U;
    OpenBlock& open = block(class_of(sample));
    Staging& staged = staging(class_of(sample));

    if (staged.empty()) open.staged_us = elapsed_us;
    const std::int64_t when_ms = (elapsed_us - open.staged_us) / 1000;
    append(index, staged.put(sample, static_cast<std::uint32_t>(
                                         std::min<std::int64_t>(when_ms, UINT32_MAX))));

    const bool at_once =
        class_of(sample) == BlockClass::alarm || sections_[index].count == column_.size();
    open.at_once = open.at_once || at_once;
    open.due_at = std::min(open.due_at, at_once ? now : now + schema(index).deadline_ms);
}

// Makes a staged sample the last one of the open block.
void BlockBuilder::append(std::size_t index, StagedAt at) {
    const BlockClass block_class = streams_[index].info.block_class;
    OpenSection& section = sections_[index];
    OpenBlock& open = block(block_class);
    Staging& staged = staging(block_class);
    const std::size_t fields = schema(index).fields.size();

    std::size_t bound_before = 0;
    if (section.count == 0) {
        section.bound.begin(schema(index));
        section.first = at;
    } else {
        bound_before = section.bound.bytes();
        staged.link(section.last, at);
    }
    section.last = at;
    // The bound keeps the texts that it is shown, so it is shown those in the arena.
    for (std::size_t i = 0; i < fields; ++i) column_[i] = staged.value(at, fields, i);
    const auto stream = static_cast<std::uint8_t>(index + 1);
    section.bound.add({stream, staged.time(at), column_.first(fields)});
    const std::size_t bound = section.bound.bytes();
    open.bytes += section.ratio.expected_bytes(bound);
    if (section.count != 0) open.bytes -= section.ratio.expected_bytes(bound_before);

    const std::size_t sure_bytes = open.sure_bytes + bound - bound_before;
    const std::uint32_t when = staged.when(at);
    if (open.samples == 0 ||
        (open.sure == open.samples && sure_bytes + system_bytes_kept <= plain_bytes_max())) {
        ++open.sure;
        open.sure_bytes = sure_bytes;
        open.sure_last = when;
        ++section.sure;
        section.sure_bytes = bound;
    }
    if (open.samples == 0) open.first = when;
    open.last = when;
    ++open.samples;
    ++section.count;
}

// False: it does not fit into `body`.
bool BlockBuilder::encode_section(std::size_t index, Part part, MutableBytes scratch,
                                  ByteWriter& body) {
    OpenSection& section = sections_[index];
    const Staging& staged = staging(streams_[index].info.block_class);
    const std::uint16_t count = part == Part::all ? section.count : section.sure;
    const std::size_t bound = part == Part::all ? section.bound.bytes() : section.sure_bytes;
    if (count == 0) return true;

    StagedSource source{staged, section.first, schema(index).fields.size()};
    const CodecAids aids{streams_[index].model, tools_.compression, tools_.plain, tools_.mixing};
    const SectionMemory memory{tools_.range, column_};
    const auto code = [&](CodecSet allowed) {
        return encode_smallest_section(allowed, schema(index), count, source, aids, memory,
                                       scratch);
    };
    auto coded = code(allowed_);
    // Codec 0 keeps to the bound, while others make more of noise.
    if (coded && coded->bytes + limits::section_header_bytes_max > bound) coded = code(0);
    // The first samples alone are smaller, and less of their bound is saved.
    if (part == Part::all)
        section.ratio.learn(coded ? coded->bytes : bound, bound - limits::section_header_bytes_max);
    if (!coded) return false;
    write_section(
        {static_cast<std::uint8_t>(index + 1), coded->codec, count, scratch.first(coded->bytes)},
        body);
    return body.ok();
}

// Of a body that is kept: one that did not fit is coded again, and would count twice.
void BlockBuilder::compare_models(Bytes body, MutableBytes scratch) {
    const CodecAids builtin{Model{}, tools_.compression, tools_.plain, tools_.mixing};
    for (SectionReader reader{body}; !reader.at_end();) {
        const auto section = reader.next();
        LH_CHECK(section.ok());
        if (section.value().stream == system_stream) continue;
        const std::size_t index = section.value().stream - 1U;
        OpenSection& open = sections_[index];
        if (!streams_[index].model_hash || !open.fit.due()) continue;
        StagedSource source{staging(streams_[index].info.block_class), open.first,
                            schema(index).fields.size()};
        const auto coded =
            encode_smallest_section(allowed_, schema(index), section.value().count, source, builtin,
                                    {tools_.range, column_}, scratch);
        if (coded) open.fit.compare(section.value().content.size(), coded->bytes);
    }
}

// The plain body; false: it does not fit.
bool BlockBuilder::encode(BlockClass block_class, Part part, const SystemEntries& system,
                          MutableBytes scratch, ByteWriter& body) {
    if (system.count != 0)
        write_section({system_stream, codec_columns, system.count, system.content}, body);
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        if (streams_[i].info.block_class != block_class) continue;
        if (!encode_section(i, part, scratch, body)) return false;
    }
    return body.ok();
}

Result<SpoolBlock> BlockBuilder::seal(const BlockName& name, const BlockKey& key,
                                      const SystemEntries& system, MutableBytes out) {
    const BlockClass block_class = name.seq.block_class();
    const OpenBlock& open = block(block_class);
    LH_CHECK(out.size() >= block_header_bytes + body_.size());

    Part part = part_to_seal(open);
    ByteWriter body{body_.first(plain_bytes_max())};
    // `out` is not in use yet.
    if (part == Part::sure || !encode(block_class, part, system, out, body)) {
        part = Part::sure;
        body = ByteWriter{body_.first(plain_bytes_max())};
        LH_CHECK(encode(block_class, part, system, out, body));
    }
    compare_models(body.written(), out);
    const std::uint16_t samples = part == Part::all ? open.samples : open.sure;
    const std::uint32_t last = part == Part::all ? open.last : open.sure_last;
    const auto elapsed_us = [&open](std::uint32_t ms) {
        return open.staged_us + std::int64_t{ms} * 1000;
    };
    SpoolBlock sealed{{name, samples, elapsed_us(open.first), elapsed_us(last), 0}, {}};
    LH_TRY_ASSIGN(const std::size_t size, seal_block(key, name, samples, body.written(), out));
    sealed.sealed = out.first(size);
    begin_next(block_class, part);
    return sealed;
}

void BlockBuilder::begin_next(BlockClass block_class, Part sealed) {
    const OpenBlock before = std::exchange(block(block_class), {});
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        if (streams_[i].info.block_class != block_class) continue;
        OpenSection& section = sections_[i];
        const std::uint16_t gone = sealed == Part::all ? section.count : section.sure;
        section.rest = section.count == gone ? staged_nowhere : section.first;
        if (section.rest != staged_nowhere) {
            for (std::uint16_t n = 0; n < gone; ++n)
                section.rest = staging(block_class).next(section.rest);
        }
        section.sealed += gone;
        section.count = section.sure = 0;
        section.ratio.settle();
    }
    if (sealed == Part::all || before.sure == before.samples) return staging(block_class).clear();
    OpenBlock& open = block(block_class);
    open.due_at = before.due_at;
    open.at_once = before.at_once;
    open.staged_us = before.staged_us;
    append_rest(block_class);
}

// In the order in which the samples came.
void BlockBuilder::append_rest(BlockClass block_class) {
    for (;;) {
        std::size_t oldest = 0;
        StagedAt at = staged_nowhere;
        for (std::size_t i = 0; i < streams_.size(); ++i) {
            if (streams_[i].info.block_class != block_class || sections_[i].rest >= at) continue;
            oldest = i;
            at = sections_[i].rest;
        }
        if (at == staged_nowhere) return;
        sections_[oldest].rest = staging(block_class).next(at);
        append(oldest, at);
    }
}

bool BlockBuilder::empty() const {
    return std::all_of(blocks_.begin(), blocks_.end(),
                       [](const OpenBlock& open) { return open.samples == 0; });
}

}  // namespace longhaul::agent
