// Squares are added in double: no gradient overflows or vanishes, and the order is fixed by the chunks alone.
#include "ops/global_norm/global_norm.h"

#include "core/simd.h"
#include "core/thread_pool.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// The lanes of an F in double: two registers.
#if defined(__AVX512F__)
struct D {
  __m512d low, high;
};
FOVEA_INLINE D no_squares() { return {_mm512_setzero_pd(), _mm512_setzero_pd()}; }
FOVEA_INLINE void add_square(D& d, F x) {
  const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(x.v)), high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x.v, 1));
  d = {_mm512_fmadd_pd(low, low, d.low), _mm512_fmadd_pd(high, high, d.high)};
}
FOVEA_INLINE double total(const D& a, const D& b) {
  alignas(64) double lanes[8];
  _mm512_store_pd(lanes, _mm512_add_pd(_mm512_add_pd(a.low, b.low), _mm512_add_pd(a.high, b.high)));
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}
#elif defined(__AVX2__)
struct D {
  __m256d low, high;
};
FOVEA_INLINE D no_squares() { return {_mm256_setzero_pd(), _mm256_setzero_pd()}; }
FOVEA_INLINE void add_square(D& d, F x) {
  const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(x.v)), high = _mm256_cvtps_pd(_mm256_extractf128_ps(x.v, 1));
  d = {_mm256_fmadd_pd(low, low, d.low), _mm256_fmadd_pd(high, high, d.high)};
}
FOVEA_INLINE double total(const D& a, const D& b) {
  alignas(32) double lanes[4];
  _mm256_store_pd(lanes, _mm256_add_pd(_mm256_add_pd(a.low, b.low), _mm256_add_pd(a.high, b.high)));
  return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}
#else
struct D {
  double v;
};
FOVEA_INLINE D no_squares() { return {0}; }
FOVEA_INLINE void add_square(D& d, F x) { d.v += static_cast<double>(x.v) * static_cast<double>(x.v); }
FOVEA_INLINE double total(const D& a, const D& b) { return a.v + b.v; }
#endif

double squares(const GradientChunk& chunk) {
  D a = no_squares(), b = no_squares();
  for (int64_t r = 0; r < chunk.runs; ++r) {
    const float* x = chunk.data + r * chunk.pitch;
    int64_t i = 0;
    for (; i + 2 * kLanes <= chunk.n; i += 2 * kLanes) add_square(a, load(x + i)), add_square(b, load(x + i + kLanes));
    for (; i < chunk.n; i += kLanes) add_square(a, load_upto(x + i, chunk.n - i));
  }
  return total(a, b);
}

}  // namespace

void gradient_squares(const GlobalNormJob& j) {
  parallel_for(j.chunks, 1, [&](int64_t chunk, int64_t, int32_t) {
    int64_t g = 0, first = 0;
    while (chunk - first >= j.gradients[g].chunks) first += j.gradients[g++].chunks;
    j.sums[chunk] = squares(gradient_chunk(j.gradients[g], chunk - first));
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
