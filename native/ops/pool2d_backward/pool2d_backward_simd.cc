// Lanes are channels. Bands of rows of dx are the work of the threads: each goes through the windows that may cover one of its
// rows, in order, and adds to those rows alone; windows that lie across bands are looked at once for each.
#include "ops/pool2d_backward/pool2d_backward.h"

#include "core/simd.h"
#include "core/thread_pool.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// The cells of a window for one vector of channels: `x` and `dx` are the image's first cell, with strides in floats.
struct Cells {
  const PoolWindow &rows, &columns;
  PoolRange band;
  const float* x;
  float* dx;
  int64_t x_row, x_pitch, dx_row, dx_pitch;
  int64_t n;  // channels
};

FOVEA_INLINE void add(float* to, F a, int64_t n) { store_upto(to, load_upto(to, n) + a, n); }

FOVEA_INLINE void add_average(const Cells& w, F dy) {
  const F share = dy / set(static_cast<float>(static_cast<double>(w.rows.cells) * static_cast<double>(w.columns.cells)));
  const int64_t begin = w.rows.begin > w.band.begin ? w.rows.begin : w.band.begin;
  const int64_t end = w.rows.end < w.band.end ? w.rows.end : w.band.end;
  for (int64_t iy = begin; iy < end; ++iy)  // averages have no dilation
    for (int64_t ix = w.columns.begin; ix < w.columns.end; ++ix) add(w.dx + iy * w.dx_row + ix * w.dx_pitch, share, w.n);
}

// The largest value first; then dy goes to the first cell that has it, and nothing is left for the others.
FOVEA_INLINE void add_to_largest(const Cells& w, F dy) {
  F most = set(-__builtin_inff());
  for (int64_t iy = w.rows.begin; iy < w.rows.end; iy += w.rows.step)
    for (int64_t ix = w.columns.begin; ix < w.columns.end; ix += w.columns.step) {
      const F v = load_upto(w.x + iy * w.x_row + ix * w.x_pitch, w.n);
      most = select(is_nan(v), v, max(v, most));  // max alone keeps a NaN in `most` and drops one in v
    }
  F left = dy;
  for (int64_t iy = w.rows.begin; iy < w.rows.end && iy < w.band.end; iy += w.rows.step)
    for (int64_t ix = w.columns.begin; ix < w.columns.end; ix += w.columns.step) {
      const F v = load_upto(w.x + iy * w.x_row + ix * w.x_pitch, w.n);
      const M here = (v == most) | (is_nan(v) & is_nan(most));
      if (iy >= w.band.begin) add(w.dx + iy * w.dx_row + ix * w.dx_pitch, select(here, left, zero()), w.n);
      left = select(here, zero(), left);
    }
}

template <bool kAverage>
void band_gradient(const PoolBackwardJob& j, int64_t image, PoolRange band) {
  const PoolAxis &rows = j.windows.rows, &columns = j.windows.columns;
  const bool adaptive = j.windows.adaptive, count_pad = j.windows.count_include_pad;
  const int64_t x_row = columns.in * j.x_pitch, dx_row = columns.in * j.dx_pitch;
  float* const dx = j.dx + image * rows.in * dx_row;
  for (int64_t cell = band.begin * columns.in; cell < band.end * columns.in; ++cell)
    for (int64_t c = 0; c < j.channels; c += kLanes) store_upto(dx + cell * j.dx_pitch + c, zero(), j.channels - c);
  const PoolRange over = windows_over(rows, adaptive, band.begin, band.end);
  for (int64_t oy = over.begin; oy < over.end; ++oy) {
    const PoolWindow row_window = pool_window(rows, adaptive, count_pad, oy);
    const float* dy = j.dy + (image * rows.out + oy) * columns.out * j.dy_pitch;
    for (int64_t ox = 0; ox < columns.out; ++ox, dy += j.dy_pitch) {
      const PoolWindow column_window = pool_window(columns, adaptive, count_pad, ox);
      for (int64_t c = 0; c < j.channels; c += kLanes) {
        const float* const x = kAverage ? nullptr : j.x + image * rows.in * x_row + c;
        const Cells cells{row_window, column_window, band, x, dx + c, x_row, j.x_pitch, dx_row, j.dx_pitch, j.channels - c};
        const F d = load_upto(dy + c, j.channels - c);
        kAverage ? add_average(cells, d) : add_to_largest(cells, d);
      }
    }
  }
}

}  // namespace

void pool2d_backward(const PoolBackwardJob& j) {
  const PoolAxis& rows = j.windows.rows;
  // Bands of enough work, and for maxima so high that few windows lie across two. They depend on the shape alone.
  const int64_t reach = j.windows.adaptive ? rows.in / (rows.out + 1) + 2 : rows.dilation * (rows.kernel - 1) + 1;
  const int64_t least = 65536 / (j.windows.columns.in * j.channels * 8 + 1) + 1;
  const int64_t height = j.windows.average || least > 4 * reach ? least : 4 * reach;
  const int64_t bands = (rows.in - 1) / height + 1;
  parallel_for(live_rows(j.live, j.batch) * bands, 1, [&](int64_t task, int64_t, int32_t) {
    const int64_t begin = task % bands * height;
    const PoolRange band{begin, begin + height < rows.in ? begin + height : rows.in};
    j.windows.average ? band_gradient<true>(j, task / bands, band) : band_gradient<false>(j, task / bands, band);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
