// The gradient by gathering: a thread owns a few channels of a cell of dx and walks all boxes in order, so that every element
// is one chain of f32 sums in a fixed order, without atomics and without a wide copy of a narrow dx. Whether a box can reach
// the cell is a comparison with its reach, worked out once per box beforehand; the maxima also find the winners of all bins
// first.
#include "ops/roi_align/roi_align.h"

#include <cmath>

#include "cuda/runtime.h"
#include "ops/roi_align/roi_bins_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

// Cells that a box reaches in its image; none when the box gives zeros.
struct Reach {
  int32_t row_begin, row_end, column_begin, column_end;
  int64_t image;
};

__global__ void __launch_bounds__(kThreads) roi_reach_kernel(RoiBoxes j, Reach* reaches) {
  const int64_t n = live_count(j.live, j.count);
  for (int64_t r = int64_t{blockIdx.x} * kThreads + threadIdx.x; r < n; r += int64_t{gridDim.x} * kThreads) {
    RoiBox box{};
    Reach reach{0, 0, 0, 0, -1};
    if (roi_box(j, r, box)) {
      const RoiCells rows = roi_reach(j.params, box.rows), columns = roi_reach(j.params, box.columns);
      reach = {int32_t(rows.begin), int32_t(rows.end), int32_t(columns.begin), int32_t(columns.end), box.image};
    }
    reaches[r] = reach;
  }
}

template <class T, int kWidth>
__global__ void __launch_bounds__(kBinThreads)
    roi_winner_kernel(RoiBoxes j, const T* x, int64_t channels, int64_t pitch, int32_t* winner, float* weight) {
  __shared__ BinShared shared;
  collect_bins<T, kWidth, Collect::kWinner>(
      j, x, channels, pitch, shared, [](int64_t, int64_t) {},
      [&](int64_t bin, int64_t channel, const auto& result) {
#pragma unroll
        for (int e = 0; e < kWidth; ++e) {
          winner[bin * channels + channel + e] = result.winner[e];
          if (weight != nullptr) weight[bin * channels + channel + e] = result.weight[e];
        }
      });
}

// Samples of an axis, counted through its bins, that can reach a cell: those between its two neighbours, which the map's ends
// reach as well. Two more on each side are for rounding. A bin of ROI_POOL counts as one sample.
struct Reaching {
  int64_t begin, end, of_bin;
};
FOVEA_DEVICE Reaching samples_at(const fovea_roi_align_params& p, const RoiAxis& a, int64_t cell) {
  const bool pool = p.mode == FOVEA_ROI_POOL;
  const int64_t of_bin = pool ? 1 : a.samples;
  if (of_bin == 0 || (!pool && a.bin == 0)) return {0, a.bins * of_bin, of_bin};
  const double start = pool ? double(a.first) : a.start, length = pool ? double(a.extent) / double(a.bins) : a.bin;
  const double samples = double(of_bin) / length;  // per cell
  const double first = (double(cell - 1) - start) * samples, last = (double(cell + 1) - start) * samples;
  const double low = (first < last ? first : last) - 2, high = (first < last ? last : first) + 2, all = double(a.bins * of_bin);
  return {low < 0     ? 0
          : low > all ? a.bins * of_bin
                      : int64_t(low),
          high < 0     ? 0
          : high > all ? a.bins * of_bin
                       : int64_t(high),
          of_bin};
}

// What the samples of a bin, `at` among them, weigh along one axis in a cell; moves `at` on to the next bin.
FOVEA_DEVICE float weight_of(const RoiAxis& a, int64_t bin, int64_t cell, int64_t end, int64_t& at) {
  double sum = 0;
  const int64_t first = bin * a.samples, stop = first + a.samples < end ? first + a.samples : end;
  for (; at < stop; ++at) {
    const RoiSample s = roi_sample(a, bin, at - first);
    if (s.inside) sum += (s.low == cell ? s.low_weight : 0.0) + (s.high == cell ? s.high_weight : 0.0);
  }
  return float(sum);
}

struct Gradients {
  RoiBoxes boxes;
  const Reach* reaches;
  const int32_t* winner;  // NULL for the mean
  const float* weight;    // NULL unless ROI_ALIGN_MAX
  int64_t channels, dy_pitch, dx_pitch;
};

template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads) roi_align_backward_kernel(Gradients g, const T* dy, T* dx) {
  const RoiBoxes& j = g.boxes;
  const int64_t parts = g.channels / kWidth, count = live_count(j.live, j.count);
  const int64_t n = j.batch * j.height * j.width * parts;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t pixel = quotient(i, parts), channel = (i - pixel * parts) * kWidth;
    const int64_t line = quotient(pixel, j.width), column = pixel - line * j.width, image = quotient(line, j.height);
    const int64_t row = line - image * j.height, cell = row * j.width + column;
    float sum[kWidth] = {};
    for (int64_t r = 0; r < count; ++r) {
      const Reach reach = g.reaches[r];
      if (reach.image != image || row < reach.row_begin || row >= reach.row_end || column < reach.column_begin ||
          column >= reach.column_end)
        continue;
      RoiBox box{};
      roi_box(j, r, box);
      const float share = float(roi_share(box));
      const Reaching rows = samples_at(j.params, box.rows, row), columns = samples_at(j.params, box.columns, column);
      for (int64_t sy = rows.begin; sy < rows.end;) {
        const int64_t ph = quotient(sy, rows.of_bin);
        float row_weight = 1.0f;
        if (g.winner == nullptr)
          row_weight = weight_of(box.rows, ph, row, rows.end, sy) * share;
        else
          sy = (ph + 1) * rows.of_bin;
        if (row_weight == 0.0f) continue;
        for (int64_t sx = columns.begin; sx < columns.end;) {
          const int64_t pw = quotient(sx, columns.of_bin);
          float weight = 1.0f;
          if (g.winner == nullptr)
            weight = weight_of(box.columns, pw, column, columns.end, sx) * row_weight;
          else
            sx = (pw + 1) * columns.of_bin;
          if (weight == 0.0f) continue;
          const int64_t bin = (r * j.bins_h + ph) * j.bins_w + pw;
          const Pack<T, kWidth> gradient = load_pack<kWidth>(dy + bin * g.dy_pitch + channel);
#pragma unroll
          for (int e = 0; e < kWidth; ++e) {
            const int64_t element = bin * g.channels + channel + e;
            if (g.winner != nullptr && g.winner[element] != int32_t(cell)) continue;
            sum[e] = fmaf(g.weight == nullptr ? weight : g.weight[element], to_float(gradient.v[e]), sum[e]);
          }
        }
      }
    }
    Pack<T, kWidth> out;
#pragma unroll
    for (int e = 0; e < kWidth; ++e) out.v[e] = from_float<T>(sum[e]);
    store_pack(dx + pixel * g.dx_pitch + channel, out);
  }
}

// Reaches, then winners and weights of the maxima.
struct Space {
  int64_t winner, weight, bytes;
};
Space space_of(const fovea_roi_align_params& p, const fovea_tensor& dy) {
  const int64_t reaches = dy.shape[0] * int64_t{sizeof(Reach)}, array = elements(dy) * int64_t{sizeof(float)};
  return {reaches, reaches + array, reaches + array * (p.mode == FOVEA_ROI_ALIGN ? 0 : p.mode == FOVEA_ROI_POOL ? 1 : 2)};
}

template <class T, int kWidth>
cudaError_t launch_backward(Gradients g, Reach* reaches, int32_t* winner, float* weight, const fovea_tensor* x,
                            const fovea_tensor& dy, const fovea_tensor& dx, cudaStream_t s) {
  cudaError_t error = cudaSuccess;
  if (g.boxes.count > 0) error = launch(roi_reach_kernel, grid_for(g.boxes.count, kThreads), kThreads, 0, s, g.boxes, reaches);
  if (error == cudaSuccess && g.boxes.count > 0 && winner != nullptr)
    error = launch(roi_winner_kernel<T, kWidth>, grid_for(bin_units(g.boxes), 1), kBinThreads, 0, s, g.boxes,
                   static_cast<const T*>(x->data), g.channels, x->pitch, winner, weight);
  if (error != cudaSuccess) return error;
  return launch(roi_align_backward_kernel<T, kWidth>, grid_for(elements(dx) / kWidth, kThreads), kThreads, 0, s, g,
                static_cast<const T*>(dy.data), static_cast<T*>(dx.data));
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_roi_align_backward_workspace(const fovea_roi_align_params* params, const fovea_tensor* dy,
                                                           const fovea_tensor*, int64_t* bytes) {
  *bytes = space_of(*params, *dy).bytes;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_roi_align_backward(const fovea_roi_align_params* params, const fovea_tensor* x,
                                                 const fovea_tensor* boxes, const fovea_tensor* images, const fovea_tensor* dy,
                                                 const fovea_tensor* dx, const fovea_workspace* workspace,
                                                 fovea_stream* stream) {
  constexpr const char* op = "roi_align_backward";
  const Space space = space_of(*params, *dy);
  FOVEA_TRY(check_workspace(op, workspace, space.bytes));
  if (elements(*dx) == 0) return FOVEA_OK;
  char* const base = space.bytes == 0 ? nullptr : static_cast<char*>(workspace->data);
  const bool mean = params->mode == FOVEA_ROI_ALIGN;
  auto* const reaches = reinterpret_cast<Reach*>(base);
  auto* const winner = mean || base == nullptr ? nullptr : reinterpret_cast<int32_t*>(base + space.winner);
  auto* const weight =
      params->mode != FOVEA_ROI_ALIGN_MAX || base == nullptr ? nullptr : reinterpret_cast<float*>(base + space.weight);
  const Gradients g{roi_boxes(*params, *dx, *boxes, images, *dy), reaches, winner, weight, dx->shape[3], dy->pitch, dx->pitch};
  return with_float_type(dy->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, op, [&](cudaStream_t s) {
      const bool packed = packs(*dy, g.channels) && packs(*dx, g.channels) && (mean || packs(*x, g.channels));
      return packed ? launch_backward<T, kPack<T>>(g, reaches, winner, weight, x, *dy, *dx, s)
                    : launch_backward<T, 1>(g, reaches, winner, weight, x, *dy, *dx, s);
    });
  });
}
