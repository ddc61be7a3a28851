// Lanes are channels; the tail of a row is a partial vector. Contiguous tensors without a slope are one long row.
#include "ops/activation/activation_simd.h"

#include "core/streaming_simd.h"
#include "core/thread_pool.h"
#include "ops/activation/activation.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

template <int32_t kKind>
void activate_run(const fovea_activation_params& params, const float* x, float* y, int64_t n, bool streaming) {
  const fovea_activation_params p = params;
  int64_t i = 0;
  if (streaming && streamable(y)) {
    for (; i + kLanes <= n; i += kLanes) store_streaming(y + i, activation<kKind>(p, load(x + i), zero()));
    streaming_fence();
  }
  for (; i + kLanes <= n; i += kLanes) store(y + i, activation<kKind>(p, load(x + i), zero()));
  if (i < n) store_upto(y + i, activation<kKind>(p, load_upto(x + i, n - i), zero()), n - i);
}

template <int32_t kKind>
void activate_rows(const ActivateJob& j) {
  const int64_t rows = live_activation_rows(j), channels = live_activation_channels(j);
  if (kKind != FOVEA_ACTIVATION_PRELU && (rows == 1 || (j.x_pitch == channels && j.y_pitch == channels))) {
    // Re-cut into pieces of 4096 elements: chunks for the threads and a single tail.
    const int64_t total = rows * channels;
    const bool streaming = j.x != j.y && total * static_cast<int64_t>(sizeof(float)) >= kStreamingBytes;
    parallel_for(total, 4096, [&](int64_t begin, int64_t end, int32_t) {
      activate_run<kKind>(j.params, j.x + begin, j.y + begin, end - begin, streaming);
    });
    return;
  }
  parallel_for(rows, channels >= 4096 ? 1 : 4096 / (channels + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t r = begin; r < end; ++r) {
      const float* x = j.x + r * j.x_pitch;
      float* y = j.y + r * j.y_pitch;
      for (int64_t c = 0; c < channels; c += kLanes) {
        const F slope = kKind == FOVEA_ACTIVATION_PRELU ? load_upto(j.slope + c, channels - c) : zero();
        store_upto(y + c, activation<kKind>(j.params, load_upto(x + c, channels - c), slope), channels - c);
      }
    }
  });
}

}  // namespace

void activate(const ActivateJob& j) {
  for_activation(j.params, [&](auto kind) { activate_rows<decltype(kind)::value>(j); });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
