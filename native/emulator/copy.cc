// Copies and fills. Pageable memory is staged as CUDA says: a source is read by the call, a destination makes the call wait.
#include "runtime_internal.h"

using namespace fovea::emulator;

namespace {

void checked_copy(void* dst, const void* src, size_t n) {
  if (!in_bounds(dst, n) || !in_bounds(src, n)) {
    report("a queued copy touches device memory that has been freed since");
    throw cudaErrorIllegalAddress;
  }
  open_window(kAll);
  memcpy(dst, src, n);
}

cudaError_t copy(void* dst, const void* src, size_t n, cudaMemcpyKind kind, cudaStream_t stream, bool wait) {
  LOCK;
  if (!known(stream)) return ret(cudaErrorInvalidResourceHandle);
  if (!n) return cudaSuccess;
  const bool to = is_device(dst), from = is_device(src);
  if (kind != cudaMemcpyDefault && !is_pinned(dst) && !is_pinned(src) &&
      (to != (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) ||
       from != (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice)))
    return ret(cudaErrorInvalidMemcpyDirection);
  if (!in_bounds(dst, n) || !in_bounds(src, n)) return ret(cudaErrorInvalidValue);
  FoveaEmulatedStream* s = get(stream);
  if (wait && capture_forbids()) return ret(cudaErrorStreamCaptureUnsupported);
  cudaError_t e;
  if (!from && !is_pinned(src) && !s->capture) {
    e = enqueue(stream, NodeKind::copy,
                [dst, staged = std::vector<char>(static_cast<const char*>(src), static_cast<const char*>(src) + n)] {
                  checked_copy(dst, staged.data(), staged.size());
                });
  } else {
    e = enqueue(stream, NodeKind::copy, [=] { checked_copy(dst, src, n); });
    if (!to && !is_pinned(dst) && !s->capture) wait = true;
  }
  return wait && e == cudaSuccess ? run_until(s->device, [=] { return s->q.empty(); }) : e;
}

}  // namespace

cudaError_t cudaMemcpy(void* d, const void* s, size_t n, cudaMemcpyKind k) { return copy(d, s, n, k, nullptr, true); }
cudaError_t cudaMemcpyAsync(void* d, const void* s, size_t n, cudaMemcpyKind k, cudaStream_t stream) {
  return copy(d, s, n, k, stream, false);
}
cudaError_t cudaMemcpyPeerAsync(void* d, int, const void* s, int, size_t n, cudaStream_t stream) {
  return copy(d, s, n, cudaMemcpyDefault, stream, false);
}
cudaError_t cudaMemcpy2DAsync(void* d, size_t dst_pitch, const void* s, size_t src_pitch, size_t width, size_t height,
                              cudaMemcpyKind k, cudaStream_t stream) {
  cudaError_t e = cudaSuccess;
  for (size_t i = 0; i < height && e == cudaSuccess; i++)
    e = copy(static_cast<char*>(d) + i * dst_pitch, static_cast<const char*>(s) + i * src_pitch, width, k, stream, false);
  return e;
}
cudaError_t cudaMemcpy2D(void* d, size_t dst_pitch, const void* s, size_t src_pitch, size_t width, size_t height,
                         cudaMemcpyKind k) {
  const cudaError_t e = cudaMemcpy2DAsync(d, dst_pitch, s, src_pitch, width, height, k, nullptr);
  return e ? e : cudaStreamSynchronize(nullptr);
}
cudaError_t cudaMemsetAsync(void* d, int v, size_t n, cudaStream_t stream) {
  LOCK;
  if (!known(stream)) return ret(cudaErrorInvalidResourceHandle);
  if (!n) return cudaSuccess;
  if (!in_bounds(d, n)) return ret(cudaErrorInvalidValue);
  return enqueue(stream, NodeKind::fill, [=] {
    if (!in_bounds(d, n)) {
      report("a queued fill touches device memory that has been freed since");
      throw cudaErrorIllegalAddress;
    }
    open_window(kAll);
    memset(d, v, n);
  });
}
cudaError_t cudaMemset(void* d, int v, size_t n) { return cudaMemsetAsync(d, v, n, nullptr); }
