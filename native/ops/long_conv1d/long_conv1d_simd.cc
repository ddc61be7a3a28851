// Lanes are channels. With transforms, the kernels' spectra are made first, a block of channels a task; then every block of
// every batch entry is transformed, multiplied and transformed back.
#include "ops/long_conv1d/long_conv1d.h"

#include "core/thread_pool.h"
#include "ops/long_conv1d/fft_simd.h"
#include "ops/long_conv1d/sequences_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kWork = 65536;  // products per chunk of the pool

FOVEA_INLINE const float* skip_of(const LongConv1dJob& j, int64_t first) {
  return j.skip == nullptr ? nullptr : j.skip + first;
}

void convolve_spectra(const LongConv1dJob& j) {
  const LongConv1dScratch scratch = long_conv1d_scratch(j.length, j.taps, j.channels, j.points);
  const int64_t blocks = (j.channels + kPoint - 1) / kPoint, floats = j.points * kPoint;
  float *table = j.scratch, *spectra = table + 2 * j.points, *sequences = j.scratch + scratch.shared;
  fill_twiddles(table, j.points);
  parallel_for(blocks, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kPoint;
      float* kernel = spectra + block * floats;
      load_taps<2>(j.kernel + first * j.kernel_pitch, j.kernel_pitch, j.taps, j.channels - first, kernel, 1);
      clear_rows<2>(kernel + j.taps * kPoint, j.points - j.taps);
      transform(kernel, table, j.points);
    }
  });
  parallel_for(live_rows(j.live, j.batch) * blocks, 1, [&](int64_t begin, int64_t end, int32_t worker) {
    float* sequence = sequences + worker * scratch.each;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % blocks * kPoint, row = task / blocks * j.length;
      const float* x = j.x + row * j.x_pitch + first;
      load_rows<2>(x, j.x_pitch, j.length, j.channels - first, sequence);
      clear_rows<2>(sequence + j.length * kPoint, j.points - j.length);
      transform(sequence, table, j.points);
      multiply_spectra<false, false>(sequence, spectra + task % blocks * floats, sequence, j.points,
                                     1.0f / static_cast<float>(j.points));
      transform_back(sequence, table, j.points);
      store_rows<2>(sequence, x, j.x_pitch, skip_of(j, first), j.length, j.channels - first, j.y + row * j.y_pitch + first,
                    j.y_pitch);
    }
  });
}

void convolve_directly(const LongConv1dJob& j) {
  const LongConv1dScratch scratch = long_conv1d_scratch(j.length, j.taps, j.channels, j.points);
  const int64_t blocks = (j.channels + kLanes - 1) / kLanes, before = j.taps > 0 ? j.taps - 1 : 0;
  parallel_for(live_rows(j.live, j.batch) * blocks, kWork / (j.length * (j.taps + 1) * kLanes + 1) + 1,
               [&](int64_t begin, int64_t end, int32_t worker) {
                 float* taps = j.scratch + worker * scratch.each;
                 float* inputs = taps + j.taps * kLanes;
                 float* sums = inputs + (before + j.length) * kLanes;
                 for (int64_t task = begin; task < end; ++task) {
                   const int64_t first = task % blocks * kLanes, row = task / blocks * j.length;
                   const float* x = j.x + row * j.x_pitch + first;
                   load_taps<1>(j.kernel + first * j.kernel_pitch, j.kernel_pitch, j.taps, j.channels - first, taps, -1);
                   clear_rows<1>(inputs, before);
                   load_rows<1>(x, j.x_pitch, j.length, j.channels - first, inputs + before * kLanes);
                   correlate(taps, j.taps, inputs, sums, j.length);
                   store_rows<1>(sums, x, j.x_pitch, skip_of(j, first), j.length, j.channels - first,
                                 j.y + row * j.y_pitch + first, j.y_pitch);
                 }
               });
}

}  // namespace

void long_conv1d(const LongConv1dJob& j) {
  const ThreadLimit limit(j.threads);
  if (j.points > 0)
    convolve_spectra(j);
  else
    convolve_directly(j);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
