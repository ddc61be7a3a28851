// decode_boxes into a table in the workspace, greedy suppression over it, and the kept rows copied out: one job. The two
// kernels do the work; what is left is a handful of rows.
#include <algorithm>
#include <cstring>

#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/decode_boxes/decode_boxes.h"
#include "ops/detect_boxes/workspace.h"
#include "ops/nms/nms.h"

namespace fovea {
namespace {

struct DetectJob {
  DecodeJob decode;  // into the table of candidates
  NmsJob nms;        // of the table
  DecodeKernel* decode_kernel;
  NmsKernel* nms_kernel;
  int32_t* labels;    // classes of the candidates
  float* detections;  // [..][6]
  int32_t* count;
  int64_t detections_pitch;
};

void detect_boxes(const DetectJob& j) {
  *j.decode.rows_count = 0;
  j.decode_kernel(j.decode);
  for (int32_t i = 0; i < *j.decode.rows_count; ++i) j.labels[i] = static_cast<int32_t>(j.decode.rows[6 * int64_t{i} + 5]);
  j.nms_kernel(j.nms);
  for (int32_t k = 0; k < *j.count; ++k)
    std::memcpy(j.detections + k * j.detections_pitch, j.decode.rows + 6 * int64_t{j.nms.keep[k]}, 6 * sizeof(float));
}

void no_detections(int32_t* const& count) { *count = 0; }

DetectWorkspace layout_of(const fovea_decode_params& p, const fovea_tensor& scores) {
  const int64_t rows = scores.shape[0], classes = scores.shape[1], candidates = decode_candidates(p, rows, classes);
  return {candidates, 2 * decode_buffer(p, rows, classes) * 8, NmsWorkspace::bytes(candidates)};
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_detect_boxes_workspace(const fovea_decode_params* decode, const fovea_nms_params* nms,
                                                     const fovea_tensor* scores, int64_t* bytes) {
  constexpr const char* op = "detect_boxes";
  FOVEA_CHECK(decode != nullptr && nms != nullptr && scores != nullptr && bytes != nullptr,
              "%s: decode, nms, scores or bytes is NULL", op);
  FOVEA_TRY(check_decode_scores(op, *decode, *scores));
  FOVEA_FORWARD_TENSOR(scores, fovea_detect_boxes_workspace, decode, nms, scores, bytes);
  *bytes = layout_of(*decode, *scores).bytes;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_detect_boxes(const fovea_decode_params* decode, const fovea_nms_params* nms,
                                           const fovea_tensor* scores, const fovea_tensor* objectness,
                                           const fovea_tensor* regression, const fovea_tensor* anchors,
                                           const fovea_tensor* detections, const fovea_tensor* count,
                                           const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "detect_boxes";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(nms != nullptr, "%s: nms is NULL", op);
  FOVEA_TRY(check_nms_params(op, *nms));
  DetectJob job{};
  FOVEA_TRY(make_decode_job(op, decode, scores, objectness, regression, anchors, stream, &job.decode));
  FOVEA_TRY(check_tensor(op, "detections", detections, 2, kF32, stream));
  FOVEA_CHECK(detections->shape[1] == 6, "%s: detections must be [K][6], it is %s", op, describe(*detections));
  FOVEA_TRY(check_tensor(op, "count", count, 1, kI32, stream));
  FOVEA_CHECK(count->shape[0] == 1, "%s: count must be [1], it is %s", op, describe(*count));
  for (const fovea_tensor* output : {detections, count}) {
    const char* name = output == detections ? "detections" : "count";
    FOVEA_TRY(check_no_overlap(op, "scores", *scores, name, *output, false));
    if (objectness != nullptr) FOVEA_TRY(check_no_overlap(op, "objectness", *objectness, name, *output, false));
    FOVEA_TRY(check_no_overlap(op, "regression", *regression, name, *output, false));
    if (job.decode.anchors != nullptr) FOVEA_TRY(check_no_overlap(op, "anchors", *anchors, name, *output, false));
  }
  FOVEA_TRY(check_no_overlap(op, "detections", *detections, "count", *count, false));
  FOVEA_FORWARD(stream, fovea_detect_boxes, decode, nms, scores, objectness, regression, anchors, detections, count, workspace,
                stream);
  const DetectWorkspace layout = layout_of(*decode, *scores);
  FOVEA_TRY(check_workspace(op, workspace, layout.bytes));
  job.count = static_cast<int32_t*>(count->data);
  if (layout.bytes == 0) return enqueue(stream, no_detections, job.count);
  auto* const memory = static_cast<char*>(workspace->data);
  auto* const table = reinterpret_cast<float*>(memory + layout.table);
  job.labels = reinterpret_cast<int32_t*>(memory + layout.labels);
  job.decode.rows = table;
  job.decode.rows_count = reinterpret_cast<int32_t*>(memory + layout.found);
  job.decode.keys = reinterpret_cast<uint64_t*>(memory + layout.keys);
  job.decode.capacity = layout.candidates;
  job.decode.rows_pitch = 6;
  job.nms = {table,
             table + 4,
             job.labels,
             job.decode.rows_count,
             reinterpret_cast<int32_t*>(memory + layout.keep),
             job.count,
             memory + layout.nms,
             1,
             layout.candidates,
             std::min(layout.candidates, detections->shape[0]),
             6,
             6,
             0,
             0,
             0,
             0,
             nullptr,
             false,
             *nms};
  job.decode_kernel = select_decode_boxes();
  job.nms_kernel = select_nms();
  job.detections = static_cast<float*>(detections->data);
  job.detections_pitch = detections->pitch;
  return enqueue(stream, detect_boxes, job);
}
