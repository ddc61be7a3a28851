// Rows with one value in every column, the usual case, are hashed side by side. In other rows the hashes grow column by column
// in the place of the ids, so that combinations share the work on the columns they have in common.
#include "ops/cross_hashed/cross_hashed.h"

#include "core/thread_pool.h"
#include "ops/hash_buckets/words_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int64_t kGrain = 2048;  // rows per chunk of the pool

FOVEA_INLINE W concatenate(W a, W b) {
  const W k = setw(farmhash::kConcatenate);
  a = a ^ k;
  a = (a ^ shift_mix(b * k) * k) * k;
  return shift_mix(shift_mix(a) * k);
}

// Whether each of `n` rows from `row` has one value in the column.
FOVEA_INLINE bool single(const int64_t* row_splits, int64_t row, int64_t n) {
  int64_t other = 0;
  for (int64_t i = 0; i < n; ++i) other |= (row_splits[row + i + 1] - row_splits[row + i]) ^ 1;
  return other == 0;
}

FOVEA_INLINE bool all_single(const CrossHashedJob& j, int64_t row, int64_t n) {
  for (int64_t c = 0; c < j.column_count; ++c)
    if (!single(j.columns[c].row_splits, row, n)) return false;
  return true;
}

FOVEA_INLINE void cross_singles(const CrossHashedJob& j, int64_t row) {
  W hash = setw(j.key);
  for (int64_t c = 0; c < j.column_count; ++c)
    hash = concatenate(hash, loadw(j.columns[c].values + j.columns[c].row_splits[row]));
  storew(j.ids + j.row_splits[row], remainder(hash, j.modulus));
}

FOVEA_INLINE void cross_row(const CrossHashedJob& j, int64_t row) {
  int64_t* const ids = j.ids + j.row_splits[row];
  const int64_t combinations = j.row_splits[row + 1] - j.row_splits[row];
  if (combinations == 0) return;
  ids[0] = static_cast<int64_t>(j.key);
  int64_t made = 1;
  for (int64_t c = 0; c < j.column_count; ++c) {
    const fovea_cross_column& column = j.columns[c];
    const int64_t* const values = column.values + column.row_splits[row];
    const int64_t count = column.row_splits[row + 1] - column.row_splits[row];
    // From the last prefix to the first: a prefix is read before its place is written.
    for (int64_t p = made - 1; p >= 0; --p) {
      const auto prefix = static_cast<uint64_t>(ids[p]);
      for (int64_t v = count - 1; v >= 0; --v)
        ids[p * count + v] = static_cast<int64_t>(concatenate_fingerprints(prefix, static_cast<uint64_t>(values[v])));
    }
    made *= count;
  }
  int64_t i = 0;
  for (; i + kWords <= combinations; i += kWords) storew(ids + i, remainder(loadw(ids + i), j.modulus));
  for (; i < combinations; ++i) ids[i] = static_cast<int64_t>(remainder(static_cast<uint64_t>(ids[i]), j.modulus));
}

}  // namespace

void cross_hashed(const CrossHashedJob& j) {
  parallel_for(j.rows, kGrain, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t row = begin; row < end;)
      if (row + kWords <= end && all_single(j, row, kWords)) {
        cross_singles(j, row);
        row += kWords;
      } else {
        cross_row(j, row);
        ++row;
      }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
