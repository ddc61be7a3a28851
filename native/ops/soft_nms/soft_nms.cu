// The order of work: boxes over the threshold become keys; the method writes the lowered score of each to `lowered`; what is
// still over the threshold is ranked by it.
//   soft NMS    one block: lowers all scores by the box just selected and finds the next best in the same pass
//   matrix NMS  a thread per box, twice: the largest IoU with a better box, then the least decay
//   fast NMS    a thread per box: is there a better box that overlaps?
//   cluster NMS and IoU-guided: greedy suppression decides who is kept (kept_scores.cu)
// Boxes of all classes are ranked together; those of different classes do not meet.
//
// Workspace: keys [ranked_bytes(N)], lowered f32 [N], term f32 [N] (soft: current scores; matrix: what IoUs are compared with),
// then four i32: candidates and survivors, and room for the number of the selected behind each; then what kept_scores.cu needs.
#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/rank_sort.h"
#include "cuda/reduce.h"
#include "cuda/runtime.h"
#include "ops/soft_nms/soft_nms_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256, kSoftThreads = 256;

FOVEA_DEVICE float key_score(uint64_t key) {
  const auto rank = static_cast<uint32_t>(key >> 32);
  return __uint_as_float((rank & 0x80000000u) != 0 ? rank : ~rank & 0x7FFFFFFFu);
}

__global__ void __launch_bounds__(kThreads) collect_candidates_kernel(SoftNms n) {
  const SoftNmsJob& j = n.job;
  const int64_t live = live_count(j.live, j.boxes_per_image), all = j.valid == nullptr ? live : live_count(j.valid, live);
  // The bound is the same for all threads of a block, as append_key needs it.
  for (int64_t first = int64_t{blockIdx.x} * kThreads; first < j.boxes_per_image; first += int64_t{gridDim.x} * kThreads) {
    const int64_t i = first + threadIdx.x;
    const float score = i < all ? j.scores[i * j.scores_pitch] : 0.0f;
    if (i < j.boxes_per_image) {
      n.lowered[i] = __uint_as_float(0x7FC00000u);  // NaN never passes a threshold
      if (j.localisation != nullptr)
        n.term[i] = i < all && guided_candidate(j, i) ? j.localisation[i * j.localisation_pitch] : n.lowered[i];
    }
    append_key(i < all && score > j.params.score_threshold, descending_key(score, i), n.keys, n.counts);
  }
}

__global__ void __launch_bounds__(kThreads) collect_survivors_kernel(SoftNms n) {
  const SoftNmsJob& j = n.job;
  for (int64_t first = int64_t{blockIdx.x} * kThreads; first < j.boxes_per_image; first += int64_t{gridDim.x} * kThreads) {
    const int64_t i = first + threadIdx.x;
    const float score = i < j.boxes_per_image ? n.lowered[i] : 0.0f;
    append_key(i < j.boxes_per_image && score > j.params.score_threshold, descending_key(score, i), n.keys, n.counts + 2);
  }
}

// The smallest key of a block, for all its threads.
FOVEA_DEVICE uint64_t block_least(uint64_t key, uint64_t* of_warps) {
  key = warp_reduce(key, Minimum{});
  if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32] = key;
  __syncthreads();
  uint64_t least = kNoKey;
  for (int w = 0; w < kSoftThreads / 32; ++w) least = of_warps[w] < least ? of_warps[w] : least;
  __syncthreads();
  return least;
}

// A thread owns the scores of its candidates. A selected one leaves by becoming NaN.
__global__ void __launch_bounds__(kSoftThreads, 1) soft_kernel(SoftNms n) {
  __shared__ uint64_t of_warps[kSoftThreads / 32];
  const SoftNmsJob& j = n.job;
  const fovea_soft_nms_params& p = j.params;
  const int64_t count = *n.counts;
  const bool gaussian = p.method == FOVEA_SOFT_NMS_GAUSSIAN;
  const float scale = -1.0f / p.sigma;
  NmsBox box{};
  int64_t selected = -1;
  // Scores are selected in descending order as long as they are positive, and only the first `capacity` are wanted. Negative
  // scores rise when they are multiplied.
  for (int64_t step = 0;; ++step) {
    uint64_t best = kNoKey;
    for (int64_t k = threadIdx.x; k < count; k += kSoftThreads) {
      const int64_t index = key_index(n.keys[k]);
      float score = selected < 0 ? j.scores[index * j.scores_pitch] : n.term[k];
      if (index == selected) {
        n.lowered[index] = score;
        score = __uint_as_float(0x7FC00000u);
      } else if (selected >= 0 && score == score && class_of(j, index) == class_of(j, selected)) {
        const float iou = iou_of(j, box_of(j, index), box);
        if (gaussian ? iou > 0.0f : iou > p.iou_threshold)
          score *= gaussian ? expf(__fmul_rn(__fmul_rn(iou, iou), scale)) : fmaxf(1.0f - iou, 0.0f);
      }
      n.term[k] = score;
      const uint64_t key = score == score ? descending_key(score, index) : kNoKey;
      best = key < best ? key : best;
    }
    best = block_least(best, of_warps);
    // The box of the step before has been written by now.
    if (best == kNoKey || !(key_score(best) > p.score_threshold)) return;
    if (step >= j.capacity && key_score(best) > 0.0f) return;
    selected = key_index(best);
    box = box_of(j, selected);
  }
}

// Candidates are ranked. The largest IoU with a better box of the class, as the term that later IoUs meet.
__global__ void __launch_bounds__(kThreads) matrix_terms_kernel(SoftNms n) {
  const SoftNmsJob& j = n.job;
  const int64_t count = *n.counts;
  for (int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x; k < count; k += int64_t{gridDim.x} * kThreads) {
    const int64_t index = key_index(n.keys[k]);
    const NmsBox box = box_of(j, index);
    const int32_t label = class_of(j, index);
    float highest = 0.0f;
    for (int64_t i = 0; i < k; ++i) {
      const int64_t other = key_index(n.keys[i]);
      if (class_of(j, other) == label) highest = fmaxf(highest, iou_of(j, box_of(j, other), box));
    }
    n.term[k] = j.params.method == FOVEA_MATRIX_NMS_GAUSSIAN ? __fmul_rn(highest, highest)
                : highest < 1.0f                             ? 1.0f / (1.0f - highest)
                                                             : __builtin_inff();
  }
}

__global__ void __launch_bounds__(kThreads) matrix_decay_kernel(SoftNms n) {
  const SoftNmsJob& j = n.job;
  const bool gaussian = j.params.method == FOVEA_MATRIX_NMS_GAUSSIAN;
  const int64_t count = *n.counts;
  for (int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x; k < count; k += int64_t{gridDim.x} * kThreads) {
    const int64_t index = key_index(n.keys[k]);
    const NmsBox box = box_of(j, index);
    const int32_t label = class_of(j, index);
    // The least exp(-sigma*d) is that of the largest d = IoU_ij^2 - (max_k IoU_ki)^2.
    float decay = gaussian ? 0.0f : 1.0f;
    for (int64_t i = 0; i < k; ++i) {
      const int64_t other = key_index(n.keys[i]);
      if (class_of(j, other) != label) continue;
      const float iou = iou_of(j, box_of(j, other), box);
      const float d = gaussian ? __fmul_rn(iou, iou) - n.term[i] : fmaxf(1.0f - iou, 0.0f) * n.term[i];
      if (gaussian ? d > decay : d < decay) decay = d;  // not for NaN, 0 times infinity
    }
    n.lowered[index] = j.scores[index * j.scores_pitch] * (gaussian ? expf(-j.params.sigma * decay) : decay);
  }
}

__global__ void __launch_bounds__(kThreads) fast_kernel(SoftNms n) {
  const SoftNmsJob& j = n.job;
  const float one = j.params.plus_one != 0 ? 1.0f : 0.0f, threshold = j.params.iou_threshold;
  const int64_t count = *n.counts;
  for (int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x; k < count; k += int64_t{gridDim.x} * kThreads) {
    const int64_t index = key_index(n.keys[k]);
    const NmsBox box = box_of(j, index);
    const int32_t label = class_of(j, index);
    bool dropped = false;
    for (int64_t i = 0; i < k && !dropped; ++i) {
      const int64_t other = key_index(n.keys[i]);
      if (class_of(j, other) != label) continue;
      const NmsBox better = box_of(j, other);
      const float intersection = intersection_of(one, better, box);
      dropped =
          threshold < 0.0f || intersection > __fmul_rn(threshold, whole_of(FOVEA_OVERLAP_UNION, better, box, intersection));
    }
    if (!dropped) n.lowered[index] = j.scores[index * j.scores_pitch];
  }
}

__global__ void __launch_bounds__(kThreads) write_kept_kernel(SoftNms n, const uint64_t* ranked) {
  const SoftNmsJob& j = n.job;
  const int64_t kept = ranked == nullptr ? 0 : live_count(n.counts + 2, j.capacity);
  for (int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x; k < j.capacity; k += int64_t{gridDim.x} * kThreads) {
    const int64_t index = k < kept ? key_index(ranked[k]) : -1;
    j.keep[k] = static_cast<int32_t>(index);
    j.keep_scores[k] = k < kept ? n.lowered[index] : 0.0f;
  }
  if (blockIdx.x == 0 && threadIdx.x == 0) *j.count = static_cast<int32_t>(kept);
}

int64_t padded(int64_t n) { return (n + 15) / 16 * 16; }
int64_t own_bytes(int64_t n) { return ranked_bytes(n) + 2 * padded(n) * 4 + 64; }
int64_t workspace_bytes(int64_t n, bool by_kept) { return n == 0 ? 0 : own_bytes(n) + (by_kept ? kept_scores_bytes(n) : 0); }

cudaError_t lower_scores(const SoftNms& n, int64_t boxes, cudaStream_t s) {
  const int32_t method = n.job.params.method;
  const unsigned grid = grid_for(boxes, kThreads);
  if (scores_by_kept(n.job)) return enqueue_kept_scores(n, n.job.workspace + own_bytes(boxes), s);
  if (method == FOVEA_SOFT_NMS_LINEAR || method == FOVEA_SOFT_NMS_GAUSSIAN)
    return launch(soft_kernel, 1, kSoftThreads, 0, s, n);
  cudaError_t error = sort_keys({n.keys, n.counts, 1, boxes, 0}, s);
  if (error != cudaSuccess) return error;
  if (method == FOVEA_FAST_NMS) return launch(fast_kernel, grid, kThreads, 0, s, n);
  error = launch(matrix_terms_kernel, grid, kThreads, 0, s, n);
  return error != cudaSuccess ? error : launch(matrix_decay_kernel, grid, kThreads, 0, s, n);
}

cudaError_t enqueue_soft_nms(const SoftNmsJob& job, cudaStream_t s) {
  const int64_t boxes = job.boxes_per_image;
  const unsigned grid = grid_for(boxes, kThreads);
  SoftNms n{job, nullptr, nullptr, nullptr, nullptr};
  const uint64_t* kept = nullptr;
  cudaError_t error = cudaSuccess;
  if (boxes > 0 && job.capacity > 0) {
    n.keys = reinterpret_cast<uint64_t*>(job.workspace);
    n.lowered = reinterpret_cast<float*>(job.workspace + ranked_bytes(boxes));
    n.term = n.lowered + padded(boxes);
    n.counts = reinterpret_cast<int32_t*>(n.term + padded(boxes));
    error = cudaMemsetAsync(n.counts, 0, 4 * sizeof(int32_t), s);
    if (error == cudaSuccess) error = launch(collect_candidates_kernel, grid, kThreads, 0, s, n);
    if (error == cudaSuccess) error = lower_scores(n, boxes, s);
    if (error == cudaSuccess) error = launch(collect_survivors_kernel, grid, kThreads, 0, s, n);
    if (error != cudaSuccess) return error;
    const Ranked ranked = rank_keys(n.keys, n.counts + 2, boxes, job.capacity, s);
    error = ranked.error, kept = ranked.keys;
  }
  return error != cudaSuccess ? error : launch(write_kept_kernel, grid_for(job.capacity, kThreads), kThreads, 0, s, n, kept);
}

fovea_status submit_soft_nms(const char* op, SoftNmsJob job, const fovea_workspace* workspace, fovea_stream* stream) {
  const int64_t bytes = workspace_bytes(job.boxes_per_image, scores_by_kept(job));
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  job.workspace = bytes == 0 ? nullptr : static_cast<char*>(workspace->data);
  return submit(stream, op, [&](cudaStream_t s) { return enqueue_soft_nms(job, s); });
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_soft_nms_workspace(const fovea_soft_nms_params* params, const fovea_tensor* boxes,
                                                 int64_t* bytes) {
  *bytes = workspace_bytes(boxes->shape[0], params->method >= FOVEA_CLUSTER_NMS);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_soft_nms(const fovea_soft_nms_params* params, const fovea_tensor* boxes,
                                       const fovea_tensor* scores, const fovea_tensor* classes, const fovea_tensor* valid,
                                       const fovea_tensor* keep, const fovea_tensor* keep_scores, const fovea_tensor* count,
                                       const fovea_workspace* workspace, fovea_stream* stream) {
  return submit_soft_nms("soft_nms",
                         soft_nms_job(*params, *boxes, *scores, nullptr, classes, valid, *keep, *keep_scores, *count),
                         workspace, stream);
}

extern "C" fovea_status fovea_guided_nms_workspace(const fovea_soft_nms_params*, const fovea_tensor* boxes, int64_t* bytes) {
  *bytes = workspace_bytes(boxes->shape[0], true);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_guided_nms(const fovea_soft_nms_params* params, const fovea_tensor* boxes,
                                         const fovea_tensor* scores, const fovea_tensor* localisation,
                                         const fovea_tensor* classes, const fovea_tensor* valid, const fovea_tensor* keep,
                                         const fovea_tensor* keep_scores, const fovea_tensor* count,
                                         const fovea_workspace* workspace, fovea_stream* stream) {
  return submit_soft_nms("guided_nms",
                         soft_nms_job(*params, *boxes, *scores, localisation, classes, valid, *keep, *keep_scores, *count),
                         workspace, stream);
}
