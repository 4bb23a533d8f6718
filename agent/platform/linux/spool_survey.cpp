#include "agent/platform/linux/spool_survey.hpp"

#include <algorithm>
#include <array>

#include "agent/core/settings.hpp"
#include "common/block/block.hpp"
#include "common/block/epoch.hpp"
#include "common/block/schema.hpp"

namespace longhaul::agent {
namespace {

std::string name_text(const BlockName& name) {
    return "block " + std::to_string(name.seq.number()) + " of class " +
           name_of(name.seq.block_class()) + ", epoch " + std::to_string(name.epoch.value);
}

// Calls `take` with every waiting block.
template <class Take>
Result<void, Message> each_waiting(Spool& spool, Take take) {
    std::vector<std::byte> room(block_bytes_max);
    for (std::size_t i = 0; i < block_class_count; ++i) {
        const auto block_class = static_cast<BlockClass>(i);
        BlockPlace at;
        for (;;) {
            const auto block =
                spool.next(block_class, at.epoch, BlockSeq::of(block_class, at.number), room);
            if (!block.ok() && block.error() == ErrorCode::not_found) break;
            if (!block.ok()) return Message{to_string(block.error())};
            take(block.value());
            at = place_of(block.value().tag.name);
        }
    }
    return {};
}

void count(BlockCount& counts, const SpoolBlock& block) {
    const std::uint32_t number = block.tag.name.seq.number();
    if (counts.blocks == 0) counts.first = number;
    counts.last = number;
    ++counts.blocks;
    counts.samples += block.tag.samples;
    counts.bytes += block.sealed.size();
}

EpochClass place_in(const BlockName& name) { return {name.epoch, name.seq.block_class()}; }

// The header that lies in the clear in front of what is sealed has to say the same as the tag.
void check_block(const SpoolBlock& block, std::vector<std::string>& problems) {
    const auto header = parse_block_header(block.sealed);
    if (!header.ok()) {
        problems.push_back(name_text(block.tag.name) + ": " + to_string(header.error()));
    } else if (header.value().name != block.tag.name) {
        problems.push_back(name_text(block.tag.name) + ": its header names " +
                           name_text(header.value().name));
    }
}

void check_schema(Spool& spool, const SchemaHash& hash, std::vector<std::string>& problems) {
    std::vector<std::byte> room(limits::schema_bytes_max);
    const auto encoded = spool.read_schema(hash, room);
    if (!encoded.ok()) {
        problems.push_back("a schema that an epoch names: " + to_string(encoded.error()));
    } else if (schema_hash(encoded.value()) != hash) {
        problems.emplace_back("a schema is not the one that an epoch names");
    }
}

void check_epoch(Spool& spool, Epoch epoch, std::vector<std::string>& problems) {
    const std::string name = "epoch " + std::to_string(epoch.value) + ": ";
    std::vector<std::byte> room(signed_epoch_bytes_max);
    const auto record = spool.read_epoch(epoch, room);
    if (!record.ok()) {
        problems.push_back(name + "its record: " + to_string(record.error()));
    } else if (const auto parsed = parse_signed_epoch(record.value()); !parsed.ok()) {
        problems.push_back(name + "its record: " + to_string(parsed.error()));
    }
    std::array<SchemaHash, streams_of_sources_max> hashes;
    const auto known = spool.epoch_schemas(epoch, hashes);
    if (!known.ok()) problems.push_back(name + "its schemas: " + to_string(known.error()));
    for (std::size_t i = 0; known.ok() && i < known.value(); ++i)
        check_schema(spool, hashes[i], problems);
}

void note_damage(std::span<const Loss> before, std::span<const Loss> after,
                 std::vector<std::string>& problems) {
    for (const Loss& loss : after) {
        if (std::find(before.begin(), before.end(), loss) != before.end()) continue;
        problems.push_back("damaged: class " + std::string{name_of(loss.block_class)} + ", epoch " +
                           std::to_string(loss.first.epoch.value) + ", blocks " +
                           std::to_string(loss.first.number) + " to " +
                           std::to_string(loss.last.number));
    }
}

}  // namespace

Result<SpoolSurvey, Message> survey(Spool& spool) {
    SpoolSurvey found;
    const auto before = spool.losses().entries();
    found.losses.assign(before.begin(), before.end());
    LH_TRY(each_waiting(spool, [&found](const SpoolBlock& block) {
        count(found.blocks[place_in(block.tag.name)].waiting, block);
    }));
    if (const Status voided = spool.void_durable(); !voided.ok())
        return Message{to_string(voided.error())};
    LH_TRY(each_waiting(spool, [&found](const SpoolBlock& block) {
        count(found.blocks[place_in(block.tag.name)].kept, block);
        check_block(block, found.problems);
    }));
    Epoch last;
    for (const auto& [place, counts] : found.blocks) {
        if (place.epoch != last) check_epoch(spool, place.epoch, found.problems);
        last = place.epoch;
    }
    note_damage(found.losses, spool.losses().entries(), found.problems);
    return found;
}

}  // namespace longhaul::agent
