# ARMv7-A with hardware floating point, which every 32-bit board of the last ten years has. Times and file sizes have 64 bits.
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(LH_TRIPLET arm-linux-gnueabihf)
set(LH_CPU_FLAGS "-march=armv7-a -mfpu=vfpv3-d16 -mfloat-abi=hard -mthumb -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64")
set(LH_EMULATOR qemu-arm)
include("${CMAKE_CURRENT_LIST_DIR}/linux.cmake")
