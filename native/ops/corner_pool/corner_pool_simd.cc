// Lanes are channels: a group of vectors goes along a line together, so that a step does not wait for the maximum before it.
#include "core/simd.h"
#include "core/thread_pool.h"
#include "ops/corner_pool/corner_pool.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int64_t kTile = 64;  // channels of a unit of work
constexpr int64_t kGroup = 4;  // vectors that go along a line together

// NaN is the largest value, and the first one stays: max() keeps a NaN in its second operand.
FOVEA_INLINE F larger(F x, F most) { return select(is_nan(x), x, max(x, most)); }

template <int64_t kVectors>
FOVEA_INLINE void scan(const CornerPoolJob& j, int64_t first, int64_t channel, int64_t lanes) {
  const float* x = j.x + first * j.x_pitch + channel;
  float* y = j.y + first * j.y_pitch + channel;
  F most[kVectors];
  for (F& m : most) m = set(-__builtin_inff());
  for (int64_t i = 0; i < j.lines.length; ++i, x += j.lines.step * j.x_pitch, y += j.lines.step * j.y_pitch)
    for (int64_t v = 0; v < kVectors; ++v) {
      most[v] = larger(load_upto(x + v * kLanes, lanes - v * kLanes), most[v]);
      store_upto(y + v * kLanes, most[v], lanes - v * kLanes);
    }
}

// Along the line, dx takes a 1 at every record; back again, a record takes the sum of dy that has gathered behind it.
template <int64_t kVectors>
FOVEA_INLINE void scan_backward(const CornerPoolJob& j, int64_t first, int64_t channel, int64_t lanes) {
  const float* x = j.x + first * j.x_pitch + channel;
  float* dx = j.y + first * j.y_pitch + channel;
  F most[kVectors], sum[kVectors];
  for (F& m : most) m = zero();  // the first position replaces it, which a compiler without inlining cannot see
  for (int64_t i = 0; i < j.lines.length; ++i, x += j.lines.step * j.x_pitch, dx += j.lines.step * j.y_pitch)
    for (int64_t v = 0; v < kVectors; ++v) {
      const F value = load_upto(x + v * kLanes, lanes - v * kLanes);
      F record = set(1.0f);
      if (i > 0) {
        const F risen = select(value > most[v], set(1.0f), zero());
        record = select(is_nan(value) & (most[v] == most[v]), set(1.0f), risen);
      }
      most[v] = i == 0 ? value : larger(value, most[v]);
      store_upto(dx + v * kLanes, record, lanes - v * kLanes);
    }
  const float* dy = j.dy + (first + j.lines.length * j.lines.step) * j.dy_pitch + channel;
  for (F& s : sum) s = zero();
  for (int64_t i = 0; i < j.lines.length; ++i) {
    dy -= j.lines.step * j.dy_pitch, dx -= j.lines.step * j.y_pitch;
    for (int64_t v = 0; v < kVectors; ++v) {
      const M record = load_upto(dx + v * kLanes, lanes - v * kLanes) > zero();
      sum[v] = sum[v] + load_upto(dy + v * kLanes, lanes - v * kLanes);
      store_upto(dx + v * kLanes, select(record, sum[v], zero()), lanes - v * kLanes);
      sum[v] = select(record, zero(), sum[v]);
    }
  }
}

template <bool kBackward>
FOVEA_INLINE void each_tile(const CornerPoolJob& j) {
  const int64_t tiles = (j.channels + kTile - 1) / kTile, lines = live_rows(j.live, j.batch) * j.lines.count;
  const int64_t cost = j.lines.length * (j.channels < kTile ? j.channels : kTile) + 1;
  parallel_for(lines * tiles, cost >= 32768 ? 1 : 32768 / cost, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t line = unit / tiles, image = line / j.lines.count;
      const int64_t first = image * j.pixels + (line - image * j.lines.count) * j.lines.distance + j.lines.first;
      int64_t c = unit % tiles * kTile;
      const int64_t c_end = c + kTile < j.channels ? c + kTile : j.channels;
      for (; c + kGroup * kLanes <= c_end; c += kGroup * kLanes)
        kBackward ? scan_backward<kGroup>(j, first, c, kGroup * kLanes) : scan<kGroup>(j, first, c, kGroup * kLanes);
      for (; c < c_end; c += kLanes) kBackward ? scan_backward<1>(j, first, c, c_end - c) : scan<1>(j, first, c, c_end - c);
    }
  });
}

}  // namespace

void corner_pool(const CornerPoolJob& j) { each_tile<false>(j); }
void corner_pool_backward(const CornerPoolJob& j) { each_tile<true>(j); }

}  // namespace fovea::FOVEA_ISA_NAMESPACE
