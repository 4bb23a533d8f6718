// A new empty disk, of the operating system or simulated: what contract suites run on.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <memory>
#include <optional>
#include <string>

#include "collector/disk/posix_disk.hpp"
#include "firmware-sim/sim_disk.hpp"
#include "tests/support/temporary_folder.hpp"

namespace longhaul {

class AnyDisk {
 public:
    explicit AnyDisk(const std::string& kind) {
        if (kind == "simulated") {
            disk_ = std::make_unique<sim::SimDisk>();
            return;
        }
        root_.emplace();
        auto opened = collector::PosixDisk::open_root(root_->path());
        REQUIRE(opened.ok());
        disk_ = std::move(opened).value();
    }
    collector::Disk& operator*() { return *disk_; }
    collector::Disk* operator->() { return disk_.get(); }

 private:
    std::optional<test::TemporaryFolder> root_;
    std::unique_ptr<collector::Disk> disk_;
};

// Runs the test case once for each kind.
inline std::string kind_of_disk() { return GENERATE(as<std::string>{}, "posix", "simulated"); }

}  // namespace longhaul
