// counts[k] = clamp(count - k*chunk, 0, chunk). A handful of integers: one plain body for every instruction set.
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/tensor.h"
#include "fovea/nn.h"

namespace fovea {
namespace {

struct SplitCountJob {
  const int32_t* count;
  int32_t* counts;
  int64_t chunks;
  int32_t chunk;
};

void split_count(const SplitCountJob& j) {
  int64_t rest = *j.count;
  for (int64_t k = 0; k < j.chunks; ++k) {
    const int64_t here = rest < 0 ? 0 : rest > j.chunk ? j.chunk : rest;
    j.counts[k] = static_cast<int32_t>(here);
    rest -= here;
  }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_split_count(int32_t chunk, const fovea_tensor* count, const fovea_tensor* counts,
                                          fovea_stream* stream) {
  constexpr const char* op = "split_count";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(chunk > 0, "%s: chunk is %d, it must be positive", op, chunk);
  FOVEA_TRY(check_tensor(op, "count", count, 1, kI32, stream));
  FOVEA_CHECK(count->shape[0] == 1, "%s: count must be [1], it is %s", op, describe(*count));
  FOVEA_TRY(check_tensor(op, "counts", counts, 1, kI32, stream));
  FOVEA_TRY(check_no_overlap(op, "count", *count, "counts", *counts, false));
  FOVEA_FORWARD(stream, fovea_split_count, chunk, count, counts, stream);
  const SplitCountJob job{static_cast<const int32_t*>(count->data), static_cast<int32_t*>(counts->data), counts->shape[0],
                          chunk};
  return enqueue(stream, split_count, job);
}
