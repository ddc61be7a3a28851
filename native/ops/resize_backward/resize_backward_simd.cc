// Rows of dx are the work of the threads. For each, the rows of dy that have a tap on it are summed; then each of its pixels
// sums the pixels of that row. Samples without a tap are left out, so that a NaN reaches only what it should.
#include "ops/resize_backward/resize_backward.h"

#include "ops/resize/resize_rows_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// An axis, transposed.
struct Transposed {
  AxisTables table;
  Cover cover;
  int64_t samples, stride;
};

void find_cover(const Transposed& a, int64_t pixels) {
  for (int64_t j = 0; j < pixels; ++j) a.cover.from_back[j] = a.cover.end[j] = 0;
  for (int64_t i = 0; i < a.samples; ++i)
    for (int32_t j = a.table.start[i]; j < a.table.start[i] + a.table.count[i]; ++j) {
      const int32_t back = static_cast<int32_t>(a.samples - i);
      if (a.cover.from_back[j] < back) a.cover.from_back[j] = back;
      a.cover.end[j] = static_cast<int32_t>(i + 1);  // samples come in ascending order
    }
}

// A few samples with a tap on one pixel.
struct Samples {
  static constexpr int kMost = 16;
  const float* from[kMost];
  float weight[kMost];
  int count;
};

// to[0..n) (+)= the weighted sum of n floats of each sample.
FOVEA_INLINE void add_samples(const Samples& s, bool add, float* to, int64_t n) {
  const auto at = [&](int64_t i, int64_t count) __attribute__((always_inline)) {
    F sum = add ? load_upto(to + i, count) : zero();
    for (int t = 0; t < s.count; ++t) sum = fma(load_upto(s.from[t] + i, count), set(s.weight[t]), sum);
    store_upto(to + i, sum, count);
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) at(i, kLanes);
  if (i < n) at(i, n - i);
}

// flush(samples, add) in ascending order of the samples with a tap on pixel j, which are `distance` floats apart from `first`
// on; once without any when there are none.
template <class Flush>
FOVEA_INLINE void gather(const Transposed& a, int64_t j, const float* first, int64_t distance, const Flush& flush) {
  Samples s;
  s.count = 0;
  bool add = false;
  for (int64_t i = a.samples - a.cover.from_back[j]; i < a.cover.end[j]; ++i) {
    const int64_t tap = j - a.table.start[i];
    if (tap < 0 || tap >= a.table.count[i]) continue;
    if (s.count == Samples::kMost) flush(s, add), s.count = 0, add = true;
    s.from[s.count] = first + i * distance;
    s.weight[s.count++] = a.table.weights[i * a.stride + tap];
  }
  flush(s, add);
}

// Row i of dx, counted over all images; `sums` holds a row of dy.
void row_gradient(const ResizeBackwardJob& j, const Transposed& rows, const Transposed& columns, int64_t i, float* sums) {
  const int64_t channels = j.plan.channels, width = columns.samples, image = i / j.plan.in_height;
  gather(rows, i % j.plan.in_height, j.dy + image * rows.samples * width * j.dy_pitch, width * j.dy_pitch,
         [&](Samples& s, bool add) {
           if (j.dy_pitch == channels) return add_samples(s, add, sums, width * channels);
           for (int64_t ox = 0; ox < width; ++ox) {
             add_samples(s, add, sums + ox * channels, channels);
             for (int t = 0; t < s.count; ++t) s.from[t] += j.dy_pitch;
           }
         });
  float* dx = j.dx + i * j.plan.in_width * j.dx_pitch;
  for (int64_t ix = 0; ix < j.plan.in_width; ++ix, dx += j.dx_pitch)
    gather(columns, ix, sums, channels, [&](const Samples& s, bool add) { add_samples(s, add, dx, channels); });
}

}  // namespace

void resize_backward(const ResizeBackwardJob& j) {
  const ResizePlan& p = j.plan;
  const Transposed rows{axis_tables(p.workspace, p.rows.out), row_cover(p), p.rows.out, p.row_taps};
  const Transposed columns{axis_tables(p.workspace + table_bytes(p.rows.out, p.row_taps), p.columns.out), column_cover(p),
                           p.columns.out, p.column_taps};
  bool equal = false;  // of no interest
  build_axis(p.rows, p.row_taps, static_cast<double>(j.scale), false, rows.table, &equal);
  build_axis(p.columns, p.column_taps, 1, false, columns.table, &equal);
  find_cover(rows, p.in_height);
  find_cover(columns, p.in_width);
  char* const scratch = p.workspace + shared_bytes(p);
  // Every tap of the rows is one row of dy, and every tap of the columns one pixel.
  const int64_t cost = ((p.rows.out * p.row_taps / p.in_height + 1 + p.column_taps) * p.columns.out + p.in_width) * p.channels;
  const ThreadLimit limit(p.threads);
  parallel_for(live_rows(j.live, j.batch) * p.in_height, cost >= 65536 ? 1 : 65536 / cost,
               [&](int64_t begin, int64_t end, int32_t worker) {
                 auto* const sums = reinterpret_cast<float*>(scratch + worker * summed_dy_row_bytes(p));
                 for (int64_t i = begin; i < end; ++i) row_gradient(j, rows, columns, i, sums);
               });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
