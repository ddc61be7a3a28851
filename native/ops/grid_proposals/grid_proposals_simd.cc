// The scan is vectors, the rest is a handful of boxes. One thread: the largest P-Net map (139x187 of a softmax pair) is
// 200 KB, a few microseconds, less than waking a second core.
#include "ops/grid_proposals/grid_proposals.h"
#include "ops/nms/rank_scan.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

void grid_proposals(const GridProposalsJob& j) {
  const int64_t cells = live_rows(j.live, j.height) * j.width;
  const int64_t n = rank_scan(j.score, j.score_pitch, cells, j.params.threshold, false, j.keys);
  sort_ranked(j.keys, j.scratch, n);
  write_proposals(j, j.keys, n);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
