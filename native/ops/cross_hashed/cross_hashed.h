// Hashed crosses of ragged columns (fovea_cross_hashed).
#pragma once

#include "core/tensor.h"
#include "fovea/data.h"
#include "ops/hash_buckets/farmhash.h"
#include "ops/hash_buckets/modulus.h"

namespace fovea {

struct CrossHashedJob {
  const fovea_cross_column* columns;
  int64_t column_count;
  int64_t rows;
  uint64_t key;
  Modulus modulus;
  const int64_t* row_splits;
  int64_t* ids;
};

FOVEA_ALWAYS_INLINE uint64_t concatenate_fingerprints(uint64_t a, uint64_t b) {
  using namespace farmhash;
  a ^= kConcatenate;
  a ^= shift_mix(b * kConcatenate) * kConcatenate;
  a *= kConcatenate;
  return shift_mix(shift_mix(a) * kConcatenate);
}

}  // namespace fovea
