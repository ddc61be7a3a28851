/* Fovea C ABI, part 1: status codes, data types and the tensor descriptor.
 *
 * The whole ABI is C17 with fixed-width types, opaque handles and plain structs. Every call returns a fovea_status and is
 * safe to make from any thread; it never prints, throws, exits or aborts. Calls that take a stream only enqueue: they never
 * allocate device memory and never wait. */
#ifndef FOVEA_BASE_H
#define FOVEA_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifndef FOVEA_API
#if defined(FOVEA_BUILD)
#define FOVEA_API __attribute__((visibility("default")))
#else
#define FOVEA_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a struct layout or the meaning of a call changes. Plug-ins and bindings must agree on it exactly. */
#define FOVEA_ABI_VERSION 6

/* Largest tensor rank. */
#define FOVEA_MAX_RANK 8

typedef enum fovea_status {
  FOVEA_OK = 0,
  FOVEA_INVALID_ARGUMENT = 1, /* the caller passed something that can never work; the message names it */
  FOVEA_UNSUPPORTED = 2,      /* well formed, but this backend or build has no kernel for it */
  FOVEA_OUT_OF_MEMORY = 3,
  FOVEA_INVALID_STATE = 4, /* for example: capture ended on a stream that is not capturing */
  FOVEA_NOT_FOUND = 5,     /* no such device, plug-in or symbol */
  FOVEA_DEVICE_LOST = 6,   /* sticky: every later call on the device returns it with the first cause */
  FOVEA_INTERNAL = 7       /* a bug in Fovea; the message says where */
} fovea_status;

/* What went wrong in the last failing call of this thread, in one sentence; never NULL. Valid until the next Fovea call of
 * this thread. */
FOVEA_API const char* fovea_last_error(void);

FOVEA_API int32_t fovea_abi_version(void);

/* Build description for bug reports: version, compiler, instruction sets compiled in. Never NULL. */
FOVEA_API const char* fovea_build_info(void);

/* Data type codes and device types carry DLPack's numbers, so descriptors convert without a table. */
typedef enum fovea_dtype_code {
  FOVEA_INT = 0,
  FOVEA_UINT = 1,
  FOVEA_FLOAT = 2,
  FOVEA_BFLOAT = 4,
  FOVEA_BOOL = 6
} fovea_dtype_code;

typedef struct fovea_dtype {
  uint8_t code; /* fovea_dtype_code */
  uint8_t bits;
  uint16_t lanes; /* always 1 */
} fovea_dtype;

typedef enum fovea_device_type {
  FOVEA_CPU = 1,
  FOVEA_CUDA = 2,
  FOVEA_CUDA_EMULATED = 12 /* DLPack's "extension device" */
} fovea_device_type;

/* A view of memory that somebody else owns. Row-major and contiguous, with one freedom: the last dimension may be a slice of
 * a wider one, so `pitch` (elements from one row of the last dimension to the next) may exceed shape[rank-1]. That is enough
 * for channel-slice writes (concatenation without a copy) and for columns of a row table. Images are [N][H][W][C].
 *
 * `live` makes the leading dimension dynamic without a host round trip: when not NULL it points to device memory holding the
 * number of leading rows that carry data, read when the kernel runs. Kernels skip the other rows and leave whatever was
 * there; values outside [0, shape[0]] are clamped. */
typedef struct fovea_tensor {
  void* data;
  int64_t shape[FOVEA_MAX_RANK]; /* entries at and above rank are ignored */
  int64_t pitch;                 /* >= shape[rank-1]; a rank-0 tensor has pitch 1 */
  const int32_t* live;
  int32_t rank;
  fovea_dtype dtype;
  int32_t device_type; /* fovea_device_type */
  int32_t device_id;
} fovea_tensor;

/* Scratch memory leased by the caller; fovea_<op>_workspace says how many bytes. Contents are undefined before and after. */
typedef struct fovea_workspace {
  void* data; /* 64-byte aligned */
  int64_t bytes;
} fovea_workspace;

/* One row of the layout table: what this library was compiled with. Bindings compare it with their own structs. */
typedef struct fovea_layout_entry {
  const char* type_name;
  const char* field_name; /* NULL: the entry describes the whole struct, offset is 0 */
  int64_t offset;
  int64_t size;
} fovea_layout_entry;

FOVEA_API fovea_status fovea_layout(const fovea_layout_entry** entries, int64_t* count);

#ifdef __cplusplus
}
#endif
#endif
