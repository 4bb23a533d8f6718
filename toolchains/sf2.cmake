# Emcraft's SmartFusion2 module: Cortex-M3, 256 KiB flash, 64 KiB of internal RAM, 16 MiB SPI NOR. The image needs nothing of
# the module's external memory.
set(LH_BOARD emcraft_sf2)
set(LH_CPU_FLAGS "-mcpu=cortex-m3")
set(LH_FLASH_ORIGIN 0x00000000)
set(LH_FLASH_BYTES 0x40000)
set(LH_RAM_ORIGIN 0x20000000)
set(LH_RAM_BYTES 0x10000)
set(LH_STACK_BYTES 8192)
set(LH_TLS13 OFF)
set(LH_SMALL_FRAMES ON)
include("${CMAKE_CURRENT_LIST_DIR}/arm-none-eabi.cmake")
