#include "common/block/model.hpp"

#include <algorithm>

#include "common/block/crypto.hpp"
#include "common/block/limits.hpp"

namespace longhaul {
namespace {

constexpr std::uint8_t model_version = 1;

// Passes over a column; fails the reader when it is none.
void check_column(ByteReader& in) {
    std::size_t contexts = 0;
    for (std::size_t runs = in.u8(); runs > 0 && in.ok(); --runs) {
        contexts += in.u8();
        const std::size_t count = in.u8();
        contexts += count;
        if (contexts > codec2_context::count) return in.fail();
        in.bytes(2 * count);
    }
}

constexpr std::size_t mix_entry_bytes = 4;

// Whether a column's numbers are known when those of another are coded: what is moved comes in the
// order of the columns, but the times after the fields, and then the fields that are taken from
// them.
bool comes_before(const MixEntry& key, const MixEntry& other) {
    const auto turn = [](const MixEntry& entry) {
        if (entry.column == 0) return limits::schema_fields_max + 1;
        return entry.column + (is_from_time(entry.form) ? limits::schema_fields_max + 1 : 0);
    };
    return key.form == MixForm::in_place || turn(key) < turn(other);
}

bool good_entry(const MixEntry& entry, std::size_t least) {
    const bool moved = entry.form != MixForm::in_place;
    return entry.column >= least && entry.column <= limits::schema_fields_max &&
           entry.form <= MixForm::from_time_s && entry.key <= limits::schema_fields_max &&
           (entry.key == 0 || entry.key != entry.column) &&
           (entry.column != 0 || !is_from_time(entry.form)) &&
           (moved ? entry.width >= 1 && entry.width <= 8 : entry.width == 0);
}

bool good_entries(Bytes entries) {
    std::array<MixEntry, limits::schema_fields_max + 1> found{};
    std::size_t least = 0;
    ByteReader in{entries};
    while (in.remaining() > 0) {
        const MixEntry entry = read_mix_entry(in);
        if (!good_entry(entry, least)) return false;
        least = std::size_t{entry.column} + 1;
        found[entry.column] = entry;
    }
    return std::all_of(found.begin(), found.end(), [&found](const MixEntry& entry) {
        return entry.key == 0 || comes_before(found[entry.key], entry);
    });
}

bool good_examples(Bytes examples) {
    ByteReader in{examples};
    while (in.remaining() > 0 && in.ok()) {
        in.u8();
        const std::uint64_t size = in.varint();
        if (size > in.remaining()) return false;
        in.bytes(static_cast<std::size_t>(size));
    }
    return in.ok();
}

// Fills the table from a column that was checked; returns what is behind it. A device does this for
// every column of every section, so no byte is looked at twice.
const std::byte* load_column(const std::byte* at, ColumnContexts& contexts) {
    BitModel* context = contexts.data();
    for (auto runs = static_cast<unsigned>(*at++); runs > 0; --runs) {
        BitModel* const begin = context + static_cast<unsigned>(*at++);
        while (context != begin) *context++ = {};
        BitModel* const end = begin + static_cast<unsigned>(*at++);
        for (; context != end; at += 2) {
            *context++ = BitModel::stored(static_cast<std::uint16_t>(
                static_cast<unsigned>(at[0]) | static_cast<unsigned>(at[1]) << 8));
        }
    }
    while (context != contexts.data() + contexts.size()) *context++ = {};
    return at;
}

constexpr std::size_t run_max = 255;

// Whether a run goes on at this place: one entry of no knowledge costs less than a new run.
bool run_goes_on(const StoredContexts& contexts, std::size_t at) {
    if (at < contexts.size() && contexts[at] != stored_half) return true;
    return at + 1 < contexts.size() && contexts[at + 1] != stored_half;
}

// Calls take(skipped, first, count) for each run; none is longer than a byte can say.
template <class Take>
void for_each_run(const StoredContexts& contexts, Take take) {
    std::size_t end = 0;
    for (std::size_t i = 0; i < contexts.size();) {
        if (contexts[i] == stored_half && i - end < run_max) {
            ++i;
            continue;
        }
        const std::size_t first = i;
        while (i - first < run_max && run_goes_on(contexts, i)) ++i;
        take(first - end, first, i - first);
        end = i;
    }
}

}  // namespace

Model Model::cold() {
    Model model;
    model.cold_ = true;
    return model;
}

Result<Model> Model::parse(Bytes encoded) {
    if (encoded.size() > limits::model_bytes_max) return Error{ErrorCode::too_large, "model"};
    ByteReader in{encoded};
    if (in.u8() != model_version) return Error{ErrorCode::unsupported, "model version"};
    Model model;
    model.column_count_ = in.u8();
    if (model.column_count_ > limits::schema_fields_max + 1)
        return Error{ErrorCode::malformed, "columns of a model"};
    model.columns_ = in.rest();
    for (std::size_t i = 0; i < model.column_count_; ++i) {
        check_column(in);
    }
    if (!in.ok()) return Error{ErrorCode::malformed, "a column of a model"};
    model.columns_ = model.columns_.first(model.columns_.size() - in.remaining());
    const std::uint64_t dictionary_bytes = in.varint();
    if (dictionary_bytes > in.remaining() || !in.ok())
        return Error{ErrorCode::malformed, "dictionary of a model"};
    model.dictionary_ = in.bytes(static_cast<std::size_t>(dictionary_bytes));
    if (in.remaining() == 0) return model;
    model.mix_entries_ = in.bytes(mix_entry_bytes * in.u8());
    model.mix_examples_ = in.rest();
    if (!in.ok() || !good_entries(model.mix_entries_) || !good_examples(model.mix_examples_))
        return Error{ErrorCode::malformed, "mixing part of a model"};
    return model;
}

MixEntry read_mix_entry(ByteReader& in) {
    MixEntry entry;
    entry.column = in.u8();
    entry.form = static_cast<MixForm>(in.u8());
    entry.key = in.u8();
    entry.width = in.u8();
    return entry;
}

void ModelReader::next_column(ContextSet set, ColumnContexts& contexts) {
    if (cold_) return contexts.fill({});
    if (columns_left_ == 0) {
        load_column(builtin_column(set).data(), contexts);
        return;
    }
    --columns_left_;
    const std::byte* end = load_column(rest_.data(), contexts);
    rest_ = rest_.subspan(static_cast<std::size_t>(end - rest_.data()));
}

void write_model_column(const StoredContexts& contexts, ByteWriter& out) {
    std::size_t runs = 0;
    for_each_run(contexts, [&runs](std::size_t, std::size_t, std::size_t) { ++runs; });
    out.u8(static_cast<std::uint8_t>(runs));
    for_each_run(contexts, [&](std::size_t skipped, std::size_t first, std::size_t count) {
        out.u8(static_cast<std::uint8_t>(skipped));
        out.u8(static_cast<std::uint8_t>(count));
        for (std::size_t i = 0; i < count; ++i) out.u16(contexts[first + i]);
    });
}

ModelHash model_hash(Bytes encoded) { return sha256(encoded); }

}  // namespace longhaul
