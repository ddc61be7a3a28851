// Boxes get the number of their group; members are sorted by group, then by rank; groups are ranked; their means are written.
//   WEIGHTED_NMS  nms.cu keeps the best boxes of the groups, and a thread per box finds the one it fell to
//   BOX_FUSION    one block: each box in turn meets the means of all groups, of which one then changes
// The means are the CPU's: double precision, in the order of the members.
//
// Workspace: keys [ranked_bytes(N)], members u64 [key_stride(N)], then by group sums f64 [5*N], fused boxes f32 [5*N], start
// i32 [N+1], kept i32 [N]; owner i32 [N] by box; sixteen i32, see Counts; behind them nms.cu's.
#include "ops/weighted_nms/weighted_nms.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/rank_sort.h"
#include "cuda/reduce.h"
#include "cuda/runtime.h"
#include "ops/nms/first_kept_device.h"
#include "ops/nms/nms_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256, kFuseThreads = 128, kRowThreads = 32;

enum Counts { kCandidates = 0, kGroups = 2, kRanked = 4, kCounts = 16 };  // a ranking has room for two each

struct Weighted {
  WeightedNmsJob job;
  uint64_t *keys, *members;
  double* sums;
  NmsBox* fused;
  int32_t *start, *kept, *owner, *counts;
};

FOVEA_DEVICE float score_at(const WeightedNmsJob& j, int64_t box) { return j.scores[box * j.scores_pitch]; }
FOVEA_DEVICE float pixel(const WeightedNmsJob& j) { return j.params.plus_one != 0 ? 1.0f : 0.0f; }
FOVEA_DEVICE bool is_weight(double total) { return total > 0 && total < HUGE_VAL; }

__global__ void __launch_bounds__(kThreads) collect_weighted_kernel(Weighted w) {
  const WeightedNmsJob& j = w.job;
  const int64_t live = live_count(j.live, j.boxes), all = j.valid == nullptr ? live : live_count(j.valid, live);
  // The bound is the same for all threads of a block, as append_key needs it.
  for (int64_t first = int64_t{blockIdx.x} * kThreads; first < j.boxes; first += int64_t{gridDim.x} * kThreads) {
    const int64_t i = first + threadIdx.x;
    const float score = i < all ? score_at(j, i) : 0.0f;
    append_key(i < all && score > j.params.score_threshold, descending_key(score, i), w.keys, w.counts + kCandidates);
  }
}

__global__ void __launch_bounds__(kThreads) assign_kernel(Weighted w) {
  const WeightedNmsJob& j = w.job;
  const GreedyRule rule{j.rows, j.classes, j.rows_pitch, j.params.iou_threshold, pixel(j)};
  const KeptBoxes boxes{w.kept, live_count(w.counts + kGroups, j.boxes)};
  const int64_t n = w.counts[kCandidates];
  for (int64_t r = int64_t{blockIdx.x} * kThreads + threadIdx.x; r < n; r += int64_t{gridDim.x} * kThreads) {
    const int64_t box = key_index(w.keys[r]);
    w.owner[box] = static_cast<int32_t>(first_kept(rule, boxes, box));
  }
}

// The group's mean changes by a box; its first one opens it.
FOVEA_DEVICE void fuse(const Weighted& w, int64_t g, int64_t box, bool opens) {
  const WeightedNmsJob& j = w.job;
  const float* const row = j.rows + box * j.rows_pitch;
  double* const sum = w.sums + WeightedGroups::kSums * g;
  const double score = static_cast<double>(score_at(j, box));
  if (opens) w.start[g] = static_cast<int32_t>(box);
  const double total = (opens ? 0.0 : sum[4]) + score;
  const float* const best = j.rows + int64_t{w.start[g]} * j.rows_pitch;
  float mean[4];
  for (int c = 0; c < 4; ++c) {
    const double moment = (opens ? 0.0 : sum[c]) + __dmul_rn(score, static_cast<double>(row[c]));
    sum[c] = moment;
    mean[c] = is_weight(total) ? static_cast<float>(moment / total) : best[c];
  }
  sum[4] = total;
  w.owner[box] = static_cast<int32_t>(g);
  w.fused[g] = load_box(mean, pixel(j));
}

__global__ void __launch_bounds__(kFuseThreads, 1) fuse_kernel(Weighted w) {
  __shared__ uint64_t of_warps[kFuseThreads / 32];
  const WeightedNmsJob& j = w.job;
  const int64_t n = w.counts[kCandidates];
  int64_t groups = 0;
  for (int64_t r = 0; r < n; ++r) {
    const int64_t box = key_index(w.keys[r]);
    const NmsBox b = load_box(j.rows + box * j.rows_pitch, pixel(j));
    // The highest IoU over the threshold, the first group on ties.
    uint64_t best = kNoKey;
    for (int64_t g = threadIdx.x; g < groups; g += kFuseThreads) {
      if (j.classes != nullptr && j.classes[w.start[g]] != j.classes[box]) continue;
      const float iou = overlap_value(FOVEA_OVERLAP_UNION, pixel(j), w.fused[g], b);
      const uint64_t key = iou > j.params.iou_threshold ? descending_key(iou, g) : kNoKey;
      best = key < best ? key : best;
    }
    best = warp_reduce(best, Minimum{});
    if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32] = best;
    __syncthreads();
    for (int warp = 0; warp < kFuseThreads / 32; ++warp) best = of_warps[warp] < best ? of_warps[warp] : best;
    const bool opens = best == kNoKey;
    if (threadIdx.x == 0) fuse(w, opens ? groups : key_index(best), box, opens);
    groups += opens ? 1 : 0;
    __syncthreads();
  }
  if (threadIdx.x == 0) w.counts[kGroups] = static_cast<int32_t>(groups);
}

// Candidates are ranked: their places are the low halves of the members' keys.
__global__ void __launch_bounds__(kThreads) list_members_kernel(Weighted w) {
  const int64_t n = w.counts[kCandidates];
  for (int64_t r = int64_t{blockIdx.x} * kThreads + threadIdx.x; r < n; r += int64_t{gridDim.x} * kThreads)
    w.members[r] = static_cast<uint64_t>(w.owner[key_index(w.keys[r])]) << 32 | static_cast<uint64_t>(r);
}

// Members are sorted. Where each group starts; the boxes instead of the places.
__global__ void __launch_bounds__(kThreads) start_groups_kernel(Weighted w) {
  const int64_t n = w.counts[kCandidates], groups = w.counts[kGroups];
  for (int64_t q = int64_t{blockIdx.x} * kThreads + threadIdx.x; q < n; q += int64_t{gridDim.x} * kThreads) {
    const int64_t g = static_cast<int64_t>(w.members[q] >> 32);
    if (q == 0 || static_cast<int64_t>(w.members[q - 1] >> 32) != g) w.start[g] = static_cast<int32_t>(q);
    if (q == n - 1) w.start[groups] = static_cast<int32_t>(n);
  }
}

FOVEA_DEVICE int64_t member(const Weighted& w, int64_t q) { return key_index(w.keys[key_index(w.members[q])]); }

// One thread per group, into `ranks`: its score and its first box.
__global__ void __launch_bounds__(kThreads, 2) score_groups_kernel(Weighted w, uint64_t* ranks) {
  const WeightedNmsJob& j = w.job;
  const int64_t groups = w.counts[kGroups];
  for (int64_t g = int64_t{blockIdx.x} * kThreads + threadIdx.x; g < groups; g += int64_t{gridDim.x} * kThreads) {
    const int64_t best = member(w, w.start[g]);
    double score = static_cast<double>(score_at(j, best));
    if (j.params.method == FOVEA_BOX_FUSION) {
      const double members = w.start[g + 1] - w.start[g], models = j.params.models;
      score = __dmul_rn(w.sums[WeightedGroups::kSums * g + 4] / members, members < models ? members : models) / models;
    }
    ranks[g] = descending_key(static_cast<float>(score), best);
  }
  if (blockIdx.x == 0 && threadIdx.x == 0) w.counts[kRanked] = w.counts[kGroups];
}

// A block per row of the result, a thread per column.
__global__ void __launch_bounds__(kRowThreads) write_means_kernel(Weighted w, const uint64_t* ranked) {
  const WeightedNmsJob& j = w.job;
  const int64_t kept = ranked == nullptr ? 0 : live_count(w.counts + kRanked, j.capacity);
  for (int64_t k = blockIdx.x; k < j.capacity; k += gridDim.x) {
    const uint64_t key = k < kept ? ranked[k] : 0;
    const int64_t best = k < kept ? key_index(key) : -1, g = best < 0 ? 0 : w.owner[best];
    const int64_t begin = best < 0 ? 0 : w.start[g], end = best < 0 ? 0 : w.start[g + 1];
    double total = 0;
    for (int64_t q = begin; q < end; ++q) total += static_cast<double>(score_at(j, member(w, q)));
    for (int64_t c = threadIdx.x; c < j.columns; c += kRowThreads) {
      float mean = best < 0 ? 0.0f : j.rows[best * j.rows_pitch + c];
      if (is_weight(total)) {
        double sum = 0;
        for (int64_t q = begin; q < end; ++q) {
          const int64_t box = member(w, q);
          sum += __dmul_rn(static_cast<double>(score_at(j, box)), static_cast<double>(j.rows[box * j.rows_pitch + c]));
        }
        mean = static_cast<float>(sum / total);
      }
      j.y[k * j.y_pitch + c] = mean;
    }
    if (threadIdx.x != 0) continue;
    const auto rank = static_cast<uint32_t>(key >> 32);
    j.y_scores[k] = best < 0 ? 0.0f : __uint_as_float((rank & 0x80000000u) != 0 ? rank : ~rank & 0x7FFFFFFFu);
    if (j.y_classes != nullptr) j.y_classes[k] = best < 0 ? -1 : j.classes[best];
  }
  if (blockIdx.x == 0 && threadIdx.x == 0) *j.count = static_cast<int32_t>(kept);
}

int64_t padded(int64_t n) { return (n + 16) / 16 * 16; }  // at least n + 1

int64_t workspace_bytes(int64_t n) {
  if (n == 0) return 0;
  const int64_t by_group = padded(n) * (WeightedGroups::kSums * 8 + 5 * 4 + 2 * 4), by_box = padded(n) * 4;
  return 2 * ranked_bytes(n) + key_stride(n) * 8 + by_group + by_box + kCounts * 4 + nms_workspace_bytes(1, n);
}

cudaError_t enqueue_greedy(const Weighted& w, char* workspace, cudaStream_t s) {
  const WeightedNmsJob& j = w.job;
  NmsJob greedy{};
  greedy.boxes = j.rows;
  greedy.scores = j.scores;
  greedy.classes = j.classes;
  greedy.valid = j.valid;
  greedy.keep = w.kept;
  greedy.count = w.counts + kGroups;
  greedy.workspace = workspace;
  greedy.images = 1;
  greedy.boxes_per_image = greedy.capacity = j.boxes;
  greedy.boxes_pitch = j.rows_pitch;
  greedy.scores_pitch = j.scores_pitch;
  greedy.live = j.live;
  greedy.params = {j.params.iou_threshold, j.params.score_threshold, FOVEA_OVERLAP_UNION, j.params.plus_one, 0, 0};
  return enqueue_nms(greedy, s);
}

cudaError_t enqueue_weighted(const WeightedNmsJob& j, cudaStream_t s) {
  const int64_t n = j.boxes, stride = padded(n);
  const unsigned grid = grid_for(n, kThreads);
  Weighted w{j, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
  const uint64_t* ranked = nullptr;
  if (n > 0 && j.capacity > 0) {
    w.keys = reinterpret_cast<uint64_t*>(j.workspace);
    auto* const ranks = reinterpret_cast<uint64_t*>(j.workspace + ranked_bytes(n));
    w.members = reinterpret_cast<uint64_t*>(j.workspace + 2 * ranked_bytes(n));
    w.sums = reinterpret_cast<double*>(w.members + key_stride(n));
    w.fused = reinterpret_cast<NmsBox*>(w.sums + WeightedGroups::kSums * stride);
    w.start = reinterpret_cast<int32_t*>(w.fused + stride);
    w.kept = w.start + stride;
    w.owner = w.kept + stride;
    w.counts = w.owner + stride;
    cudaError_t error = cudaMemsetAsync(w.counts, 0, kCounts * sizeof(int32_t), s);
    if (error == cudaSuccess) error = launch(collect_weighted_kernel, grid, kThreads, 0, s, w);
    if (error == cudaSuccess) error = sort_keys({w.keys, w.counts + kCandidates, 1, n, 0}, s);
    if (error != cudaSuccess) return error;
    if (j.params.method == FOVEA_BOX_FUSION) {
      error = launch(fuse_kernel, 1, kFuseThreads, 0, s, w);
    } else {
      error = enqueue_greedy(w, reinterpret_cast<char*>(w.counts + kCounts), s);
      if (error == cudaSuccess) error = launch(assign_kernel, grid, kThreads, 0, s, w);
    }
    if (error == cudaSuccess) error = launch(list_members_kernel, grid, kThreads, 0, s, w);
    if (error == cudaSuccess) error = sort_keys({w.members, w.counts + kCandidates, 1, n, 0}, s);
    if (error == cudaSuccess) error = launch(start_groups_kernel, grid, kThreads, 0, s, w);
    if (error == cudaSuccess) error = launch(score_groups_kernel, grid, kThreads, 0, s, w, ranks);
    if (error != cudaSuccess) return error;
    const Ranked best = rank_keys(ranks, w.counts + kRanked, n, j.capacity, s);
    if (best.error != cudaSuccess) return best.error;
    ranked = best.keys;
  }
  return launch(write_means_kernel, grid_for(j.capacity, 1), kRowThreads, 0, s, w, ranked);
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_weighted_nms_workspace(const fovea_weighted_nms_params*, const fovea_tensor* rows,
                                                     int64_t* bytes) {
  *bytes = workspace_bytes(rows->shape[0]);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_weighted_nms(const fovea_weighted_nms_params* params, const fovea_tensor* rows,
                                           const fovea_tensor* scores, const fovea_tensor* classes, const fovea_tensor* valid,
                                           const fovea_tensor* y, const fovea_tensor* y_scores, const fovea_tensor* y_classes,
                                           const fovea_tensor* count, const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "weighted_nms";
  const int64_t bytes = workspace_bytes(rows->shape[0]);
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  WeightedNmsJob job = weighted_nms_job(*params, *rows, *scores, classes, valid, *y, *y_scores, y_classes, *count);
  job.workspace = bytes == 0 ? nullptr : static_cast<char*>(workspace->data);
  return submit(stream, op, [&](cudaStream_t s) { return enqueue_weighted(job, s); });
}
