# Third-party code: what Debian packages is found, what tools/fetch_sources fetched is built for the
# target being configured, as static libraries with its own warnings off.
include_guard(GLOBAL)

if(NOT LH_DEPS)
  if(DEFINED ENV{LH_DEPS})
    set(_deps "$ENV{LH_DEPS}")
  elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(_deps "$ENV{XDG_CACHE_HOME}/longhaul/deps")
  else()
    set(_deps "$ENV{HOME}/.cache/longhaul/deps")
  endif()
  set(LH_DEPS "${_deps}" CACHE PATH "Folder that tools/setup fills")
endif()
# The Python of the readers: the environment that tools/setup made from exactly these requirements.
file(SHA256 "${CMAKE_SOURCE_DIR}/tools/requirements.txt" _requirements)
string(SUBSTRING "${_requirements}" 0 12 _requirements)
set(LH_VENV_PYTHON "${LH_DEPS}/venv-${_requirements}/bin/python")
foreach(_package mbedtls nanopb catch2)
  if(NOT EXISTS "${LH_DEPS}/src/${_package}")
    message(FATAL_ERROR "No ${_package} under ${LH_DEPS}/src: run tools/setup first")
  endif()
endforeach()

# Code that is not ours: system headers, no warnings, optimised even in Debug.
function(lh_third_party target)
  get_target_property(_include ${target} INTERFACE_INCLUDE_DIRECTORIES)
  set_target_properties(${target} PROPERTIES
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${_include}" C_CLANG_TIDY "" CXX_CLANG_TIDY "")
  target_compile_options(${target} PRIVATE -w -g0 $<$<CONFIG:Debug>:-O1>)
endfunction()

# mbedTLS. Its own CMake wants Python and installs itself; a list of sources is simpler.
file(GLOB _mbedtls_sources CONFIGURE_DEPENDS "${LH_DEPS}/src/mbedtls/library/*.c")
set(_mbedtls_config mbedtls_linux.h)
if(LH_TARGET STREQUAL cortexm)
  set(_mbedtls_config mbedtls_cortexm.h)
  set(_p256m "${LH_DEPS}/src/mbedtls/3rdparty/p256-m")
  list(APPEND _mbedtls_sources "${_p256m}/p256-m_driver_entrypoints.c" "${_p256m}/p256-m/p256-m.c")
else()
  list(APPEND _mbedtls_sources "${CMAKE_SOURCE_DIR}/third_party/config/mbedtls_ms_time.c")
endif()
add_library(lh_mbedtls STATIC ${_mbedtls_sources})
target_include_directories(lh_mbedtls
  PUBLIC "${LH_DEPS}/src/mbedtls/include" "${CMAKE_SOURCE_DIR}/third_party/config"
  PRIVATE "${LH_DEPS}/src/mbedtls/library" ${_p256m})
# Whoever includes an mbedTLS header must see the same configuration.
target_compile_definitions(lh_mbedtls PUBLIC "MBEDTLS_CONFIG_FILE=\"${_mbedtls_config}\"")
lh_third_party(lh_mbedtls)

# nanopb: the runtime, and lh_proto() for the generator. The generator runs under Debian's own python3,
# which has the protobuf module.
set(_nanopb "${LH_DEPS}/src/nanopb")
add_library(lh_nanopb STATIC "${_nanopb}/pb_common.c" "${_nanopb}/pb_encode.c" "${_nanopb}/pb_decode.c")
target_include_directories(lh_nanopb PUBLIC "${_nanopb}")
target_compile_definitions(lh_nanopb PUBLIC PB_NO_PACKED_STRUCTS=1 $<$<STREQUAL:${LH_TARGET},cortexm>:PB_NO_ERRMSG=1>)
lh_third_party(lh_nanopb)

# lh_proto(NAME target PROTO files...): one library of the generated C sources.
function(lh_proto)
  cmake_parse_arguments(P "" "NAME" "PROTO" ${ARGN})
  set(_out "${CMAKE_CURRENT_BINARY_DIR}/generated")
  file(MAKE_DIRECTORY "${_out}")
  foreach(_file ${P_PROTO})
    get_filename_component(_path "${_file}" ABSOLUTE)
    get_filename_component(_dir "${_path}" DIRECTORY)
    get_filename_component(_name "${_path}" NAME_WE)
    add_custom_command(OUTPUT "${_out}/${_name}.pb.c" "${_out}/${_name}.pb.h"
      COMMAND /usr/bin/python3 "${_nanopb}/generator/nanopb_generator.py" -q -I "${_dir}" -D "${_out}"
              "${_name}.proto"
      WORKING_DIRECTORY "${_dir}" DEPENDS "${_path}" "${_dir}/${_name}.options" VERBATIM)
    list(APPEND _sources "${_out}/${_name}.pb.c" "${_out}/${_name}.pb.h")
  endforeach()
  add_library(${P_NAME} STATIC ${_sources})
  target_include_directories(${P_NAME} PUBLIC "${_out}")
  target_link_libraries(${P_NAME} PUBLIC lh_nanopb)
  lh_third_party(${P_NAME})
endfunction()

if(NOT LH_TARGET STREQUAL cortexm)
  find_package(Threads REQUIRED)
  target_link_libraries(lh_mbedtls PUBLIC Threads::Threads)
endif()
include("${CMAKE_CURRENT_LIST_DIR}/packages_${LH_TARGET}.cmake")

if(LH_TESTS)
  file(GLOB_RECURSE _catch2_sources CONFIGURE_DEPENDS "${LH_DEPS}/src/catch2/src/catch2/*.cpp")
  add_library(lh_catch2 STATIC EXCLUDE_FROM_ALL ${_catch2_sources})
  set(CATCH_CONFIG_DEFAULT_REPORTER console)
  set(CATCH_CONFIG_CONSOLE_WIDTH 100)
  configure_file("${LH_DEPS}/src/catch2/src/catch2/catch_user_config.hpp.in"
                 "${CMAKE_BINARY_DIR}/catch2/catch2/catch_user_config.hpp")
  target_include_directories(lh_catch2 PUBLIC "${LH_DEPS}/src/catch2/src" "${CMAKE_BINARY_DIR}/catch2")
  lh_third_party(lh_catch2)
endif()
