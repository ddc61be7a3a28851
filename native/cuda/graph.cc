// Capture and replay: a CUDA graph, instantiated and uploaded when the capture ends, so that the first replay costs no more
// than the others.
#include "cuda/runtime.h"
#include "fovea/device.h"

using namespace fovea;
using namespace fovea::cuda;

namespace {

// Adds `graph` to what a capturing stream records, behind everything recorded so far.
cudaError_t record_child(cudaStream_t stream, cudaGraph_t graph) {
  cudaStreamCaptureStatus status{};
  cudaGraph_t capture = nullptr;
  const cudaGraphNode_t* dependencies = nullptr;
  size_t count = 0;
  if (const cudaError_t error = cudaStreamGetCaptureInfo_v2(stream, &status, nullptr, &capture, &dependencies, &count);
      error != cudaSuccess)
    return error;
  cudaGraphNode_t node = nullptr;
  if (const cudaError_t error = cudaGraphAddChildGraphNode(&node, capture, dependencies, count, graph); error != cudaSuccess)
    return error;
  return cudaStreamUpdateCaptureDependencies(stream, &node, 1, cudaStreamSetCaptureDependencies);
}

cudaError_t instantiate(cudaGraph_t recorded, cudaStream_t stream, cudaGraphExec_t* executable) {
  if (const cudaError_t error = cudaGraphInstantiate(executable, recorded, 0); error != cudaSuccess) return error;
  return cudaGraphUpload(*executable, stream);
}

}  // namespace

extern "C" FOVEA_API fovea_status fovea_capture_begin(fovea_stream* stream) {
  constexpr const char* op = "capture_begin";
  if (stream->capturing) return fail(FOVEA_INVALID_STATE, "%s: the stream is capturing already", op);
  // Thread-local mode: a call that cannot be captured fails on this thread only, others may go on allocating.
  FOVEA_TRY(submit(stream, op, [](cudaStream_t s) { return cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal); }));
  stream->capturing = true;
  return FOVEA_OK;
}

extern "C" FOVEA_API fovea_status fovea_capture_end(fovea_stream* stream, fovea_graph** result) {
  constexpr const char* op = "capture_end";
  if (!stream->capturing) return fail(FOVEA_INVALID_STATE, "%s: the stream is not capturing", op);
  cudaGraph_t recorded = nullptr;
  const fovea_status ended = submit(stream, op, [&](cudaStream_t s) { return cudaStreamEndCapture(s, &recorded); });
  stream->capturing = false;
  if (ended != FOVEA_OK || result == nullptr) {
    if (recorded != nullptr) cudaGraphDestroy(recorded);
    return result == nullptr && ended == FOVEA_INVALID_STATE ? FOVEA_OK : ended;  // an abandoned capture may be a broken one
  }
  cudaGraphExec_t executable = nullptr;
  fovea_status status = submit(stream, op, [&](cudaStream_t s) { return instantiate(recorded, s, &executable); });
  if (status == FOVEA_OK)
    status = guarded([&] {
      *result = new fovea_graph{&plugin(), &device(stream), recorded, executable};
      return FOVEA_OK;
    });
  if (status != FOVEA_OK) {
    if (executable != nullptr) cudaGraphExecDestroy(executable);
    cudaGraphDestroy(recorded);
  }
  return status;
}

extern "C" FOVEA_API fovea_status fovea_graph_replay(fovea_graph* graph, fovea_stream* stream) {
  constexpr const char* op = "graph_replay";
  FOVEA_CHECK(graph->plugin == stream->plugin && graph->device == &device(stream),
              "%s: graph and stream belong to different devices", op);
  return submit(stream, op, [&](cudaStream_t s) {
    return stream->capturing ? record_child(s, graph->recorded) : cudaGraphLaunch(graph->executable, s);
  });
}

extern "C" FOVEA_API fovea_status fovea_graph_node_count(const fovea_graph* graph, int64_t* count) {
  size_t nodes = 0;
  FOVEA_TRY(check(*graph->device, cudaGraphGetNodes(graph->recorded, nullptr, &nodes), "graph_node_count"));
  *count = static_cast<int64_t>(nodes);
  return FOVEA_OK;
}

extern "C" FOVEA_API fovea_status fovea_graph_destroy(fovea_graph* graph) {
  Device& owner = *graph->device;
  const CurrentDevice current(owner.id);
  cudaError_t error = cudaSuccess;
  if (owner.lost.load(std::memory_order_relaxed) == cudaSuccess) {
    error = cudaGraphExecDestroy(graph->executable);
    if (const cudaError_t second = cudaGraphDestroy(graph->recorded); error == cudaSuccess) error = second;
  }
  delete graph;
  return check(owner, error, "graph_destroy");
}
