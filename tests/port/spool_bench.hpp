// A spool to be tried by hand, over a harness as in spool_history.hpp.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "agent/core/spool.hpp"
#include "tests/port/spool_records.hpp"
#include "tests/port/spool_steps.hpp"
#include "tests/support/spool_policies.hpp"

namespace longhaul::test {

// A spool with helpers; blocks are known by their numbers.
template <class Harness>
class SpoolBench {
 public:
    explicit SpoolBench(std::uint64_t bytes_max = 1 << 20) : SpoolBench{stop_at(bytes_max)} {}
    explicit SpoolBench(const agent::SpoolPolicy& policy) : spool{&harness.open(policy)} {}
    void restart() {
        spool = harness.restart();
        REQUIRE(spool != nullptr);
    }

    Epoch begin(std::initializer_list<std::uint8_t> schemas = {1}) {
        return begin_with([](Epoch epoch) { return "record " + std::to_string(epoch.value); },
                          schemas);
    }
    // With a record as an agent makes it.
    Epoch begin_after(bool clean) {
        const auto before = epoch_before(spool->previous_end().value(), clean);
        return begin_with(
            [&](Epoch) { return std::string{as_text(record_bytes(before, "signature"))}; });
    }
    template <class Record>
    Epoch begin_with(Record&& make_record, std::initializer_list<std::uint8_t> schemas = {1}) {
        const auto epoch = spool->begin_epoch();
        REQUIRE(epoch.ok());
        std::vector<SchemaHash> hashes;
        for (const std::uint8_t number : schemas) {
            hashes.push_back(schema_hash_of(number));
            const std::string encoded = "schema " + std::to_string(number);
            REQUIRE(spool->store_schema(hashes.back(), as_bytes(encoded)).ok());
        }
        const std::string record = make_record(epoch.value());
        REQUIRE(spool->store_epoch(epoch.value(), as_bytes(record), hashes).ok());
        return epoch.value();
    }
    Result<agent::Appended> append(Epoch epoch, BlockClass block_class, std::uint32_t number,
                                   std::size_t size = 500) {
        return append_some(epoch, block_class, number, number, size);
    }
    // Blocks `first` to `last` in one call.
    Result<agent::Appended> append_some(Epoch epoch, BlockClass block_class, std::uint32_t first,
                                        std::uint32_t last, std::size_t size = 500) {
        std::vector<std::vector<std::byte>> contents;
        std::vector<agent::SpoolBlock> blocks;
        for (std::uint32_t number = first; number <= last; ++number) {
            const BlockSeq seq = BlockSeq::of(block_class, number);
            const agent::SpoolTag tag{{spool->incarnation(), epoch, seq},
                                      static_cast<std::uint16_t>(number % 256),
                                      std::int64_t{1000} * number,
                                      std::int64_t{1000} * number + 999};
            contents.push_back(spool_bytes(epoch, seq, size));
            blocks.push_back({tag, contents.back()});
        }
        return spool->append(blocks, agent::nothing_sent);
    }
    // "1.1 1.2 3.1": epoch and number of every waiting block of a class, in the order of next().
    std::string waiting(BlockClass block_class) {
        std::vector<std::byte> room(20'000);
        return waiting(block_class, room);
    }
    std::string waiting(BlockClass block_class, MutableBytes room) {
        std::string text;
        Epoch epoch;
        BlockSeq after = BlockSeq::of(block_class, 0);
        for (;;) {
            const auto block = spool->next(block_class, epoch, after, room);
            if (!block.ok()) {
                REQUIRE(block.error() == ErrorCode::not_found);
                return text;
            }
            const agent::SpoolTag& tag = block.value().tag;
            REQUIRE(equal(block.value().sealed,
                          spool_bytes(tag.name.epoch, tag.name.seq, block.value().sealed.size())));
            REQUIRE(tag.samples == tag.name.seq.number() % 256);
            REQUIRE(tag.first_us == std::int64_t{1000} * tag.name.seq.number());
            REQUIRE(tag.name.incarnation == spool->incarnation());
            epoch = tag.name.epoch;
            after = tag.name.seq;
            text += (text.empty() ? "" : " ") + std::to_string(epoch.value) + "." +
                    std::to_string(after.number());
        }
    }
    agent::DurableGain mark(Epoch epoch, BlockClass block_class, std::uint32_t first,
                            std::uint32_t last) {
        const auto gain = spool->mark_durable(
            {epoch, BlockSeq::of(block_class, first), BlockSeq::of(block_class, last)});
        REQUIRE(gain.ok());
        return gain.value();
    }

    Harness harness;
    agent::Spool* spool;
};

}  // namespace longhaul::test
