// Lanes are channels; the tail of a row is a partial vector. Contiguous tensors without a slope are one long row.
#include "ops/activation/activation_simd.h"

#include "core/thread_pool.h"
#include "ops/activation/activation.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

void activate(const ActivateJob& j) {
  const int64_t rows = live_activation_rows(j), channels = live_activation_channels(j);
  if (j.slope == nullptr && (rows == 1 || (j.x_pitch == channels && j.y_pitch == channels))) {
    // Re-cut into pieces of 4096 elements: chunks for the threads and a single tail.
    const int64_t total = rows * channels;
    parallel_for(total, 4096, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t i = begin; i < end; i += kLanes)
        store_upto(j.y + i, activation(j.params, load_upto(j.x + i, end - i), zero()), end - i);
    });
    return;
  }
  parallel_for(rows, channels >= 4096 ? 1 : 4096 / (channels + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t r = begin; r < end; ++r) {
      const float* x = j.x + r * j.x_pitch;
      float* y = j.y + r * j.y_pitch;
      for (int64_t c = 0; c < channels; c += kLanes) {
        const F slope = j.slope == nullptr ? zero() : load_upto(j.slope + c, channels - c);
        store_upto(y + c, activation(j.params, load_upto(x + c, channels - c), slope), channels - c);
      }
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
