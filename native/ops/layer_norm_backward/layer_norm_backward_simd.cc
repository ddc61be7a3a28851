// Blocks of rows are the work of the threads. A few rows at a time: each gets its scaling and its dx while it is in the
// first-level cache, then the channels are summed over them. Rows for which float is too narrow are left to the reference.
#include "ops/layer_norm_backward/layer_norm_backward.h"

#include "ops/layer_norm/row_moments_simd.h"
#include "ops/layer_norm_backward/channel_sums_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// One row. kGamma: gamma is not NULL.
template <bool kGamma>
struct RowGradient {
  const float* x;
  const float* dy;
  const float* gamma;
  F shift, scale, offset;
  FOVEA_INLINE F z(int64_t i, int64_t n) const { return fma(load_upto(x + i, n) - shift, scale, offset); }
  FOVEA_INLINE F g(int64_t i, int64_t n) const {
    const F d = load_upto(dy + i, n);
    if constexpr (kGamma) return d * load_upto(gamma + i, n);
    return d;
  }
  FOVEA_INLINE Weighted operator()(int64_t i, int64_t n) const { return {g(i, n), z(i, n)}; }
};

template <bool kGamma>
void write_dx(const LayerNormBackwardJob& j, int64_t r, const RowScaling& s, int64_t n) {
  const RowGradient<kGamma> row{j.x + r * j.view.pitch, j.dy + r * j.dy_pitch, j.gamma,
                                set(s.shift),           set(s.scale),          set(s.offset)};
  const Sums sums = j.rms ? sum_runs<false, true>(1, 0, n, row) : sum_runs<true, true>(1, 0, n, row);
  const F mean_g = set(static_cast<float>(sums.linear / static_cast<double>(n)));
  const F mean_gz = set(static_cast<float>(sums.squares / static_cast<double>(n)));
  float* const dx = j.dx + r * j.dx_pitch;
  const auto at = [&](int64_t i, int64_t rest) __attribute__((always_inline)) {
    store_upto(dx + i, row.scale * fnma(row.z(i, rest), mean_gz, row.g(i, rest) - mean_g), rest);
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) at(i, kLanes);
  if (i < n) at(i, n - i);
}

// z of a few rows, for the sums over them.
struct Rows {
  const float* x;
  int64_t pitch;
  const RowScaling* scaling;
  FOVEA_INLINE F operator()(int64_t r, int64_t c, int64_t n) const {
    return fma(load_upto(x + r * pitch + c, n) - set(scaling[r].shift), set(scaling[r].scale), set(scaling[r].offset));
  }
};

// At most kSumRows of them.
void add_rows(const LayerNormBackwardJob& j, int64_t begin, int64_t end, int64_t n, int64_t block) {
  RowScaling scaling[kSumRows];
  for (int64_t r = begin; r < end; ++r) {
    RowScaling& s = scaling[r - begin];
    if (!measure_row(Plain{j.x + r * j.view.pitch}, j.rms, static_cast<double>(j.epsilon), n, s))
      return layer_norm_backward_rows(j, begin, end, block);
    if (j.dx != nullptr) j.gamma != nullptr ? write_dx<true>(j, r, s, n) : write_dx<false>(j, r, s, n);
  }
  if (j.dgamma == nullptr && j.dbeta == nullptr) return;
  double* const plain = block_sums(j.sums, block);
  add_channel_sums(j.dy + begin * j.dy_pitch, j.dy_pitch, end - begin, n,
                   Rows{j.x + begin * j.view.pitch, j.view.pitch, scaling}, plain, plain + j.sums.columns);
}

}  // namespace

void layer_norm_backward(const LayerNormBackwardJob& j) {
  constexpr int64_t kWork = 16384;  // elements per chunk of the pool
  const int64_t rows = live_outer(j.view), n = live_axis(j.view);
  parallel_for(j.sums.blocks, kWork / (j.sums.block_rows * (n + 8)) + 1, [&](int64_t first, int64_t last, int32_t) {
    for (int64_t block = first; block < last; ++block) {
      const int64_t begin = block * j.sums.block_rows,
                    end = begin + j.sums.block_rows < rows ? begin + j.sums.block_rows : rows;
      clear_block(j.sums, block);
      for (int64_t r = begin; r < end && n > 0; r += kSumRows)
        add_rows(j, r, end - r < kSumRows ? end : r + kSumRows, n, block);
    }
  });
  if (j.dgamma != nullptr || j.dbeta != nullptr) add_all_blocks(j.sums, j.sums.blocks, j.channels, j.dgamma, j.dbeta);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
