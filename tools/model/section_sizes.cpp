#include "tools/model/section_sizes.hpp"

#include "common/base/check.hpp"

namespace longhaul {

std::size_t SectionSizes::smallest(CodecSet codecs, const Model& model, const SampleRun& run) {
    RowSource source{run, schema_.fields.size()};
    const auto chosen = encode_smallest_section(codecs, schema_, run.times.size(), source,
                                                aids(model, true), {encoder_.get(), column_}, out_);
    LH_CHECK(chosen.has_value());
    return chosen->bytes;
}

Bytes SectionSizes::example(const Model& model, const SampleRun& run) {
    RowSource source{run, schema_.fields.size()};
    const auto size =
        mixing_.encode(schema_, run.times.size(), source, aids(model, true), *encoder_, out_);
    return Bytes{out_}.first(size.value_or(0));
}

Bytes SectionSizes::literals(const SampleRun& run) {
    RowSource source{run, schema_.fields.size()};
    const auto size =
        encode_codec2(schema_, run.times.size(), source, aids({}, false), *encoder_, out_);
    if (!size) return {};
    ByteReader in{Bytes{out_}.first(*size)};
    if (in.u8() == 0) return {};
    const auto count = static_cast<std::size_t>(in.varint());
    return in.rest().last(count);
}

std::vector<SampleRun> spread_sections(std::span<const SampleRun> runs, std::size_t samples,
                                       std::size_t samples_max) {
    std::vector<SampleRun> all;
    for (const SampleRun& run : runs) {
        for (std::size_t at = 0; at < run.times.size(); at += samples) {
            const std::size_t left = std::min(samples, run.times.size() - at);
            if (4 * left >= samples) all.push_back(run.part(at, left));
        }
    }
    const std::size_t wanted = std::max<std::size_t>(1, samples_max / samples);
    if (all.size() <= wanted) return all;
    std::vector<SampleRun> some;
    for (std::size_t i = 0; i < wanted; ++i) some.push_back(all[i * all.size() / wanted]);
    return some;
}

}  // namespace longhaul
