#include "common/mix/byte_mixer.hpp"

#include "common/base/check.hpp"

namespace longhaul {
namespace {

constexpr std::array<std::int32_t, 33> squash_points{
    1,    2,    4,    6,    10,   17,   27,   45,   74,   120,  194,
    311,  488,  747,  1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785,
    3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095};

constexpr std::array<std::uint16_t, 4096> make_squash() {
    std::array<std::uint16_t, 4096> table{};
    for (std::size_t t = 1; t < table.size(); ++t) {
        const std::size_t i = t / 128;
        const auto w = static_cast<std::int32_t>(t % 128);
        table[t] = static_cast<std::uint16_t>(
            (squash_points[i] * (128 - w) + squash_points[i + 1] * w + 64) / 128);
    }
    return table;
}
// By d + 2048.
constexpr std::array<std::uint16_t, 4096> squash_table = make_squash();

constexpr std::array<std::int16_t, 4096> make_stretch() {
    std::array<std::int16_t, 4096> table{};
    std::size_t place = 1;  // of d = -2047
    for (std::size_t p = 0; p < table.size(); ++p) {
        while (place < table.size() - 1 && squash_table[place] < p) ++place;
        table[p] = static_cast<std::int16_t>(static_cast<std::int32_t>(place) - 2048);
    }
    return table;
}
constexpr std::array<std::int16_t, 4096> stretch_table = make_stretch();

constexpr std::array<std::int32_t, 16> make_rates() {
    std::array<std::int32_t, 16> rates{};
    for (std::int32_t seen = 0; seen < 16; ++seen)
        rates[static_cast<std::size_t>(seen)] = 65536 / (seen + 2);
    return rates;
}
constexpr std::array<std::int32_t, 16> rates = make_rates();

std::int32_t stretch(mix::Counter counter) { return stretch_table[counter >> 4]; }

void learn_counter(mix::Counter& counter, bool bit) {
    constexpr std::int32_t certain = 0xfff0;
    const std::int32_t probability = counter & 0xfff0;
    const std::int32_t seen = counter & 0x0f;
    const std::int64_t way = (bit ? certain : 0) - probability;
    const auto learnt =
        static_cast<std::int32_t>(way * rates[static_cast<std::size_t>(seen)] / 65536);
    counter = static_cast<mix::Counter>(((probability + learnt) & 0xfff0) | std::min(seen + 1, 15));
}

constexpr std::size_t match_input = mix::contexts + mix::expectations;
constexpr std::size_t constant_input = match_input + 1;
constexpr std::uint32_t match_length_min = 4;
constexpr std::uint32_t match_length_looked = 32;

// Spread, because most nodes of a byte are never met.
std::size_t place_of_node(std::uint32_t base, unsigned node) {
    return (base + node * 1021) % (std::uint32_t{1} << 16);
}

bool in_a_word(std::uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z');
}

}  // namespace

void ByteMixer::reset() {
    for (auto& table : counters_) table.fill(mix::counter_even);
    expected_counters_.fill(mix::counter_likely);
    match_counters_.fill(mix::counter_likely);
    mix::Inputs weights;
    weights.fill(6554);
    weights[constant_input] = 0;
    column_weights_.fill(weights);
    place_weights_.fill(weights);
    history_.fill(0);
    used_ = 0;
    match_places_.fill(0);
    last_of_column_.fill({});
    last_key_sum_.fill(0);
    remembered_.fill({});
    match_ = 0;
    match_length_ = 0;
    inputs_.fill(0);
    inputs_[constant_input] = 256;
}

ByteMixer::Key::Key(std::int64_t number) {
    const auto bits = static_cast<std::uint64_t>(number);
    hash = mix::hash(static_cast<std::uint32_t>(bits) ^ static_cast<std::uint32_t>(bits >> 32));
    for (std::uint64_t rest = bits; rest != 0; rest >>= 8) sum += static_cast<std::uint8_t>(rest);
}

void ByteMixer::begin_value(std::size_t column, const Key& key) {
    column_ = column;
    key_ = key;
    const std::uint32_t check =
        mix::hash(mix::hash(static_cast<std::uint32_t>(column + 1)) + key.hash);
    Remembered& memory = remembered_[check >> 20];
    same_key_ = memory.any && memory.check == check;
    if (!same_key_) memory = {.check = check, .any = false, .last = {}, .before_last = {}};
    above_ = same_key_ ? memory.last : last_of_column_[column];
    above2_ = memory.before_last;
    memory_slot_ = check >> 20;
    begin_ = used_;
    index_ = word_ = sum_above_ = 0;
    sum_ = same_key_ ? 0 : key.sum - last_key_sum_[column];
}

void ByteMixer::end_value() {
    const Place place{begin_, used_ - begin_};
    Remembered& memory = remembered_[memory_slot_];
    memory.before_last = memory.any ? memory.last : Place{};
    memory.last = place;
    memory.any = true;
    last_of_column_[column_] = place;
    last_key_sum_[column_] = key_.sum;
}

void ByteMixer::expect(std::size_t which, bool there, std::uint32_t byte, std::uint32_t slot) {
    hopeful_[which] = there;
    expected_[which] = byte & 0xff;
    expected_bases_[which] =
        mix::hash(slot + static_cast<std::uint32_t>(which) * 0x5bd1e995U) >> 16;
}

void ByteMixer::begin_byte() {
    LH_CHECK(used_ < history_.size());
    const std::uint32_t k = beside(above_);
    const std::uint32_t k2 = beside(above2_);
    const std::uint32_t b = beside(last_of_column_[column_]);
    const std::uint32_t p1 = index_ > 0 ? std::uint32_t{history_[used_ - 1]} + 1 : 0;
    const std::uint32_t p2 = index_ > 1 ? std::uint32_t{history_[used_ - 2]} + 1 : 0;
    const std::uint32_t column = (static_cast<std::uint32_t>(column_) + 1) * 0x1000193U;
    const std::uint32_t place = column + std::min(index_, 255U) * 0x1234567U;
    hashes_ = {place * 3 + k * 0x10001U, place * 5 + p1 * 0x30007U,
               column * 7 + p1 * 0x30007U + p2 * 0x500017U, place * 19 + key_.hash + p1 * 0x30007U,
               column * 29 + word_};
    for (std::uint32_t& hash : hashes_) hash *= 0x85ebca6bU;
    const std::uint32_t keyed = place * 43 + key_.hash;
    expect(0, k != 0, k - 1, keyed);
    expect(1, k != 0 && index_ > 0, k - 1 + sum_ - sum_above_, place * 43);
    expect(2, k2 != 0, 2 * (k - 1) - (k2 - 1), keyed);
    expect(3, b != 0, b - 1, place * 43);
    place_ =
        3 * std::size_t{std::min(index_, 20U)} + (k != 0 ? 1 : 0) + (k != 0 && same_key_ ? 1 : 0);
    if (key_.hash != 0) place_ = 63 + (mix::hash(keyed) >> 23);
    look_up(0);
}

// Where the counters of this half of the byte begin.
void ByteMixer::look_up(std::uint32_t half) {
    for (std::size_t i = 0; i < bases_.size(); ++i)
        bases_[i] = mix::hash(hashes_[i] ^ half * 0x2545f491U) >> 16;
    node_ = 1;
}

std::uint32_t ByteMixer::predict(int number) {
    for (std::size_t i = 0; i < mix::contexts; ++i)
        inputs_[i] = stretch(counters_[i][place_of_node(bases_[i], node_)]);
    const auto bit = static_cast<std::uint32_t>(number);
    for (std::size_t i = 0; i < mix::expectations; ++i) {
        const std::int32_t sure =
            hopeful_[i] ? stretch(expected_counters_[place_of_node(expected_bases_[i], bit)]) : 0;
        inputs_[mix::contexts + i] = (expected_[i] >> bit & 1) != 0 ? sure : -sure;
    }
    inputs_[match_input] = 0;
    if (match_length_ != 0) {
        const std::int32_t sure = stretch(match_counters_[std::min(match_length_, 15U)]);
        inputs_[match_input] = (history_[match_] >> bit & 1) != 0 ? sure : -sure;
    }
    std::int64_t sum = 0;
    const mix::Inputs& a = column_weights_[column_];
    const mix::Inputs& b = place_weights_[place_];
    for (std::size_t i = 0; i < mix::inputs; ++i)
        sum += std::int64_t{inputs_[i]} * (std::int64_t{a[i]} + b[i]);
    const auto d = std::clamp<std::int64_t>(sum >> 16, -2047, 2047);
    return std::clamp<std::uint32_t>(squash_table[static_cast<std::size_t>(d + 2048)], 1, 4095);
}

void ByteMixer::learn(int number, bool bit, std::uint32_t probability) {
    const std::int32_t error = 6 * ((bit ? 4096 : 0) - static_cast<std::int32_t>(probability));
    mix::Inputs& a = column_weights_[column_];
    mix::Inputs& b = place_weights_[place_];
    for (std::size_t i = 0; i < mix::inputs; ++i) {
        const auto step = static_cast<std::uint32_t>((inputs_[i] * error + (1 << 13)) >> 14);
        a[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(a[i]) + step);
        b[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(b[i]) + step);
    }
    for (std::size_t i = 0; i < mix::contexts; ++i)
        learn_counter(counters_[i][place_of_node(bases_[i], node_)], bit);
    learn_expectations(number, bit);
    node_ = node_ << 1 | (bit ? 1 : 0);
    if (number == 4) look_up(node_);
}

void ByteMixer::learn_expectations(int number, bool bit) {
    for (std::size_t i = 0; i < mix::expectations; ++i) {
        if (!hopeful_[i]) continue;
        const bool as_expected = ((expected_[i] >> number & 1) != 0) == bit;
        learn_counter(
            expected_counters_[place_of_node(expected_bases_[i], static_cast<unsigned>(number))],
            as_expected);
        hopeful_[i] = as_expected;
    }
    if (match_length_ == 0) return;
    const bool as_matched = ((history_[match_] >> number & 1) != 0) == bit;
    learn_counter(match_counters_[std::min(match_length_, 15U)], as_matched);
    if (!as_matched) match_length_ = 0;
}

void ByteMixer::end_byte(std::uint8_t byte) {
    sum_ += byte;
    sum_above_ += index_ < above_.size ? history_[above_.begin + index_] : 0U;
    word_ = in_a_word(byte) ? (word_ + byte + 1) * 0x2f0b4c47U : 0;
    history_[used_++] = byte;
    ++index_;
    if (match_length_ != 0) {
        ++match_;
        ++match_length_;
    }
    find_match();
}

void ByteMixer::find_match() {
    if (used_ < match_length_min) return;
    std::uint32_t hash = 0;
    for (std::uint32_t i = match_length_min; i > 0; --i)
        hash = hash * 0x2f0b4c47U + history_[used_ - i] + 1;
    std::uint32_t& place = match_places_[mix::hash(hash) >> 20];
    if (match_length_ == 0 && place != 0) {
        match_ = place;
        while (match_length_ < match_length_looked && match_length_ < match_ &&
               history_[match_ - 1 - match_length_] == history_[used_ - 1 - match_length_])
            ++match_length_;
        if (match_length_ < match_length_min) match_length_ = 0;
    }
    place = used_;
}

}  // namespace longhaul
