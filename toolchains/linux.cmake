# Linux on ARM: what both architectures share. Included by arm-linux-gnueabihf.cmake and aarch64-linux-gnu.cmake, which
# set LH_TRIPLET, LH_CPU_FLAGS and LH_EMULATOR. Programs are static, so that they run under any distribution of the device,
# and their tests run under QEMU's user mode.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER "${LH_TRIPLET}-gcc")
set(CMAKE_CXX_COMPILER "${LH_TRIPLET}-g++")
set(CMAKE_C_FLAGS_INIT "${LH_CPU_FLAGS} -ffunction-sections -fdata-sections")
set(CMAKE_CXX_FLAGS_INIT "${CMAKE_C_FLAGS_INIT}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -s -Wl,--gc-sections")
set(CMAKE_FIND_ROOT_PATH "/usr/${LH_TRIPLET}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
find_program(LH_QEMU NAMES "${LH_EMULATOR}" "${LH_EMULATOR}-static")
if(LH_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${LH_QEMU}")
endif()
