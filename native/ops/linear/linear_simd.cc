// linear with F32 weights, and the narrow formats for processors without instructions for them: words are widened in registers.
#include "ops/linear/narrow_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// x as f32 of bf16 precision. A product of two bf16 is exact in f32, so fma rounds the sum only.
struct MathBf16 {
  static constexpr int kWords = 2;
  static constexpr bool kScaled = false;
  using Sum = F;
  using X = F;
  FOVEA_INLINE static Sum from(F bits) { return bits; }
  FOVEA_INLINE static F to(Sum sum) { return sum; }
  FOVEA_INLINE static X broadcast(const float* x) { return set(*x); }
  template <int H>
  FOVEA_INLINE static F weights(F word) {
    if (H == 0) return as_float(shift_left<16>(as_int(word)));
#if defined(__AVX2__) && !defined(__AVX512F__)
    // Two shifts, which the compiler must not merge: a mask would take the register that a sum needs.
    I high = shift_right<16>(as_int(word));
    __asm__("" : "+x"(high.v));
    return as_float(shift_left<16>(high));
#else
    return as_float(as_int(word) & seti(static_cast<int32_t>(0xFFFF0000)));
#endif
  }
  FOVEA_INLINE static Sum mac(Sum sum, X x, F w) { return fma(x, w, sum); }

  static void narrow(const float* x, int64_t k_size, float* out) {
    for (int64_t k = 0; k < k_size; k += kLanes) {
      const F v = load_upto(x + k, k_size - k);
      const I bits = as_int(v), odd = shift_right<16>(bits) & seti(1);
      const I rounded = (bits + seti(0x7FFF) + odd) & seti(static_cast<int32_t>(0xFFFF0000));
      store_upto(out + k, select(is_nan(v), v, as_float(rounded)), k_size - k);
    }
    if (k_size % 2 != 0) out[k_size] = 0;
  }
};

// x as pairs of int16; a word holds the pairs (k0, k1) in its even and (k2, k3) in its odd bytes.
struct MathInt8 {
  static constexpr int kWords = 2;
  static constexpr bool kScaled = false, kOffset = false;
  using Sum = I;
  using X = I;
  FOVEA_INLINE static Sum from(F bits) { return as_int(bits); }
  FOVEA_INLINE static F to(Sum sum) { return as_float(sum); }
  FOVEA_INLINE static X broadcast(const float* x) { return as_int(set(*x)); }
  template <int H>
  FOVEA_INLINE static I weights(F word) {
#if defined(__AVX512F__)
    const __m512i bytes = as_int(word).v;
    return {_mm512_srai_epi16(H == 0 ? _mm512_slli_epi16(bytes, 8) : bytes, 8)};
#elif defined(__AVX2__)
    const __m256i bytes = as_int(word).v;
    return {_mm256_srai_epi16(H == 0 ? _mm256_slli_epi16(bytes, 8) : bytes, 8)};
#else
    const auto bytes = static_cast<uint32_t>(as_int(word).v) << (H == 0 ? 8 : 0);
    const auto low = static_cast<int8_t>(bytes >> 8), high = static_cast<int8_t>(bytes >> 24);
    return {static_cast<int32_t>(static_cast<uint32_t>(high) << 16 | (static_cast<uint32_t>(low) & 0xFFFFu))};
#endif
  }
  FOVEA_INLINE static Sum mac(Sum sum, X x, I w) {
#if defined(__AVX512F__)
    return {_mm512_add_epi32(sum.v, _mm512_madd_epi16(x.v, w.v))};
#elif defined(__AVX2__)
    return {_mm256_add_epi32(sum.v, _mm256_madd_epi16(x.v, w.v))};
#else
    return {sum.v + static_cast<int16_t>(x.v) * static_cast<int16_t>(w.v) + (x.v >> 16) * (w.v >> 16)};
#endif
  }

  // inverse 0: x may hold anything, and a NaN becomes INT_MIN, whose low half is 0.
  static void narrow(const float* x, int64_t k_size, float inverse, float* out) {
    int32_t lanes[64];
    int16_t pairs[64];
    const int64_t padded = (k_size + 3) / 4 * 4;
    auto* to = reinterpret_cast<unsigned char*>(out);
    for (int64_t begin = 0; begin < padded; begin += 64) {
      for (int64_t k = 0; k < 64; k += kLanes) {
        const int64_t rest = k_size - begin - k;
        storei(lanes + k, rest > 0 ? to_int(load_upto(x + begin + k, rest) * set(inverse)) : seti(0));
      }
      for (int64_t k = 0; k < 64; ++k) pairs[k] = static_cast<int16_t>(lanes[k]);
      __builtin_memcpy(to + begin * 2, pairs, static_cast<size_t>(padded - begin < 64 ? padded - begin : 64) * 2);
    }
  }
};

}  // namespace

void linear(const LinearJob& j) {
  if (j.format == FOVEA_WEIGHTS_BF16) return linear_with_bf16<MathBf16>(j);
  if (j.format == FOVEA_WEIGHTS_INT8) return linear_with_int8<MathInt8>(j);
  if (linear_rows(j) == 0 || j.columns == 0) return;
  linear_blocks<MathF32>(j, j.x, j.x_pitch, j.bias, [](int64_t, int64_t, int64_t, int64_t) {});
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
