// Reads a golden file: hexadecimal text in which white space means nothing.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <cctype>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/hex.hpp"

namespace longhaul::test {

// `name` is relative to tests/golden; tests run in the repository's root.
inline std::vector<std::byte> golden(const std::string& name) {
    std::ifstream file{"tests/golden/" + name};
    INFO("tests/golden/" << name);
    REQUIRE(file);
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
    REQUIRE(text.size() % 2 == 0);
    REQUIRE(text.find_first_not_of("0123456789abcdef") == std::string::npos);
    return from_hex(text);
}

}  // namespace longhaul::test
