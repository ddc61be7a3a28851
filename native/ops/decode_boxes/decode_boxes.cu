// Scores become keys where they pass the threshold, by the CPU's exact rule: double precision, rounded to f32 once. The keys
// are ranked, and boxes are decoded for those that are kept.
//
// Workspace: keys [ranked_bytes(most candidates)], then four i32: candidates, selected ones, rows that were there before.
#include "ops/decode_boxes/decode_boxes.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/rank_sort.h"
#include "cuda/runtime.h"
#include "ops/decode_boxes/decode_device.h"
#include "ops/decode_boxes/decode_rule.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

struct Decode {
  DecodeJob job;
  int32_t* counts;
  int32_t* labels;
};

// The probability that a row's objectness stands for; 1 without.
FOVEA_DEVICE float objectness_at(const DecodeJob& j, int64_t row) {
  if (j.objectness == nullptr) return 1.0f;
  const float x = j.objectness[row * j.objectness_pitch];
  return j.params.score_mode == FOVEA_SCORE_PLAIN ? x : decode_sigmoid(x);
}

__global__ void begin_kernel(Decode d) {
  d.counts[0] = 0;
  d.counts[2] = static_cast<int32_t>(live_count(d.job.rows_count, d.job.capacity));
}

// Every class of every row, one thread each.
__global__ void __launch_bounds__(kThreads) collect_scores_kernel(Decode d) {
  const DecodeJob& j = d.job;
  const float threshold = j.params.score_threshold;
  const int64_t n = live_count(j.live, j.count) * j.classes;
  // The bound is the same for all threads of a block, as append_key needs it.
  for (int64_t first = int64_t{blockIdx.x} * kThreads; first < n; first += int64_t{gridDim.x} * kThreads) {
    const int64_t i = first + threadIdx.x;
    float score = 0.0f;
    bool passes = false;
    if (i < n) {
      const int64_t row = i / j.classes;
      const float objectness = objectness_at(j, row);
      if (j.objectness == nullptr || objectness > threshold) {
        const float x = j.scores[row * j.scores_pitch + (i - row * j.classes)];
        score = __fmul_rn(j.params.score_mode == FOVEA_SCORE_PLAIN ? x : decode_sigmoid(x), objectness);
        passes = score > threshold;
      }
    }
    append_key(passes, descending_key(score, i), j.keys, d.counts);
  }
}

// One thread per row: its best class, or the softmax over its classes.
__global__ void __launch_bounds__(kThreads, 2) collect_rows_kernel(Decode d) {
  const DecodeJob& j = d.job;
  const float threshold = j.params.score_threshold;
  const bool softmax = j.params.score_mode == FOVEA_SCORE_SOFTMAX, best_class = j.params.best_class != 0;
  const int64_t n = live_count(j.live, j.count);
  for (int64_t first = int64_t{blockIdx.x} * kThreads; first < n; first += int64_t{gridDim.x} * kThreads) {
    const int64_t row = first + threadIdx.x;
    const float* x = j.scores + (row < n ? row : 0) * j.scores_pitch;
    const float objectness = row < n ? objectness_at(j, row) : 0.0f;
    bool takes_part = row < n && (j.objectness == nullptr || objectness > threshold);
    double highest = 0, sum = 1;
    if (takes_part && softmax) {
      float most = x[0];
      for (int64_t c = 1; c < j.classes; ++c) most = most < x[c] ? x[c] : most;
      highest = static_cast<double>(most), sum = 0;
      for (int64_t c = 0; c < j.classes; ++c) sum += exp(static_cast<double>(x[c]) - highest);
      takes_part = sum == sum;  // a NaN, or two infinities
    }
    const auto score_of = [&](int64_t c) {
      const float p = softmax ? static_cast<float>(exp(static_cast<double>(x[c]) - highest) / sum)
                      : j.params.score_mode == FOVEA_SCORE_PLAIN ? x[c]
                                                                 : decode_sigmoid(x[c]);
      return __fmul_rn(p, objectness);
    };
    // All threads of a warp go through the same columns.
    const int64_t best = best_class && takes_part ? decode_best_column(j, x) : -1;
    for (int64_t c = 0; c < (best_class ? 1 : j.classes); ++c) {
      const int64_t column = best_class ? best : c;
      const bool offered = takes_part && column >= 0 && decode_is_class(j.params, column);
      const float score = offered ? score_of(column) : 0.0f;
      append_key(offered && score > threshold, descending_key(score, row * j.classes + column), j.keys, d.counts);
    }
  }
}

__global__ void __launch_bounds__(kThreads)
    write_rows_kernel(Decode d, const uint64_t* ranked, const int32_t* count, int64_t most) {
  const DecodeJob& j = d.job;
  const int64_t taken = d.counts[2], room = j.capacity - taken, found = live_count(count, room < most ? room : most);
  for (int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x; k < found; k += int64_t{gridDim.x} * kThreads) {
    const int64_t position = key_index(ranked[k]), row = position / j.classes, column = position - row * j.classes;
    const auto rank = static_cast<uint32_t>(ranked[k] >> 32);
    float* out = j.rows + (taken + k) * j.rows_pitch;
    float box[4];
    decode_box(j, row, box);
    for (int c = 0; c < 4; ++c) out[c] = box[c];
    out[4] = __uint_as_float((rank & 0x80000000u) != 0 ? rank : ~rank & 0x7FFFFFFFu);
    out[5] = static_cast<float>(column);
    if (d.labels != nullptr) d.labels[taken + k] = static_cast<int32_t>(column);
  }
  if (blockIdx.x == 0 && threadIdx.x == 0) *j.rows_count = static_cast<int32_t>(taken + found);
}

int64_t all_candidates(const fovea_decode_params& p, int64_t count, int64_t classes) {
  return p.best_class != 0 ? count : count * classes;
}

}  // namespace

int64_t decode_workspace_bytes(const fovea_decode_params& p, int64_t count, int64_t classes) {
  return ranked_bytes(all_candidates(p, count, classes)) + 64;
}

cudaError_t enqueue_decode(const DecodeJob& job, int32_t* labels, cudaStream_t s) {
  const int64_t all = all_candidates(job.params, job.count, job.classes);
  const int64_t most = decode_candidates(job.params, job.count, job.classes);
  const int64_t limit = most < job.capacity ? most : job.capacity;
  Decode d{job, reinterpret_cast<int32_t*>(reinterpret_cast<char*>(job.keys) + ranked_bytes(all)), labels};
  cudaError_t error = launch(begin_kernel, 1, 1, 0, s, d);
  if (error != cudaSuccess) return error;
  Ranked ranked{job.keys, d.counts, cudaSuccess};
  if (all > 0 && limit > 0) {
    const bool by_rows = job.params.best_class != 0 || job.params.score_mode == FOVEA_SCORE_SOFTMAX;
    error = by_rows ? launch(collect_rows_kernel, grid_for(job.count, kThreads), kThreads, 0, s, d)
                    : launch(collect_scores_kernel, grid_for(all, kThreads), kThreads, 0, s, d);
    if (error != cudaSuccess) return error;
    ranked = rank_keys(job.keys, d.counts, all, limit, s);
    if (ranked.error != cudaSuccess) return ranked.error;
  }
  return launch(write_rows_kernel, grid_for(limit, kThreads), kThreads, 0, s, d, ranked.keys, ranked.count, most);
}

}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_decode_boxes_workspace(const fovea_decode_params* params, const fovea_tensor* scores,
                                                     int64_t* bytes) {
  *bytes = decode_workspace_bytes(*params, scores->shape[0], scores->shape[1]);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_decode_boxes(const fovea_decode_params* params, const fovea_tensor* scores,
                                           const fovea_tensor* objectness, const fovea_tensor* regression,
                                           const fovea_tensor* anchors, const fovea_tensor* rows, const fovea_tensor* count,
                                           const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "decode_boxes";
  FOVEA_TRY(check_workspace(op, workspace, decode_workspace_bytes(*params, scores->shape[0], scores->shape[1])));
  DecodeJob job = decode_job(*params, *scores, objectness, *regression, anchors);
  job.rows = static_cast<float*>(rows->data);
  job.rows_count = static_cast<int32_t*>(count->data);
  job.keys = static_cast<uint64_t*>(workspace->data);
  job.capacity = rows->shape[0];
  job.rows_pitch = rows->pitch;
  return submit(stream, op, [&](cudaStream_t s) { return enqueue_decode(job, nullptr, s); });
}
