// The shared separable resize with a finish on 4-lane pixels: reverse the channels, subtract the mean, scale. The padding is
// filled first, row by row in parallel.
#include "ops/letterbox/letterbox.h"

#include "ops/resize/resize_rows_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

void fill_pixels(const LetterboxJob& j, float* y, int64_t pixels) {
  const int64_t channels = j.plan.channels;
  const V4 fill = load4(j.fill);
  // The lanes behind a pixel belong to the next one, which is written next; the last pixel writes its channels only.
  for (int64_t i = 0; i < pixels; ++i)
    store4_upto(y + i * j.y_pitch, fill, j.y_pitch == channels && (pixels - i) * channels >= 4 ? 4 : channels);
}

void fill_padding(const LetterboxJob& j, int64_t batch) {
  const int64_t cost = j.width * j.plan.channels + 1, bottom = j.place_y + j.plan.rows.out,
                right = j.place_x + j.plan.columns.out;
  parallel_for(batch * j.height, cost >= 65536 ? 1 : 65536 / cost, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) {
      float* y = j.y + i * j.width * j.y_pitch;
      const int64_t oy = i % j.height;
      if (oy < j.place_y || oy >= bottom) {
        fill_pixels(j, y, j.width);
      } else {
        fill_pixels(j, y, j.place_x);
        fill_pixels(j, y + right * j.y_pitch, j.width - right);
      }
    }
  });
}

template <class T>
void letterbox_from(const LetterboxJob& j, const T* x, int64_t batch) {
  const ResizePlan& p = j.plan;
  const V4 mean = load4(j.mean), scale = load4(j.scale);
  const int64_t reversed = j.reverse_channels != 0 ? p.channels : 1;
  const auto init = [](int64_t) { return 0.0f; };
  const auto finish = [&](V4 a) {
    const V4 ordered = reversed == 4 ? reverse4(a) : reversed == 3 ? reverse3(a) : reversed == 2 ? reverse2(a) : a;
    return mul4(sub4(ordered, mean), scale);
  };
  resize_rows(p, x, j.x_pitch, batch, 1, [&](int64_t n, int64_t oy, const float* sums, const RowTaps& taps, float*) {
    float* y = j.y + ((n * j.height + j.place_y + oy) * j.width + j.place_x) * j.y_pitch;
    blend_row(sums, taps, p.columns.out, p.channels, y, j.y_pitch, init, finish);
  });
}

}  // namespace

void letterbox(const LetterboxJob& j) {
  const int64_t batch = live_rows(j.live, j.batch);
  fill_padding(j, batch);
  if (j.plan.rows.out == 0 || j.plan.columns.out == 0) return;
  if (j.x_is_u8 != 0)
    letterbox_from(j, static_cast<const uint8_t*>(j.x), batch);
  else
    letterbox_from(j, static_cast<const float*>(j.x), batch);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
