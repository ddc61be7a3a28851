// The register tile itself, for the two files that instantiate it.
#pragma once

#include "ops/conv2d/conv2d_part_simd.h"
#include "ops/conv2d/conv2d_tile_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Sanitizers check every load; unrolled they would take minutes to compile and test nothing more.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// What is applied to the sums of one vector, and their way to memory; the first `valid` lanes when kPartial.
template <int R, class P, bool kPartial>
FOVEA_INLINE void finish_lanes(const Tile& t, int64_t channel, int64_t valid, typename P::V (&acc)[R]) {
  if (t.residual != nullptr) {
    const float* residual = t.residual + channel;
    const int64_t pitch = t.residual_pitch;
#pragma GCC unroll 24
    for (int r = 0; r < R; ++r) acc[r] = P::add(acc[r], P::template load_n<kPartial>(residual + r * pitch, valid));
  }
  if (t.fused == Fused::kRelu) {
#pragma GCC unroll 24
    for (int r = 0; r < R; ++r) acc[r] = P::relu(acc[r]);
  } else if (t.fused != Fused::kNone) {
    const auto slope = t.fused == Fused::kLeaky ? P::of(set(t.alpha)) : P::template load_n<kPartial>(t.slope + channel, valid);
#pragma GCC unroll 24
    for (int r = 0; r < R; ++r) acc[r] = P::leaky(acc[r], slope);
  }
  float* y = t.y + channel;
  const int64_t y_pitch = t.y_pitch;
#pragma GCC unroll 24
  for (int r = 0; r < R; ++r) P::template store_n<kPartial>(y + r * y_pitch, acc[r], valid);
}

// One decision for all R pixels.
template <int R, class P>
FOVEA_INLINE void finish_sums(const Tile& t, int64_t channel, typename P::V (&acc)[R]) {
  const int64_t valid = t.channels - channel;
  if (valid >= P::kWidth)
    finish_lanes<R, P, false>(t, channel, valid, acc);
  else
    finish_lanes<R, P, true>(t, channel, valid, acc);
}

// S: floats between the pixels when known at compile time, else 0. With S all pixels are one register and a constant away, and
// K is taken three steps at a time: S is 3 or 6, three channels read at stride 1 or 2, so every run is a multiple of three.
// kHalf: the last of the NV vectors is a half one.
template <int R, int NV, int S, bool kHalf>
FOVEA_INLINE void tile_body(const Tile& t) {
  // Addresses base, base + stride, base + 2*stride need one register for three pixels.
  constexpr int kBases = S > 0 ? 1 : (R + 2) / 3, kSteps = kSanitized ? 1 : S > 0 ? 3 : 4;
  constexpr int kBlock = static_cast<int>(kChannelBlock);
  constexpr int kFull = kHalf ? NV - 1 : NV;  // whole vectors
  using Last = Part<kHalf>;
  F acc[kFull > 0 ? kFull : 1][R];
  typename Last::V last[R];
#pragma GCC unroll 4
  for (int n = 0; n < kFull; ++n) {
    const F bias = t.bias == nullptr ? zero() : load_upto(t.bias + n * kLanes, t.channels - n * kLanes);
#pragma GCC unroll 24
    for (int r = 0; r < R; ++r) acc[n][r] = bias;
  }
  if constexpr (kHalf) {
    const auto bias =
        t.bias == nullptr ? Last::of(zero()) : Last::load_upto(t.bias + kFull * kLanes, t.channels - kFull * kLanes);
#pragma GCC unroll 24
    for (int r = 0; r < R; ++r) last[r] = bias;
  }
  // Copies: stores through float vectors may alias anything, and would make the compiler read these again.
  const int64_t pixel_bytes = t.runs.pixel_stride * int64_t{sizeof(float)}, block_stride = t.block_stride;
  const int64_t tap_jump = (t.runs.tap_stride - t.runs.length) * int64_t{sizeof(float)};
  const int64_t row_jump = (t.runs.row_stride - t.runs.taps * t.runs.tap_stride) * int64_t{sizeof(float)};
  const float* w = t.weights;
  const char* ahead = t.ahead;
  const int64_t ahead_step = t.ahead_step;
  const char* base[kBases];
#pragma GCC unroll 6
  for (int i = 0; i < kBases; ++i) base[i] = reinterpret_cast<const char*>(t.runs.x) + 3 * i * pixel_bytes;
  const auto advance = [&](int64_t bytes) __attribute__((always_inline)) {
#pragma GCC unroll 6
    for (int i = 0; i < kBases; ++i) {
      base[i] += bytes;
      asm("" : "+r"(base[i]));  // or the compiler keeps one induction variable per pixel and spills them
    }
  };
  const auto step = [&](int k) __attribute__((always_inline)) {
    F b[kFull > 0 ? kFull : 1];
    typename Last::V last_b;
    const auto weights = [&](int n) __attribute__((always_inline)) {
      return w + k * kBlock + n * kLanes % kBlock + n * kLanes / kBlock * block_stride;
    };
#pragma GCC unroll 4
    for (int n = 0; n < kFull; ++n) b[n] = load(weights(n));
    if constexpr (kHalf) last_b = Last::load(weights(kFull));
#pragma GCC unroll 24
    for (int r = 0; r < R; ++r) {
      // The constant first: added to the stride it would become another loop invariant in another register.
      const char* x = S > 0 ? base[0] + (r * S + k) * 4 : base[r / 3] + k * 4 + r % 3 * pixel_bytes;
      const F value = set(*reinterpret_cast<const float*>(x));
#pragma GCC unroll 4
      for (int n = 0; n < kFull; ++n) acc[n][r] = fma(value, b[n], acc[n][r]);
      if constexpr (kHalf) last[r] = Last::fma(Last::of(value), last_b, last[r]);
    }
  };
  for (int64_t row = t.runs.rows; row > 0; --row) {
    for (int64_t tap = t.runs.taps; tap > 0; --tap) {
      int64_t length = t.runs.length;
      for (; length >= kSteps; length -= kSteps) {
        step(0);
        if constexpr (kSteps > 1) step(1), step(2);
        if constexpr (kSteps > 3) {
          if (ahead != nullptr) {
#pragma GCC unroll 4
            for (int q = 0; q < 4; ++q) __builtin_prefetch(ahead + q * 64, 0, 2);
            ahead += ahead_step;
          }
          step(3);
        }
        w += kSteps * kBlock;
        advance(kSteps * 4);
      }
      if constexpr (S == 0 && kSteps > 1) {
        for (; length > 0; --length) {
          step(0);
          w += kBlock;
          advance(4);
        }
      }
      advance(tap_jump);
    }
    advance(row_jump);
  }
#pragma GCC unroll 4
  for (int n = 0; n < kFull; ++n) finish_sums<R, Part<false>>(t, n * kLanes, acc[n]);
  if constexpr (kHalf) finish_sums<R, Last>(t, kFull * kLanes, last);
}

using TileFunction = void (*)(const Tile&);

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
