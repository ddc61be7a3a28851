// Devices, launch checks and error names.
#include "runtime_internal.h"

namespace fovea::emulator {
static std::map<const void*, int> func_limit;
cudaError_t func_smem(const void* fn, int bytes) {
  LOCK;
  if (bytes < 0 || size_t(bytes) > SMEM_MAX) return ret(cudaErrorInvalidValue);
  func_limit[fn] = bytes;
  return cudaSuccess;
}
cudaError_t func_attributes(cudaFuncAttributes* a, const void* fn) {
  LOCK;
  *a = {0, 1024, 128, func_limit.count(fn) ? func_limit[fn] : 48 << 10};
  return cudaSuccess;
}
cudaError_t occupancy(int* n, int threads, size_t smem) {
  *n = std::min(2048 / ((threads + 31) / 32 * 32), std::min(32, int((228 << 10) / (smem + 1024))));
  return cudaSuccess;
}
cudaError_t launch(Launch l, cudaStream_t s) {
  LOCK;
  size_t nt = size_t(l.block.x) * l.block.y * l.block.z, nb = size_t(l.grid.x) * l.grid.y * l.grid.z;
  if (!nt || nt > 1024 || l.block.z > 64 || !nb || l.grid.y > 65535 || l.grid.z > 65535 || l.grid.x > 0x7fffffff)
    return ret(cudaErrorInvalidConfiguration);
  if (l.grid.x % l.cluster.x || l.grid.y % l.cluster.y || l.grid.z % l.cluster.z || l.cluster.x * l.cluster.y * l.cluster.z > 8)
    return ret(cudaErrorInvalidConfiguration);
  if (l.smem > size_t(func_limit.count(l.fn) ? func_limit[l.fn] : 48 << 10)) return ret(cudaErrorInvalidValue);
  if (l.cooperative) {
    int per;
    occupancy(&per, int(nt), l.smem);
    if (nb > size_t(per) * 132) return ret(cudaErrorCooperativeLaunchTooLarge);
  }
  return enqueue(s, [l = std::move(l)] { run_launch(l, seed, serial++); });
}
}  // namespace fovea::emulator
using namespace fovea::emulator;
cudaError_t cudaGetDevice(int* d) {
  *d = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int d) { return ret(d ? cudaErrorInvalidValue : cudaSuccess); }
cudaError_t cudaGetDeviceCount(int* n) {
  *n = 1;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
  *p = {};
  strcpy(p->name, "emulated sm_90");
  p->totalGlobalMem = size_t(80) << 30;
  p->sharedMemPerBlock = 48 << 10;
  p->sharedMemPerBlockOptin = SMEM_MAX;
  p->sharedMemPerMultiprocessor = 228 << 10;
  p->regsPerBlock = 65536;
  p->warpSize = 32;
  p->maxThreadsPerBlock = 1024;
  p->multiProcessorCount = 132;
  p->major = 9;
  p->maxThreadsPerMultiProcessor = 2048;
  p->l2CacheSize = 50 << 20;
  p->cooperativeLaunch = 1;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* v, cudaDeviceAttr a, int) {
  *v = a == cudaDevAttrMultiProcessorCount            ? 132
       : a == cudaDevAttrComputeCapabilityMajor       ? 9
       : a == cudaDevAttrMaxSharedMemoryPerBlockOptin ? int(SMEM_MAX)
                                                      : 0;
  return cudaSuccess;
}
cudaError_t cudaGetLastError() {
  LOCK;
  cudaError_t e = recent;
  recent = sticky;
  return e;
}
cudaError_t cudaPeekAtLastError() { return recent; }
const char* cudaGetErrorName(cudaError_t e) {
  switch (e) {
#define N(x) \
  case x:    \
    return #x;
    // clang-format off
    N(cudaSuccess)
    N(cudaErrorInvalidValue)
    N(cudaErrorMemoryAllocation)
    N(cudaErrorInvalidConfiguration)
    N(cudaErrorInvalidMemcpyDirection)
    N(cudaErrorInsufficientDriver)
    N(cudaErrorDevicesUnavailable)
    N(cudaErrorNoDevice)
    N(cudaErrorInvalidDevice)
    N(cudaErrorECCUncorrectable)
    N(cudaErrorNvlinkUncorrectable)
    N(cudaErrorInvalidResourceHandle)
    N(cudaErrorNotReady)
    N(cudaErrorIllegalAddress)
    N(cudaErrorLaunchOutOfResources)
    N(cudaErrorLaunchTimeout)
    N(cudaErrorAssert)
    N(cudaErrorHardwareStackError)
    N(cudaErrorIllegalInstruction)
    N(cudaErrorMisalignedAddress)
    N(cudaErrorInvalidAddressSpace)
    N(cudaErrorInvalidPc)
    N(cudaErrorLaunchFailure)
    N(cudaErrorCooperativeLaunchTooLarge)
    N(cudaErrorStreamCaptureUnsupported)
    N(cudaErrorStreamCaptureInvalidated)
    N(cudaErrorStreamCaptureUnjoined)
    N(cudaErrorStreamCaptureWrongThread)
    // clang-format on
#undef N
  }
  return "unknown";
}
const char* cudaGetErrorString(cudaError_t e) { return cudaGetErrorName(e); }
