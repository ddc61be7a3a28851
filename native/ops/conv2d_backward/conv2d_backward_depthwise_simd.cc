// Weight gradient of depthwise layers. Lanes are channels; the sums of a few taps stay in registers over a segment of an output
// row, and channels are the inner loop, so that a segment's input is read from the first-level cache by every tap.
#include "core/simd.h"
#include "core/thread_pool.h"
#include "ops/conv2d_backward/conv2d_backward.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int kTaps = 9;          // summed at once: enough chains to hide the latency of an FMA, and all of a 3x3 kernel
constexpr int64_t kSegment = 16;  // pixels

// T neighbouring taps over `pixels` pixels: sums[t] += x[pixel + offset(t)] * dy[pixel].
template <int T>
void tap_sums(const float* x, const int64_t* offsets, int64_t x_step, const float* dy, int64_t dy_step, int64_t pixels,
              int64_t valid, float* sums) {
  F acc[T];
  const float* from[T];
#pragma GCC unroll 9
  for (int t = 0; t < T; ++t) {
    acc[t] = load(sums + t * kChannelBlock);
    from[t] = x + offsets[t];
  }
  const auto step = [&](const auto& read) __attribute__((always_inline)) {
    int64_t at = 0;
    for (int64_t i = 0; i < pixels; ++i, at += x_step, dy += dy_step) {
      const F gradient = read(dy);
#pragma GCC unroll 9
      for (int t = 0; t < T; ++t) acc[t] = fma(read(from[t] + at), gradient, acc[t]);
    }
  };
  if (valid >= kLanes)
    step([](const float* p) __attribute__((always_inline)) { return load(p); });
  else
    step([&](const float* p) __attribute__((always_inline)) { return load_partial(p, static_cast<int>(valid)); });
#pragma GCC unroll 9
  for (int t = 0; t < T; ++t) store(sums + t * kChannelBlock, acc[t]);
}
using SumFunction = void (*)(const float*, const int64_t*, int64_t, const float*, int64_t, int64_t, int64_t, float*);
constexpr SumFunction kSums[kTaps + 1] = {nullptr,     tap_sums<1>, tap_sums<2>, tap_sums<3>, tap_sums<4>,
                                          tap_sums<5>, tap_sums<6>, tap_sums<7>, tap_sums<8>, tap_sums<9>};

// Taps first .. end of one axis for which `start + tap * dilation` lies in [0, size).
FOVEA_INLINE void clip(int64_t start, int64_t kernel, int64_t dilation, int64_t size, int64_t* first, int64_t* end) {
  *first = start < 0 ? (-start + dilation - 1) / dilation : 0;
  *end = start >= size ? 0 : (size - start + dilation - 1) / dilation;
  if (*end > kernel) *end = kernel;
  if (*first >= *end) *first = *end = 0;
}

// Output pixels ox .. ox + count of a row, whose taps kh0 .. kh1 x kw0 .. kw1 are all inside.
void segment(const BackwardWeightsJob& j, int64_t row, int64_t ox, int64_t count, int64_t kh0, int64_t kh1, int64_t kw0,
             int64_t kw1, float* sums) {
  const fovea_conv2d_params& p = j.params;
  const int64_t top = row % j.out_h * p.stride_h - p.pad_top, left = ox * p.stride_w - p.pad_left;
  const int64_t row_step = p.dilation_h * j.in_w * j.x_pitch, column_step = p.dilation_w * j.x_pitch;
  const float* x = j.x + ((row / j.out_h * j.in_h + top + kh0 * p.dilation_h) * j.in_w + left + kw0 * p.dilation_w) * j.x_pitch;
  const float* dy = j.dy + (row * j.out_w + ox) * j.dy_pitch;
  // Whole kernel rows are one run of taps; at the left and right border every kernel row is a run of its own.
  const bool whole = kw1 - kw0 == p.kernel_w;
  const int64_t run = whole ? (kh1 - kh0) * p.kernel_w : kw1 - kw0, runs = whole ? 1 : kh1 - kh0;
  for (int64_t i = 0; i < runs; ++i)
    for (int64_t first = 0; first < run; first += kTaps) {
      const int64_t taken = run - first < kTaps ? run - first : kTaps;
      int64_t offsets[kTaps];
      for (int64_t t = 0; t < taken; ++t)
        offsets[t] = whole ? (first + t) / p.kernel_w * row_step + (first + t) % p.kernel_w * column_step
                           : i * row_step + (first + t) * column_step;
      const int64_t tap = (kh0 + i) * p.kernel_w + kw0 + first;
      for (int64_t channel = 0; channel < p.out_channels; channel += kLanes)
        kSums[taken](x + channel, offsets, p.stride_w * j.x_pitch, dy + channel, j.dy_pitch, count, p.out_channels - channel,
                     sums + (channel / kChannelBlock * taps(p) + tap) * kChannelBlock + channel % kChannelBlock);
    }
}

void output_row(const BackwardWeightsJob& j, int64_t row, float* sums) {
  const fovea_conv2d_params& p = j.params;
  int64_t kh0, kh1;
  clip(row % j.out_h * p.stride_h - p.pad_top, p.kernel_h, p.dilation_h, j.in_h, &kh0, &kh1);
  if (kh0 == kh1) return;
  for (int64_t ox = 0; ox < j.out_w;) {
    int64_t kw0, kw1, last0, last1;
    clip(ox * p.stride_w - p.pad_left, p.kernel_w, p.dilation_w, j.in_w, &kw0, &kw1);
    // As many pixels as have the same taps.
    int64_t count = 1;
    for (; count < kSegment && ox + count < j.out_w; ++count) {
      clip((ox + count) * p.stride_w - p.pad_left, p.kernel_w, p.dilation_w, j.in_w, &last0, &last1);
      if (last0 != kw0 || last1 != kw1) break;
    }
    if (kw0 < kw1) segment(j, row, ox, count, kh0, kh1, kw0, kw1, sums);
    ox += count;
  }
}

void add_biases(const BackwardWeightsJob& j, int64_t row, float* sums) {
  const float* dy = j.dy + row * j.out_w * j.dy_pitch;
  for (int64_t channel = 0; channel < j.params.out_channels; channel += kLanes) {
    const int64_t valid = j.params.out_channels - channel;
    F sum = load(sums + channel);
    for (int64_t i = 0; i < j.out_w; ++i) sum = sum + load_upto(dy + i * j.dy_pitch + channel, valid);
    store(sums + channel, sum);
  }
}

}  // namespace

void conv2d_backward_depthwise(const BackwardWeightsJob& j) {
  const fovea_conv2d_params& p = j.params;
  const BackwardWeightsPlan& plan = j.plan;
  const int64_t rows = j.out_w == 0 ? 0 : live_rows(j.live, j.batch) * j.out_h;
  const int64_t parts = (rows + plan.part_chunks - 1) / plan.part_chunks;
  const int64_t weights = partial_weights(p), biases = partial_biases(p);
  float* all_biases = j.partial + plan.pixel_parts * weights;
  const ThreadLimit limit(j.threads);
  parallel_for(parts, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t part = begin; part < end; ++part) {
      float* sums = j.partial + part * weights;
      float* bias_sums = all_biases + part * biases;
      for (int64_t i = 0; i < weights; ++i) sums[i] = 0.0f;
      for (int64_t i = 0; i < biases; ++i) bias_sums[i] = 0.0f;
      const int64_t first = part * plan.part_chunks;
      const int64_t last = first + plan.part_chunks < rows ? first + plan.part_chunks : rows;
      for (int64_t row = first; row < last; ++row) {
        if (j.dw != nullptr) output_row(j, row, sums);
        if (j.dbias != nullptr) add_biases(j, row, bias_sums);
      }
    }
  });
  // The parts' sums in order.
  for (int64_t c = 0; c < p.out_channels; ++c) {
    for (int64_t tap = 0; j.dw != nullptr && tap < taps(p); ++tap) {
      float* out = j.dw + (c * taps(p) + tap) * j.dw_pitch;
      float sum = j.accumulate != 0 ? *out : 0.0f;
      for (int64_t part = 0; part < parts; ++part)
        sum += j.partial[part * weights + (c / kChannelBlock * taps(p) + tap) * kChannelBlock + c % kChannelBlock];
      *out = sum;
    }
    if (j.dbias == nullptr) continue;
    float sum = j.accumulate != 0 ? j.dbias[c] : 0.0f;
    for (int64_t part = 0; part < parts; ++part) sum += all_biases[part * biases + c];
    j.dbias[c] = sum;
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
