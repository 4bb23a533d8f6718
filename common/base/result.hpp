// Status and Result<T>: how every part says that the world said no. Nothing is thrown.
//
// An Error is a code that callers may act upon and, optionally, a static sentence about the place.
// Host programs that owe a person a whole sentence (configuration, files) use Message instead.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "common/base/check.hpp"

namespace longhaul {

enum class ErrorCode : std::uint8_t {
    truncated,    // bytes end before what they announce
    malformed,    // bytes that no version of the format allows
    unsupported,  // a version, kind or codec that this build does not know
    too_large,    // a length or count above its limit
    corrupt,      // a checksum or an authentication tag does not match
    full,         // no room in the store, buffer or window
    not_found,
    exists,
    denied,  // identity, signature or permission
    closed,  // the other side, or the store, has ended
    unreachable,
    io,            // the operating system or a library said no
    out_of_order,  // valid bytes at a moment where the protocol forbids them
};

// The code's name as it appears in logs and documents, for example "truncated".
const char* name_of(ErrorCode code);

struct Error {
    ErrorCode code;
    const char* detail = "";  // static text, never freed

    constexpr Error(ErrorCode code_in, const char* detail_in = "")
        : code{code_in}, detail{detail_in} {}
    friend constexpr bool operator==(const Error& a, const Error& b) { return a.code == b.code; }
};

// "corrupt: block tag does not match". For hosts; defined apart, because firmware has no heap.
std::string to_string(const Error& error);

// A sentence for a person: what happened, where, what to do next.
struct Message {
    std::string text;
};

template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
    Result(T value) : state_{std::in_place_index<0>, std::move(value)} {}
    Result(E error) : state_{std::in_place_index<1>, std::move(error)} {}
    // `return ErrorCode::corrupt;` reads better than spelling out the Error.
    Result(ErrorCode code) : state_{std::in_place_index<1>, E{code}} {}

    bool ok() const { return state_.index() == 0; }
    T& value() & {
        LH_CHECK(ok());
        return *std::get_if<0>(&state_);
    }
    const T& value() const& {
        LH_CHECK(ok());
        return *std::get_if<0>(&state_);
    }
    T&& value() && {
        LH_CHECK(ok());
        return std::move(*std::get_if<0>(&state_));
    }
    const E& error() const {
        LH_CHECK(!ok());
        return *std::get_if<1>(&state_);
    }

 private:
    std::variant<T, E> state_;
};

template <class E>
class [[nodiscard]] Result<void, E> {
 public:
    Result() : state_{std::in_place_index<0>} {}
    Result(E error) : state_{std::in_place_index<1>, std::move(error)} {}
    Result(ErrorCode code) : state_{std::in_place_index<1>, E{code}} {}

    bool ok() const { return state_.index() == 0; }
    const E& error() const {
        LH_CHECK(!ok());
        return *std::get_if<1>(&state_);
    }

 private:
    std::variant<std::monostate, E> state_;
};

using Status = Result<void>;

}  // namespace longhaul

#define LH_CONCAT_AS_IS(a, b) a##b
#define LH_CONCAT(a, b) LH_CONCAT_AS_IS(a, b)

// Returns the error to the caller, or goes on.
#define LH_TRY(expression)                                    \
    do {                                                      \
        if (auto lh_status = (expression); !lh_status.ok()) { \
            return lh_status.error();                         \
        }                                                     \
    } while (false)

// LH_TRY_ASSIGN(const BlockHeader header, parse_block_header(raw));
#define LH_TRY_ASSIGN(declaration, expression)           \
    auto LH_CONCAT(lh_result_, __LINE__) = (expression); \
    if (!LH_CONCAT(lh_result_, __LINE__).ok()) {         \
        return LH_CONCAT(lh_result_, __LINE__).error();  \
    }                                                    \
    declaration = std::move(LH_CONCAT(lh_result_, __LINE__)).value()
