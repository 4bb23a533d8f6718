// A history of a spool, with a simple model beside it: what was done, what may be there afterwards,
// and what the spool then really has. Power may be cut anywhere in it.
//
//   struct MyHarness {
//       agent::Spool& open(const agent::SpoolPolicy& policy);  // formats a new one, once
//       agent::Spool* restart();         // power comes back; nullptr: it could not be opened
//       bool power_lost() const;         // since open() or restart()
//       // Blocks of 300 bytes that may not go although they were not sent: for their neighbours.
//       static constexpr std::size_t undroppable_max = …;
//   };
#pragma once

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/spool.hpp"
#include "tests/port/spool_records.hpp"
#include "tests/port/spool_steps.hpp"

namespace longhaul::test {

template <class Harness>
class SpoolHistory {
 public:
    using Place = agent::BlockPlace;

    template <class... Arguments>
    explicit SpoolHistory(const agent::SpoolPolicy& policy, Arguments&&... arguments)
        : harness{std::forward<Arguments>(arguments)...},
          policy_{policy},
          spool_{&harness.open(policy)} {
        incarnation_ = spool_->incarnation();
    }

    // What becomes of it when power is cut in the middle of a call: the same model beside what is
    // left of the storage. resume() opens it again.
    SpoolHistory(const SpoolHistory& other, Harness left)
        : harness{std::move(left)},
          marks_may_drop{other.marks_may_drop},
          policy_{other.policy_},
          spool_{nullptr},
          incarnation_{other.incarnation_},
          epoch_max_{other.epoch_max_},
          blocks_{other.blocks_},
          records_{other.records_},
          told_{other.told_},
          state_{other.state_},
          state_count_{other.state_count_},
          voided_{other.voided_},
          cuts_{other.cuts_} {}
    void resume() { reboot(); }

    void run(const SpoolScript& script) {
        for (std::size_t i = 0; i < script.size(); ++i) {
            CAPTURE(i, static_cast<int>(script[i].what));
            step(script[i]);
            if (harness.power_lost()) reboot();
        }
        reboot();
        check_waiting();
    }

    // Everything that waits is acknowledged and every loss told; then nothing is unaccounted for.
    void drain() {
        for (int round = 0; round < 1000; ++round) {
            const bool told = tell();
            for (std::size_t c = 0; c < block_class_count; ++c)
                mark(static_cast<BlockClass>(c), UINT32_MAX, false);
            if (harness.power_lost()) reboot();
            if (!told && spool_->losses().empty() && nothing_waits()) break;
        }
        CHECK(spool_->losses().empty());
        for (const auto& [key, block] : blocks_) {
            if (!block.committed || block.acked) continue;
            CAPTURE(static_cast<int>(key.first), key.second.epoch.value, key.second.number);
            CHECK(covered(told_, key.first, key.second));
        }
        cuts_told_ = check_cuts_told(records_, blocks_, told_);
        if (cuts_ == 0 && !voided_) check_samples();
    }

    Harness harness;
    bool marks_may_drop = false;  // for the storage is too small for what is noted
    std::size_t cuts() const { return cuts_; }
    std::size_t committed() const {
        return static_cast<std::size_t>(
            std::count_if(blocks_.begin(), blocks_.end(),
                          [](const auto& each) { return each.second.committed; }));
    }
    // Ends of epochs that the account told of, for no record did.
    std::size_t cuts_told() const { return cuts_told_; }
    std::uint64_t lost_samples() const {
        std::uint64_t samples = 0;
        for (const agent::Loss& loss : told_) samples += loss.samples;
        return samples;
    }
    agent::Spool& spool() { return *spool_; }

 private:
    using Key = std::pair<BlockClass, Place>;
    using Block = SpoolModelBlock;
    using StateValue = std::optional<std::vector<std::byte>>;  // nothing: not there

    void step(const SpoolStep& step) {
        using What = SpoolStep::What;
        switch (step.what) {
            case What::boot:
                return reboot();
            case What::append:
                return append(step.block_class, step.count, step.size);
            case What::fill:
                for (std::uint32_t i = 0; i < step.count && !harness.power_lost(); ++i)
                    append(step.block_class, 1, step.size);
                break;
            case What::tell:
                tell();
                break;
            case What::mark:
                return mark(step.block_class, step.count, false);
            case What::mark_live:
                return mark(step.block_class, step.count, true);
            case What::send:
                return send(step.block_class, step.count);
            case What::forget:
                sent_ = {};
                break;
            case What::void_marks:
                voided_ = true;
                if (spool_->void_durable().ok()) commit_state();
                break;
            case What::state:
                return put_state(static_cast<std::uint8_t>(step.count), step.size);
        }
    }

    // An epoch begins with the first block after a boot.
    Status begin() {
        if (epoch_.value != 0) return {};
        LH_TRY_ASSIGN(const Epoch epoch, spool_->begin_epoch());
        CHECK(epoch.value > epoch_max_);
        epoch_max_ = epoch.value;
        const std::array hashes{schema_hash_of(1), schema_hash_of(2 + epoch_max_ % 3)};
        for (const SchemaHash& hash : hashes)
            LH_TRY(spool_->store_schema(hash, Bytes{hash}.first(20)));
        LH_TRY_ASSIGN(const agent::EpochEnd end, spool_->previous_end());
        SpoolModelRecord& record =
            records_[epoch];  // one in four says that the epoch before ended cleanly
        record.before = epoch_before(end, epoch_max_ % 4 == 0);
        record.bytes = record_bytes(record.before, "record " + std::to_string(epoch_max_));
        LH_TRY(spool_->store_epoch(epoch, record.bytes, hashes));
        commit_state();
        epoch_ = epoch;
        return {};
    }

    void append(BlockClass block_class, std::uint32_t count, std::size_t size,
                std::vector<agent::Loss> tells = {}) {
        if (const Status begun = begin(); !begun.ok()) {
            if (!harness.power_lost()) REQUIRE(begun.error() == ErrorCode::full);
            return;
        }
        std::uint32_t& number = numbers_[static_cast<std::size_t>(block_class)];
        std::vector<std::vector<std::byte>> contents;
        std::vector<agent::SpoolBlock> appended;
        for (std::uint32_t i = 1; i <= count; ++i) {
            const BlockSeq seq = BlockSeq::of(block_class, number + i);
            agent::SpoolTag tag{{incarnation_, epoch_, seq},
                                static_cast<std::uint16_t>(1 + (number + i) % 200),
                                std::int64_t{1000} * (number + i),
                                std::int64_t{1000} * (number + i) + 999};
            tag.losses = static_cast<std::uint16_t>(tells.size());
            contents.push_back(spool_bytes(epoch_, seq, size));
            appended.push_back({tag, contents.back()});
            Block& block = blocks_[{block_class, {epoch_, number + i}}] = {};
            block.samples = tag.samples;
            block.size = size;
            block.tells = tells;
        }
        const auto result = spool_->append(appended, sent_);
        if (harness.power_lost()) return;
        if (!result.ok()) REQUIRE(result.error() == ErrorCode::full);
        const auto stored = static_cast<std::uint32_t>(result.ok() ? result.value().stored : 0);
        const bool dropped = result.ok() && result.value().next_dropped;
        REQUIRE(stored + (dropped ? 1 : 0) <= count);
        for (std::uint32_t i = 1; i <= count; ++i) {
            const Key key{block_class, {epoch_, number + i}};
            if (i <= stored + (dropped ? 1 : 0)) {
                blocks_[key].committed = true;
            } else {
                blocks_.erase(key);  // its number is used for the next one
            }
        }
        number += stored + (dropped ? 1 : 0);
        if (stored != 0) commit_state();
        if (!dropped && stored < count) check_full(block_class);
    }

    // A block is refused only where nothing may be dropped for it.
    void check_full(BlockClass block_class) {
        const auto own = static_cast<std::size_t>(block_class);
        const agent::WhenFull rule = policy_.classes[own].when_full;
        CHECK(rule != agent::WhenFull::drop_newest);
        if (rule != agent::WhenFull::drop_oldest) return;
        const std::vector<Place> places = waiting(block_class);
        const auto unsent = std::count_if(places.begin(), places.end(), [&](const Place& place) {
            return !sent_.contains(block_class, place);
        });
        CHECK(unsent <= static_cast<std::ptrdiff_t>(Harness::undroppable_max));
    }

    bool tell() {
        const auto losses = spool_->losses().to_tell();
        if (losses.empty()) return false;
        append(BlockClass::alarm, 1, 200, {losses.begin(), losses.end()});
        return true;
    }

    // Acknowledges waiting blocks, the oldest or the newest, range by range.
    void mark(BlockClass block_class, std::uint32_t count, bool newest) {
        std::vector<Place> places = waiting(block_class);
        if (harness.power_lost()) return;
        if (newest && count < places.size())
            places.erase(places.begin(), places.end() - static_cast<std::ptrdiff_t>(count));
        if (count < places.size()) places.resize(count);
        for (const Place& place : places) {
            const BlockSeq seq = BlockSeq::of(block_class, place.number);
            Block& block = blocks_.at({block_class, place});
            if (marks_may_drop && covered(spool_->losses().entries(), block_class, place)) continue;
            if (!block.acked) told_.insert(told_.end(), block.tells.begin(), block.tells.end());
            block.acked = true;
            const auto gain = spool_->mark_durable({place.epoch, seq, seq});
            if (harness.power_lost()) return;
            REQUIRE(gain.ok());
            CHECK(gain.value().blocks == 1);
            CHECK(gain.value().samples == block.samples);
        }
    }

    void send(BlockClass block_class, std::uint32_t count) {
        const std::vector<Place> places = waiting(block_class);
        if (harness.power_lost() || places.empty()) return;
        auto& sent = sent_.classes[static_cast<std::size_t>(block_class)];
        sent.backlog = places[std::min<std::size_t>(count, places.size()) - 1];
    }

    void put_state(std::uint8_t key, std::size_t size) {
        std::vector<std::byte> value(size, static_cast<std::byte>(++state_count_));
        state_.try_emplace(key, 1);  // it was not there
        state_[key].push_back(value);
        const Status put = spool_->put_state(key, value);
        if (!harness.power_lost()) REQUIRE(put.ok());
    }
    // What was put last will not be forgotten any more.
    void commit_state() {
        for (auto& [key, values] : state_) values.erase(values.begin(), values.end() - 1);
    }

    void reboot() {
        bool cut = harness.power_lost();
        spool_ = harness.restart();
        REQUIRE(spool_ != nullptr);
        // Power may fail while the spool is closed as well.
        if constexpr (requires { harness.cut_in_restart(); }) cut = cut || harness.cut_in_restart();
        if (cut) ++cuts_;
        CHECK(spool_->incarnation() == incarnation_);
        epoch_ = {};
        numbers_ = {};
        sent_ = {};
        check_end();
        check_state(cut);
        check_waiting();
    }

    void check_end() {
        const auto end = spool_->previous_end();
        REQUIRE(end.ok());
        CHECK(end.value().epoch.value <= epoch_max_);
        check_previous_end(end.value(), blocks_, cuts_ != 0);
    }

    void check_state(bool cut) {
        for (auto& [key, values] : state_) {
            std::vector<std::byte> room(agent::Spool::state_bytes_max);
            const auto value = spool_->read_state(key, room);
            CAPTURE(static_cast<int>(key));
            StateValue found;
            if (value.ok())
                found.emplace(value.value().begin(), value.value().end());
            else
                CHECK(value.error() == ErrorCode::not_found);
            CHECK(std::find(values.begin(), values.end(), found) != values.end());
            if (!cut) CHECK(found == values.back());
            values = {found};  // if it was in doubt, it is not any more
        }
    }

    // Places of what waits, in the spool's order; each block is looked at.
    std::vector<Place> waiting(BlockClass block_class) {
        std::vector<Place> places;
        Place after;
        std::vector<std::byte> room(20'000);
        for (;;) {
            const auto block = spool_->next(block_class, after.epoch,
                                            BlockSeq::of(block_class, after.number), room);
            if (harness.power_lost()) return places;
            if (!block.ok()) {
                REQUIRE(block.error() == ErrorCode::not_found);
                return places;
            }
            const agent::SpoolTag& tag = block.value().tag;
            const Place place = agent::place_of(tag.name);
            CAPTURE(static_cast<int>(block_class), place.epoch.value, place.number);
            CHECK(tag.name.incarnation == incarnation_);
            REQUIRE(place > after);
            const auto known = blocks_.find({block_class, place});
            REQUIRE(known != blocks_.end());
            CHECK(tag.samples == known->second.samples);
            CHECK(tag.losses == known->second.tells.size());
            CHECK(equal(block.value().sealed,
                        spool_bytes(place.epoch, tag.name.seq, known->second.size)));
            std::vector<std::byte> record(200);
            CHECK(equal(spool_->read_epoch(place.epoch, record).value(),
                        records_[place.epoch].bytes));
            known->second.committed = true;  // if it was in doubt, it is not any more
            after = place;
            places.push_back(place);
        }
    }

    // What is committed waits, is acknowledged, or is lost, and never two of them.
    void check_waiting() {
        std::map<Key, bool> waits;
        for (std::size_t c = 0; c < block_class_count; ++c) {
            const auto block_class = static_cast<BlockClass>(c);
            for (const Place& place : waiting(block_class)) waits[{block_class, place}] = true;
        }
        const auto losses = spool_->losses().entries();
        const bool small = losses.size() + told_.size() < agent::LossLedger::entries_max;
        for (const auto& [key, block] : blocks_) {
            CAPTURE(static_cast<int>(key.first), key.second.epoch.value, key.second.number);
            const bool lost =
                covered(losses, key.first, key.second) || covered(told_, key.first, key.second);
            if (waits.contains(key)) {
                if (small && !voided_) CHECK_FALSE(lost);
            } else if (block.committed && !block.acked) {
                CHECK(lost);
            }
            // Of the blocks of an append that was cut there are the first ones, unless they went to
            // make room for the others.
            const Key next{key.first, {key.second.epoch, key.second.number + 1}};
            if (!block.committed && !lost && blocks_.contains(next))
                CHECK_FALSE(blocks_[next].committed);
        }
        const auto depth = spool_->depth();
        REQUIRE(depth.ok());
        std::uint32_t count = 0;
        for (const std::uint32_t each : depth.value().waiting) count += each;
        CHECK(count == waits.size());
    }

    void check_samples() {
        std::uint64_t lost = 0;
        for (const auto& [key, block] : blocks_)
            if (block.committed && !block.acked) lost += block.samples;
        CHECK(lost == lost_samples());
    }

    bool nothing_waits() {
        const auto depth = spool_->depth();
        return depth.ok() && depth.value().waiting == std::array<std::uint32_t, 4>{};
    }

    agent::SpoolPolicy policy_;
    agent::Spool* spool_;
    Incarnation incarnation_;
    Epoch epoch_;  // 0: not begun since the last boot
    std::uint32_t epoch_max_ = 0;
    std::array<std::uint32_t, block_class_count> numbers_{};
    agent::SentMarks sent_;
    SpoolModelBlocks blocks_;
    SpoolModelRecords records_;
    std::vector<agent::Loss> told_;
    std::map<std::uint8_t, std::vector<StateValue>> state_;  // what each may be, newest last
    std::uint32_t state_count_ = 0;
    bool voided_ = false;
    std::size_t cuts_ = 0;
    std::size_t cuts_told_ = 0;
};

}  // namespace longhaul::test
