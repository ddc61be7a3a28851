// Lanes are columns: 64 boxes of b at a time, transposed into a buffer with their sines and cosines, meet every row of a chunk.
#include "ops/rotated_overlaps/rotated_overlaps.h"

#include "core/thread_pool.h"
#include "ops/box_overlaps/numbers_simd.h"
#include "ops/unary/unary.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int64_t kBlock = 64;
constexpr int64_t kRows = 16;

struct Columns {
  float x[kBlock], y[kBlock], w[kBlock], h[kBlock], angle[kBlock], cosine[kBlock], sine[kBlock];
};

FOVEA_INLINE void load_columns(const float* boxes, int64_t pitch, int64_t n, Columns& b) {
  for (int64_t i = 0; i < n; ++i) {
    const float* box = boxes + i * pitch;
    b.x[i] = box[0];
    b.y[i] = box[1];
    b.w[i] = 0.5f * box[2];
    b.h[i] = 0.5f * box[3];
    b.angle[i] = box[4];
  }
  cos_values(b.angle, b.cosine, n);
  sin_values(b.angle, b.sine, n);
}

}  // namespace

void rotated_overlaps(const RotatedOverlapsJob& j) {
  parallel_for(live_rows(j.live, j.rows), kRows, [&](int64_t begin, int64_t end, int32_t) {
    Columns a{}, b{};
    load_columns(j.a + begin * j.a_pitch, j.a_pitch, end - begin, a);
    for (int64_t first = 0; first < j.columns; first += kBlock) {
      const int64_t n = j.columns - first < kBlock ? j.columns - first : kBlock;
      load_columns(j.b + first * j.b_pitch, j.b_pitch, n, b);
      for (int64_t r = 0; r < end - begin; ++r) {
        const RotatedBox<F> row{set(a.x[r]), set(a.y[r]), set(a.w[r]), set(a.h[r]), set(a.cosine[r]), set(a.sine[r])};
        float* y = j.y + (begin + r) * j.y_pitch + first;
        for (int64_t c = 0; c < n; c += kLanes) {
          const RotatedBox<F> columns{load(b.x + c), load(b.y + c),      load(b.w + c),
                                      load(b.h + c), load(b.cosine + c), load(b.sine + c)};
          store_upto(y + c, rotated_iou(row, columns), n - c);
        }
      }
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
