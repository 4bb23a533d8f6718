# Arrow::arrow and Arrow::parquet: an installed Arrow C++ when there is one, else the libraries inside the
# pinned pyarrow wheel, because Debian 12 packages neither. Python is not needed at run time.
include_guard(GLOBAL)

find_package(Arrow QUIET)
find_package(Parquet QUIET)
if(TARGET Arrow::arrow_shared AND TARGET Parquet::parquet_shared)
  add_library(Arrow::arrow ALIAS Arrow::arrow_shared)
  add_library(Arrow::parquet ALIAS Parquet::parquet_shared)
  return()
endif()

set(LH_PYARROW_VERSION 26.0.1)
set(_sha_x86_64 39cb0f2418282c24bea6ceda77b03e5a8f0a5766b63a8bf194d4e2a2c423548c)
set(_sha_aarch64 22a96a225de107eb9acd1ad9a818198ca832df2a4c0952412f754a7ed2105a98)
if(NOT DEFINED _sha_${CMAKE_SYSTEM_PROCESSOR})
  message(FATAL_ERROR "There is no pinned pyarrow wheel for ${CMAKE_SYSTEM_PROCESSOR}: install Arrow C++ 26")
endif()
set(_sha "${_sha_${CMAKE_SYSTEM_PROCESSOR}}")
set(_platform "manylinux_2_28_${CMAKE_SYSTEM_PROCESSOR}")
set(_wheel "${LH_DEPS}/downloads/pyarrow-${LH_PYARROW_VERSION}-cp311-cp311-${_platform}.whl")
set(_root "${LH_DEPS}/src/pyarrow-${LH_PYARROW_VERSION}-${CMAKE_SYSTEM_PROCESSOR}")

if(NOT EXISTS "${_root}/.unpacked-${_sha}")
  if(NOT EXISTS "${_wheel}")
    file(WRITE "${CMAKE_BINARY_DIR}/pyarrow.txt" "pyarrow==${LH_PYARROW_VERSION} --hash=sha256:${_sha}\n")
    execute_process(COMMAND python3 -m pip download -q --disable-pip-version-check --no-deps
      --only-binary=:all: --require-hashes --implementation cp --python-version 3.11
      --platform "${_platform}" -d "${LH_DEPS}/downloads" -r "${CMAKE_BINARY_DIR}/pyarrow.txt"
      COMMAND_ERROR_IS_FATAL ANY)
  endif()
  file(SHA256 "${_wheel}" _got)
  if(NOT _got STREQUAL _sha)
    message(FATAL_ERROR "${_wheel}: SHA-256 is ${_got}, expected ${_sha}")
  endif()
  file(REMOVE_RECURSE "${_root}")
  file(ARCHIVE_EXTRACT INPUT "${_wheel}" DESTINATION "${_root}" PATTERNS
    "pyarrow/include/*" "pyarrow/libarrow.so.*" "pyarrow/libparquet.so.*" "*.dist-info/licenses/*")
  file(TOUCH "${_root}/.unpacked-${_sha}")
endif()

string(REGEX REPLACE "^([0-9]+)\\..*" "\\100" _so "${LH_PYARROW_VERSION}")
foreach(_library arrow parquet)
  add_library(Arrow::${_library} SHARED IMPORTED GLOBAL)
  set_target_properties(Arrow::${_library} PROPERTIES
    IMPORTED_LOCATION "${_root}/pyarrow/lib${_library}.so.${_so}"
    IMPORTED_SONAME "lib${_library}.so.${_so}"
    INTERFACE_INCLUDE_DIRECTORIES "${_root}/pyarrow/include")
endforeach()
target_link_libraries(Arrow::parquet INTERFACE Arrow::arrow)
