#include "agent/core/model_fit.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace longhaul::agent;

TEST_CASE("model fit: a section in sixteen is compared, the first one too") {
    ModelFit fit;
    int due = 0;
    for (int i = 0; i < 33; ++i) due += fit.due() ? 1 : 0;
    CHECK(due == 3);
}

TEST_CASE("model fit: a few sections are no opinion") {
    ModelFit fit;
    for (int i = 0; i < 3; ++i) fit.compare(200, 100);
    CHECK_FALSE(fit.is_worse());
    fit.compare(200, 100);
    CHECK(fit.is_worse());
}

TEST_CASE("model fit: what was long ago is forgotten, both ways") {
    ModelFit fit;
    for (int i = 0; i < 1000; ++i) fit.compare(50, 100);
    CHECK_FALSE(fit.is_worse());
    for (int i = 0; i < 64; ++i) fit.compare(120, 100);
    CHECK(fit.is_worse());
    for (int i = 0; i < 64; ++i) fit.compare(80, 100);
    CHECK_FALSE(fit.is_worse());
}
