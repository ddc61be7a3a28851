// How the weight gradient's products are cut. Everything here depends on parameters and shapes only.
#include <algorithm>

#include "ops/conv2d_backward/conv2d_backward.h"

namespace fovea {
namespace {

// Pixels of a chunk: each costs a tile 14 cycles or so, loading and storing its sums about 60.
constexpr int64_t kChunkPixels = 256, kManyOutputs = 256;
constexpr int64_t kFewPanels = 2;
constexpr int64_t kWantedParts = 16, kMinimumWork = 1 << 17;
constexpr int64_t kMostPartial = 4 << 20;  // floats

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Parts by outputs and inputs pack x and dy several times, parts by pixels need partial sums: the cheapest cut into about
// kWantedParts, in cycles of one core: about an eighth per packed float, half per partial sum.
void cut(const fovea_conv2d_params& p, int64_t rows, int64_t pixels, BackwardWeightsPlan* plan) {
  const int64_t chunks = chunk_count(*plan, rows), weights = partial_weights(p);
  const int64_t work = pixels * p.groups * group_out(p) * ceil_div(plan->inputs, 16) * (plan->columns ? 1 : taps(p));
  const int64_t wanted = std::clamp<int64_t>(work / kMinimumWork, 1, kWantedParts);
  const int64_t packed_taps = plan->columns ? 1 : p.kernel_h * ceil_div(p.kernel_w, plan->tap_run);
  int64_t best = INT64_MAX;
  for (int64_t out = 1; out <= std::min(out_panels(p), wanted); out *= 2)
    for (int64_t in = 1; in <= std::min(in_panels(*plan), wanted); in *= 2) {
      const int64_t per_part = p.groups * out * in;
      int64_t parts = std::clamp<int64_t>(ceil_div(wanted, per_part), 1, chunks);
      parts = std::clamp<int64_t>(kMostPartial / weights, 1, parts);
      const int64_t packed = pixels * p.groups * (plan->inputs * packed_taps * out + group_out(p) * in) / 8;
      const int64_t partial = parts > 1 || plan->columns ? parts * weights / 2 : 0;
      const int64_t idle = work / 2 * std::max<int64_t>(wanted - per_part * parts, 0) / wanted;
      if (packed + partial + idle >= best) continue;
      best = packed + partial + idle;
      plan->out_parts = out, plan->in_parts = in, plan->pixel_parts = parts;
    }
}

}  // namespace

BackwardWeightsPlan backward_weights_plan(const fovea_conv2d_params& p, int64_t batch, int64_t out_h, int64_t out_w) {
  BackwardWeightsPlan plan{};
  plan.inputs = group_in(p);
  plan.tap_run = plan.chunk_rows = plan.row_pieces = plan.out_parts = plan.in_parts = plan.pixel_parts = plan.part_chunks = 1;
  plan.chunk_columns = out_w;
  const int64_t rows = batch * out_h, pixels = rows * out_w;
  if (pixels == 0) return plan;
  if (is_depthwise(p)) {
    // A chunk is an output row.
    const int64_t work = pixels * taps(p) * channel_blocks(p.out_channels);
    plan.pixel_parts = std::clamp<int64_t>(work / kMinimumWork, 1, std::min(kWantedParts, rows));
    plan.part_chunks = ceil_div(rows, plan.pixel_parts);
    plan.partial_floats = plan.pixel_parts * (partial_weights(p) + partial_biases(p));
    return plan;
  }
  plan.columns = taps(p) > 1 && group_in(p) <= 12;
  if (plan.columns) plan.inputs = depth(p);
  plan.x_in_place = taps(p) == 1 && p.stride_h == 1 && p.stride_w == 1 && p.pad_top == 0 && p.pad_bottom == 0 &&
                    p.pad_left == 0 && p.pad_right == 0;
  plan.dy_in_place = taps(p) == 1 && in_panels(plan) <= kFewPanels;
  const int64_t most = group_out(p) > kManyOutputs ? kChunkPixels / 2 : kChunkPixels;
  plan.row_pieces = ceil_div(out_w, 2 * most);
  plan.chunk_columns = ceil_div(out_w, plan.row_pieces);
  if (plan.row_pieces == 1) plan.chunk_rows = std::clamp<int64_t>(most / out_w, 1, rows);
  // One packed row for all taps of a kernel row saves packing, but then every output row starts the tile's loop anew, which
  // costs about 12 cycles of 14 a pixel; packing a pixel for a tap costs about 5 of them, divided by the outputs.
  const int64_t span = int64_t{p.kernel_w - 1} * p.dilation_w;
  if (!plan.columns && plan.chunk_columns * 5 > group_out(p) && span <= 2 * plan.chunk_columns + 16) plan.tap_run = p.kernel_w;
  cut(p, rows, pixels, &plan);
  plan.part_chunks = ceil_div(chunk_count(plan, rows), plan.pixel_parts);
  if (plan.pixel_parts > 1 || plan.columns) plan.partial_floats = plan.pixel_parts * (partial_weights(p) + partial_biases(p));
  const int64_t panels = std::min(ceil_div(in_panels(plan), plan.in_parts), kInPanels);
  plan.scratch_floats = ceil_div(out_panels(p), plan.out_parts) * plan.chunk_rows * plan.chunk_columns * kOutPitch +
                        panels * plan.chunk_rows * packed_width(p, plan, plan.chunk_columns) * kInPanel;
  return plan;
}

}  // namespace fovea
