# What an image has besides mbedTLS and nanopb: lwIP, and zstd where the toolchain file says so.
include_guard(GLOBAL)

set(_lwip "${LH_DEPS}/src/lwip/src")
if(NOT EXISTS "${_lwip}")
  message(FATAL_ERROR "No lwip under ${LH_DEPS}/src: run tools/setup build cross first")
endif()
foreach(_name init def inet_chksum ip mem memp netif pbuf stats sys tcp tcp_in tcp_out timeouts udp
        ipv4/dhcp ipv4/etharp ipv4/icmp ipv4/ip4 ipv4/ip4_addr)
  list(APPEND _lwip_sources "${_lwip}/core/${_name}.c")
endforeach()
add_library(lh_lwip STATIC ${_lwip_sources} "${_lwip}/netif/ethernet.c")
target_include_directories(lh_lwip PUBLIC "${_lwip}/include" "${CMAKE_SOURCE_DIR}/agent/platform/cortexm/lwip")
if(LH_SMALL_FRAMES)
  target_compile_definitions(lh_lwip PUBLIC LH_SMALL_FRAMES)
endif()
lh_third_party(lh_lwip)
if(LH_TLS13)
  target_compile_definitions(lh_mbedtls PUBLIC LH_TLS13)
endif()

# The half that compresses, with the fastest strategy alone; not inlined it is a third smaller.
if(LH_ZSTD)
  set(_zstd "${LH_DEPS}/src/libzstd/lib")
  file(GLOB _zstd_sources CONFIGURE_DEPENDS "${_zstd}/common/*.c" "${_zstd}/compress/*.c")
  add_library(lh_zstd STATIC ${_zstd_sources})
  target_include_directories(lh_zstd PUBLIC "${_zstd}")
  target_compile_options(lh_zstd PRIVATE -include "${CMAKE_SOURCE_DIR}/third_party/config/zstd_no_heap.h")
  target_compile_definitions(lh_zstd PRIVATE ZSTD_DISABLE_ASM=1 ZSTD_STRIP_ERROR_STRINGS=1 ZSTD_LEGACY_SUPPORT=0 ZSTD_NO_INLINE ZSTD_TRACE=0
    ZSTD_EXCLUDE_DFAST_BLOCK_COMPRESSOR ZSTD_EXCLUDE_GREEDY_BLOCK_COMPRESSOR ZSTD_EXCLUDE_LAZY_BLOCK_COMPRESSOR
    ZSTD_EXCLUDE_LAZY2_BLOCK_COMPRESSOR ZSTD_EXCLUDE_BTLAZY2_BLOCK_COMPRESSOR ZSTD_EXCLUDE_BTOPT_BLOCK_COMPRESSOR
    ZSTD_EXCLUDE_BTULTRA_BLOCK_COMPRESSOR)
  lh_third_party(lh_zstd)
endif()
