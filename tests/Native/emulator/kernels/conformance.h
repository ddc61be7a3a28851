#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cuda/kernel.h"

// What each wrapper really leaves in registers or shared memory; the same program run on a GPU must print the same lines.
std::vector<std::pair<std::string, std::vector<uint32_t>>> conformance();
// One line of the expected file: name, hash of all words, the first six.
std::string conformance_line(const std::string& name, const std::vector<uint32_t>& words);

// The parts: each calls record(name, launch) for its cases; `in` holds kWords mixed words, launches write to `out`.
constexpr int kWords = 8192;
struct Conformance {
  const uint32_t* in;
  uint32_t* out;
  std::function<void(const std::string&, const std::function<void()>&)> record;
};
void conformance_mma(const Conformance& c);
void conformance_copies(const Conformance& c);
void conformance_arithmetic(const Conformance& c);

__device__ __host__ inline uint32_t mix(uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  return x ^ x >> 16;
}
// Whole numbers that bf16 and f16 hold exactly, with sums that are exact in float.
__device__ inline float small_number(uint32_t i) { return float(int(mix(i) % 9) - 4); }
