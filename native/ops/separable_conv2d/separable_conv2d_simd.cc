// Blocks of depthwise rows and the 1x1 product over them: see separable_conv2d.h.
#include "ops/separable_conv2d/separable_conv2d.h"

#include "core/thread_pool.h"
#include "ops/conv2d/conv2d_tile_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Memory that the next block will read.
struct Ahead {
  const char* begin;
  const char* end;
};

// `pixels` pixels of scratch times output channels first .. last, to pixel q of y.
void multiply(const Conv2dJob& j, const Epilogue& epilogue, const float* scratch, int64_t pitch, int64_t q, int64_t pixels,
              int64_t first, int64_t last, Ahead next) {
  const int64_t k = j.params.in_channels;
  const TileShape shape = choose_tile(pixels, last - first, k, false);
  const int64_t tiles = (pixels + shape.pixels - 1) / shape.pixels;
  Tile t{};
  t.runs = {scratch, pitch, 1, 0, 1, 0, k};
  t.block_stride = k * kChannelBlock;
  t.alpha = j.params.activation.alpha;
  t.fused = epilogue.fused;
  t.y_pitch = j.y_pitch;
  t.residual_pitch = j.residual_pitch;
  const bool adds = j.residual != nullptr && !epilogue.second_pass;
  for (int64_t channel = first; channel < last; channel += shape.vectors * kLanes) {
    t.channels = last - channel < shape.vectors * kLanes ? last - channel : shape.vectors * kLanes;
    t.weights = j.weights + channel / kChannelBlock * t.block_stride + channel % kChannelBlock;
    t.bias = j.bias == nullptr ? nullptr : j.bias + channel;
    t.slope = j.slope == nullptr ? nullptr : j.slope + channel;
    const int vectors = static_cast<int>((t.channels + kLanes - 1) / kLanes);
    int64_t at = 0;
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t count = pixels / tiles + (i < pixels % tiles);
      t.runs.x = scratch + at * pitch;
      t.y = j.y + (q + at) * j.y_pitch + channel;
      t.residual = adds ? j.residual + (q + at) * j.residual_pitch + channel : nullptr;
      // Lines of y are in no cache yet: fetched now, they are there when the tile is done.
      for (int64_t r = 0; r < count; ++r)
        for (int64_t v = 0; v < t.channels; v += 16) __builtin_prefetch(t.y + r * t.y_pitch + v, 1);
      // Four lines per four steps of K, until all are on their way.
      constexpr int64_t kLines = 4 * 64;
      t.ahead = next.begin < next.end ? next.begin : nullptr, t.ahead_step = kLines;
      next.begin += k / 4 * kLines;
      run_tile(vectors, static_cast<int>(count), t);
      at += count;
    }
    if (epilogue.second_pass) finish(j, q, pixels, channel, t.channels);
  }
}

}  // namespace

void separable_conv2d(const SeparableJob& job) {
  const Conv2dJob& pointwise = job.pointwise;
  const int64_t channels = pointwise.params.in_channels, out = pointwise.params.out_channels, width = pointwise.out_w;
  const int64_t rows = width == 0 ? 0 : live_rows(pointwise.live, pointwise.batch) * pointwise.out_h;
  const SeparablePlan& plan = job.plan;
  const int64_t blocks = (rows + plan.block_rows - 1) / plan.block_rows;
  const int64_t part = (channel_blocks(out) + plan.splits - 1) / plan.splits * kChannelBlock;
  const Epilogue between = epilogue_of(job.depthwise), after = epilogue_of(pointwise, true);
  // Maps that do not stay in the second-level cache: the rows that a block does not share with the one before it arrive while
  // that one multiplies.
  const Conv2dJob& d = job.depthwise;
  constexpr int64_t kCachedFloats = 1 << 19;
  const int64_t row_floats = d.in_w * d.x_pitch, input_rows = d.batch * d.in_h;
  const bool background = !plan.whole && input_rows * row_floats + rows * width * pointwise.y_pitch > kCachedFloats;
  const auto next_rows = [&](int64_t last_row) __attribute__((always_inline)) {
    if (!background || last_row >= rows) return Ahead{nullptr, nullptr};
    const int64_t oy = last_row % pointwise.out_h, image = last_row / pointwise.out_h * d.in_h;
    const int64_t shared = oy == 0 ? 0 : (oy - 1) * d.params.stride_h - d.params.pad_top + d.params.kernel_h;
    const int64_t begin = image + (shared < 0 ? 0 : shared), end = begin + plan.block_rows * d.params.stride_h;
    const auto at = [&](int64_t row) __attribute__((always_inline)) {
      return reinterpret_cast<const char*>(d.x + (row < input_rows ? row : input_rows) * row_floats);
    };
    return Ahead{at(begin), at(end)};
  };
  const ThreadLimit limit(pointwise.threads);
  const auto depthwise_block = [&](int64_t row, int64_t last_row, float* scratch) {
    Conv2dJob depthwise = job.depthwise;
    depthwise.y = scratch;
    depthwise_rows(depthwise, row, last_row, scratch);
    if (between.second_pass) finish(depthwise, 0, (last_row - row) * width, 0, channels);
  };
  if (plan.whole)
    parallel_for(rows, 2, [&](int64_t row, int64_t last_row, int32_t) {
      depthwise_block(row, last_row, pointwise.scratch + row * width * plan.scratch_pitch);
    });
  parallel_for(blocks * plan.splits, 1, [&](int64_t begin, int64_t end, int32_t worker) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / plan.splits * plan.block_rows;
      const int64_t last_row = row + plan.block_rows < rows ? row + plan.block_rows : rows;
      const int64_t first = i % plan.splits * part, last = first + part < out ? first + part : out;
      if (first >= last) continue;
      float* scratch = pointwise.scratch + (plan.whole ? row * width * plan.scratch_pitch : worker * plan.scratch_floats);
      if (!plan.whole) depthwise_block(row, last_row, scratch);
      multiply(pointwise, after, scratch, plan.scratch_pitch, row * width, (last_row - row) * width, first, last,
               next_rows(last_row));
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
