#include "collector/lake/merge.hpp"

#include <algorithm>
#include <optional>

namespace longhaul::collector {
namespace {

// A row group is what an engine leaves out or reads as a whole.
constexpr std::size_t group_rows = 256 << 10;
constexpr std::size_t group_bytes_max = 128 << 20;

std::optional<std::size_t> position_of(const std::vector<Column>& columns, const char* name) {
    const auto found = std::find_if(columns.begin(), columns.end(),
                                    [name](const Column& column) { return column.name == name; });
    if (found == columns.end()) return std::nullopt;
    return static_cast<std::size_t>(found - columns.begin());
}

// One input: the rows of its current piece, up to the first that has not been taken.
struct Cursor {
    std::unique_ptr<ParquetReader> reader;
    std::vector<ColumnData> piece;
    std::uint32_t at = 0;
    std::uint32_t rows = 0;

    // False: it has no more.
    Result<bool> load() {
        LH_TRY_ASSIGN(piece, reader->next());
        at = 0;
        rows = piece.empty() ? 0 : static_cast<std::uint32_t>(piece[0].valid.size());
        return rows != 0;
    }
};

class Merge {
 public:
    Merge(const std::vector<Column>& columns, ObjectWriter& out, const StopAsked& stop)
        : columns_{columns}, out_{out}, stop_{stop}, batch_{columns} {
        device_ = position_of(columns, "device");
        time_ = position_of(columns, "event_time");
        sorted_ = device_ && time_;
    }

    Result<MergedFile> run(const std::vector<std::vector<std::byte>>& inputs) {
        LH_TRY_ASSIGN(writer_, ParquetWriter::open(columns_, merged_level, out_));
        cursors_.resize(inputs.size());
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            LH_TRY_ASSIGN(cursors_[i].reader, ParquetReader::open(inputs[i], columns_));
            LH_TRY(load(i));
        }
        while (!heap_.empty()) LH_TRY(take_run());
        LH_TRY(flush());
        if (batch_.rows() != 0) LH_TRY(write_group());
        LH_TRY_ASSIGN(merged_.file, writer_->finish());
        return merged_;
    }

 private:
    // Puts the cursor back among those that have rows.
    Status load(std::size_t index) {
        LH_TRY(go_on_unless(stop_));
        LH_TRY_ASSIGN(const bool has_rows, cursors_[index].load());
        if (!has_rows) {
            cursors_[index] = {};
            return {};
        }
        merged_.sum.add(columns_, cursors_[index].piece);
        push(index);
        return {};
    }

    // The cursor whose row is next, and all its rows before those of every other cursor.
    Status take_run() {
        const std::size_t index = pop();
        Cursor& cursor = cursors_[index];
        do {
            pending_.push_back({&cursor.piece, cursor.at++});
            if (batch_.rows() + pending_.size() == group_rows) {
                LH_TRY(flush());
                LH_TRY(write_group());
            }
        } while (cursor.at < cursor.rows && (heap_.empty() || !after(index, heap_.front())));
        if (cursor.at < cursor.rows) {
            push(index);
            return {};
        }
        LH_TRY(flush());  // what is pending points into the piece
        if (batch_.bytes() >= group_bytes_max) LH_TRY(write_group());
        return load(index);
    }

    Status flush() {
        batch_.append_rows(pending_);
        pending_.clear();
        return {};
    }

    Status write_group() {
        LH_TRY(writer_->write(batch_, batch_.arrival_order()));
        batch_ = Batch{columns_};
        return {};
    }

    // Whether the row of cursor `a` comes behind that of `b`.
    bool after(std::size_t a, std::size_t b) const {
        if (!sorted_) return a > b;
        const Cursor& one = cursors_[a];
        const Cursor& other = cursors_[b];
        const int by_device =
            one.piece[*device_].text(one.at).compare(other.piece[*device_].text(other.at));
        if (by_device != 0) return by_device > 0;
        const std::int64_t time = one.piece[*time_].integers[one.at];
        const std::int64_t other_time = other.piece[*time_].integers[other.at];
        return time != other_time ? time > other_time : a > b;
    }
    void push(std::size_t index) {
        heap_.push_back(index);
        std::push_heap(heap_.begin(), heap_.end(),
                       [this](std::size_t a, std::size_t b) { return after(a, b); });
    }
    std::size_t pop() {
        std::pop_heap(heap_.begin(), heap_.end(),
                      [this](std::size_t a, std::size_t b) { return after(a, b); });
        const std::size_t index = heap_.back();
        heap_.pop_back();
        return index;
    }

    const std::vector<Column>& columns_;
    ObjectWriter& out_;
    const StopAsked& stop_;
    std::optional<std::size_t> device_;
    std::optional<std::size_t> time_;
    bool sorted_ = false;
    std::unique_ptr<ParquetWriter> writer_;
    std::vector<Cursor> cursors_;
    std::vector<std::size_t> heap_;  // of cursors, the next one in front
    std::vector<Batch::RowPlace> pending_;
    Batch batch_;
    MergedFile merged_;
};

}  // namespace

Result<MergedFile> merge_files(const std::vector<std::vector<std::byte>>& inputs,
                               const std::vector<Column>& columns, ObjectWriter& out,
                               const StopAsked& stop) {
    return Merge{columns, out, stop}.run(inputs);
}

Result<RowSum> sum_of_file(Bytes parquet, const std::vector<Column>& columns,
                           const StopAsked& stop) {
    LH_TRY_ASSIGN(const auto reader, ParquetReader::open(parquet, columns));
    RowSum sum;
    for (;;) {
        LH_TRY(go_on_unless(stop));
        LH_TRY_ASSIGN(const std::vector<ColumnData> piece, reader->next());
        if (piece.empty()) return sum;
        sum.add(columns, piece);
    }
}

}  // namespace longhaul::collector
