// Lanes are channels. A task is a few vectors of channels of one batch entry and runs through all of time: every output is
// computed alone and in the same order, so cutting a sequence anywhere and carrying the state gives the same bits.
#include "ops/diagonal_scan/diagonal_scan.h"

#include "core/thread_pool.h"
#include "ops/diagonal_scan/recurrence_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kWork = 16384;  // outputs per chunk of the pool

// `channels` floats from `first` on, at most kCount vectors of them and more than kCount - 1.
template <class Kind, int kCount, bool kConstant>
void scan_vectors(const DiagonalScanJob& j, int64_t batch, int64_t first, int64_t channels) {
  typename Kind::Vector a[kCount], y[kCount];
  float* state = j.state == nullptr ? nullptr : j.state + batch * j.state_pitch + first;
  const auto width = [&](int i) __attribute__((always_inline)) { return channels - i * Kind::kFloats; };
  for (int i = 0; i < kCount; ++i) {
    y[i] = state == nullptr ? Kind::zeros() : Kind::read(state + i * Kind::kFloats, width(i));
    if (kConstant) a[i] = Kind::read(j.a + first + i * Kind::kFloats, width(i));
  }
  for (int64_t row = batch * j.length; row < (batch + 1) * j.length; ++row) {
    const float *x = j.x + row * j.x_pitch + first, *decay = j.a + row * j.a_pitch + first;
    float* to = j.y + row * j.y_pitch + first;
    for (int i = 0; i < kCount; ++i) {
      if (!kConstant) a[i] = Kind::read(decay + i * Kind::kFloats, width(i));
      y[i] = Kind::multiply_add(a[i], y[i], Kind::read(x + i * Kind::kFloats, width(i)));
      Kind::write(to + i * Kind::kFloats, y[i], width(i));
    }
  }
  for (int i = 0; state != nullptr && i < kCount; ++i) Kind::write(state + i * Kind::kFloats, y[i], width(i));
}

template <class Kind, bool kConstant>
void scan(const DiagonalScanJob& j) {
  constexpr int64_t kBlock = kVectors * Kind::kFloats;
  const int64_t blocks = (j.channels + kBlock - 1) / kBlock;
  const int64_t task_work = j.length * (j.channels < kBlock ? j.channels : kBlock);
  parallel_for(live_rows(j.live, j.batch) * blocks, kWork / (task_work + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t batch = task / blocks, first = task % blocks * kBlock;
      const int64_t last = first + kBlock < j.channels ? first + kBlock : j.channels;
      if (last - first > kBlock - Kind::kFloats) {
        scan_vectors<Kind, kVectors, kConstant>(j, batch, first, last - first);
        continue;
      }
      for (int64_t d = first; d < last; d += Kind::kFloats) scan_vectors<Kind, 1, kConstant>(j, batch, d, last - d);
    }
  });
}

}  // namespace

void diagonal_scan(const DiagonalScanJob& j) {
  if (j.is_complex)
    j.constant ? scan<Complex, true>(j) : scan<Complex, false>(j);
  else
    j.constant ? scan<Real, true>(j) : scan<Real, false>(j);
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
