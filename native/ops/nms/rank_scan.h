// Compaction of the scores that pass a threshold into ranking keys. For <op>_simd.cc files.
#pragma once

#include "core/simd.h"
#include "ops/nms/ranking.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// Writes rank_key(score, i) for each of n scores, `pitch` floats apart, that is >= threshold (> when `strict`), ascending by
// i, and returns their number. Lanes are neighbouring floats; those that pass are compacted bit by bit. NaN never passes.
FOVEA_INLINE int64_t rank_scan(const float* score, int64_t pitch, int64_t n, float threshold, bool strict, uint64_t* keys) {
  int64_t found = 0;
  if (pitch > 2) {
    for (int64_t i = 0; i < n; ++i) {
      const float s = score[i * pitch];
      if (strict ? s > threshold : s >= threshold) keys[found++] = rank_key(s, static_cast<uint32_t>(i));
    }
    return found;
  }
  // Pitch 2 is one channel of a softmax pair: load both, look at every other lane. kLanes is even or 1.
  const int64_t floats = n == 0 ? 0 : (n - 1) * pitch + 1, step = kLanes > pitch ? kLanes : pitch;
  const uint32_t lanes = pitch == 1 ? 0xFFFFu : 0x5555u;
  const F limit = set(threshold);
  const int half = pitch == 2 ? 1 : 0;
  for (int64_t i = 0; i < floats; i += step) {
    const int64_t rest = floats - i;
    const F s = load_upto(score + i, rest);
    uint32_t passed = bits(strict ? s > limit : s >= limit) & lanes;
    if (rest < kLanes) passed &= (1u << rest) - 1u;
    if (pitch == 1 && passed == (1u << kLanes) - 1u) {  // all pass: the usual case when no threshold is set
      for (int64_t lane = 0; lane < kLanes; ++lane)
        keys[found + lane] = rank_key(score[i + lane], static_cast<uint32_t>(i + lane));
      found += kLanes;
      continue;
    }
    for (; passed != 0; passed &= passed - 1) {
      const int64_t at = i + __builtin_ctz(passed);
      keys[found++] = rank_key(score[at], static_cast<uint32_t>(at >> half));
    }
  }
  return found;
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
