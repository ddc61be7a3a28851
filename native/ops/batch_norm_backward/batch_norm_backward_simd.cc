// Blocks of rows are the work of the threads, in both passes: the sums over them, then dx.
#include "ops/batch_norm_backward/batch_norm_backward.h"

#include "ops/group_norm_backward/channel_gradient_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

void sum_rows(const BatchNormBackwardJob& j, int64_t block, const GradientRows& g, int64_t first, int64_t n) {
  ChannelScaling scaling = {};
  for (int64_t c = 0; c < n; c += kLanes) {
    store(scaling.shift + c, load_upto(j.mean + first + c, n - c));
    store(scaling.scale + c, load_upto(j.rstd + first + c, n - c));
  }
  double* const plain = block_sums(j.sums, block) + first;
  sum_channels(g, n, scaling, plain, plain + j.sums.columns);
}

void write_rows(const BatchNormBackwardJob& j, int64_t rows, const GradientRows& g, float* dx, int64_t first, int64_t n) {
  const double share = 1 / static_cast<double>(rows);
  const double *const plain = j.sums.sums, *const weighted = plain + j.sums.columns;  // the totals
  ChannelGradient gradient;
  for (int64_t c = 0; c < n; ++c) {
    const int64_t at = first + c;
    const double gamma = j.gamma == nullptr ? 1 : static_cast<double>(j.gamma[at]);
    const double mean_g = j.training ? gamma * plain[at] * share : 0, mean_gz = j.training ? gamma * weighted[at] * share : 0;
    gradient.put(c, static_cast<double>(j.mean[at]), static_cast<double>(j.rstd[at]), gamma, mean_g, mean_gz);
  }
  j.training ? write_dx<false>(g, dx, j.dx_pitch, n, gradient) : write_dx<true>(g, dx, j.dx_pitch, n, gradient);
}

}  // namespace

void batch_norm_backward(const BatchNormBackwardJob& j) {
  constexpr int64_t kWork = 16384;  // elements per chunk of the pool
  const int64_t rows = live_rows(j.live, j.leading) * j.inner, blocks = rows == 0 ? 0 : j.sums.blocks;
  // body(block, rows of the block from channel `first` on, their first row, first, channels); a block may have no live rows.
  const auto each_block = [&](const auto& body) {
    parallel_for(blocks, kWork / (j.sums.block_rows * j.channels) + 1, [&](int64_t from, int64_t to, int32_t) {
      for (int64_t block = from; block < to; ++block)
        for (int64_t first = 0; first < j.channels; first += kSlabChannels) {
          const int64_t row = block * j.sums.block_rows, left = rows - row;
          const GradientRows g{j.x + row * j.x_pitch + first, j.dy + row * j.dy_pitch + first, j.x_pitch, j.dy_pitch,
                               left < j.sums.block_rows ? left : j.sums.block_rows};
          body(block, g, row, first, j.channels - first < kSlabChannels ? j.channels - first : kSlabChannels);
        }
    });
  };
  if (needs_sums(j)) {
    each_block(
        [&](int64_t block, const GradientRows& g, int64_t, int64_t first, int64_t n) { sum_rows(j, block, g, first, n); });
    add_all_blocks(j.sums, blocks, j.channels, j.dgamma, j.dbeta);
  }
  if (j.dx == nullptr) return;
  each_block([&](int64_t, const GradientRows& g, int64_t row, int64_t first, int64_t n) {
    write_rows(j, rows, g, j.dx + row * j.dx_pitch + first, first, n);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
