// Random words for a run of elements, whatever the rows, then the rows that the run covers: lanes are neighbours of a row.
#include "ops/dropout/dropout.h"

#include "core/thread_pool.h"
#include "ops/dropout/philox_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kRun = 256, kChunk = 8192;  // elements whose words wait in the cache; elements per chunk of the pool
static_assert(kRun % kPhiloxWords == 0 && kChunk % kRun == 0);

FOVEA_INLINE void drop(const DropoutJob& j, const int32_t* words, const float* x, float* y, int64_t n) {
  const F threshold = set(j.threshold), keep = set(j.keep);
  for (int64_t i = 0; i < n; i += kLanes) {
    const F number = to_float(shift_right<kDropoutShift>(loadi(words + i)) & seti(0xFFFFFF));
    store_upto(y + i, select(number >= threshold, load_upto(x + i, n - i) / keep, zero()), n - i);
  }
}

}  // namespace

void dropout(const DropoutJob& j) {
  const auto seed = static_cast<uint64_t>(j.state[0]), offset = static_cast<uint64_t>(j.state[1]);
  int64_t width = j.layout.width;
  const int64_t total = live_rows(j.live, j.layout.leading) * j.layout.inner * width;
  if (j.x_pitch == width && j.y_pitch == width) width = total;  // one long row
  parallel_for(total, kChunk, [&](int64_t begin, int64_t end, int32_t) {
    int32_t words[kRun + kLanes];  // a row may begin anywhere, and its last vector reads beyond its words
    for (int i = 0; i < kLanes; ++i) words[kRun + i] = 0;
    for (int64_t at = begin; at < end; at += kRun) {
      const int64_t n = end - at < kRun ? end - at : kRun;
      for (int64_t i = 0; i < n; i += kPhiloxWords)
        philox_words(offset + static_cast<uint64_t>((at + i) / 4), static_cast<uint64_t>(j.sequence), seed, words + i);
      int64_t row = at / width, c = at % width;
      for (int64_t i = 0; i < n; ++row, c = 0) {
        const int64_t piece = width - c < n - i ? width - c : n - i;
        drop(j, words + i, j.x + row * j.x_pitch + c, j.y + row * j.y_pitch + c, piece);
        i += piece;
      }
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
