# What an image has besides mbedTLS and nanopb: lwIP.
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
target_compile_definitions(lh_lwip PUBLIC LH_LWIP_HEAP_BYTES=6144)
lh_third_party(lh_lwip)
if(LH_TLS13)
  target_compile_definitions(lh_mbedtls PUBLIC LH_TLS13)
endif()
