// Linked before the kernels' object files: their static shared memory begins here.
#include <cstdint>

extern __thread uint64_t fovea_shared_begin;
__thread uint64_t fovea_shared_begin;
