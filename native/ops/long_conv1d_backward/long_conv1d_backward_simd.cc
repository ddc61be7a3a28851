// Lanes are channels. A task is a block of channels, which goes through the batch in order: the sums over it need no second
// pass. With transforms, d_kernel is summed as a spectrum and transformed back once.
#include "ops/long_conv1d_backward/long_conv1d_backward.h"

#include "core/thread_pool.h"
#include "ops/long_conv1d/fft_simd.h"
#include "ops/long_conv1d/sequences_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

using Job = LongConv1dBackwardJob;

FOVEA_INLINE const float* skip_of(const LongConv1dJob& c, int64_t first) {
  return c.skip == nullptr ? nullptr : c.skip + first;
}

// d_skip of a vector of channels; runs of steps keep rounding from growing with time.
void sum_skip(const Job& j, int64_t batch, int64_t first) {
  constexpr int64_t kRun = 64;
  const LongConv1dJob& c = j.conv;
  const int64_t rows = batch * c.length, width = c.channels - first;
  F total = zero();
  for (int64_t begin = 0; begin < rows; begin += kRun) {
    F sum = zero();
    for (int64_t row = begin; row < rows && row < begin + kRun; ++row)
      sum = fma(read_upto(j.dy + row * j.dy_pitch + first, width), read_upto(c.x + row * c.x_pitch + first, width), sum);
    total = total + sum;
  }
  write_upto(j.d_skip + first, total, width);
}

// Points of kVectors vectors, tap k at points + k * step vectors of them (step -1: the last tap first), as rows of d_kernel.
template <int kVectors>
void store_taps(const Job& j, const float* points, int64_t first, int64_t step) {
  const int64_t width = j.conv.channels - first;
  for (int64_t d = 0; d < kVectors * kLanes && d < width; ++d) {
    float* to = j.d_kernel + (first + d) * j.d_kernel_pitch;
    for (int64_t k = 0; k < j.conv.taps; ++k) to[k] = points[(step > 0 ? k : j.conv.taps - 1 - k) * kVectors * kLanes + d];
    for (int64_t k = j.conv.taps; k < j.kernel_size; ++k) to[k] = 0.0f;
  }
}

void back_spectra(const Job& j, const float* table, float* buffers, int64_t batch, int64_t first) {
  const LongConv1dJob& c = j.conv;
  const int64_t floats = c.points * kPoint, width = c.channels - first;
  float *kernel = buffers, *x = kernel + floats, *dy = x + floats, *sum = dy + floats;
  const float scale = 1.0f / static_cast<float>(c.points);
  if (j.dx != nullptr) {
    load_taps<2>(c.kernel + first * c.kernel_pitch, c.kernel_pitch, c.taps, width, kernel, 1);
    clear_rows<2>(kernel + c.taps * kPoint, c.points - c.taps);
    transform(kernel, table, c.points);
  }
  clear_rows<2>(sum, c.points);
  for (int64_t i = 0; i < batch; ++i) {
    const float* dy_rows = j.dy + i * c.length * j.dy_pitch + first;
    load_rows<2>(dy_rows, j.dy_pitch, c.length, width, dy);
    clear_rows<2>(dy + c.length * kPoint, c.points - c.length);
    transform(dy, table, c.points);
    if (j.d_kernel != nullptr) {
      load_rows<2>(c.x + i * c.length * c.x_pitch + first, c.x_pitch, c.length, width, x);
      clear_rows<2>(x + c.length * kPoint, c.points - c.length);
      transform(x, table, c.points);
      multiply_spectra<true, true>(dy, x, sum, c.points, scale);
    }
    if (j.dx == nullptr) continue;
    multiply_spectra<true, false>(dy, kernel, dy, c.points, scale);
    transform_back(dy, table, c.points);
    store_rows<2>(dy, dy_rows, j.dy_pitch, skip_of(c, first), c.length, width, j.dx + i * c.length * j.dx_pitch + first,
                  j.dx_pitch);
  }
  if (j.d_kernel == nullptr) return;
  transform_back(sum, table, c.points);
  store_taps<2>(j, sum, first, 1);
}

void back_directly(const Job& j, float* buffers, int64_t batch, int64_t first) {
  const LongConv1dJob& c = j.conv;
  const int64_t before = c.taps > 0 ? c.taps - 1 : 0, width = c.channels - first;
  float *taps = buffers, *x = taps + c.taps * kLanes, *dy = x + (before + c.length) * kLanes;
  float *results = dy + (c.length + before) * kLanes, *sum = results + c.length * kLanes;
  load_taps<1>(c.kernel + first * c.kernel_pitch, c.kernel_pitch, c.taps, width, taps, 1);
  clear_rows<1>(x, before), clear_rows<1>(dy + c.length * kLanes, before), clear_rows<1>(sum, c.taps);
  for (int64_t i = 0; i < batch; ++i) {
    const float* dy_rows = j.dy + i * c.length * j.dy_pitch + first;
    load_rows<1>(dy_rows, j.dy_pitch, c.length, width, dy);
    if (j.d_kernel != nullptr) {
      load_rows<1>(c.x + i * c.length * c.x_pitch + first, c.x_pitch, c.length, width, x + before * kLanes);
      correlate(dy, c.length, x, results, c.taps);  // the last tap first
      for (int64_t k = 0; k < c.taps * kLanes; k += kLanes) store(sum + k, load(sum + k) + load(results + k));
    }
    if (j.dx == nullptr) continue;
    correlate(taps, c.taps, dy, results, c.length);
    store_rows<1>(results, dy_rows, j.dy_pitch, skip_of(c, first), c.length, width, j.dx + i * c.length * j.dx_pitch + first,
                  j.dx_pitch);
  }
  if (j.d_kernel != nullptr) store_taps<1>(j, sum, first, -1);
}

}  // namespace

void long_conv1d_backward(const Job& j) {
  const LongConv1dJob& c = j.conv;
  const ThreadLimit limit(c.threads);
  const LongConv1dScratch scratch = long_conv1d_backward_scratch(c);
  const int64_t batch = live_rows(c.live, c.batch), block = c.points > 0 ? kPoint : kLanes;
  if (c.points > 0) fill_twiddles(c.scratch, c.points);
  parallel_for((c.channels + block - 1) / block, 1, [&](int64_t begin, int64_t end, int32_t worker) {
    float* buffers = c.scratch + scratch.shared + worker * scratch.each;
    for (int64_t first = begin * block; first < end * block && first < c.channels; first += block) {
      if (c.points > 0)
        back_spectra(j, c.scratch, buffers, batch, first);
      else
        back_directly(j, buffers, batch, first);
      for (int64_t d = first; j.d_skip != nullptr && d < first + block && d < c.channels; d += kLanes) sum_skip(j, batch, d);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
