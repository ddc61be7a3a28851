// Linked behind the kernels' object files: their static shared memory ends here.
#include <cstdint>

extern __thread uint64_t fovea_shared_end;
__thread uint64_t fovea_shared_end;
