# The same libraries for a machine that Debian's packages of this one are not for: built from source packages, as far as they
# are more than headers. Debian's cross compilers look into /usr/include by themselves, after everything else.
include_guard(GLOBAL)

foreach(_package libzstd sqlite3 zlib)
  if(NOT EXISTS "${LH_DEPS}/src/${_package}")
    message(FATAL_ERROR "No ${_package} under ${LH_DEPS}/src: run tools/setup build cross first")
  endif()
endforeach()

# SQLite as one file, which its own build makes; it needs Tcl. Left out is what the spool's statements do not use: the grammar
# has to know, so the build is told, too.
set(_sqlite "${CMAKE_BINARY_DIR}/sqlite3")
foreach(_feature ANALYZE AUTHORIZATION AUTOVACUUM CAST COMPILEOPTION_DIAGS COMPLETE CTE DATETIME_FUNCS DECLTYPE DEPRECATED
    DESERIALIZE EXPLAIN FOREIGN_KEY GENERATED_COLUMNS GET_TABLE INCRBLOB INTEGRITY_CHECK INTROSPECTION_PRAGMAS JSON LIKE_OPTIMIZATION
    LOAD_EXTENSION OR_OPTIMIZATION PROGRESS_CALLBACK REINDEX SHARED_CACHE TCL_VARIABLE TRACE TRIGGER UTF16 VIEW WINDOWFUNC)
  list(APPEND _omitted SQLITE_OMIT_${_feature})
endforeach()
list(TRANSFORM _omitted PREPEND -D OUTPUT_VARIABLE _omitted_options)
list(JOIN _omitted_options " " _omitted_options)
file(MAKE_DIRECTORY "${_sqlite}")
add_custom_command(OUTPUT "${_sqlite}/sqlite3.c" "${_sqlite}/sqlite3.h"
  COMMAND "${LH_DEPS}/src/sqlite3/configure" --disable-tcl --disable-readline -q CC=gcc
  COMMAND make -s sqlite3.c "OPTS=${_omitted_options}"
  WORKING_DIRECTORY "${_sqlite}" VERBATIM)
add_library(lh_sqlite STATIC "${_sqlite}/sqlite3.c")
target_include_directories(lh_sqlite PUBLIC "${_sqlite}")
target_compile_definitions(lh_sqlite PRIVATE SQLITE_THREADSAFE=1 SQLITE_DEFAULT_MEMSTATUS=0 SQLITE_DQS=0 SQLITE_UNTESTABLE ${_omitted})
target_link_libraries(lh_sqlite PUBLIC Threads::Threads)
lh_third_party(lh_sqlite)
add_library(SQLite::SQLite3 ALIAS lh_sqlite)

set(_zstd "${LH_DEPS}/src/libzstd/lib")
file(GLOB _zstd_sources CONFIGURE_DEPENDS "${_zstd}/common/*.c" "${_zstd}/compress/*.c" "${_zstd}/decompress/*.c"
     "${_zstd}/dictBuilder/*.c")
add_library(lh_zstd STATIC ${_zstd_sources})
target_include_directories(lh_zstd PUBLIC "${_zstd}")
# The agent writes at level 3 only, which needs two of the strategies, and reads little: one way of decoding is enough. Not inlined it
# takes 38 KB less, makes the same bytes, and a fifth more of the time that it takes, which is tens of microseconds a block.
target_compile_definitions(lh_zstd PRIVATE ZSTD_DISABLE_ASM=1 ZSTD_STRIP_ERROR_STRINGS=1 ZSTD_LEGACY_SUPPORT=0
  ZSTD_EXCLUDE_GREEDY_BLOCK_COMPRESSOR ZSTD_EXCLUDE_LAZY_BLOCK_COMPRESSOR ZSTD_EXCLUDE_LAZY2_BLOCK_COMPRESSOR
  ZSTD_EXCLUDE_BTLAZY2_BLOCK_COMPRESSOR ZSTD_EXCLUDE_BTOPT_BLOCK_COMPRESSOR ZSTD_EXCLUDE_BTULTRA_BLOCK_COMPRESSOR
  HUF_FORCE_DECOMPRESS_X1 ZSTD_FORCE_DECOMPRESS_SEQUENCES_SHORT ZSTD_NO_INLINE)
lh_third_party(lh_zstd)

set(_zlib "${LH_DEPS}/src/zlib")
foreach(_name adler32 compress crc32 deflate gzclose gzlib gzread gzwrite infback inffast inflate inftrees trees uncompr zutil)
  list(APPEND _zlib_sources "${_zlib}/${_name}.c")
endforeach()
add_library(lh_zlib STATIC ${_zlib_sources})
target_include_directories(lh_zlib PUBLIC "${_zlib}")
# Its tables of the CRC are made when a recording is read.
target_compile_definitions(lh_zlib PRIVATE Z_HAVE_UNISTD_H DYNAMIC_CRC_TABLE)
lh_third_party(lh_zlib)
add_library(ZLIB::ZLIB ALIAS lh_zlib)

add_library(lh_boost_json STATIC "${CMAKE_SOURCE_DIR}/third_party/config/boost_json.cpp")
target_compile_definitions(lh_boost_json PUBLIC BOOST_JSON_NO_LIB BOOST_CONTAINER_NO_LIB)
target_include_directories(lh_boost_json PUBLIC "${CMAKE_SOURCE_DIR}/third_party/config")
lh_third_party(lh_boost_json)
add_library(Boost::json ALIAS lh_boost_json)

foreach(_headers tomlplusplus::tomlplusplus)
  add_library(${_headers} INTERFACE IMPORTED GLOBAL)
endforeach()
# Without the streams of C++, which bring their locales along.
target_compile_definitions(tomlplusplus::tomlplusplus INTERFACE TOML_FLOAT_CHARCONV=1 TOML_ENABLE_FORMATTERS=0)

# Nothing throws through C.
foreach(_library lh_sqlite lh_zstd lh_zlib lh_mbedtls lh_nanopb)
  target_compile_options(${_library} PRIVATE -fno-unwind-tables -fno-asynchronous-unwind-tables)
endforeach()
