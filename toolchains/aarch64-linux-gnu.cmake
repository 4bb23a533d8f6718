# 64-bit ARM.
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(LH_TRIPLET aarch64-linux-gnu)
set(LH_CPU_FLAGS "-march=armv8-a")
set(LH_EMULATOR qemu-aarch64)
include("${CMAKE_CURRENT_LIST_DIR}/linux.cmake")
