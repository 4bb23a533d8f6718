#include "agent/platform/linux/model_folder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <fstream>

#include "common/host/files.hpp"
#include "tests/support/model.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::agent;

TEST_CASE("model folder: what was kept is found by the next process, as long as it is wanted") {
    const test::TemporaryFolder folder;
    const std::string path = folder.path() + "/spool.db-models";
    const auto first = test::small_model();
    const auto second = test::small_model(0x7000);
    {
        ModelFolder models{path};
        CHECK(models.find(model_hash(first)).empty());
        models.keep_only({});  // there is no folder yet
        REQUIRE(models.keep(model_hash(first), first).ok());
        REQUIRE(models.keep(model_hash(second), second).ok());
    }
    ModelFolder models{path};
    const Bytes found = models.find(model_hash(first));
    CHECK(equal(found, first));
    const std::array<ModelHash, 1> wanted{model_hash(second)};
    models.keep_only(wanted);
    CHECK(equal(found, first));  // stays valid
    ModelFolder later{path};
    CHECK(later.find(model_hash(first)).empty());
    CHECK(equal(later.find(model_hash(second)), second));
}

TEST_CASE("model folder: a file that has changed is no model") {
    const test::TemporaryFolder folder;
    const std::string path = folder.path() + "/models";
    const auto model = test::small_model();
    ModelFolder models{path};
    REQUIRE(models.keep(model_hash(model), model).ok());
    const auto files = paths_in(path);
    REQUIRE(files.ok());
    REQUIRE(files.value().size() == 1);
    std::ofstream{files.value()[0], std::ios::app} << "x";
    CHECK(models.find(model_hash(model)).empty());
}
