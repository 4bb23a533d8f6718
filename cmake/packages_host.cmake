# Libraries that Debian packages for the machine that builds.
include_guard(GLOBAL)

find_package(SQLite3 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
find_package(ZLIB REQUIRED)
find_library(LH_ZSTD zstd REQUIRED)
find_path(LH_ZSTD_INCLUDE zstd.h REQUIRED)
add_library(lh_zstd UNKNOWN IMPORTED)
set_target_properties(lh_zstd PROPERTIES
  IMPORTED_LOCATION "${LH_ZSTD}" INTERFACE_INCLUDE_DIRECTORIES "${LH_ZSTD_INCLUDE}")
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
# The core alone: the package's own configuration wants the web server and curl of its other parts.
find_library(LH_PROMETHEUS prometheus-cpp-core REQUIRED)
find_path(LH_PROMETHEUS_INCLUDE prometheus/text_serializer.h REQUIRED)
add_library(prometheus-cpp::core UNKNOWN IMPORTED)
set_target_properties(prometheus-cpp::core PROPERTIES
  IMPORTED_LOCATION "${LH_PROMETHEUS}" INTERFACE_INCLUDE_DIRECTORIES "${LH_PROMETHEUS_INCLUDE}")
