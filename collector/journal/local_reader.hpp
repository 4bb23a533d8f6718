// Reads one shard of a local journal, segment after segment, below its durable end.
//
// May run on another thread than the journal's: it shares nothing with it but the durable end, and
// bytes below that never change.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "collector/disk/disk.hpp"
#include "collector/journal/journal.hpp"

namespace longhaul::collector {

class LocalReader final : public JournalReader {
 public:
    // `durable_end` is the shard's, kept by the journal, which outlives the reader.
    LocalReader(Disk& disk, const std::atomic<Offset>& durable_end, Shard shard, std::uint64_t salt,
                Offset from)
        : disk_{disk}, durable_end_{durable_end}, shard_{shard}, salt_{salt}, offset_{from} {}

    Result<ReadEntry> next() override;
    Offset offset() const override { return offset_; }

 private:
    Bytes buffered() const;
    Status fill(Offset durable_end);
    Status open_segment();
    void skip_damage();

    Disk& disk_;
    const std::atomic<Offset>& durable_end_;
    Shard shard_;
    std::uint64_t salt_;
    Offset offset_;
    std::unique_ptr<DiskFile> file_;
    Offset segment_base_ = 0;
    Offset segment_end_ = 0;  // where the next one begins; no_end of the newest, as far as seen
    std::vector<std::byte> buffer_;
    Offset buffer_offset_ = 0;
};

}  // namespace longhaul::collector
