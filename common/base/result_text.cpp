// to_string() of an error, for programs on a host: no firmware image links this file, because a
// std::string needs a heap.
#include "common/base/result.hpp"

namespace longhaul {

std::string to_string(const Error& error) {
    std::string text = name_of(error.code);
    if (*error.detail != '\0') text.append(": ").append(error.detail);
    return text;
}

}  // namespace longhaul
