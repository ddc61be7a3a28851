// 2-D convolution: the job every body receives, the packed weights, and the plan that chooses a body.
//
// Packed weights (the same on every instruction set), behind a 64-byte header:
//   direct    [group][block][k][16]      k = (kh, kw, in) of the group; blocks of 16 output channels, the last padded with 0
//   depthwise [block][tap][16]           the same with all groups as one and k = (kh, kw)
//   grouped   [block][tap][in][16]        follows the direct form of layers of few channels per group: a block is 16 channels
//   of
//                                        several groups, lane l the product of output l with input `in` of l's group
//   Winograd  [pair][position][block][in][16] follow the direct form, F(2x2, 3x3) before F(4x4, 3x3), each if params may use
//   it:
//                                        pairs of blocks in the order in which they are read, position = row and column of G w
//                                        G^T
// A body takes as many neighbouring blocks at once as its registers allow, so the form need not know.
#pragma once

#include "core/tensor.h"
#include "fovea/nn.h"

// The vector files include this too: a weak copy compiled for AVX-512 must not become the library's (see core/simd.h).
#define FOVEA_CONV2D_INLINE [[gnu::always_inline]] inline

namespace fovea {

inline constexpr int64_t kChannelBlock = 16;
inline constexpr int64_t kMaxTilePixels = 24;  // no body's register tile is wider

enum class Conv2dBody : int32_t {
  kFlat,       // 1x1, stride 1, no padding: all pixels of the batch are one long row
  kRows,       // output rows cut into register tiles that read x in place; tiles at the left and right border are gathered
  kGathered,   // all tiles gathered (im2col of one block of pixels): short rows, where tiles must span several of them
  kPlanar,     // few output channels: lanes are pixels, see conv2d_planar_simd.cc; as kRows where the channels fill vectors
  kDepthwise,  // also layers of few channels per group
  kWinograd,
};

struct Conv2dPlan {
  Conv2dBody body;
  int64_t block_pixels;    // output pixels (Winograd: tiles) of one block of work; kRows: whole rows of them
  int64_t splits;          // parts in which the output channels of a block are cut to feed more threads
  int64_t scratch_floats;  // per thread
  int64_t tile;            // Winograd: 2 or 4, the side of an output tile
};

struct Conv2dJob {
  const float* x;
  const float* weights;  // packed, behind the header
  const float* bias;     // [out] or NULL, as slope and residual
  const float* slope;
  const float* residual;
  float* y;
  float* scratch;  // plan.scratch_floats for each of `threads`
  const int32_t* live;
  int64_t batch, in_h, in_w, x_pitch;
  int64_t out_h, out_w, y_pitch, residual_pitch;
  Conv2dPlan plan;
  fovea_conv2d_params params;
  int32_t threads;
};

// Whose weights are packed. Backward passes and transposed convolutions are convolutions of flipped taps.
enum class Conv2dWeightOrder : int32_t {
  kForward,   // [out][kh][kw][in/groups]
  kFlipped,   // the same, taps in reverse order
  kBackward,  // [in][kh][kw][out/groups] in terms of params, that is, the forward layer's, taps in reverse order
};

struct Conv2dPrepareJob {
  const float* weights;
  void* prepared;
  int64_t pitch;
  fovea_conv2d_params params;
  Conv2dWeightOrder order;
};

// Identifies what prepared weights were packed for.
struct alignas(64) Conv2dHeader {
  uint32_t magic;
  int32_t in_channels, out_channels, kernel_h, kernel_w, groups;
  int32_t winograd;  // the tile sides whose forms are held, added: 0, 2, 4 or 6
};
inline constexpr uint32_t kConv2dMagic = 0x32564346;  // "FCV2"

FOVEA_CONV2D_INLINE bool is_depthwise(const fovea_conv2d_params& p) {
  return p.groups > 1 && p.groups == p.in_channels && p.groups == p.out_channels;
}
FOVEA_CONV2D_INLINE int64_t group_in(const fovea_conv2d_params& p) { return p.in_channels / p.groups; }
FOVEA_CONV2D_INLINE int64_t group_out(const fovea_conv2d_params& p) { return p.out_channels / p.groups; }
FOVEA_CONV2D_INLINE int64_t taps(const fovea_conv2d_params& p) { return int64_t{p.kernel_h} * p.kernel_w; }
// Products per output element.
FOVEA_CONV2D_INLINE int64_t depth(const fovea_conv2d_params& p) { return taps(p) * group_in(p); }
FOVEA_CONV2D_INLINE int64_t channel_blocks(int64_t channels) { return (channels + kChannelBlock - 1) / kChannelBlock; }
FOVEA_CONV2D_INLINE int64_t direct_floats(const fovea_conv2d_params& p) {
  const int64_t blocks = is_depthwise(p) ? channel_blocks(p.out_channels) : p.groups * channel_blocks(group_out(p));
  return blocks * depth(p) * kChannelBlock;
}

// Where weight [o][tap][i] lies in the direct or depthwise form.
FOVEA_CONV2D_INLINE int64_t packed_index(const fovea_conv2d_params& p, int64_t o, int64_t tap, int64_t i) {
  const int64_t per_group = is_depthwise(p) ? p.out_channels : group_out(p);
  const int64_t block = o / per_group * channel_blocks(per_group) + o % per_group / kChannelBlock;
  return (block * depth(p) + tap * group_in(p) + i) * kChannelBlock + o % per_group % kChannelBlock;
}

// Groups of 2, 4 or 8 channels: blocks of 16 lanes hold several groups, where the direct form would leave lanes idle.
FOVEA_CONV2D_INLINE bool is_grouped(const fovea_conv2d_params& p) {
  const int64_t in = group_in(p);
  return p.groups > 1 && in == group_out(p) && (in == 2 || in == 4 || in == 8) && p.in_channels % kChannelBlock == 0;
}
FOVEA_CONV2D_INLINE int64_t grouped_floats(const fovea_conv2d_params& p) {
  return is_grouped(p) ? depth(p) * p.out_channels : 0;
}

// kRows copies what a tile at a side border reads into scratch, padding included: a strip of kernel rows, or, where strides and
// dilations make it longer, the K values of each pixel.
FOVEA_CONV2D_INLINE int64_t strip_pixels(const fovea_conv2d_params& p, int64_t pixels) {
  return (pixels - 1) * p.stride_w + (p.kernel_w - int64_t{1}) * p.dilation_w + 1;
}
FOVEA_CONV2D_INLINE bool copies_strips(const fovea_conv2d_params& p) {
  return strip_pixels(p, kMaxTilePixels) <= kMaxTilePixels * p.kernel_w;
}

// kPlanar: kernel_h input rows as planes [column % stride][channel][column / stride], then a tile of output pixels.
inline constexpr int64_t kPlanarMostChannels = 12, kPlanarMostRows = 16, kPlanarMostSteps = 512, kPlanarTile = 32;
struct PlanarScratch {
  int64_t phases, plane, row, floats;  // columns modulo the stride; floats of a plane, of a row's planes, of everything
};
FOVEA_CONV2D_INLINE PlanarScratch planar_scratch(const fovea_conv2d_params& p, int64_t out_w) {
  const int64_t phases = p.stride_w < p.kernel_w ? p.stride_w : p.kernel_w;
  // Tiles read whole vectors; planes an odd number of cache lines apart spread over the sets of the cache.
  const int64_t columns = (out_w + kPlanarTile - 1) / kPlanarTile * kPlanarTile + (p.kernel_w - 1) / p.stride_w;
  const int64_t plane = (columns + 15) / 16 * 16 + ((columns + 15) / 16 % 2 == 0 ? 16 : 0);
  const int64_t row = phases * p.in_channels * plane;
  return {phases, plane, row, p.kernel_h * row + kPlanarTile * kPlanarMostChannels};
}

// Weight [o][tap][i] of the caller's tensor, as the packed layer sees it, and the distance to the next o of its group.
struct WeightRun {
  const float* first;
  int64_t stride;
};
FOVEA_CONV2D_INLINE WeightRun weight_run(const Conv2dPrepareJob& job, int64_t o, int64_t tap, int64_t i) {
  const fovea_conv2d_params& p = job.params;
  const int64_t flipped = taps(p) - 1 - tap, row = taps(p) * job.pitch;
  if (job.order == Conv2dWeightOrder::kForward) return {job.weights + (o * taps(p) + tap) * job.pitch + i, row};
  if (job.order == Conv2dWeightOrder::kFlipped) return {job.weights + (o * taps(p) + flipped) * job.pitch + i, row};
  const int64_t source = o / group_out(p) * group_in(p) + i;
  // Depthwise: every output has a group of its own, and the blocks run over all of them.
  return {job.weights + (source * taps(p) + flipped) * job.pitch + o % group_out(p), is_depthwise(p) ? row : 1};
}

// The parameters' own rules; the convolution's relatives share them.
fovea_status check_conv2d_params(const char* op, const fovea_conv2d_params* params);
// Validates params and says how many bytes their packed form takes on the CPU.
fovea_status conv2d_packed_bytes(const char* op, const fovea_conv2d_params* params, int64_t* bytes);

// 3x3, stride 1, ungrouped; dilation d leaves d*d interleaved grids, each an undilated layer.
bool winograd_possible(const fovea_conv2d_params& p);
// Whether the prepared weights hold the form of F(tile x tile, 3x3): it was asked for, or AUTO may choose it.
bool winograd_held(const fovea_conv2d_params& p, int64_t tile);
FOVEA_CONV2D_INLINE int64_t winograd_positions(int64_t tile) { return (tile + 2) * (tile + 2); }
FOVEA_CONV2D_INLINE int64_t winograd_form_floats(const fovea_conv2d_params& p, int64_t tile) {
  return winograd_positions(tile) * p.in_channels * channel_blocks(p.out_channels) * kChannelBlock;
}
FOVEA_CONV2D_INLINE int32_t conv2d_winograd_forms(const fovea_conv2d_params& p) {
  return (winograd_held(p, 2) ? 2 : 0) + (winograd_held(p, 4) ? 4 : 0);
}
// All forms held, and where one of them begins.
int64_t winograd_floats(const fovea_conv2d_params& p);
int64_t winograd_offset(const fovea_conv2d_params& p, int64_t tile);

inline constexpr int64_t kWinogradPair = 2;  // blocks of output channels whose products are made and transformed together

// One thread's scratch: transformed input [position][tiles][input_pitch], products [position][tiles][32].
struct WinogradScratch {
  int64_t input_pitch, input_plane, output_plane;  // floats
};
FOVEA_CONV2D_INLINE WinogradScratch winograd_scratch(const fovea_conv2d_params& p, int64_t tiles) {
  // Planes are an odd number of cache lines apart, and rows not a multiple of 1 KB: the stores of a tile, and the rows of a
  // product, would otherwise fall into few sets of the cache.
  const int64_t channels = channel_blocks(p.in_channels) * kChannelBlock,
                pitch = channels % 256 == 0 ? channels + 16 : channels;
  const auto odd_lines = [](int64_t floats) { return floats / 16 % 2 == 0 ? floats + 16 : floats; };
  return {pitch, odd_lines(tiles * pitch), odd_lines(tiles * kWinogradPair * kChannelBlock)};
}
// Tiles of F(tile x tile, 3x3) over one image. A dilation d interleaves up to d grids along an axis, all cut alike: the last
// tiles of some may lie outside the image.
struct WinogradGrid {
  int64_t grids_y, grids_x, tiles_y, tiles_x, tiles;
};
FOVEA_CONV2D_INLINE WinogradGrid winograd_grid(const fovea_conv2d_params& p, int64_t tile, int64_t out_h, int64_t out_w) {
  const int64_t grids_y = p.dilation_h < out_h ? p.dilation_h : out_h, grids_x = p.dilation_w < out_w ? p.dilation_w : out_w;
  const int64_t step_y = tile * p.dilation_h, step_x = tile * p.dilation_w;
  const int64_t y = (out_h + step_y - 1) / step_y, x = (out_w + step_x - 1) / step_x;
  return {grids_y, grids_x, y, x, grids_y * grids_x * y * x};
}

// Output length of one axis: 0 when the padded input is shorter than the kernel.
FOVEA_CONV2D_INLINE int64_t conv2d_output(int64_t size, int64_t pad, int64_t kernel, int64_t stride, int64_t dilation) {
  const int64_t room = size + pad - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

// The one place where a body is chosen: from the parameters and shapes only, so that results do not depend on the machine.
Conv2dPlan conv2d_plan(const fovea_conv2d_params& p, int64_t batch, int64_t in_h, int64_t in_w);

// What conv2d_prepare enqueues.
void conv2d_pack(const Conv2dPrepareJob& job);

}  // namespace fovea
