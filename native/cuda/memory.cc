// Raw memory, copies and fills. Pools live above the ABI, so nothing here is called on a hot path but the copies.
#include "cuda/runtime.h"
#include "fovea/device.h"

using namespace fovea;
using namespace fovea::cuda;

namespace {

// A graph's arena may have to grow while its stream is capturing: allocating is safe then, because nothing recorded depends on
// it, but must be said to be meant.
class DuringCapture {
 public:
  DuringCapture() { cudaThreadExchangeStreamCaptureMode(&mode_); }
  ~DuringCapture() { cudaThreadExchangeStreamCaptureMode(&mode_); }
  DuringCapture(const DuringCapture&) = delete;
  DuringCapture& operator=(const DuringCapture&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

}  // namespace

extern "C" FOVEA_API fovea_status fovea_memory_alloc(fovea_device* handle, int32_t kind, int64_t bytes, void** data) {
  constexpr const char* op = "memory_alloc";
  auto& device = static_cast<Device&>(*handle);
  *data = nullptr;
  FOVEA_TRY(check_not_lost(device, op));
  if (bytes == 0) return FOVEA_OK;
  const CurrentDevice current(device.id);
  const DuringCapture allowed;
  const auto size = static_cast<size_t>(bytes);
  const cudaError_t error =
      kind == FOVEA_MEMORY_PINNED ? cudaHostAlloc(data, size, cudaHostAllocPortable) : cudaMalloc(data, size);
  if (error != cudaErrorMemoryAllocation) return check(device, error, op);
  cudaGetLastError();
  size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  return fail(FOVEA_OUT_OF_MEMORY, "%s: %s:%d has no %lld bytes%s (%zu MiB of %zu MiB are free)", op, plugin().name, device.id,
              static_cast<long long>(bytes), kind == FOVEA_MEMORY_PINNED ? " of pinned host memory" : "", free >> 20,
              total >> 20);
}

extern "C" FOVEA_API fovea_status fovea_memory_free(fovea_device* handle, int32_t kind, void* data, int64_t) {
  auto& device = static_cast<Device&>(*handle);
  // What a lost device held went with its context; the caller's books must still close.
  if (device.lost.load(std::memory_order_relaxed) != cudaSuccess) return FOVEA_OK;
  const CurrentDevice current(device.id);
  const DuringCapture allowed;
  return check(device, kind == FOVEA_MEMORY_PINNED ? cudaFreeHost(data) : cudaFree(data), "memory_free");
}

extern "C" FOVEA_API fovea_status fovea_memory_copy(void* destination, const void* source, int64_t bytes,
                                                    fovea_stream* stream) {
  return submit(stream, "memory_copy", [&](cudaStream_t s) {
    return cudaMemcpyAsync(destination, source, static_cast<size_t>(bytes), cudaMemcpyDefault, s);
  });
}

extern "C" FOVEA_API fovea_status fovea_memory_fill(void* destination, uint8_t value, int64_t bytes, fovea_stream* stream) {
  return submit(stream, "memory_fill",
                [&](cudaStream_t s) { return cudaMemsetAsync(destination, value, static_cast<size_t>(bytes), s); });
}
