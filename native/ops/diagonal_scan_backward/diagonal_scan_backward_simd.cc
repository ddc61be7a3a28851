// Lanes are channels. A task is a few vectors of channels of one batch entry and walks back through all of time. Where a is
// constant it sums da in runs of steps, so that rounding grows with the length of a run and their number, not with time.
#include "ops/diagonal_scan_backward/diagonal_scan_backward.h"

#include "core/thread_pool.h"
#include "ops/diagonal_scan/recurrence_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

using Job = DiagonalScanBackwardJob;

inline constexpr int64_t kWork = 8192;  // outputs per chunk of the pool
inline constexpr int64_t kRun = 64;     // steps

// `channels` floats from `first` on, at most kCount vectors of them and more than kCount - 1.
template <class Kind, int kCount, bool kConstant>
void back_vectors(const Job& j, int64_t batch, int64_t first, int64_t channels) {
  using Vector = typename Kind::Vector;
  const DiagonalScanJob& s = j.scan;
  const auto width = [&](int i) __attribute__((always_inline)) { return channels - i * Kind::kFloats; };
  const float* initial = s.state == nullptr ? nullptr : s.state + batch * s.state_pitch + first;
  const float* final = j.d_final == nullptr ? nullptr : j.d_final + batch * j.d_final_pitch + first;
  Vector a[kCount], carry[kCount], run[kCount], sum[kCount];
  for (int i = 0; i < kCount; ++i) {
    carry[i] = final == nullptr ? Kind::zeros() : Kind::read(final + i * Kind::kFloats, width(i));
    if (kConstant) a[i] = Kind::read(s.a + first + i * Kind::kFloats, width(i));
    run[i] = sum[i] = Kind::zeros();
  }
  for (int64_t t = s.length - 1; t >= 0; --t) {
    const int64_t row = batch * s.length + t;
    const float *dy = j.dy + row * j.dy_pitch + first, *decay = s.a + row * s.a_pitch + first;
    const float* before = t == 0 ? initial : s.y + (row - 1) * s.y_pitch + first;
    float* dx = j.dx == nullptr ? nullptr : j.dx + row * j.dx_pitch + first;
    float* da = kConstant || j.da == nullptr ? nullptr : j.da + row * j.da_pitch + first;
    for (int i = 0; i < kCount; ++i) {
      const Vector g = Kind::add(Kind::read(dy + i * Kind::kFloats, width(i)), carry[i]);
      if (dx != nullptr) Kind::write(dx + i * Kind::kFloats, g, width(i));
      if (kConstant || da != nullptr) {
        const Vector y = before == nullptr ? Kind::zeros() : Kind::read(before + i * Kind::kFloats, width(i));
        run[i] = Kind::conjugate_multiply_add(y, g, kConstant ? run[i] : Kind::zeros());
        if (da != nullptr) Kind::write(da + i * Kind::kFloats, run[i], width(i));
      }
      if (!kConstant) a[i] = Kind::read(decay + i * Kind::kFloats, width(i));
      carry[i] = Kind::conjugate_multiply_add(a[i], g, Kind::zeros());
    }
    for (int i = 0; kConstant && t % kRun == 0 && i < kCount; ++i) {
      sum[i] = Kind::add(sum[i], run[i]);
      run[i] = Kind::zeros();
    }
  }
  for (int i = 0; i < kCount; ++i) {
    if (kConstant) Kind::write(j.sums + batch * s.channels + first + i * Kind::kFloats, sum[i], width(i));
    if (j.d_initial != nullptr)
      Kind::write(j.d_initial + batch * j.d_initial_pitch + first + i * Kind::kFloats, carry[i], width(i));
  }
}

template <class Kind, bool kConstant>
void back(const Job& j) {
  constexpr int64_t kBlock = kVectors * Kind::kFloats;
  const DiagonalScanJob& s = j.scan;
  const int64_t blocks = (s.channels + kBlock - 1) / kBlock;
  const int64_t task_work = s.length * (s.channels < kBlock ? s.channels : kBlock);
  parallel_for(live_rows(s.live, s.batch) * blocks, kWork / (task_work + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t batch = task / blocks, first = task % blocks * kBlock;
      const int64_t last = first + kBlock < s.channels ? first + kBlock : s.channels;
      if (last - first > kBlock - Kind::kFloats) {
        back_vectors<Kind, kVectors, kConstant>(j, batch, first, last - first);
        continue;
      }
      for (int64_t d = first; d < last; d += Kind::kFloats) back_vectors<Kind, 1, kConstant>(j, batch, d, last - d);
    }
  });
}

}  // namespace

void diagonal_scan_backward(const Job& j) {
  const DiagonalScanJob& s = j.scan;
  if (s.is_complex)
    s.constant ? back<Complex, true>(j) : back<Complex, false>(j);
  else
    s.constant ? back<Real, true>(j) : back<Real, false>(j);
  if (!s.constant || j.da == nullptr) return;
  const int64_t batch = live_rows(s.live, s.batch);
  for (int64_t d = 0; d < s.channels; d += kLanes) {
    F sum = zero();
    for (int64_t i = 0; i < batch; ++i) sum = sum + load_upto(j.sums + i * s.channels + d, s.channels - d);
    store_upto(j.da + d, sum, s.channels - d);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
