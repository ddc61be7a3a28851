// Shapes to blocks of work, and packing, of the phases of a transposed convolution.
#include <algorithm>
#include <cstring>

#include "ops/conv2d/conv2d_pack.h"
#include "ops/conv_transpose2d/conv_transpose2d.h"

namespace fovea {
namespace {

// Pixels of a phase that share one pass over its weights, and the most floats of x copied for them: see conv2d_plan.cc.
constexpr int64_t kBlockPixels = 112;
constexpr int64_t kCopiedFloats = 1 << 17;
constexpr int64_t kWantedBlocks = 32, kMinimumWork = 1 << 17;

struct Span {
  int64_t first = INT64_MAX, last = INT64_MIN;
};

// First and one past the last position of x that outputs 0 .. m of the phases read; `all` counts every output of a phase.
Span reads(const TransposedAxis& axis, bool all) {
  Span span;
  for (int64_t phase = 0; phase < axis.stride && phase < axis.out; ++phase) {
    const Phase p = phase_of(axis, phase);
    if (p.taps == 0) continue;
    const int64_t outputs = all ? phase_size(axis.out, axis.stride, phase) : 1;
    span.first = std::min(span.first, p.offset);
    span.last = std::max(span.last, p.offset + (p.taps - 1) * p.step + outputs);
  }
  return span.first > span.last ? Span{0, 0} : span;
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

bool forward_params(const TransposedLayer& layer, fovea_conv2d_params* forward) {
  const fovea_conv2d_params& p = layer.params;
  if (p.stride_h != 1 || p.stride_w != 1) return false;
  const int64_t reach_h = int64_t{p.dilation_h} * (p.kernel_h - 1), reach_w = int64_t{p.dilation_w} * (p.kernel_w - 1);
  const int64_t pads[4] = {reach_h - p.pad_top, reach_h - p.pad_bottom + layer.output_pad_h, reach_w - p.pad_left,
                           reach_w - p.pad_right + layer.output_pad_w};
  for (const int64_t pad : pads)
    if (pad < 0 || pad > INT32_MAX) return false;
  *forward = p;
  forward->pad_top = static_cast<int32_t>(pads[0]), forward->pad_bottom = static_cast<int32_t>(pads[1]);
  forward->pad_left = static_cast<int32_t>(pads[2]), forward->pad_right = static_cast<int32_t>(pads[3]);
  return true;
}

TransposedPlan transposed_plan(const fovea_conv2d_params& p, int64_t batch, int64_t in_h, int64_t in_w, int64_t out_h,
                               int64_t out_w) {
  TransposedPlan plan{};
  plan.block = plan.splits = 1;
  if (batch * out_h * out_w == 0) return plan;
  const Span columns = reads({in_w, out_w, p.kernel_w, p.stride_w, p.dilation_w, p.pad_left}, true);
  const Span rows = reads({in_h, out_h, p.kernel_h, p.stride_h, p.dilation_h, p.pad_top}, false);
  plan.first_column = columns.first, plan.last_column = columns.last;
  plan.first_row = rows.first, plan.last_row = rows.last;
  plan.copied = columns.first < 0 || columns.last > in_w;

  const int64_t height = ceil_div(out_h, p.stride_h), width = ceil_div(out_w, p.stride_w);
  const int64_t row_floats = (columns.last - columns.first) * p.in_channels;
  const int64_t channel_parts = channel_blocks(is_depthwise(p) ? p.out_channels : group_out(p));
  const int64_t row_work = std::max<int64_t>(width * (direct_floats(p) / kChannelBlock), 1);
  int64_t block = ceil_div(kBlockPixels, width);
  if (plan.copied) {
    // Rows that blocks share are copied once per block: at least as many new ones as shared ones, where they fit.
    const int64_t shared = rows.last - rows.first - 1;
    block = std::max(block, std::min(shared, kCopiedFloats / std::max<int64_t>(row_floats, 1) - shared));
  }
  block = std::min(block, std::max(kMinimumWork / row_work, batch * height / kWantedBlocks));
  plan.block = std::clamp<int64_t>(block, 1, height);
  const int64_t blocks = batch * ceil_div(height, plan.block);
  if (!is_depthwise(p))
    plan.splits =
        std::max<int64_t>(std::min({ceil_div(kWantedBlocks, blocks), plan.block * row_work / kMinimumWork, channel_parts}), 1);
  if (plan.copied) {
    const int64_t most = std::min(in_h, plan.block + rows.last - rows.first - 1);
    plan.scratch_floats = ceil_div(most * row_floats, 16) * 16;
  }
  return plan;
}

void transposed_pack(const TransposedPrepareJob& job) {
  const fovea_conv2d_params& p = job.conv.params;
  TransposedHeader header{};
  header.magic = kConv2dMagic + 1;
  header.in_channels = p.in_channels, header.out_channels = p.out_channels;
  header.kernel_h = p.kernel_h, header.kernel_w = p.kernel_w, header.groups = p.groups;
  header.stride_h = p.stride_h, header.stride_w = p.stride_w;
  header.dilation_h = p.dilation_h, header.dilation_w = p.dilation_w;
  header.backward = job.conv.order == Conv2dWeightOrder::kBackward, header.forward = job.forward;
  std::memcpy(job.header, &header, sizeof header);
  if (job.forward) {
    conv2d_pack(job.conv);
    return;
  }
  float* packed = static_cast<float*>(job.conv.prepared);
  const int64_t step_h = class_step(p.stride_h, p.dilation_h), step_w = class_step(p.stride_w, p.dilation_w);
  // pack_direct() counts taps in its own way: those of the class, and flipped ones of the layer.
  std::memset(packed, 0, static_cast<size_t>(direct_floats(p)) * sizeof(float));
  for (int64_t first_h = 0; first_h < std::min<int64_t>(step_h, p.kernel_h); ++first_h)
    for (int64_t first_w = 0; first_w < std::min<int64_t>(step_w, p.kernel_w); ++first_w) {
      fovea_conv2d_params part = p;
      part.kernel_h = static_cast<int32_t>(class_taps(p.kernel_h, step_h, first_h));
      part.kernel_w = static_cast<int32_t>(class_taps(p.kernel_w, step_w, first_w));
      pack_direct(job.conv, part, packed + class_floats(p, first_h, first_w), [&](int64_t tap) {
        const int64_t row = tap / part.kernel_w, column = tap % part.kernel_w;
        const int64_t kh = first_h + (part.kernel_h - 1 - row) * step_h;
        const int64_t kw = first_w + (part.kernel_w - 1 - column) * step_w;
        return taps(p) - 1 - (kh * p.kernel_w + kw);
      });
    }
}

}  // namespace fovea
