// Lanes are neighbours of a row. With slopes per channel a chunk of rows is walked row by row, and the sums of its channels,
// where wanted, stay in the cache.
#include "ops/activate_backward/activate_backward.h"

#include "ops/activation/derivative_simd.h"
#include "ops/copy/row_pieces_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

template <int32_t kKind>
void all(const ActivateBackwardJob& j) {
  if (j.dx == nullptr) return;
  const int64_t width = j.layout.width;
  const bool dense = j.x_pitch == width && j.dy_pitch == width && j.dx_pitch == width;
  for_row_runs(j.layout, j.live, dense, 4096, [&](int64_t row, int64_t column, int64_t n) {
    const fovea_activation_params p = j.params;
    const float* x = j.x + row * j.x_pitch + column;
    const float* dy = j.dy + row * j.dy_pitch + column;
    float* dx = j.dx + row * j.dx_pitch + column;
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store(dx + i, load(dy + i) * activation_derivative<kKind>(p, load(x + i), zero()));
    if (i < n)
      store_upto(dx + i, load_upto(dy + i, n - i) * activation_derivative<kKind>(p, load_upto(x + i, n - i), zero()), n - i);
  });
}

// Rows [begin, end). `sums` [channels] or NULL receives those of dy * x.
void prelu_rows(const ActivateBackwardJob& j, int64_t begin, int64_t end, int64_t channels, float* sums) {
  for (int64_t r = begin; r < end; ++r) {
    const float* x = j.x + r * j.x_pitch;
    const float* dy = j.dy + r * j.dy_pitch;
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t n = channels - c;
      const F xs = load_upto(x + c, n), dys = load_upto(dy + c, n);
      if (j.dx != nullptr) {
        const F slope = load_upto(j.slope + c, n);
        store_upto(j.dx + r * j.dx_pitch + c, dys * activation_derivative<FOVEA_ACTIVATION_PRELU>(j.params, xs, slope), n);
      }
      if (sums != nullptr) {
        const F before = r == begin ? zero() : load_upto(sums + c, n);
        store_upto(sums + c, fma(dys, min(zero(), xs), before), n);  // min keeps a NaN of x
      }
    }
  }
}

void prelu(const ActivateBackwardJob& j) {
  constexpr int64_t kRows = ActivateBackwardJob::kRows;
  const int64_t rows = live_rows_of(j), channels = live_channels_of(j), chunks = chunks_of(rows);
  if (channels > 0) {
    parallel_for(chunks, 4096 / (kRows * channels) + 1, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t k = begin; k < end; ++k)
        prelu_rows(j, k * kRows, rows < (k + 1) * kRows ? rows : (k + 1) * kRows, channels,
                   j.d_slope == nullptr ? nullptr : j.sums + k * channels);
    });
  }
  if (j.d_slope == nullptr) return;
  constexpr int64_t kChannels = 64;
  parallel_for(j.channels, kChannels, [&](int64_t begin, int64_t end, int32_t) {
    double totals[kChannels] = {};
    const int64_t computed = channels < end ? channels : end;
    for (int64_t k = 0; k < chunks; ++k)
      for (int64_t c = begin; c < computed; ++c) totals[c - begin] += static_cast<double>(j.sums[k * channels + c]);
    for (int64_t c = begin; c < end; ++c) j.d_slope[c] = static_cast<float>(totals[c - begin]);
  });
}

}  // namespace

void activate_backward(const ActivateBackwardJob& j) {
  for_activation(j.params, [&](auto kind) {
    if constexpr (decltype(kind)::value == FOVEA_ACTIVATION_PRELU)
      prelu(j);
    else
      all<decltype(kind)::value>(j);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
