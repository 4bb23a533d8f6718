// A new empty disk, of the operating system or simulated: what contract suites run on.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "collector/disk/posix_disk.hpp"
#include "firmware-sim/sim_disk.hpp"

namespace longhaul {

class AnyDisk {
 public:
    explicit AnyDisk(const std::string& kind) {
        if (kind == "simulated") {
            disk_ = std::make_unique<sim::SimDisk>();
            return;
        }
        std::string name = std::filesystem::temp_directory_path() / "longhaul-disk-XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        root_ = name;
        auto opened = collector::PosixDisk::open_root(root_);
        REQUIRE(opened.ok());
        disk_ = std::move(opened).value();
    }
    ~AnyDisk() {
        std::error_code ignored;
        if (!root_.empty()) std::filesystem::remove_all(root_, ignored);
    }
    AnyDisk(const AnyDisk&) = delete;
    AnyDisk& operator=(const AnyDisk&) = delete;
    collector::Disk& operator*() { return *disk_; }
    collector::Disk* operator->() { return disk_.get(); }

 private:
    std::string root_;
    std::unique_ptr<collector::Disk> disk_;
};

// Runs the test case once for each kind.
inline std::string kind_of_disk() { return GENERATE(as<std::string>{}, "posix", "simulated"); }

}  // namespace longhaul
