// Stores that go around the cache, for outputs that would not fit in it anyway: the lines are not read first, and what the
// cache holds stays.
#pragma once

#include "core/simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// Bytes of output from which streaming pays: the last level cache of the machines this was measured on.
inline constexpr int64_t kStreamingBytes = int64_t{32} << 20;

// Whether every whole vector from p on can be streamed.
FOVEA_INLINE bool streamable(const float* p) { return reinterpret_cast<uintptr_t>(p) % (kLanes * sizeof(float)) == 0; }

#if defined(__AVX512F__)
FOVEA_INLINE void store_streaming(float* p, F a) { _mm512_stream_ps(p, a.v); }
#elif defined(__AVX2__)
FOVEA_INLINE void store_streaming(float* p, F a) { _mm256_stream_ps(p, a.v); }
#else
FOVEA_INLINE void store_streaming(float* p, F a) { store(p, a); }
#endif

// Before another thread may read what was streamed.
FOVEA_INLINE void streaming_fence() {
#if defined(__AVX2__)
  _mm_sfence();
#endif
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
