#include "collector/lake/row_sum.hpp"

#include <bit>
#include <cmath>
#include <cstring>

namespace longhaul::collector {
namespace {

// Multiplies and folds (wyhash's way), so that each bit reaches every other.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

constexpr std::uint64_t salt_value = 0xa076'1d64'78bd'642f;
constexpr std::uint64_t salt_null = 0xe703'7ed1'a0b4'28db;
constexpr std::uint64_t salt_low = 0x8ebc'6af0'9c88'c6e3;
constexpr std::uint64_t salt_high = 0x5899'65cc'7537'4cc3;

std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = mix(text.size() ^ salt_value, salt_low);
    for (std::size_t at = 0; at < text.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, std::min<std::size_t>(8, text.size() - at));
        hash = mix(hash ^ word, salt_high);
    }
    return hash;
}

constexpr std::uint64_t any_nan = 0x7ff8'0000'0000'0000;

// `single`: these are a float's bits.
std::uint64_t real_bits(double value, bool single, Nans nans) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    if (nans == Nans::by_bits) return bits;
    const bool nan = single ? std::isnan(std::bit_cast<float>(static_cast<std::uint32_t>(bits)))
                            : std::isnan(value);
    return nan ? any_nan : bits;
}

void add_column(ColumnType type, const ColumnData& data, Nans nans,
                std::vector<std::uint64_t>& hashes) {
    const auto each = [&](auto value_of) {
        for (std::size_t row = 0; row < hashes.size(); ++row) {
            const std::uint64_t value = data.valid[row] ? value_of(row) ^ salt_value : salt_null;
            hashes[row] = mix(hashes[row] + salt_low, value ^ std::rotl(hashes[row], 23));
        }
    };
    switch (type) {
        case ColumnType::string:
        case ColumnType::binary:
            return each([&data](std::size_t row) { return hash_of(data.text(row)); });
        case ColumnType::real:
        case ColumnType::decimal_real:
        case ColumnType::single:
            return each([&](std::size_t row) {
                return real_bits(data.reals[row], type == ColumnType::single, nans);
            });
        default:
            return each([&data](std::size_t row) {
                return static_cast<std::uint64_t>(data.integers[row]);
            });
    }
}

}  // namespace

std::vector<std::uint64_t> row_hashes(const std::vector<Column>& columns,
                                      const std::vector<ColumnData>& data, Nans nans) {
    if (data.empty()) return {};
    std::vector<std::uint64_t> hashes(data[0].valid.size(), salt_high);
    for (std::size_t i = 0; i < columns.size(); ++i)
        add_column(columns[i].type, data[i], nans, hashes);
    return hashes;
}

void RowSum::add(const std::vector<Column>& columns, const std::vector<ColumnData>& data) {
    const std::vector<std::uint64_t> hashes = row_hashes(columns, data, Nans::by_bits);
    rows += hashes.size();
    for (const std::uint64_t hash : hashes) {
        low += mix(hash ^ salt_low, salt_high);
        high += mix(hash ^ salt_high, salt_low);
    }
}

}  // namespace longhaul::collector
