// Lanes are neighbouring floats of the map; the few cells that pass are compacted bit by bit. One thread: the largest P-Net
// map (139x187 of a softmax pair) is 200 KB, a few microseconds, less than waking a second core.
#include "core/simd.h"

#include "ops/grid_proposals/grid_proposals.h"
#include "ops/nms/ranking.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

void grid_proposals(const GridProposalsJob& j) {
  const int64_t cells = live_rows(j.live, j.height) * j.width, pitch = j.score_pitch;
  int64_t n = 0;
  if (pitch <= 2 && cells > 0) {
    // Pitch 2 is one channel of a softmax pair: load both, look at every other lane. kLanes is even or 1.
    const int64_t floats = (cells - 1) * pitch + 1, step = kLanes > pitch ? kLanes : pitch;
    const uint32_t lanes = pitch == 1 ? 0xFFFFu : 0x5555u;
    const F threshold = set(j.params.threshold);
    for (int64_t i = 0; i < floats; i += step) {
      const int64_t rest = floats - i;
      uint32_t passed = bits(load_upto(j.score + i, rest) >= threshold) & lanes;
      if (rest < kLanes) passed &= (1u << rest) - 1u;
      for (; passed != 0; passed &= passed - 1) {
        const int64_t at = i + __builtin_ctz(passed);
        j.keys[n++] = rank_key(j.score[at], static_cast<uint32_t>(at / pitch));
      }
    }
  } else {
    for (int64_t i = 0; i < cells; ++i)
      if (j.score[i * pitch] >= j.params.threshold) j.keys[n++] = rank_key(j.score[i * pitch], static_cast<uint32_t>(i));
  }
  sort_ranked(j.keys, j.scratch, n);
  write_proposals(j, j.keys, n);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
