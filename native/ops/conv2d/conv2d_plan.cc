// Shapes to bodies. Everything here is integer arithmetic on parameters and shapes.
#include <algorithm>

#include "ops/conv2d/conv2d.h"

namespace fovea {
namespace {

// Output channels are split until there are about this many blocks of work: enough for dozens of threads to share evenly.
constexpr int64_t kWantedBlocks = 32;
// ... but a part keeps at least this many products of 16 lanes (tens of microseconds): waking a thread costs a few.
constexpr int64_t kMinimumWork = 1 << 17;
// Gathered blocks: about as much as stays in a second-level cache beside the weights.
constexpr int64_t kGatherFloats = 1 << 16;
// Flat blocks: weights of a panel are read once per block, so a block should be several tiles of 14; 112 measured best.
constexpr int64_t kFlatPixels = 112;
constexpr int64_t kPlanarRows = 16;

// Winograd: a block's transformed input and products should stay in half of a 1 MB second-level cache, or nearly: fewer than
// 28 tiles read the weights too often, more than 56 gain nothing.
constexpr int64_t kWinogradFloats = 160 << 10, kWinogradFewest = 28, kWinogradMost = 56;

int64_t winograd_block(const fovea_conv2d_params& p, int64_t tile, int64_t tiles) {
  const int64_t per_tile = winograd_positions(tile) * (channel_blocks(p.in_channels) + kWinogradPair) * kChannelBlock;
  const int64_t most = std::clamp(kWinogradFloats / per_tile, kWinogradFewest, kWinogradMost);
  if (tiles <= most) return std::max<int64_t>(tiles, 1);
  // Even blocks, and an even number of them for an even number of threads.
  const int64_t blocks = ((tiles + most - 1) / most + 1) / 2 * 2;
  return (tiles + blocks - 1) / blocks;
}

// x and y together in a second-level cache of 1 MB.
constexpr int64_t kCachedFloats = 1 << 18;

// Expected cycles of a core that starts one product of 16 lanes a cycle.
double direct_cycles(const fovea_conv2d_params& p, int64_t pixels) {
  const double products = 9.0 * static_cast<double>(pixels * p.in_channels * channel_blocks(p.out_channels));
  return 1.05 * products;
}

double winograd_cycles(const fovea_conv2d_params& p, int64_t tile, int64_t tiles, int64_t floats) {
  const double in = p.in_channels, in_blocks = static_cast<double>(channel_blocks(p.in_channels));
  const double out_blocks = static_cast<double>(channel_blocks(p.out_channels));
  // Loads, additions and stores of a tile's 16 channels.
  double transforms =
      static_cast<double>(tiles) * (tile == 4 ? 240 * in_blocks + 200 * out_blocks : 80 * in_blocks + 50 * out_blocks);
  // Measured at 8 to 12 channels: masked loads, and too few products to hide the transforms' latency or their misses.
  if (p.in_channels < kChannelBlock) transforms *= floats > kCachedFloats ? 2.75 : 2.5;
  const int64_t block = winograd_block(p, tile, tiles), blocks = (tiles + block - 1) / block;
  // A step of fewer than two tiles waits for the sums before it.
  const double rows = static_cast<double>(std::max(tiles, 2 * blocks));
  const double products = static_cast<double>(winograd_positions(tile)) * rows * in * out_blocks;
  // Weights that do not fit the second-level cache arrive at about 8 bytes a cycle, once per block of tiles.
  const double bytes = static_cast<double>(winograd_form_floats(p, tile)) * sizeof(float);
  const double streaming = bytes > 1 << 20 ? bytes / 8 * static_cast<double>(blocks) : 0;
  return std::max(products, streaming) + transforms;
}

// The tile side of the fastest algorithm that the prepared weights allow; 0 is direct.
int64_t choose_winograd(const fovea_conv2d_params& p, int64_t batch, int64_t out_h, int64_t out_w) {
  if (p.algorithm == FOVEA_CONV2D_WINOGRAD_2X2) return 2;
  if (p.algorithm == FOVEA_CONV2D_WINOGRAD_4X4) return 4;
  int64_t best = 0;
  double least = 0;
  for (const int64_t tile : {2, 4}) {
    if (!winograd_held(p, tile)) continue;
    if (best == 0 && least == 0) least = direct_cycles(p, batch * out_h * out_w);
    const double cycles = winograd_cycles(p, tile, batch * winograd_grid(p, tile, out_h, out_w).tiles,
                                          batch * out_h * out_w * (int64_t{p.in_channels} + p.out_channels));
    if (cycles < least) least = cycles, best = tile;
  }
  return best;
}

// Channels as lanes waste at least a quarter of 16 here. The ring of planes must stay in the second-level cache.
bool is_planar(const fovea_conv2d_params& p, int64_t out_w) {
  constexpr int64_t kMostFloats = 1 << 16;
  return p.groups == 1 && p.out_channels <= kPlanarMostChannels && p.kernel_h <= kPlanarMostRows &&
         int64_t{p.kernel_w} * p.in_channels <= kPlanarMostSteps && p.dilation_h == 1 && p.dilation_w == 1 &&
         out_w >= kPlanarTile / 2 && out_w <= kMostFloats && planar_scratch(p, out_w).floats <= kMostFloats;
}

int64_t splits_for(const fovea_conv2d_params& p, int64_t blocks, int64_t block_pixels) {
  const int64_t channel_parts = channel_blocks(group_out(p));
  const int64_t work = block_pixels * depth(p) * channel_parts;
  const int64_t wanted =
      std::min({(kWantedBlocks + blocks - 1) / std::max<int64_t>(blocks, 1), work / kMinimumWork, channel_parts});
  return std::max<int64_t>(wanted, 1);
}

}  // namespace

bool winograd_possible(const fovea_conv2d_params& p) {
  return p.kernel_h == 3 && p.kernel_w == 3 && p.stride_h == 1 && p.stride_w == 1 && p.groups == 1;
}

bool winograd_held(const fovea_conv2d_params& p, int64_t tile) {
  if (p.algorithm != FOVEA_CONV2D_AUTO)
    return p.algorithm == (tile == 2 ? FOVEA_CONV2D_WINOGRAD_2X2 : FOVEA_CONV2D_WINOGRAD_4X4);
  // Fewer channels do not pay for the transforms.
  if (p.allow_winograd == 0 || !winograd_possible(p) || p.in_channels < 8 || p.out_channels < 16) return false;
  // F(2x2) makes more products than F(4x4) and wins only where reading the weights takes longer than the products.
  return tile == 4 || winograd_form_floats(p, 4) * int64_t{sizeof(float)} > 1 << 20;
}

int64_t winograd_floats(const fovea_conv2d_params& p) {
  return (winograd_held(p, 2) ? winograd_form_floats(p, 2) : 0) + (winograd_held(p, 4) ? winograd_form_floats(p, 4) : 0);
}

int64_t winograd_offset(const fovea_conv2d_params& p, int64_t tile) {
  return direct_floats(p) + (tile == 4 && winograd_held(p, 2) ? winograd_form_floats(p, 2) : 0);
}

Conv2dPlan conv2d_plan(const fovea_conv2d_params& p, int64_t batch, int64_t in_h, int64_t in_w) {
  const int64_t out_h = conv2d_output(in_h, int64_t{p.pad_top} + p.pad_bottom, p.kernel_h, p.stride_h, p.dilation_h);
  const int64_t out_w = conv2d_output(in_w, int64_t{p.pad_left} + p.pad_right, p.kernel_w, p.stride_w, p.dilation_w);
  const int64_t pixels = batch * out_h * out_w, k = depth(p);
  const bool padded = p.pad_left > 0 || p.pad_right > 0;
  Conv2dPlan plan{};
  if (pixels == 0) return {Conv2dBody::kFlat, 1, 1, 0, p.algorithm > FOVEA_CONV2D_DIRECT ? choose_winograd(p, 0, 0, 0) : 0};
  if (is_depthwise(p) || is_grouped(p)) {
    // Pairs of rows share their input, so a block has an even number.
    const int64_t row_work = out_w * k * channel_blocks(p.out_channels);
    const int64_t pairs =
        std::clamp<int64_t>(kMinimumWork / row_work / 2, 1, std::max<int64_t>(1, batch * out_h / kWantedBlocks / 2));
    plan.body = Conv2dBody::kDepthwise;
    plan.block_pixels = 2 * pairs * out_w;
    return plan;
  }
  plan.tile = choose_winograd(p, batch, out_h, out_w);
  if (plan.tile != 0) {
    plan.body = Conv2dBody::kWinograd;
    plan.block_pixels = winograd_block(p, plan.tile, batch * winograd_grid(p, plan.tile, out_h, out_w).tiles);
    const WinogradScratch scratch = winograd_scratch(p, plan.block_pixels);
    plan.scratch_floats = winograd_positions(plan.tile) * (scratch.input_plane + scratch.output_plane);
    plan.splits = 1;
    return plan;
  }
  if (taps(p) == 1 && p.stride_h == 1 && p.stride_w == 1 && !padded && p.pad_top == 0 && p.pad_bottom == 0) {
    plan.body = Conv2dBody::kFlat;
    plan.block_pixels = kFlatPixels;
    plan.splits = splits_for(p, (pixels + kFlatPixels - 1) / kFlatPixels, std::min(pixels, kFlatPixels));
    return plan;
  }
  // A row of up to 5 pixels leaves most accumulators idle, and of a padded row of up to 14 every tile touches the border.
  if (out_w <= 5 || (padded && out_w <= 14)) {
    plan.body = Conv2dBody::kGathered;
    plan.block_pixels = std::clamp<int64_t>(kGatherFloats / k, kMaxTilePixels, kFlatPixels);
    plan.splits = splits_for(p, (pixels + plan.block_pixels - 1) / plan.block_pixels, std::min(pixels, plan.block_pixels));
    plan.scratch_floats = (plan.block_pixels * k + 15) / 16 * 16;
    return plan;
  }
  const bool planar = is_planar(p, out_w);
  plan.body = planar ? Conv2dBody::kPlanar : Conv2dBody::kRows;
  const int64_t row_work = out_w * k * p.groups * channel_blocks(group_out(p));
  // A block splits kernel_h - 1 rows of its neighbour's again: fewer blocks.
  const int64_t rows =
      planar ? std::clamp<int64_t>(batch * out_h / 8, 1, kPlanarRows)
             : std::clamp<int64_t>(kMinimumWork / row_work, 1, std::max<int64_t>(1, batch * out_h / kWantedBlocks));
  plan.block_pixels = rows * out_w;
  plan.splits = splits_for(p, (batch * out_h + rows - 1) / rows, plan.block_pixels);
  if (padded) {
    const int64_t strip = p.kernel_h * strip_pixels(p, kMaxTilePixels) * group_in(p);
    plan.scratch_floats = ((copies_strips(p) ? strip : kMaxTilePixels * k) + 15) / 16 * 16;
  }
  if (planar) plan.scratch_floats = std::max(plan.scratch_floats, planar_scratch(p, out_w).floats);
  return plan;
}

}  // namespace fovea
