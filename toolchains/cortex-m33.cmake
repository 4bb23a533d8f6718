# Arm MPS2 with the image AN505: Cortex-M33 with a floating-point unit, in its secure state. Its image has codec 1 as well, for devices
# whose identity block asks for it.
set(LH_BOARD mps2_an505)
set(LH_CPU_FLAGS "-mcpu=cortex-m33 -mfpu=fpv5-sp-d16 -mfloat-abi=hard")
set(LH_FLASH_ORIGIN 0x10000000)
set(LH_FLASH_BYTES 0x400000)
set(LH_RAM_ORIGIN 0x38000000)
set(LH_RAM_BYTES 0x400000)
set(LH_STACK_BYTES 16384)
set(LH_TLS13 ON)
set(LH_ZSTD ON)
include("${CMAKE_CURRENT_LIST_DIR}/arm-none-eabi.cmake")
