# How our own targets are made. Every folder's CMakeLists.txt uses these functions and nothing else.
include_guard(GLOBAL)

set(_lh_warnings -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)  # it takes what libstdc++ uses of its own for our use of it
  list(APPEND _lh_warnings -Wno-deprecated-declarations)
else()  # which Clang has in -Wconversion
  list(APPEND _lh_warnings -Wsign-conversion)
endif()

function(_lh_compile target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE ${_lh_warnings})
  target_include_directories(${target} PUBLIC "${CMAKE_SOURCE_DIR}")
endfunction()

# lh_library(NAME n SOURCES ... [DEPENDS ...] [EXCEPTIONS])
# Without EXCEPTIONS the library compiles as it would for a device: no exceptions, no RTTI.
function(lh_library)
  cmake_parse_arguments(L "EXCEPTIONS" "NAME" "SOURCES;DEPENDS" ${ARGN})
  add_library(${L_NAME} STATIC ${L_SOURCES})
  _lh_compile(${L_NAME})
  target_link_libraries(${L_NAME} PUBLIC ${L_DEPENDS})
  if(NOT L_EXCEPTIONS)
    target_compile_options(${L_NAME} PRIVATE -fno-exceptions)
    if(NOT LH_SANITIZE)  # UBSan's vptr check needs RTTI
      target_compile_options(${L_NAME} PRIVATE -fno-rtti)
    endif()
  endif()
endfunction()

# lh_program(NAME n SOURCES ... [DEPENDS ...])
function(lh_program)
  cmake_parse_arguments(P "" "NAME" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${P_NAME} ${P_SOURCES})
  _lh_compile(${P_NAME})
  target_link_libraries(${P_NAME} PRIVATE ${P_DEPENDS})
  set_target_properties(${P_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
endfunction()

# lh_image(NAME n SOURCES ... [DEPENDS ...]): a program for the board of the toolchain file, without an operating system.
function(lh_image)
  cmake_parse_arguments(I "" "NAME" "SOURCES;DEPENDS" ${ARGN})
  lh_program(NAME ${I_NAME} SOURCES ${I_SOURCES} DEPENDS lh_board ${I_DEPENDS})
  target_compile_definitions(${I_NAME} PRIVATE LH_VERSION="${PROJECT_VERSION}")
  target_link_options(${I_NAME} PRIVATE "-Wl,-Map,${CMAKE_BINARY_DIR}/bin/${I_NAME}.map")
  set_target_properties(${I_NAME} PROPERTIES SUFFIX .elf LINKER_LANGUAGE C
    LINK_DEPENDS "${CMAKE_BINARY_DIR}/agent/platform/cortexm/image.ld")
endfunction()

# lh_test(NAME n SOURCES ... [DEPENDS ...] [LABEL unit])
function(lh_test)
  if(NOT LH_TESTS)
    return()
  endif()
  cmake_parse_arguments(T "" "NAME;LABEL;TIMEOUT" "SOURCES;DEPENDS" ${ARGN})
  if(NOT T_LABEL)
    set(T_LABEL unit)
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  add_executable(${T_NAME} ${T_SOURCES})
  _lh_compile(${T_NAME})
  if(CMAKE_CROSSCOMPILING)  # where a size has 32 bits, tests count on in 64
    target_compile_options(${T_NAME} PRIVATE -Wno-conversion -Wno-sign-conversion -Wno-narrowing)
  endif()
  target_link_libraries(${T_NAME} PRIVATE ${T_DEPENDS} lh_catch2)
  if(LH_SANITIZE)
    math(EXPR T_TIMEOUT "${T_TIMEOUT} * 4")
  endif()
  if(CMAKE_CROSSCOMPILING)  # an emulated kernel is slow and does not tell everything
    math(EXPR T_TIMEOUT "${T_TIMEOUT} * 10")
    set(_not "~[kernel]")
  endif()
  add_test(NAME ${T_NAME} COMMAND ${T_NAME} ${_not} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(${T_NAME} PROPERTIES LABELS ${T_LABEL} TIMEOUT ${T_TIMEOUT})
endfunction()

# lh_fuzzer(NAME x_fuzz SOURCES ... [DEPENDS ...]): libFuzzer, from the corpus in tests/fuzz/corpus/x_fuzz.
function(lh_fuzzer)
  if(NOT LH_FUZZ)
    return()
  endif()
  cmake_parse_arguments(F "" "NAME" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${F_NAME} ${F_SOURCES})
  _lh_compile(${F_NAME})
  target_link_libraries(${F_NAME} PRIVATE ${F_DEPENDS})
  target_link_options(${F_NAME} PRIVATE -fsanitize=fuzzer)
  add_test(NAME ${F_NAME} COMMAND "${CMAKE_SOURCE_DIR}/tests/fuzz/run" $<TARGET_FILE:${F_NAME}>
           "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${F_NAME}")
  set_tests_properties(${F_NAME} PROPERTIES LABELS fuzz TIMEOUT 3600)
endfunction()
