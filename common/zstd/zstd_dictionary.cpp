#include "common/zstd/zstd_dictionary.hpp"

// The choice of parameters is outside of zstd's stable interface.
#define ZDICT_STATIC_LINKING_ONLY  // NOLINT(readability-identifier-naming): the name is theirs
#include <zdict.h>

namespace longhaul {

std::vector<std::byte> train_zstd_dictionary(Bytes bytes, std::span<const std::size_t> samples,
                                             std::size_t bytes_max) {
    constexpr unsigned segment = 200;
    std::vector<std::byte> dictionary(bytes_max);
    ZDICT_fastCover_params_t parameters{};
    parameters.k = segment;
    parameters.d = 6;
    parameters.f = 18;
    parameters.accel = 1;
    parameters.nbThreads = 1;
    parameters.zParams.compressionLevel = 3;
    const std::size_t size = ZDICT_trainFromBuffer_fastCover(
        dictionary.data(), dictionary.size(), bytes.data(), samples.data(),
        static_cast<unsigned>(samples.size()), parameters);
    dictionary.resize(ZDICT_isError(size) != 0 ? 0 : size);
    return dictionary;
}

}  // namespace longhaul
