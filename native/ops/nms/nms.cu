// Greedy suppression without a decision of the host. Boxes over the score threshold become keys and are sorted. Up to
// kMaskBoxes of them then meet each other all at once: bit j of row i of a mask says that box i, were it kept, would drop box
// j > i. One block per image walks through the ranking, 64 boxes at a time: the boxes of a group are decided by one warp from
// the group's 64 x 64 bits, then the rows of those kept are merged into the set of the dropped. Longer lists keep no mask,
// which grows with the square: their groups meet all kept boxes instead.
//
// Workspace per image: keys [key_stride(N)] u64, mask [M][M/64] u64 with M = N up to kMaskBoxes, in steps of 64; behind all of
// them one i32 per image, the candidates.
#include "ops/nms/nms.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/rank_sort.h"
#include "cuda/runtime.h"
#include "ops/nms/nms_device.h"
#include "ops/nms/nms_job.h"
#include "ops/nms/overlap_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256, kGroup = 64;
constexpr int64_t kMaskBoxes = 4096;

struct Nms {
  NmsJob job;  // its workspace is not used
  uint64_t *keys, *mask;
  int32_t* counts;
  int64_t key_stride, mask_groups;  // per image; M/64
  int32_t suppresses_all, per_class;
};

FOVEA_DEVICE int32_t class_of(const NmsJob& j, int64_t image, int64_t box) {
  return j.classes == nullptr ? 0 : j.classes[image * j.classes_stride + box];
}
FOVEA_DEVICE NmsBox box_of(const NmsJob& j, int64_t image, int64_t box) {
  return load_box(j.boxes + (image * j.boxes_per_image + box) * j.boxes_pitch, j.params.plus_one != 0 ? 1.0f : 0.0f);
}
FOVEA_DEVICE int64_t live_images(const NmsJob& j) { return j.batched ? live_count(j.live, j.images) : j.images; }

__global__ void __launch_bounds__(kThreads) collect_boxes_kernel(Nms n, int64_t blocks) {
  const NmsJob& j = n.job;
  const int64_t image = blockIdx.x / blocks;
  if (image >= live_images(j)) return;
  const int64_t all = j.batched ? j.boxes_per_image : live_count(j.live, j.boxes_per_image);
  const int64_t candidates = j.valid == nullptr ? all : live_count(j.valid + image, all);
  // The bound is the same for all threads of a block, as append_key needs it.
  for (int64_t first = blockIdx.x % blocks * kThreads; first < candidates; first += blocks * kThreads) {
    const int64_t i = first + threadIdx.x;
    const float score = i < candidates ? j.scores[image * j.scores_stride + i * j.scores_pitch] : 0.0f;
    append_key(i < candidates && score > j.params.score_threshold, descending_key(score, i), n.keys + image * n.key_stride,
               n.counts + image);
  }
}

// A pair of groups per step: thread r has row r, a bit per box of the other group.
__global__ void __launch_bounds__(kGroup) mask_kernel(Nms n, int64_t blocks) {
  __shared__ NmsBox others[kGroup];
  __shared__ int32_t labels[kGroup];
  const NmsJob& j = n.job;
  const int64_t image = blockIdx.x / blocks;
  if (image >= live_images(j)) return;
  const int64_t count = n.counts[image], groups = (count + kGroup - 1) / kGroup;
  if (groups > n.mask_groups) return;
  const uint64_t* keys = n.keys + image * n.key_stride;
  uint64_t* mask = n.mask + image * n.mask_groups * n.mask_groups * kGroup;
  for (int64_t pair = blockIdx.x % blocks; pair < groups * groups; pair += blocks) {
    const int64_t row_group = pair / groups, group = pair - row_group * groups;
    if (group < row_group) continue;  // the whole block
    const int64_t row = row_group * kGroup + threadIdx.x, column = group * kGroup + threadIdx.x;
    __syncthreads();
    if (column < count) {
      const int64_t other = key_index(keys[column]);
      others[threadIdx.x] = box_of(j, image, other);
      labels[threadIdx.x] = class_of(j, image, other);
    }
    __syncthreads();
    if (row >= count) continue;  // the barriers of the next step are met by all threads
    const int64_t mine = key_index(keys[row]);
    const NmsBox box = box_of(j, image, mine);
    const int32_t label = class_of(j, image, mine);
    const int64_t most = count - group * kGroup, end = most < kGroup ? most : kGroup;
    uint64_t bits = 0;
    for (int64_t k = group == row_group ? int64_t{threadIdx.x} + 1 : 0; k < end; ++k)
      if (labels[k] == label && (n.suppresses_all != 0 || suppresses(j.params, box, others[k]))) bits |= uint64_t{1} << k;
    mask[row * n.mask_groups + group] = bits;
  }
}

// What the boxes of a group need to know for their decision.
struct Group {
  unsigned long long dropped;        // bit per box
  unsigned long long drops[kGroup];  // row i: the later boxes of the group that box i would drop
  int32_t box[kGroup], label[kGroup];
  uint64_t kept;
  int64_t total;  // boxes kept so far
};

// Without a mask: the group's boxes meet all kept ones and each other. Four threads share a box.
FOVEA_DEVICE void meet_kept(const Nms& n, int64_t image, Group& g, int64_t here, const int32_t* keep) {
  const NmsJob& j = n.job;
  const int k = static_cast<int>(threadIdx.x) % kGroup, part = static_cast<int>(threadIdx.x) / kGroup;
  constexpr int kParts = kThreads / kGroup;
  if (k >= here) return;
  const NmsBox box = box_of(j, image, g.box[k]);
  bool dropped = false;
  for (int64_t i = part; i < g.total && !dropped; i += kParts)
    dropped = class_of(j, image, keep[i]) == g.label[k] &&
              (n.suppresses_all != 0 || suppresses(j.params, box_of(j, image, keep[i]), box));
  if (dropped) atomicOr(&g.dropped, 1ull << k);
  for (int i = part; i < k; i += kParts)
    if (g.label[i] == g.label[k] && (n.suppresses_all != 0 || suppresses(j.params, box_of(j, image, g.box[i]), box)))
      atomicOr(&g.drops[i], 1ull << k);
}

// One warp takes the group's boxes in order. With a limit per class the lanes count the kept boxes of a class.
FOVEA_DEVICE void decide(const Nms& n, int64_t image, Group& g, int64_t here, int64_t most, int32_t* keep) {
  const NmsJob& j = n.job;
  const int64_t lane = threadIdx.x % 32;
  const bool counts = n.per_class > 0 && j.classes != nullptr;
  uint64_t alive = ~static_cast<uint64_t>(g.dropped), kept = 0;
  if (here < kGroup) alive &= (uint64_t{1} << here) - 1;
  int64_t total = g.total;
  while (alive != 0 && total < most) {
    const int k = __ffsll(static_cast<long long>(alive)) - 1;
    alive &= alive - 1;
    if (counts) {
      unsigned same = 0;
      for (int64_t i = lane; i < total; i += 32) same += class_of(j, image, keep[i]) == g.label[k] ? 1u : 0u;
      if (__reduce_add_sync(~0u, same) >= static_cast<unsigned>(n.per_class)) continue;
    }
    alive &= ~static_cast<uint64_t>(g.drops[k]);
    kept |= uint64_t{1} << k;
    if (lane == 0) keep[total] = g.box[k];
    ++total;
    __syncwarp();
  }
  __syncwarp();  // every lane has read the old total
  if (lane == 0) g.kept = kept, g.total = total;
}

__global__ void __launch_bounds__(kThreads, 1) resolve_kernel(Nms n) {
  __shared__ Group g;
  __shared__ uint64_t dropped[kMaskBoxes / kGroup];
  const NmsJob& j = n.job;
  const int64_t image = blockIdx.x, tid = threadIdx.x;
  if (image >= live_images(j)) return;
  const int64_t count = n.counts == nullptr ? 0 : n.counts[image], groups = (count + kGroup - 1) / kGroup;
  const bool masked = groups <= n.mask_groups;
  const uint64_t* keys = n.keys + image * n.key_stride;
  const uint64_t* mask = n.mask + image * n.mask_groups * n.mask_groups * kGroup;
  int32_t* keep = j.keep + image * j.keep_stride;
  // One class: its limit is that of the list.
  const int64_t most = n.per_class > 0 && j.classes == nullptr && n.per_class < j.capacity ? n.per_class : j.capacity;
  if (tid < kMaskBoxes / kGroup) dropped[tid] = 0;
  if (tid == 0) g.total = 0;
  __syncthreads();
  for (int64_t group = 0; group < groups && g.total < most; ++group) {
    const int64_t first = group * kGroup, here = count - first < kGroup ? count - first : kGroup;
    if (tid < here) {
      g.box[tid] = static_cast<int32_t>(key_index(keys[first + tid]));
      g.label[tid] = class_of(j, image, g.box[tid]);
      g.drops[tid] = masked ? mask[(first + tid) * n.mask_groups + group] : 0;
    }
    if (tid == 0) g.dropped = masked ? dropped[group] : 0;
    __syncthreads();
    if (!masked) {
      meet_kept(n, image, g, here, keep);
      __syncthreads();
    }
    if (tid < 32) decide(n, image, g, here, most, keep);
    __syncthreads();
    if (masked && tid > group && tid < groups)
      for (uint64_t kept = g.kept; kept != 0; kept &= kept - 1)
        dropped[tid] |= mask[(first + __ffsll(static_cast<long long>(kept)) - 1) * n.mask_groups + tid];
    __syncthreads();
  }
  const int64_t total = g.total;
  if (tid == 0) j.count[image] = static_cast<int32_t>(total);
  for (int64_t k = total + tid; k < j.capacity; k += kThreads) keep[k] = -1;
}

int64_t groups_of(int64_t boxes) { return ((boxes < kMaskBoxes ? boxes : kMaskBoxes) + kGroup - 1) / kGroup; }

int64_t workspace_bytes(const fovea_tensor& boxes) {
  return nms_workspace_bytes(boxes.rank == 3 ? boxes.shape[0] : 1, boxes.shape[boxes.rank - 2]);
}

}  // namespace

int64_t nms_workspace_bytes(int64_t images, int64_t boxes_per_image) {
  const int64_t n = boxes_per_image, groups = groups_of(n);
  return n == 0 ? 0 : images * (key_stride(n) + groups * groups * kGroup) * 8 + images * 4;
}

cudaError_t enqueue_nms(const NmsJob& job, cudaStream_t s) {
  const int64_t n = job.boxes_per_image, images = job.images, groups = groups_of(n);
  if (images == 0) return cudaSuccess;
  Nms nms{job, nullptr, nullptr, nullptr, 0, groups, suppresses_all(job.params) ? 1 : 0, 0};
  nms.per_class = nms.suppresses_all != 0 ? 1 : job.params.max_per_class;
  cudaError_t error = cudaSuccess;
  if (n > 0) {
    nms.key_stride = key_stride(n);
    nms.keys = reinterpret_cast<uint64_t*>(job.workspace);
    nms.mask = nms.keys + images * nms.key_stride;
    nms.counts = reinterpret_cast<int32_t*>(nms.mask + images * groups * groups * kGroup);
    const int64_t collectors = grid_for(n, kThreads) < 64 ? grid_for(n, kThreads) : 64;
    const int64_t pairs = groups * groups < 1024 ? groups * groups : 1024;
    error = cudaMemsetAsync(nms.counts, 0, static_cast<size_t>(images) * sizeof(int32_t), s);
    if (error == cudaSuccess)
      error = launch(collect_boxes_kernel, static_cast<unsigned>(images * collectors), kThreads, 0, s, nms, collectors);
    if (error == cudaSuccess) error = sort_keys({nms.keys, nms.counts, images, n, nms.key_stride}, s);
    if (error == cudaSuccess) error = launch(mask_kernel, static_cast<unsigned>(images * pairs), kGroup, 0, s, nms, pairs);
  }
  if (error == cudaSuccess) error = launch(resolve_kernel, static_cast<unsigned>(images), kThreads, 0, s, nms);
  return error;
}

}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_nms_workspace(const fovea_nms_params*, const fovea_tensor* boxes, int64_t* bytes) {
  *bytes = workspace_bytes(*boxes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_nms(const fovea_nms_params* params, const fovea_tensor* boxes, const fovea_tensor* scores,
                                  const fovea_tensor* classes, const fovea_tensor* valid, const fovea_tensor* keep,
                                  const fovea_tensor* count, const fovea_workspace* workspace, fovea_stream* stream) {
  FOVEA_TRY(check_workspace("nms", workspace, workspace_bytes(*boxes)));
  NmsJob job = nms_job(*params, *boxes, *scores, classes, valid, *keep, *count);
  job.workspace = job.boxes_per_image == 0 ? nullptr : static_cast<char*>(workspace->data);
  return submit(stream, "nms", [&](cudaStream_t s) { return enqueue_nms(job, s); });
}
