// Errors: the last one of a host thread, and their names.
#include "runtime_internal.h"

namespace fovea::emulator {
static thread_local cudaError_t recent = cudaSuccess;
cudaError_t ret(cudaError_t e) {
  if (e != cudaSuccess && e != cudaErrorNotReady) recent = e;
  return e;
}
}  // namespace fovea::emulator

using namespace fovea::emulator;

cudaError_t cudaPeekAtLastError() {
  LOCK;
  const cudaError_t sticky = device_state(current_device()).sticky;
  return sticky ? sticky : recent;
}
cudaError_t cudaGetLastError() {
  const cudaError_t e = cudaPeekAtLastError();
  recent = cudaSuccess;
  return e;
}
const char* cudaGetErrorName(cudaError_t e) {
  switch (e) {
#define FOVEA_ERROR(name, number) \
  case name:                      \
    return #name;
    FOVEA_CUDA_ERRORS(FOVEA_ERROR)
#undef FOVEA_ERROR
  }
  return "unknown error";
}
const char* cudaGetErrorString(cudaError_t e) { return cudaGetErrorName(e); }
