// Peaks over the threshold become keys, the keys are ranked, and boxes are decoded for those that are kept.
//
// Workspace: keys [ranked_bytes(values)], then four i32: peaks, selected ones, rows that were there before.
#include "ops/peak_boxes/peak_boxes.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/rank_sort.h"
#include "cuda/runtime.h"
#include "ops/decode_boxes/decode_rule.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void begin_peaks_kernel(PeakJob j, int32_t* counts) {
  counts[0] = 0;
  counts[2] = static_cast<int32_t>(live_count(j.rows_count, j.capacity));
}

// A thread per value. Neighbouring threads are neighbouring classes of a cell, whose neighbours are read together.
__global__ void __launch_bounds__(kThreads) collect_peaks_kernel(PeakJob j, int32_t* counts) {
  const int64_t height = live_count(j.live, j.height), n = height * j.width * j.classes;
  // The bound is the same for all threads of a block, as append_key needs it.
  for (int64_t first = int64_t{blockIdx.x} * kThreads; first < n; first += int64_t{gridDim.x} * kThreads) {
    const int64_t i = first + threadIdx.x;
    float score = 0.0f;
    bool passes = false;
    if (i < n) {
      const int64_t cell = i / j.classes, column = i - cell * j.classes;
      if (is_peak(j, height, cell, column)) {
        const float x = j.heat[cell * j.heat_pitch + column];
        score = j.params.score_mode == FOVEA_SCORE_PLAIN ? x : decode_sigmoid(x);
        passes = score > j.params.score_threshold;
      }
    }
    append_key(passes, descending_key(score, i), j.keys, counts);
  }
}

__global__ void __launch_bounds__(kThreads)
    write_peaks_kernel(PeakJob j, const uint64_t* ranked, const int32_t* count, const int32_t* counts, int64_t most) {
  const int64_t taken = counts[2], room = j.capacity - taken, found = live_count(count, room < most ? room : most);
  for (int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x; k < found; k += int64_t{gridDim.x} * kThreads) {
    const int64_t position = key_index(ranked[k]), cell = position / j.classes;
    const auto rank = static_cast<uint32_t>(ranked[k] >> 32);
    float* out = j.rows + (taken + k) * j.rows_pitch;
    float box[4];
    peak_box(j, cell, box);
    for (int c = 0; c < 4; ++c) out[c] = box[c];
    out[4] = __uint_as_float((rank & 0x80000000u) != 0 ? rank : ~rank & 0x7FFFFFFFu);
    out[5] = static_cast<float>(position - cell * j.classes);
  }
  if (blockIdx.x == 0 && threadIdx.x == 0) *j.rows_count = static_cast<int32_t>(taken + found);
}

int64_t value_count(const fovea_tensor& heat) { return heat.shape[0] * heat.shape[1] * heat.shape[2]; }

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_peak_boxes_workspace(const fovea_peak_params*, const fovea_tensor* heat, int64_t* bytes) {
  *bytes = ranked_bytes(value_count(*heat)) + 64;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_peak_boxes(const fovea_peak_params* params, const fovea_tensor* heat, const fovea_tensor* size,
                                         const fovea_tensor* offset, const fovea_tensor* rows, const fovea_tensor* count,
                                         const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "peak_boxes";
  const int64_t values = value_count(*heat);
  FOVEA_TRY(check_workspace(op, workspace, ranked_bytes(values) + 64));
  PeakJob job = peak_job(*params, *heat, *size, offset, *rows, *count);
  job.keys = static_cast<uint64_t*>(workspace->data);
  auto* const counts = reinterpret_cast<int32_t*>(static_cast<char*>(workspace->data) + ranked_bytes(values));
  const int64_t most = peak_candidates(*params, values), limit = most < job.capacity ? most : job.capacity;
  return submit(stream, op, [&](cudaStream_t s) {
    cudaError_t error = launch(begin_peaks_kernel, 1, 1, 0, s, job, counts);
    Ranked ranked{job.keys, counts, cudaSuccess};
    if (error == cudaSuccess && values > 0 && limit > 0) {
      error = launch(collect_peaks_kernel, grid_for(values, kThreads), kThreads, 0, s, job, counts);
      if (error != cudaSuccess) return error;
      ranked = rank_keys(job.keys, counts, values, limit, s);
      error = ranked.error;
    }
    if (error != cudaSuccess) return error;
    return launch(write_peaks_kernel, grid_for(limit, kThreads), kThreads, 0, s, job, ranked.keys, ranked.count, counts, most);
  });
}
