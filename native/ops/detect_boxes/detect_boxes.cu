// decode_boxes into a table of the workspace, nms over it, and the rows that are kept.
#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"
#include "ops/decode_boxes/decode_device.h"
#include "ops/detect_boxes/workspace.h"
#include "ops/nms/nms_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) take_rows_kernel(const float* rows, const int32_t* keep, const int32_t* count,
                                                             float* detections, int64_t pitch, int64_t capacity) {
  const int64_t n = live_count(count, capacity) * 6;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t k = i / 6, c = i - k * 6;
    detections[k * pitch + c] = rows[int64_t{keep[k]} * 6 + c];
  }
}

DetectWorkspace layout_of(const fovea_decode_params& p, const fovea_tensor& scores) {
  const int64_t rows = scores.shape[0], classes = scores.shape[1], candidates = decode_candidates(p, rows, classes);
  return {candidates, decode_workspace_bytes(p, rows, classes), nms_workspace_bytes(1, candidates)};
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_detect_boxes_workspace(const fovea_decode_params* decode, const fovea_nms_params*,
                                                     const fovea_tensor* scores, int64_t* bytes) {
  *bytes = layout_of(*decode, *scores).bytes;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_detect_boxes(const fovea_decode_params* decode, const fovea_nms_params* nms,
                                           const fovea_tensor* scores, const fovea_tensor* objectness,
                                           const fovea_tensor* regression, const fovea_tensor* anchors,
                                           const fovea_tensor* detections, const fovea_tensor* count,
                                           const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "detect_boxes";
  const DetectWorkspace layout = layout_of(*decode, *scores);
  FOVEA_TRY(check_workspace(op, workspace, layout.bytes));
  auto* const kept = static_cast<int32_t*>(count->data);
  if (layout.bytes == 0)
    return submit(stream, op, [&](cudaStream_t s) { return cudaMemsetAsync(kept, 0, sizeof(int32_t), s); });
  auto* const memory = static_cast<char*>(workspace->data);
  auto* const table = reinterpret_cast<float*>(memory + layout.table);
  auto* const labels = reinterpret_cast<int32_t*>(memory + layout.labels);
  auto* const keep = reinterpret_cast<int32_t*>(memory + layout.keep);
  auto* const found = reinterpret_cast<int32_t*>(memory + layout.found);
  DecodeJob first = decode_job(*decode, *scores, objectness, *regression, anchors);
  first.rows = table;
  first.rows_count = found;
  first.keys = reinterpret_cast<uint64_t*>(memory + layout.keys);
  first.capacity = layout.candidates;
  first.rows_pitch = 6;
  const int64_t capacity = layout.candidates < detections->shape[0] ? layout.candidates : detections->shape[0];
  NmsJob second{};
  second.boxes = table;
  second.scores = table + 4;
  second.classes = labels;
  second.valid = found;
  second.keep = keep;
  second.count = kept;
  second.workspace = memory + layout.nms;
  second.images = 1;
  second.boxes_per_image = layout.candidates;
  second.capacity = capacity;
  second.boxes_pitch = second.scores_pitch = 6;
  second.params = *nms;
  return submit(stream, op, [&](cudaStream_t s) {
    cudaError_t error = cudaMemsetAsync(found, 0, sizeof(int32_t), s);
    if (error == cudaSuccess) error = enqueue_decode(first, labels, s);
    if (error == cudaSuccess) error = enqueue_nms(second, s);
    if (error == cudaSuccess)
      error = launch(take_rows_kernel, grid_for(capacity * 6, kThreads), kThreads, 0, s, static_cast<const float*>(table),
                     static_cast<const int32_t*>(keep), static_cast<const int32_t*>(kept),
                     static_cast<float*>(detections->data), detections->pitch, capacity);
    return error;
  });
}
