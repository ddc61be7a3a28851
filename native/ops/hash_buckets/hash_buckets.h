// Hash buckets of strings (fovea_hash_buckets) and of the decimal text of integers (fovea_hash_integers).
#pragma once

#include <cstdint>

#include "ops/hash_buckets/modulus.h"

namespace fovea {

struct HashBucketsJob {
  const uint8_t* bytes;
  int64_t byte_count;
  const int64_t* offsets;  // of strings
  const int64_t* values;   // or integers
  int64_t count;
  Modulus modulus;
  int64_t* ids;
};

}  // namespace fovea
