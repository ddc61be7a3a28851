// Scores that follow from greedy suppression, which nms.cu does without a decision of the host:
//   cluster NMS  what greedy suppression keeps, with its scores
//   ... SPM      every candidate is lowered by the kept boxes before it: a thread per box, in the order of the ranking
//   IoU-guided   the ranking is by localisation, and the first kept box that drops a box takes its score if that is higher
//
// Workspace: kept i32 [N], ranks u32 [N], one i32 for the number of kept boxes, then nms.cu's.
#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/rank_sort.h"
#include "cuda/runtime.h"
#include "ops/nms/first_kept_device.h"
#include "ops/nms/nms_device.h"
#include "ops/soft_nms/soft_nms_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

struct Kept {
  int32_t* boxes;  // in the order of the ranking
  int32_t* count;
  uint32_t* ranks;  // IoU-guided: the highest score of a kept box's group, as an integer of the same order
};

// Integers in the order of the scores, so that an atomic maximum does not depend on the order of the threads.
FOVEA_DEVICE uint32_t score_rank(float score) {
  const uint32_t raw = __float_as_uint(score);
  return (raw & 0x80000000u) != 0 ? ~raw : raw | 0x80000000u;
}
FOVEA_DEVICE float rank_to_score(uint32_t rank) {
  return __uint_as_float((rank & 0x80000000u) != 0 ? rank & 0x7FFFFFFFu : ~rank);
}

__global__ void __launch_bounds__(kThreads) kept_kernel(SoftNms n, Kept kept) {
  const SoftNmsJob& j = n.job;
  const int64_t count = live_count(kept.count, j.boxes_per_image);
  for (int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x; k < count; k += int64_t{gridDim.x} * kThreads) {
    const int64_t box = kept.boxes[k];
    n.lowered[box] = j.localisation == nullptr ? j.scores[box * j.scores_pitch] : rank_to_score(kept.ranks[box]);
  }
}

__global__ void __launch_bounds__(kThreads) penalty_kernel(SoftNms n, Kept kept) {
  const SoftNmsJob& j = n.job;
  const int64_t count = *n.counts, kept_count = live_count(kept.count, j.boxes_per_image);
  for (int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x; k < count; k += int64_t{gridDim.x} * kThreads) {
    const uint64_t key = n.keys[k];
    const int64_t index = key_index(key);
    const NmsBox box = box_of(j, index);
    const int32_t label = class_of(j, index);
    float sum = 0.0f;
    for (int64_t i = 0; i < kept_count; ++i) {
      const int64_t other = kept.boxes[i];
      if (descending_key(j.scores[other * j.scores_pitch], other) >= key) break;
      if (class_of(j, other) != label) continue;
      const float iou = iou_of(j, box_of(j, other), box);
      sum += __fmul_rn(iou, iou);
    }
    n.lowered[index] = j.scores[index * j.scores_pitch] * expf(__fmul_rn(sum, -1.0f / j.params.sigma));
  }
}

__global__ void __launch_bounds__(kThreads) group_kernel(SoftNms n, Kept kept) {
  const SoftNmsJob& j = n.job;
  const GreedyRule rule{j.boxes, j.classes, j.boxes_pitch, j.params.iou_threshold, j.params.plus_one != 0 ? 1.0f : 0.0f};
  const KeptBoxes boxes{kept.boxes, live_count(kept.count, j.boxes_per_image)};
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < j.boxes_per_image; i += int64_t{gridDim.x} * kThreads) {
    if (n.term[i] != n.term[i]) continue;
    const int64_t group = first_kept(rule, boxes, i);
    if (group >= 0) atomicMax(kept.ranks + kept.boxes[group], score_rank(j.scores[i * j.scores_pitch]));
  }
}

int64_t padded(int64_t n) { return (n + 15) / 16 * 16; }

}  // namespace

int64_t kept_scores_bytes(int64_t boxes) { return 2 * padded(boxes) * 4 + 64 + nms_workspace_bytes(1, boxes); }

cudaError_t enqueue_kept_scores(const SoftNms& n, char* workspace, cudaStream_t s) {
  const SoftNmsJob& j = n.job;
  const int64_t boxes = j.boxes_per_image;
  const unsigned grid = grid_for(boxes, kThreads);
  const bool guided = j.localisation != nullptr;
  Kept kept{reinterpret_cast<int32_t*>(workspace), nullptr, nullptr};
  kept.ranks = reinterpret_cast<uint32_t*>(kept.boxes + padded(boxes));
  kept.count = reinterpret_cast<int32_t*>(kept.ranks + padded(boxes));
  NmsJob greedy{};
  greedy.boxes = j.boxes;
  greedy.scores = guided ? n.term : j.scores;
  greedy.classes = j.classes;
  greedy.valid = j.valid;
  greedy.keep = kept.boxes;
  greedy.count = kept.count;
  greedy.workspace = reinterpret_cast<char*>(kept.count) + 64;
  greedy.images = 1;
  greedy.boxes_per_image = greedy.capacity = boxes;
  greedy.boxes_pitch = j.boxes_pitch;
  greedy.scores_pitch = guided ? 1 : j.scores_pitch;
  greedy.live = j.live;
  greedy.params = {j.params.iou_threshold,
                   guided ? -__builtin_inff() : j.params.score_threshold,
                   FOVEA_OVERLAP_UNION,
                   j.params.plus_one,
                   0,
                   0};
  cudaError_t error = enqueue_nms(greedy, s);
  if (error != cudaSuccess) return error;
  if (!guided && j.params.method == FOVEA_CLUSTER_NMS_SPM) return launch(penalty_kernel, grid, kThreads, 0, s, n, kept);
  if (guided) {
    error = cudaMemsetAsync(kept.ranks, 0, static_cast<size_t>(boxes) * sizeof(uint32_t), s);
    if (error == cudaSuccess) error = launch(group_kernel, grid, kThreads, 0, s, n, kept);
    if (error != cudaSuccess) return error;
  }
  return launch(kept_kernel, grid, kThreads, 0, s, n, kept);
}

}  // namespace fovea::cuda
