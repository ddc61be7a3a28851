/* Fovea C ABI, part 2: backends, devices, memory, streams, events, captured graphs, CPU threads and instruction sets. */
#ifndef FOVEA_DEVICE_H
#define FOVEA_DEVICE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fovea_device fovea_device;
typedef struct fovea_stream fovea_stream;
typedef struct fovea_event fovea_event;
typedef struct fovea_graph fovea_graph;

/* ---- backends -------------------------------------------------------------------------------------------------------- */

typedef struct fovea_backend_info {
  const char* name;   /* "cpu", "cuda", "cuda-emulated" */
  const char* origin; /* file the backend came from, or "built in" */
  const char* reason; /* why it was refused; NULL when it is usable */
  int32_t device_count;
  int32_t abi_version; /* of the plug-in; 0 when it never said */
} fovea_backend_info;

/* Loads one plug-in by path. A refusal is recorded (fovea_backend_get) and returned as a status; loading the same file twice
 * is a no-op, a second backend of a name already in use is refused. Strings in fovea_backend_info live as long as the library.
 */
FOVEA_API fovea_status fovea_backend_load(const char* path);
FOVEA_API fovea_status fovea_backend_count(int32_t* count);
FOVEA_API fovea_status fovea_backend_get(int32_t index, fovea_backend_info* info);

/* ---- devices --------------------------------------------------------------------------------------------------------- */

typedef struct fovea_device_info {
  int32_t type; /* fovea_device_type */
  int32_t id;
  char name[128];        /* marketing name, UTF-8 */
  char detail[128];      /* CPU: active instruction set; CUDA: compute capability and driver */
  int64_t memory_bytes;  /* physical memory of the device */
  int32_t compute_units; /* CPU: logical processors; CUDA: multiprocessors */
  int32_t reserved;
} fovea_device_info;

/* `name` is "cpu", "cuda:0", "cuda-emulated:0". Devices are process-wide singletons; closing is not needed. */
FOVEA_API fovea_status fovea_device_open(const char* name, fovea_device** device);
FOVEA_API fovea_status fovea_device_describe(const fovea_device* device, fovea_device_info* info);
/* FOVEA_OK while the device answers. A GPU that failed (illegal address, ECC error, reset) stays lost for this process: every
 * call on it returns FOVEA_DEVICE_LOST with the first cause. Does not wait for running work. */
FOVEA_API fovea_status fovea_device_check(fovea_device* device);

/* ---- raw memory ------------------------------------------------------------------------------------------------------ */

typedef enum fovea_memory_kind {
  FOVEA_MEMORY_DEVICE = 0,
  FOVEA_MEMORY_PINNED = 1 /* host memory that devices copy from and to without staging; on the CPU the same as device */
} fovea_memory_kind;

/* At least 64-byte aligned; blocks of 2 MiB and more are 2 MiB aligned and ask for huge pages. Contents are undefined.
 * bytes == 0 gives a NULL pointer. Not capturable: pools call this outside of capture. */
FOVEA_API fovea_status fovea_memory_alloc(fovea_device* device, int32_t kind, int64_t bytes, void** data);
FOVEA_API fovea_status fovea_memory_free(fovea_device* device, int32_t kind, void* data, int64_t bytes);

/* Enqueued; source and destination may be host or device memory. Host memory must stay valid until the stream has passed. */
FOVEA_API fovea_status fovea_memory_copy(void* destination, const void* source, int64_t bytes, fovea_stream* stream);
FOVEA_API fovea_status fovea_memory_fill(void* destination, uint8_t value, int64_t bytes, fovea_stream* stream);

/* ---- streams and events ---------------------------------------------------------------------------------------------- */

/* How the products of f32 matrices and convolutions are made on tensor cores. Sums are f32 in each case. The CPU is exact
 * always. */
typedef enum fovea_f32_products {
  FOVEA_F32_EXACT = 0,     /* fused multiply-adds of f32 */
  FOVEA_F32_TF32 = 1,      /* factors rounded to 10 bits after the binary point: a relative error of up to 2^-10 per product */
  FOVEA_F32_THREE_TF32 = 2 /* each factor as a sum of two such numbers, three products: about f32's own error */
} fovea_f32_products;

typedef struct fovea_stream_options {
  int32_t max_threads;  /* CPU: most threads one call may use, the caller included; 0 = the pool's size */
  int32_t f32_products; /* fovea_f32_products */
} fovea_stream_options;

/* A CPU stream runs each call inline, on the calling thread, before the call returns. A stream must not be used by two
 * threads at once; that is detected and answered with FOVEA_INVALID_STATE. options may be NULL. */
FOVEA_API fovea_status fovea_stream_create(fovea_device* device, const fovea_stream_options* options, fovea_stream** stream);
FOVEA_API fovea_status fovea_stream_destroy(fovea_stream* stream);
FOVEA_API fovea_status fovea_stream_synchronize(fovea_stream* stream);
/* Work in an order that somebody else made: `native` is a cudaStream_t (= CUstream) of the same device, whatever library
 * created it; it stays its maker's, who must keep it alive, and destroying the wrapper leaves it alone. A CUDA context made
 * elsewhere must be the device's primary context. The CPU has no such streams (FOVEA_UNSUPPORTED). */
FOVEA_API fovea_status fovea_stream_from_native(fovea_device* device, void* native, fovea_stream** stream);
/* The other way round: the cudaStream_t behind a stream. */
FOVEA_API fovea_status fovea_stream_native(const fovea_stream* stream, void** native);

FOVEA_API fovea_status fovea_event_create(fovea_device* device, fovea_event** event);
FOVEA_API fovea_status fovea_event_destroy(fovea_event* event);
FOVEA_API fovea_status fovea_event_record(fovea_event* event, fovea_stream* stream);
FOVEA_API fovea_status fovea_event_synchronize(fovea_event* event);
/* Milliseconds between two recorded events. */
FOVEA_API fovea_status fovea_event_elapsed(const fovea_event* start, const fovea_event* end, double* milliseconds);
FOVEA_API fovea_status fovea_stream_wait(fovea_stream* stream, fovea_event* event);

/* ---- capture and replay ---------------------------------------------------------------------------------------------- */

/* Between begin and end, calls on the stream are validated and recorded, not run. A call that fails validation leaves the
 * capture open and unchanged. Pointers in the recorded arguments must stay valid for the life of the graph. */
FOVEA_API fovea_status fovea_capture_begin(fovea_stream* stream);
/* graph == NULL abandons the capture. */
FOVEA_API fovea_status fovea_capture_end(fovea_stream* stream, fovea_graph** graph);
/* Runs every recorded call in order on `stream`; one native call, no allocation. Replaying into a capturing stream records
 * the graph's calls again, so graphs compose. */
FOVEA_API fovea_status fovea_graph_replay(fovea_graph* graph, fovea_stream* stream);
FOVEA_API fovea_status fovea_graph_node_count(const fovea_graph* graph, int64_t* count);
FOVEA_API fovea_status fovea_graph_destroy(fovea_graph* graph);

/* ---- CPU threads and instruction sets -------------------------------------------------------------------------------- */

typedef struct fovea_thread_options {
  int32_t count;             /* threads that may work at once, callers included; 0 = number of logical processors */
  int32_t spin_microseconds; /* how long an idle worker spins before it sleeps; negative = default: 50, and 200 while calls
                                follow each other closely */
  int32_t pin;               /* 1: worker i is pinned to the (i+1)-th processor this process may use */
  int32_t reserved;
} fovea_thread_options;

/* One pool serves the whole process. A call that finds the pool busy with another caller's work runs alone on its own
 * thread, so N sessions use at most N - 1 + count threads and none waits for another. Results do not depend on the count.
 * Waits for running work, then restarts the workers. When the system refuses threads the answer is FOVEA_OUT_OF_MEMORY and
 * the pool works with those it got (fovea_threads_query). */
FOVEA_API fovea_status fovea_threads_configure(const fovea_thread_options* options);
FOVEA_API fovea_status fovea_threads_query(fovea_thread_options* options);

typedef enum fovea_isa {
  FOVEA_ISA_REFERENCE = 0, /* the slow obvious loops that tests compare with */
  FOVEA_ISA_SCALAR = 1,    /* the fast bodies compiled without vector instructions */
  FOVEA_ISA_AVX2 = 2,      /* AVX2 + FMA */
  FOVEA_ISA_AVX512 = 3     /* AVX-512 F, BW, DQ, VL */
} fovea_isa;

/* The best set this processor and build have. */
FOVEA_API fovea_status fovea_isa_detected(int32_t* isa);
/* The set in use: the detected one, or what fovea_isa_force or the environment variable FOVEA_ISA
 * (reference, scalar, avx2, avx512) asked for. */
FOVEA_API fovea_status fovea_isa_active(int32_t* isa);
/* Process-wide; graphs keep the set they were captured with. A set that this processor lacks is refused. -1 = detected. */
FOVEA_API fovea_status fovea_isa_force(int32_t isa);

#ifdef __cplusplus
}
#endif
#endif
