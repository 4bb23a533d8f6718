// A device's journal and lake, for tests of the audit.
#pragma once

#include <catch2/catch_test_macros.hpp>

#include "tests/unit/collector/writer/writer_bench.hpp"
#include "tools/longhaul/audit.hpp"

namespace longhaul::test {

using namespace longhaul::tools;

// One device with blocks of three samples each.
struct AuditBench : WriterBench {
    std::unique_ptr<StoredSchema> thing =
        make_schema("thing", TimeKind::source, {field("value", FieldKind::integer)});
    EpochMaker maker{"acme", "bus-1", 7, 1};

    void begin() {
        maker.stream(1, "thing", *thing);
        schema(*thing);
        epoch(maker);
    }
    std::vector<std::byte> sealed(std::uint32_t number) const {
        const std::int64_t at = noon_us + number;
        Body body;
        body.samples(1, *thing, {at, at + 1, at + 2},
                     {{Value::of_integer(1), Value::of_integer(2), Value::of_integer(number)}});
        return maker.block(number, body);
    }
    void send(std::uint32_t number, std::int64_t after_s = 0) {
        block(maker, sealed(number), noon_us + after_s * 1'000'000);
    }
    // A block that tells of losses.
    void tell(std::uint32_t number, const std::vector<longhaul_Loss>& losses) {
        tell_with(maker, number, losses);
    }
    void tell_with(const EpochMaker& epoch, std::uint32_t number,
                   const std::vector<longhaul_Loss>& losses) {
        Body body;
        for (const longhaul_Loss& loss : losses) {
            longhaul_SystemEntry entry = longhaul_SystemEntry_init_zero;
            entry.which_entry = longhaul_SystemEntry_loss_tag;
            entry.entry.loss = loss;
            body.system(entry);
        }
        block(epoch, epoch.block(number, body));
    }
    // A later boot, which found the one before in good order, and its blocks up to this one.
    void next_epoch(std::uint32_t number, std::uint32_t previous_last = 0) {
        EpochMaker& next = later.try_emplace(number, "acme", "bus-1", 7, number).first->second;
        next.stream(1, "thing", *thing);
        next.record.previous_epoch = number - 1;
        next.record.previous_clean = true;
        if (previous_last != 0) {
            next.record.previous_ends_count = 1;
            next.record.previous_ends[0].block_class =
                static_cast<std::uint32_t>(BlockClass::normal);
            next.record.previous_ends[0].last_number = previous_last;
        }
        epoch(next);
    }
    void send_of(std::uint32_t epoch, std::uint32_t number) {
        Body body;
        body.samples(1, *thing, {1}, {{Value::of_integer(number)}});
        block(later.at(epoch), later.at(epoch).block(number, body));
    }
    void tell_of(std::uint32_t epoch, std::uint32_t number,
                 const std::vector<longhaul_Loss>& losses) {
        tell_with(later.at(epoch), number, losses);
    }
    std::map<std::uint32_t, EpochMaker> later;

    AuditReport report() {
        collector::LocalStore lake{disk};
        const auto settled = settled_offsets(disk, *journal);
        const auto contents = read_lake(lake);
        REQUIRE(contents.ok());
        auto audited = audit(*journal, contents.value(), {}, settled);
        REQUIRE(audited.ok());
        check_begins(*journal, settled, audited.value());
        return std::move(audited).value();
    }

    // Commits to the table as another engine would.
    void commit_by_hand(const std::string& line) {
        const auto names = store->list("acme/thing/_delta_log");
        REQUIRE(names.ok());
        std::string name = std::to_string(names.value().size());
        name = "acme/thing/_delta_log/" + std::string(20 - name.size(), '0') + name + ".json";
        REQUIRE(store->put_if_absent(name, as_bytes(line + "\n")).ok());
    }
    collector::DataFile only_file() {
        collector::DeltaTable table{*store, "acme/thing"};
        REQUIRE(table.refresh().ok());
        REQUIRE(table.state().files.size() == 1);
        return table.state().files.begin()->second;
    }
};

// Of class normal.
inline longhaul_Loss lost(BlockAt first, BlockAt last, std::uint64_t samples) {
    longhaul_Loss loss = longhaul_Loss_init_zero;
    loss.epoch = first.first;
    loss.first_seq = BlockSeq::of(BlockClass::normal, first.second).value;
    if (last.first != first.first) loss.last_epoch = last.first;
    loss.last_seq = BlockSeq::of(BlockClass::normal, last.second).value;
    loss.samples = samples;
    loss.reason = longhaul_LossReason_LOSS_REASON_FULL;
    return loss;
}

inline bool holds(const AuditReport& report) {
    const AuditCounts& totals = report.totals;
    return report.problems.empty() && totals.holes == 0 && totals.wrong == 0 &&
           totals.duplicates == 0;
}

}  // namespace longhaul::test
