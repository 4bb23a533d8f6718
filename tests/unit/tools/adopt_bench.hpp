// A lake whose journal is lost and replaced, for tests of `longhaul adopt`.
#pragma once

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "tests/unit/tools/audit_bench.hpp"
#include "tools/longhaul/adopt.hpp"

namespace longhaul::test {

using Rows = std::vector<std::string>;

inline constexpr std::int64_t adopted_us = noon_us + std::int64_t{3600} * 1'000'000;

struct AdoptBench : AuditBench {
    Result<AdoptReport, Message> adopt(std::uint8_t uuid = 9, std::int64_t now_us = adopted_us) {
        writer.reset();
        journal.reset();
        collector::LocalStore lake{disk};
        collector::LocalJournalSettings of_new = journal_settings;
        of_new.uuid_if_new[0] = std::byte{uuid};
        of_new.salt_if_new = uuid;
        return tools::adopt({disk, lake, [](const collector::LakeRanges::Progress&) {}}, of_new,
                            {now_us});
    }
    void remove_all(const std::string& folder) {
        const auto entries = disk.list(folder);
        if (!entries.ok()) return;
        for (const collector::DiskEntry& entry : entries.value()) {
            const std::string path = folder + "/" + entry.name;
            if (entry.directory)
                remove_all(path);
            else
                REQUIRE(disk.remove(path).ok());
        }
        REQUIRE(disk.sync_directory(folder).ok());
    }
    void lose_journal() {
        writer.reset();
        journal.reset();
        const std::vector<collector::DiskEntry> entries = disk.list("").value();
        for (const collector::DiskEntry& entry : entries) {
            if (entry.name.starts_with("shard-")) remove_all(entry.name);
        }
        remove_all("snapshots");
        REQUIRE(disk.remove("journal.meta").ok());
        REQUIRE(disk.sync_directory("").ok());
    }
    // The device meets another journal: its schema and record, as they are not known there.
    void meet() {
        schema(*thing);
        epoch(maker);
    }
    void close() {
        writer.reset();
        journal.reset();
        collector::LocalStore lake{disk};
        REQUIRE(close_adoption(disk, lake, {adopted_us}).ok());
        REQUIRE(start());
        REQUIRE(drain().empty());
    }
    // Each in a barrier of its own: those of the last one are missing until they come again.
    void commit_each(const std::vector<std::uint32_t>& numbers) {
        for (const std::uint32_t number : numbers) {
            send(number);
            REQUIRE(drain().empty());
        }
    }
    // The journal is lost when its lake has these, and another adopts that.
    void lose_after(const std::vector<std::uint32_t>& numbers) {
        begin();
        commit_each(numbers);
        lose_journal();
        REQUIRE(adopt().ok());
        REQUIRE(start());
    }
    // The record of a boot after the epoch before it ended in disorder, behind this block.
    void boot_after_cut(std::uint32_t number, std::uint32_t previous_last) {
        EpochMaker next{"acme", "bus-1", 7, number};
        next.stream(1, "thing", *thing);
        next.record.previous_epoch = number - 1;
        next.record.previous_ends_count = 1;
        next.record.previous_ends[0].block_class = static_cast<std::uint32_t>(BlockClass::normal);
        next.record.previous_ends[0].last_number = previous_last;
        epoch(next);
    }
    Rows reasons() { return rows("acme/_quarantine", {"seq", "reason"}); }
    void send_again(std::uint32_t number) { send(number, 7200); }

    Rows blocks() { return rows("acme/thing", {"epoch", "seq", "row"}); }
    Rows lost() { return rows("acme/_losses", {"epoch", "first_seq", "last_seq", "reason"}); }
};

// Three rows each.
inline Rows rows_of(const std::vector<std::uint32_t>& numbers) {
    Rows rows;
    for (const std::uint32_t number : numbers) {
        for (const int row : {0, 1, 2})
            rows.push_back("1|" + std::to_string(BlockSeq::of(BlockClass::normal, number).value) +
                           "|" + std::to_string(row));
    }
    std::sort(rows.begin(), rows.end());
    return rows;
}

inline std::string loss_of(std::uint32_t first, std::uint32_t last) {
    const auto seq = [](std::uint32_t number) {
        return std::to_string(BlockSeq::of(BlockClass::normal, number).value);
    };
    return "1|" + seq(first) + "|" + seq(last) + "|journal_lost";
}

}  // namespace longhaul::test
