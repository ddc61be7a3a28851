// The plug-in's own objects and what its entry points share. Host code only: compiled by the host compiler against the CUDA
// runtime's headers, or against the emulator's.
#pragma once

#include <cuda_runtime.h>

#include <atomic>
#include <utility>

#include "core/handles.h"
#include "core/status.h"
#include "fovea/device.h"

namespace fovea::cuda {

const fovea_plugin& plugin();

// One per GPU; they live as long as the process.
struct Device : fovea_device {
  std::atomic<int32_t> lost{cudaSuccess};  // the first error that the device does not recover from
};

Device& device_at(int32_t id);
inline Device& device(const fovea_stream* stream) { return device_at(device_of(stream).id); }

// FOVEA_OK, or the status and sentence for an error that `op` met. Remembers errors that leave the device unusable.
fovea_status check(Device& device, cudaError_t error, const char* op);
fovea_status check_not_lost(const Device& device, const char* op);

// Makes a device the calling thread's current one for a scope.
class CurrentDevice {
 public:
  explicit CurrentDevice(int32_t id) {
    cudaGetDevice(&previous_);
    if (previous_ != id) cudaSetDevice(id);
    changed_ = previous_ != id;
  }
  ~CurrentDevice() {
    if (changed_) cudaSetDevice(previous_);
  }
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;

 private:
  int previous_ = 0;
  bool changed_ = false;
};

}  // namespace fovea::cuda

struct fovea_stream : fovea::StreamHead {
  cudaStream_t handle;
  bool owned;  // false: made elsewhere
  fovea_f32_products f32_products;
  bool capturing = false;
  std::atomic<bool> busy{false};
};

struct fovea_event {
  const fovea_plugin* plugin;
  fovea::cuda::Device* device;
  cudaEvent_t handle;
  std::atomic<bool> recorded{false};
};

struct fovea_graph {
  const fovea_plugin* plugin;
  fovea::cuda::Device* device;
  cudaGraph_t recorded;  // kept: a graph may become a part of another one
  cudaGraphExec_t executable;
};

namespace fovea::cuda {

// Enqueues on a stream: `body(cudaStream_t)` returns a cudaError_t. Refuses a stream that another thread is using and a device
// that is lost.
template <class Body>
fovea_status submit(fovea_stream* stream, const char* op, Body&& body) {
  Device& owner = device(stream);
  FOVEA_TRY(check_not_lost(owner, op));
  if (stream->busy.exchange(true, std::memory_order_acquire))
    return fail(FOVEA_INVALID_STATE, "%s: the stream is in use by another thread; give each thread its own stream or session",
                op);
  const CurrentDevice current(owner.id);
  const cudaError_t error = body(stream->handle);
  stream->busy.store(false, std::memory_order_release);
  return check(owner, error, op);
}

}  // namespace fovea::cuda
