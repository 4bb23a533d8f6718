#include "common/mix/mixing_codec.hpp"

#include <algorithm>

#include "common/mix/mix_decoder.hpp"
#include "common/mix/mix_encoder.hpp"

namespace longhaul {
namespace {

// All that it depends on what the examples teach, each part with its end.
Result<std::vector<std::byte>> lesson_of(const Schema& schema, const Model& model) {
    constexpr std::size_t lengths = 2 * varint_bytes_max;
    std::vector<std::byte> lesson(limits::schema_bytes_max + limits::model_bytes_max + lengths);
    ByteWriter out{lesson};
    LH_TRY(encode_schema(schema, out));
    out.varint(model.columns().size());
    out.bytes(model.columns());
    out.varint(model.mix_entries().size());
    out.bytes(model.mix_entries());
    out.bytes(model.mix_examples());
    LH_CHECK(out.ok());
    lesson.resize(out.size());
    return lesson;
}

// The columns' coder, which leaves out what is moved.
struct LeavingCoder : RangeCoder {
    const std::array<bool, MixPlan::columns_max>& left_out;
    bool moved(std::size_t column) const { return left_out[column]; }
};

}  // namespace

MixingCodec::MixingCodec() : mixer_{std::make_unique<ByteMixer>()} {}
MixingCodec::~MixingCodec() = default;

// The examples are sections themselves, so that teaching is decoding them.
Status MixingCodec::teach(const Schema& schema, const Model& model) {
    begin_examples();
    std::vector<std::byte> plain(limits::section_plain_bytes_max);
    const CodecAids own{model, nullptr, plain};
    auto decoder = std::make_unique<Codec2Decoder>();
    const std::size_t fields = schema.fields.size();
    std::vector<std::int64_t> times(limits::section_samples_max);
    std::vector<Value> values(fields * limits::section_samples_max);
    std::vector<std::span<Value>> columns(fields);
    ByteReader in{model.mix_examples()};
    Status status;
    while (in.remaining() > 0 && status.ok()) {
        const std::size_t samples = std::size_t{in.u8()} + 1;
        const Bytes content = in.bytes(static_cast<std::size_t>(in.varint()));
        for (std::size_t i = 0; i < fields; ++i)
            columns[i] = std::span{values}.subspan(i * samples, samples);
        status = decode(schema, content, own, *decoder, std::span{times}.first(samples), columns);
        if (mixer_->room() < limits::section_plain_bytes_max)
            status = Error{ErrorCode::malformed, "examples of a model"};
    }
    end_examples();
    return status;
}

Status MixingCodec::prepare(const Schema& schema, const Model& model) {
    if (examples_) return {};
    if (model.mix_examples().empty()) {
        mixer_->reset();
        return {};
    }
    LH_TRY_ASSIGN(auto lesson, lesson_of(schema, model));
    const auto known = std::find_if(taught_.begin(), taught_.end(), [&lesson](const Taught& each) {
        return each.lesson == lesson;
    });
    if (known != taught_.end()) {
        std::rotate(known, known + 1, taught_.end());
    } else {
        const bool ok = teach(schema, model).ok();
        if (taught_.size() == taught_max) taught_.erase(taught_.begin());
        taught_.push_back({std::move(lesson), ok ? std::make_unique<ByteMixer>(*mixer_) : nullptr});
    }
    if (!taught_.back().mixer) return Error{ErrorCode::malformed, "examples of a model"};
    *mixer_ = *taught_.back().mixer;
    return {};
}

// An example that does not fit has taught nothing.
std::optional<std::size_t> MixingCodec::encode(const Schema& schema, std::size_t samples,
                                               SectionSource& source, const CodecAids& aids,
                                               Codec2Encoder& encoder, MutableBytes out) {
    if (!examples_) return encode_section(schema, samples, source, aids, encoder, out);
    const auto before = std::make_unique<ByteMixer>(*mixer_);
    auto size = encode_section(schema, samples, source, aids, encoder, out);
    if (mixer_->room() < limits::section_plain_bytes_max) size.reset();
    if (!size) *mixer_ = *before;
    return size;
}

std::optional<std::size_t> MixingCodec::encode_section(const Schema& schema, std::size_t samples,
                                                       SectionSource& source, const CodecAids& aids,
                                                       Codec2Encoder& encoder, MutableBytes out) {
    const MixPlan plan{schema, aids.model};
    if (!plan.any || !prepare(schema, aids.model).ok()) return std::nullopt;
    LeavingCoder coder{{ModelReader{aids.model}, encoder.contexts, RangeEncoder{out}}, plan.moved};
    SectionEncoder<LeavingCoder> section{samples, source, coder, encoder, aids.plain};
    section.times();
    for (std::size_t i = 0; i < schema.fields.size() && section.ok() && coder.range.ok(); ++i)
        section.field(i, schema.fields[i]);
    if (!section.ok()) return std::nullopt;
    MixEncoder mixed{*mixer_, coder.range};
    mixed.section(schema, plan, samples, source);
    const std::size_t size = coder.range.finish();
    const bool fits = mixed.ok() && mixed.values_bytes() <= values_bytes_max(size);
    return fits ? std::optional{size} : std::nullopt;
}

Status MixingCodec::decode(const Schema& schema, Bytes content, const CodecAids& aids,
                           Codec2Decoder& decoder, std::span<std::int64_t> times,
                           std::span<const std::span<Value>> columns) {
    const MixPlan plan{schema, aids.model};
    LH_TRY(prepare(schema, aids.model));
    SectionDecoder section{content, {}, aids.model, decoder, times.size(), plan.moved};
    LH_TRY(section.times(times));
    for (std::size_t i = 0; i < columns.size(); ++i)
        LH_TRY(section.field(i, schema.fields[i], columns[i]));
    MixDecoder mixed{*mixer_, section.range(), aids.plain, values_bytes_max(content.size())};
    LH_TRY(mixed.section(schema, plan, times, columns));
    return section.end();
}

}  // namespace longhaul
