// One pass over a row with a bar: the k-th best value so far. Most vectors fail the bar and cost one compare; what passes is
// buffered, and a full buffer is cut to its best k, which raises the bar. Later elements that equal the bar lose by index.
#include "core/simd.h"
#include "core/thread_pool.h"
#include "ops/topk/topk.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Lanes that beat the bar. A NaN bar means fewer than k numbers so far: every number beats it.
FOVEA_INLINE uint32_t passing(F x, F bar, bool any_number, bool smallest) {
  return any_number ? bits(x == x) : bits(smallest ? x < bar : x > bar);
}

void topk_row(const TopkJob& j, int64_t row, int64_t columns, int64_t k, uint64_t* keys) {
  const float* x = j.x + row * j.x_pitch;
  int64_t count = columns < j.capacity ? columns : j.capacity;
  for (int64_t c = 0; c < count; ++c) keys[c] = topk_key(x[c], c, j.smallest);
  F bar = zero();
  bool any_number = false;
  const auto cut = [&] {
    topk_select(keys, count, k);
    count = k;
    const float worst = x[keys[k - 1] & UINT32_MAX];  // selecting puts the k-th best there
    bar = set(worst);
    any_number = worst != worst;
  };
  int64_t c = count;
  if (c < columns) cut();
  for (; c < columns; c += kLanes) {
    uint32_t hits = passing(load_upto(x + c, columns - c), bar, any_number, j.smallest);
    if (columns - c < kLanes) hits &= (1u << (columns - c)) - 1u;
    for (; hits != 0; hits &= hits - 1) {
      const int64_t at = c + __builtin_ctz(hits);
      keys[count++] = topk_key(x[at], at, j.smallest);
      if (count == j.capacity) cut();  // the rest of `hits` passed an older bar: more keys than needed, never fewer
    }
  }
  topk_select(keys, count, k);
  topk_finish(j, row, keys, k);
}

}  // namespace

void topk(const TopkJob& j) {
  const int64_t rows = j.row_is_leading || j.leading == 0 ? j.rows : j.rows / j.leading * live_rows(j.live, j.leading);
  const int64_t columns = j.row_is_leading ? live_rows(j.live, j.columns) : j.columns, k = j.k < columns ? j.k : columns;
  if (k == 0) return;
  const ThreadLimit limit(kTopkWorkers);
  parallel_for(rows, 8192 / (columns + 64) + 1, [&](int64_t begin, int64_t end, int32_t worker) {
    for (int64_t row = begin; row < end; ++row) topk_row(j, row, columns, k, j.keys + worker * j.stride);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
