// Memory pools: one per device and those that are made; they keep attributes and counts, not memory.
#include "runtime_internal.h"

struct FoveaEmulatedPool {
  int device = 0;
  uint64_t threshold = 0, used_high = 0;
};

using namespace fovea::emulator;

static FoveaEmulatedPool default_pools[kMaxDevices];

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  if (device < 0 || device >= device_count()) return ret(cudaErrorInvalidDevice);
  default_pools[device].device = device;
  *pool = &default_pools[device];
  return cudaSuccess;
}
cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* pool, int device) { return cudaDeviceGetDefaultMemPool(pool, device); }
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  LOCK;
  if (!pool || !value) return ret(cudaErrorInvalidValue);
  if (attribute == cudaMemPoolAttrReleaseThreshold) pool->threshold = *static_cast<uint64_t*>(value);
  if (attribute == cudaMemPoolAttrUsedMemHigh) pool->used_high = device_state(pool->device).used;
  return cudaSuccess;
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  LOCK;
  if (!pool || !value) return ret(cudaErrorInvalidValue);
  const uint64_t used = device_state(pool->device).used;
  pool->used_high = std::max(pool->used_high, used);
  switch (attribute) {
    case cudaMemPoolAttrReleaseThreshold:
      *static_cast<uint64_t*>(value) = pool->threshold;
      break;
    case cudaMemPoolAttrReservedMemCurrent:
    case cudaMemPoolAttrUsedMemCurrent:
      *static_cast<uint64_t*>(value) = used;
      break;
    case cudaMemPoolAttrReservedMemHigh:
    case cudaMemPoolAttrUsedMemHigh:
      *static_cast<uint64_t*>(value) = pool->used_high;
      break;
    default:
      *static_cast<int*>(value) = 1;  // the reuse policies
  }
  return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t) { return pool ? cudaSuccess : ret(cudaErrorInvalidValue); }
cudaError_t cudaMallocFromPoolAsync(void** p, size_t n, cudaMemPool_t pool, cudaStream_t stream) {
  return pool ? cudaMallocAsync(p, n, stream) : ret(cudaErrorInvalidValue);
}
