// matmul with few rows and a transposed b: dot products along k, b is read where it is.
#pragma once

#include "core/simd.h"
#include "core/thread_pool.h"
#include "ops/matmul/matmul.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// R rows of a times up to C rows of b; missing columns repeat the last and are not stored.
template <int R, int C>
void dot_tile(const float* a, int64_t a_pitch, const float* b, int64_t b_pitch, int64_t k_size, int64_t columns, float alpha,
              float* y, int64_t y_pitch) {
  F acc[R][C];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) acc[r][c] = zero();
  const float* base[C];
#pragma GCC unroll 4
  for (int c = 0; c < C; ++c) base[c] = b + (c < columns ? c : columns - 1) * b_pitch;
  int64_t k = 0;
  for (; k + kLanes <= k_size; k += kLanes) {
    F x[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) x[r] = load(a + r * a_pitch + k);
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) {
      const F w = load(base[c] + k);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) acc[r][c] = fma(x[r], w, acc[r][c]);
    }
  }
  if (k < k_size) {
    const int rest = static_cast<int>(k_size - k);
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) {
      const F w = load_partial(base[c] + k, rest);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) acc[r][c] = fma(load_partial(a + r * a_pitch + k, rest), w, acc[r][c]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c)
      if (c < columns) y[r * y_pitch + c] = alpha * sum(acc[r][c]);
}

using DotFunction = void (*)(const float*, int64_t, const float*, int64_t, int64_t, int64_t, float, float*, int64_t);

// Sums, one vector a row of a and one of b: 24 + 6 + 1 of 32 registers, 8 + 4 + 1 of 16.
inline DotFunction choose_dot(int64_t rows, int64_t* columns) {
#if defined(__AVX512F__)
  constexpr DotFunction tiles[kDotRows] = {dot_tile<1, 4>, dot_tile<2, 4>, dot_tile<3, 4>,
                                           dot_tile<4, 4>, dot_tile<5, 4>, dot_tile<6, 4>};
  *columns = 4;
#else
  constexpr DotFunction tiles[kDotRows] = {dot_tile<1, 4>, dot_tile<2, 4>, dot_tile<3, 2>,
                                           dot_tile<4, 2>, dot_tile<5, 2>, dot_tile<6, 1>};
  *columns = rows <= 2 ? 4 : rows <= 5 ? 2 : 1;
#endif
  return tiles[rows - 1];
}

// A transposed a becomes rows: few, so plain code will do.
void pack_rows(const MatmulJob& j, int64_t k_size) {
  parallel_for(live_matrices(j), 16384 / (j.m * k_size + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t matrix = begin; matrix < end; ++matrix) {
      const float* a = j.a.data + matrix * j.a.matrix_stride;
      float* out = j.packed_a + matrix * j.m * j.a_pitch;
      for (int64_t k = 0; k < k_size; ++k)
        for (int64_t row = 0; row < j.m; ++row) out[row * j.a_pitch + k] = a[k * j.a.pitch + row];
    }
  });
}

void matmul_dot(const MatmulJob& j, int64_t m, int64_t k_size) {
  if (j.packed_a != nullptr) pack_rows(j, k_size);
  int64_t step = 0;
  const DotFunction tile = choose_dot(m, &step);
  const int64_t blocks = (j.n + step - 1) / step, usable = live_matrices(j);
  parallel_for(j.batches * blocks, 65536 / (step * k_size + 64) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t batch = task / blocks, column = task % blocks * step;
      const int64_t ia = matrix_of(j, j.a, batch), ib = matrix_of(j, j.b, batch);
      if (ia >= usable) continue;
      const bool own = j.packed_a != nullptr;
      tile(own ? j.packed_a + ia * j.m * j.a_pitch : j.a.data + ia * j.a.matrix_stride, own ? j.a_pitch : j.a.pitch,
           j.b.data + ib * j.b.matrix_stride + column * j.b.pitch, j.b.pitch, k_size, j.n - column < step ? j.n - column : step,
           j.alpha, j.y + batch * j.m * j.y_pitch + column, j.y_pitch);
    }
  });
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
