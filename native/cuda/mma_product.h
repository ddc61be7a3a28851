// What the tensor cores make of a warp's fragments, as ldmatrix delivers them: sums += a * b over 32 bytes along k, which are
// 16 elements of 16 bits or 8 floats. a and b are used up.
//
//   NarrowProduct<T>   T = __half or __nv_bfloat16: exact products
//   Tf32Product        floats rounded to 10 bits of fraction, so a relative error of up to 2^-11 in each factor
//   ThreeTf32Product   floats as sums big + small of two such numbers; left out are small * small and what is left of a float
//                      beyond its two parts, together less than 2^-20 of the product
#pragma once

#include <type_traits>

#include "cuda/warp_mma.h"
#include "fovea/device.h"

namespace fovea::cuda {

template <class T>
struct NarrowProduct {
  using Element = T;
  template <int m, int n>
  FOVEA_DEVICE static void multiply(float (&sums)[m][n][4], uint32_t (&a)[m][4], uint32_t (&b)[n][2]) {
#pragma unroll
    for (int i = 0; i < m; ++i)
#pragma unroll
      for (int j = 0; j < n; ++j) {
        if constexpr (std::is_same_v<T, __half>)
          mma_f16(sums[i][j], a[i], b[j]);
        else
          mma_bf16(sums[i][j], a[i], b[j]);
      }
  }
};

// Calls body(word) for the registers of fragments.
template <int m, int n, class Body>
FOVEA_DEVICE void each_word(uint32_t (&fragments)[m][n], const Body& body) {
#pragma unroll
  for (auto& fragment : fragments)
#pragma unroll
    for (uint32_t& word : fragment) body(word);
}
template <int m, int n>
FOVEA_DEVICE void multiply_tf32(float (&sums)[m][n][4], const uint32_t (&a)[m][4], const uint32_t (&b)[n][2]) {
#pragma unroll
  for (int i = 0; i < m; ++i)
#pragma unroll
    for (int j = 0; j < n; ++j) mma_tf32(sums[i][j], a[i], b[j]);
}

struct Tf32Product {
  using Element = float;
  template <int m, int n>
  FOVEA_DEVICE static void multiply(float (&sums)[m][n][4], uint32_t (&a)[m][4], uint32_t (&b)[n][2]) {
    const auto round = [](uint32_t& word) { word = round_tf32(__uint_as_float(word)); };
    each_word(a, round), each_word(b, round);
    multiply_tf32(sums, a, b);
  }
};

struct ThreeTf32Product {
  using Element = float;
  template <int m, int n>
  FOVEA_DEVICE static void multiply(float (&sums)[m][n][4], uint32_t (&a)[m][4], uint32_t (&b)[n][2]) {
    uint32_t small_a[m][4], small_b[n][2];
    split(a, small_a), split(b, small_b);
    multiply_tf32(sums, a, b);
    // The first product has said all of an infinite factor. Times a small part, which may be 0 or of either sign, it would
    // turn an infinite sum into NaN.
    const auto keep_finite = [](uint32_t& word) { word = (word & 0x7f800000u) == 0x7f800000u ? 0 : word; };
    each_word(a, keep_finite), each_word(b, keep_finite);
    multiply_tf32(sums, a, small_b);
    multiply_tf32(sums, small_a, b);
  }

 private:
  // Leaves the big parts where the floats were.
  template <int m, int n>
  FOVEA_DEVICE static void split(uint32_t (&floats)[m][n], uint32_t (&small)[m][n]) {
#pragma unroll
    for (int i = 0; i < m; ++i)
#pragma unroll
      for (int r = 0; r < n; ++r) split_tf32(__uint_as_float(floats[i][r]), floats[i][r], small[i][r]);
  }
};

// Calls body(Tf32Product{}) or body(ThreeTf32Product{}); exact products are not made by the tensor cores.
template <class Body>
auto with_tf32_product(fovea_f32_products products, Body&& body) {
  return products == FOVEA_F32_TF32 ? body(Tf32Product{}) : body(ThreeTf32Product{});
}

}  // namespace fovea::cuda
