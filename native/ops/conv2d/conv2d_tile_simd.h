// The register tile all dense bodies share: R pixels times NV vectors of output channels. Lanes are output channels; x is read
// one float at a time and broadcast, so neither K nor the number of input channels needs a mask, only the last channels do.
#pragma once

#include "core/simd.h"
#include "ops/conv2d/conv2d.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// What the tile applies to its sums while they are in registers. Anything else is stored and finished in a second pass.
enum class Fused : int32_t { kNone, kRelu, kLeaky, kPrelu };

// K is rows x taps runs of `length` neighbouring floats of x; the packed weights of all runs follow one another.
struct Runs {
  const float* x;
  int64_t pixel_stride;  // floats between the pixels of the tile
  int64_t rows, row_stride;
  int64_t taps, tap_stride;
  int64_t length;
};

struct Tile {
  Runs runs;
  const float* weights;
  int64_t block_stride;  // floats between blocks of 16 output channels
  const float* bias;     // may be NULL
  const float* slope;    // kPrelu
  float alpha;           // kLeaky
  Fused fused;
  const float* residual;  // added before the activation, or NULL
  int64_t residual_pitch;
  float* y;
  int64_t y_pitch;
  int64_t channels;  // valid ones; the last vector may be partial
  // Memory that will be needed next, or NULL: per four steps of K, four lines are prefetched and `ahead_step` bytes passed.
  const char* ahead;
  int64_t ahead_step;
};

// Largest tiles: accumulators + NV weights + 1 broadcast fit the registers (32, 16, and 16 of plain SSE).
#if defined(__AVX512F__)
inline constexpr int kMaxVectors = 4;
inline constexpr int kMaxPixels[kMaxVectors + 1] = {0, 16, 14, 9, 6};
#elif defined(__AVX2__)
inline constexpr int kMaxVectors = 2;
inline constexpr int kMaxPixels[kMaxVectors + 1] = {0, 12, 6};
#else
inline constexpr int kMaxVectors = 4;
inline constexpr int kMaxPixels[kMaxVectors + 1] = {0, 2, 2, 2, 2};
#endif

// Tiles with a compile-time pixel stride, see conv2d_narrow_simd.cc. Smaller ones use the general tile.
#if defined(__AVX512F__)
inline constexpr int kNarrowVectors = 2;
inline constexpr int kNarrowLeast[kNarrowVectors + 1] = {0, 12, 8}, kNarrowMost[kNarrowVectors + 1] = {0, 24, 14};
#else
inline constexpr int kNarrowVectors = 0;
inline constexpr int kNarrowMost[1] = {0};
#endif

// The last vector of a panel is half a vector, with half the cost, where half the lanes hold all of its channels: 24 or 40
// channels leave no lane idle.
#if defined(__AVX512F__)
FOVEA_INLINE bool ends_in_half(int64_t channels) { return channels % kLanes > 0 && channels % kLanes <= kLanes / 2; }
#else
FOVEA_INLINE bool ends_in_half(int64_t) { return false; }
#endif

struct TileShape {
  int vectors;  // NV of all panels but the last
  int pixels;   // most pixels per tile
};

// The cheapest tile for `pixels` neighbouring output pixels and `channels` output channels of K products each. `narrow`: most
// tiles will have a pixel stride that run_narrow_tile takes.
TileShape choose_tile(int64_t pixels, int64_t channels, int64_t k, bool narrow);

// Up to kMaxPixels[vectors] pixels.
void run_tile(int vectors, int pixels, const Tile& tile);

// False, having done nothing, when there is no such tile.
bool run_narrow_tile(int vectors, int pixels, const Tile& tile);

// Adds the residual and applies the activation to y[pixels][channels], which holds bias + sum. Pointers at the first channel.
void finish(const Conv2dJob& job, int64_t first_pixel, int64_t pixels, int64_t first_channel, int64_t channels);

// kPlanar: output rows `begin` .. `end` of the batch, with everything. Not for the scalar instruction set.
void planar_rows(const Conv2dJob& job, int64_t begin, int64_t end, float* scratch);

// Depthwise rows `begin` .. `end` of the batch, `begin` to y (the job's own y is not used): bias, sums and fused activation,
// without finish().
void depthwise_rows(const Conv2dJob& job, int64_t begin, int64_t end, float* y);

// How the sums are treated, and whether finish() must follow. `adds_residual`: whoever makes the sums can add it at once.
struct Epilogue {
  Fused fused;
  bool second_pass;
};
FOVEA_INLINE Epilogue epilogue_of(const Conv2dJob& j, bool adds_residual = false) {
  if (j.residual != nullptr && !adds_residual) return {Fused::kNone, true};
  switch (j.params.activation.kind) {
    case FOVEA_ACTIVATION_NONE:
      return {Fused::kNone, false};
    case FOVEA_ACTIVATION_RELU:
      return {Fused::kRelu, false};
    case FOVEA_ACTIVATION_LEAKY_RELU:
      return {Fused::kLeaky, false};
    case FOVEA_ACTIVATION_PRELU:
      return {Fused::kPrelu, false};
    default:
      return {Fused::kNone, true};
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
