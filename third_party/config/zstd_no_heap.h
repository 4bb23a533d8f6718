/* Included before every source of zstd for an image: it works in the memory that it is given, and a request for more fails. */
#define ZSTD_DEPS_MALLOC
#define ZSTD_malloc(size) ((void*)0)
#define ZSTD_calloc(count, size) ((void*)0)
#define ZSTD_free(pointer) ((void)(pointer))
