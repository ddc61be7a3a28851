// Streams and events: thin owners of CUDA's.
#include "fovea/device.h"

#include "cuda/runtime.h"

using namespace fovea;
using namespace fovea::cuda;

namespace {

fovea_status same_device(const char* op, const fovea_event* event, const fovea_stream* stream) {
  // Only the plug-in pointer may be read of a handle that another backend made.
  FOVEA_CHECK(event->plugin == stream->plugin && event->device == &device(stream),
              "%s: event and stream belong to different devices", op);
  return FOVEA_OK;
}

}  // namespace

extern "C" FOVEA_API fovea_status fovea_stream_create(fovea_device* handle, const fovea_stream_options* options,
                                                      fovea_stream** result) {
  constexpr const char* op = "stream_create";
  auto& device = static_cast<Device&>(*handle);
  FOVEA_TRY(check_not_lost(device, op));
  const CurrentDevice current(device.id);
  cudaStream_t stream = nullptr;
  FOVEA_TRY(check(device, cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), op));
  const auto products = static_cast<fovea_f32_products>(options == nullptr ? FOVEA_F32_EXACT : options->f32_products);
  return guarded([&] {
    *result = new fovea_stream{{&plugin(), &device}, stream, true, products};
    return FOVEA_OK;
  });
}

extern "C" FOVEA_API fovea_status fovea_stream_from_native(fovea_device* handle, void* native, fovea_stream** result) {
  constexpr const char* op = "stream_from_native";
  auto& device = static_cast<Device&>(*handle);
  FOVEA_TRY(check_not_lost(device, op));
  const CurrentDevice current(device.id);
  const auto stream = static_cast<cudaStream_t>(native);
  cudaStreamCaptureStatus capture{};  // also proves that the handle is one
  if (const cudaError_t error = cudaStreamIsCapturing(stream, &capture); error != cudaSuccess) {
    cudaGetLastError();
    return fail(FOVEA_INVALID_ARGUMENT, "%s: the handle is no stream of %s:%d: %s", op, plugin().name, device.id,
                cudaGetErrorString(error));
  }
  return guarded([&] {
    *result = new fovea_stream{{&plugin(), &device}, stream, false, FOVEA_F32_EXACT};
    return FOVEA_OK;
  });
}

extern "C" FOVEA_API fovea_status fovea_stream_native(const fovea_stream* stream, void** native) {
  *native = stream->handle;
  return FOVEA_OK;
}

extern "C" FOVEA_API fovea_status fovea_stream_destroy(fovea_stream* stream) {
  constexpr const char* op = "stream_destroy";
  if (stream->busy.load(std::memory_order_acquire))
    return fail(FOVEA_INVALID_STATE, "%s: the stream is in use by another thread", op);
  Device& owner = device(stream);
  const CurrentDevice current(owner.id);
  if (stream->capturing) {
    cudaGraph_t abandoned = nullptr;
    cudaStreamEndCapture(stream->handle, &abandoned);
    if (abandoned != nullptr) cudaGraphDestroy(abandoned);
  }
  const bool lost = owner.lost.load(std::memory_order_relaxed) != cudaSuccess;
  const cudaError_t error = stream->owned && !lost ? cudaStreamDestroy(stream->handle) : cudaSuccess;
  delete stream;
  return check(owner, error, op);
}

extern "C" FOVEA_API fovea_status fovea_stream_synchronize(fovea_stream* stream) {
  constexpr const char* op = "stream_synchronize";
  if (stream->capturing) return fail(FOVEA_INVALID_STATE, "%s: the stream is capturing", op);
  return submit(stream, op, [](cudaStream_t s) { return cudaStreamSynchronize(s); });
}

extern "C" FOVEA_API fovea_status fovea_event_create(fovea_device* handle, fovea_event** result) {
  constexpr const char* op = "event_create";
  auto& device = static_cast<Device&>(*handle);
  FOVEA_TRY(check_not_lost(device, op));
  const CurrentDevice current(device.id);
  cudaEvent_t event = nullptr;
  FOVEA_TRY(check(device, cudaEventCreateWithFlags(&event, cudaEventDefault), op));
  return guarded([&] {
    *result = new fovea_event{&plugin(), &device, event};
    return FOVEA_OK;
  });
}

extern "C" FOVEA_API fovea_status fovea_event_destroy(fovea_event* event) {
  Device& owner = *event->device;
  const CurrentDevice current(owner.id);
  const bool lost = owner.lost.load(std::memory_order_relaxed) != cudaSuccess;
  const cudaError_t error = lost ? cudaSuccess : cudaEventDestroy(event->handle);
  delete event;
  return check(owner, error, "event_destroy");
}

extern "C" FOVEA_API fovea_status fovea_event_record(fovea_event* event, fovea_stream* stream) {
  constexpr const char* op = "event_record";
  FOVEA_TRY(same_device(op, event, stream));
  FOVEA_TRY(submit(stream, op, [&](cudaStream_t s) { return cudaEventRecord(event->handle, s); }));
  event->recorded.store(true, std::memory_order_release);
  return FOVEA_OK;
}

extern "C" FOVEA_API fovea_status fovea_event_synchronize(fovea_event* event) {
  constexpr const char* op = "event_synchronize";
  FOVEA_TRY(check_not_lost(*event->device, op));
  return check(*event->device, cudaEventSynchronize(event->handle), op);
}

extern "C" FOVEA_API fovea_status fovea_event_elapsed(const fovea_event* start, const fovea_event* end, double* milliseconds) {
  constexpr const char* op = "event_elapsed";
  FOVEA_CHECK(start->device == end->device, "%s: the events belong to different devices", op);
  if (!start->recorded.load(std::memory_order_acquire) || !end->recorded.load(std::memory_order_acquire))
    return fail(FOVEA_INVALID_STATE, "%s: an event was never recorded", op);
  FOVEA_TRY(check_not_lost(*start->device, op));
  float elapsed = 0;
  const cudaError_t error = cudaEventElapsedTime(&elapsed, start->handle, end->handle);
  if (error == cudaErrorNotReady) {
    cudaGetLastError();
    return fail(FOVEA_INVALID_STATE, "%s: the work before an event is not done; synchronise with it first", op);
  }
  FOVEA_TRY(check(*start->device, error, op));
  *milliseconds = static_cast<double>(elapsed);
  return FOVEA_OK;
}

extern "C" FOVEA_API fovea_status fovea_stream_wait(fovea_stream* stream, fovea_event* event) {
  constexpr const char* op = "stream_wait";
  FOVEA_CHECK(event->plugin == stream->plugin, "%s: stream and event belong to different backends", op);
  return submit(stream, op, [&](cudaStream_t s) { return cudaStreamWaitEvent(s, event->handle, 0); });
}
