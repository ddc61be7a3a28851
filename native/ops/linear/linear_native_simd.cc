// The narrow formats on AVX-512 processors that multiply them directly. The file's whole code may use the extensions, so it
// runs only behind cpu_has_avx512_bf16 and cpu_has_avx512_vnni; the other instruction sets compile it to nothing.
#if defined(__AVX512F__)
#pragma GCC target("avx512bf16,avx512vnni")
#include "ops/linear/narrow_simd.h"

namespace fovea::avx512 {
namespace {

// Denormals count as zeros in vdpbf16ps and in the rounding to bf16.
struct MathNativeBf16 {
  static constexpr int kWords = 1;
  static constexpr bool kScaled = false;
  using Sum = F;
  using X = F;
  FOVEA_INLINE static Sum from(F bits) { return bits; }
  FOVEA_INLINE static F to(Sum sum) { return sum; }
  FOVEA_INLINE static X broadcast(const float* x) { return set(*x); }
  template <int>
  FOVEA_INLINE static F weights(F word) {
    return word;
  }
  FOVEA_INLINE static Sum mac(Sum sum, X x, F w) {
    return {_mm512_dpbf16_ps(sum.v, reinterpret_cast<__m512bh>(x.v), reinterpret_cast<__m512bh>(w.v))};
  }

  static void narrow(const float* x, int64_t k_size, float* out) {
    for (int64_t k = 0; k < k_size; k += 32) {
      const int64_t rest = k_size - k;
      const F low = load_upto(x + k, rest), high = rest > 16 ? load_upto(x + k + 16, rest - 16) : zero();
      const F pairs{reinterpret_cast<__m512>(_mm512_cvtne2ps_pbh(high.v, low.v))};
      store_upto(out + k / 2, pairs, (rest + 1) / 2);
    }
  }
};

// x as bytes q + 128 in a word's order; sums start from -128 * (sum of the weights).
struct MathVnni {
  static constexpr int kWords = 1;
  static constexpr bool kScaled = false, kOffset = true;
  using Sum = I;
  using X = I;
  FOVEA_INLINE static Sum from(F bits) { return as_int(bits); }
  FOVEA_INLINE static F to(Sum sum) { return as_float(sum); }
  FOVEA_INLINE static X broadcast(const float* x) { return as_int(set(*x)); }
  template <int>
  FOVEA_INLINE static I weights(F word) {
    return as_int(word);
  }
  FOVEA_INLINE static Sum mac(Sum sum, X x, I w) { return {_mm512_dpbusd_epi32(sum.v, x.v, w.v)}; }

  // inverse 0: x may hold anything, and a NaN becomes INT_MIN, whose low byte is 0.
  static void narrow(const float* x, int64_t k_size, float inverse, float* out) {
    const __m128i order = _mm_setr_epi8(0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15);
    for (int64_t k = 0; k < k_size; k += 16) {
      const I q = to_int(load_upto(x + k, k_size - k) * set(inverse)) + seti(128);
      const __m128i bytes = _mm_shuffle_epi8(_mm512_cvtepi32_epi8(q.v), order);
      _mm_mask_storeu_epi32(out + k / 4,
                            static_cast<__mmask8>((1u << ((k_size - k + 3) / 4 < 4 ? (k_size - k + 3) / 4 : 4)) - 1u), bytes);
    }
  }
};

}  // namespace

void linear_bf16(const LinearJob& j) { linear_with_bf16<MathNativeBf16>(j); }
void linear_vnni(const LinearJob& j) { linear_with_int8<MathVnni>(j); }

}  // namespace fovea::avx512
#endif
