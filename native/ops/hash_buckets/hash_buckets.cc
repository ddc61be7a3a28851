#include "ops/hash_buckets/hash_buckets.h"

#include <cstdio>
#include <cstring>

#include "core/isa.h"
#include "core/status.h"
#include "fovea/data.h"
#include "ops/hash_buckets/farmhash.h"

namespace fovea {

FOVEA_DECLARE_BODIES(hash_strings, const HashBucketsJob&)
FOVEA_DECLARE_BODIES(hash_integers, const HashBucketsJob&)

namespace {

using farmhash::fingerprint;

// Not inlined: GCC 12 would warn of formulas that the length of a decimal text rules out.
[[gnu::noinline]] int64_t bucket(const uint8_t* text, int64_t length, const Modulus& m) {
  const uint64_t hash = fingerprint(text, static_cast<uint64_t>(length));
  return static_cast<int64_t>(m.divisor == 0 ? hash : hash % m.divisor);
}

void hash_strings_reference(const HashBucketsJob& j) {
  for (int64_t i = 0; i < j.count; ++i) j.ids[i] = bucket(j.bytes + j.offsets[i], j.offsets[i + 1] - j.offsets[i], j.modulus);
}

void hash_integers_reference(const HashBucketsJob& j) {
  for (int64_t i = 0; i < j.count; ++i) {
    char text[24];
    const int length = std::snprintf(text, sizeof text, "%lld", static_cast<long long>(j.values[i]));
    j.ids[i] = bucket(reinterpret_cast<const uint8_t*>(text), length, j.modulus);
  }
}

fovea_status check(const char* op, int64_t count, int64_t buckets, const int64_t* ids) {
  FOVEA_CHECK(count >= 0, "%s: count is %lld", op, static_cast<long long>(count));
  FOVEA_CHECK(buckets >= 0, "%s: buckets is %lld, it must be positive, or 0 for fingerprints", op,
              static_cast<long long>(buckets));
  FOVEA_CHECK(ids != nullptr || count == 0, "%s: ids is NULL", op);
  return FOVEA_OK;
}

using Kernel = void(const HashBucketsJob&);

void run(const HashBucketsJob& job, Kernel* kernel) {
  if (job.count == 0) return;
  if (job.modulus.divisor == 1)
    std::memset(job.ids, 0, static_cast<size_t>(job.count) * sizeof(int64_t));
  else
    kernel(job);
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_hash_buckets(const uint8_t* bytes, int64_t byte_count, const int64_t* offsets, int64_t count,
                                           int64_t buckets, int64_t* ids) {
  constexpr const char* op = "hash_buckets";
  FOVEA_TRY(check(op, count, buckets, ids));
  FOVEA_CHECK(byte_count >= 0, "%s: byte_count is %lld", op, static_cast<long long>(byte_count));
  FOVEA_CHECK(bytes != nullptr || byte_count == 0, "%s: bytes is NULL", op);
  if (count == 0) return FOVEA_OK;
  FOVEA_CHECK(offsets != nullptr, "%s: offsets is NULL", op);
  FOVEA_CHECK(offsets[0] >= 0 && offsets[count] <= byte_count, "%s: offsets go from %lld to %lld, there are %lld bytes", op,
              static_cast<long long>(offsets[0]), static_cast<long long>(offsets[count]), static_cast<long long>(byte_count));
  // The sign bit of any offset, or of any difference of two that are not negative.
  uint64_t signs = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto begin = static_cast<uint64_t>(offsets[i]), end = static_cast<uint64_t>(offsets[i + 1]);
    signs |= end | (end - begin);
  }
  FOVEA_CHECK(signs >> 63 == 0, "%s: offsets descend", op);
  static constexpr uint8_t kNothing = 0;  // strings without bytes still have an address
  const HashBucketsJob job{bytes == nullptr ? &kNothing : bytes,         byte_count, offsets, nullptr, count,
                           make_modulus(static_cast<uint64_t>(buckets)), ids};
  run(job, select_isa(hash_strings_reference, scalar::hash_strings, avx2::hash_strings, avx512::hash_strings));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_hash_integers(const int64_t* values, int64_t count, int64_t buckets, int64_t* ids) {
  constexpr const char* op = "hash_integers";
  FOVEA_TRY(check(op, count, buckets, ids));
  FOVEA_CHECK(values != nullptr || count == 0, "%s: values is NULL", op);
  const HashBucketsJob job{nullptr, 0, nullptr, values, count, make_modulus(static_cast<uint64_t>(buckets)), ids};
  run(job, select_isa(hash_integers_reference, scalar::hash_integers, avx2::hash_integers, avx512::hash_integers));
  return FOVEA_OK;
}
