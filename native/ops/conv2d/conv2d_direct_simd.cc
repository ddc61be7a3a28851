// Direct convolution as a matrix product whose left side is x itself (NHWC: a kernel row is one run of kernel_w * C floats).
// Only tiles that touch the left or right border, or that span several rows, are copied into scratch first.
#include "core/thread_pool.h"
#include "ops/conv2d/conv2d_tile_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

// Constants of one call, derived once.
struct Context {
  const Conv2dJob& j;
  Epilogue epilogue;
  int64_t k, group_in, group_out, blocks, pixels;
  TileShape shape;
  bool narrow;
  bool ahead;       // the lines that a tile will write arrive while it multiplies
  bool background;  // kFlat: so does the next block of x
};

FOVEA_INLINE void copy(float* to, const float* from, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) store_upto(to + i, load_upto(from + i, n - i), n - i);
}
FOVEA_INLINE void clear(float* to, int64_t n) {
  for (int64_t i = 0; i < n; i += kLanes) store_upto(to + i, zero(), n - i);
}

// The K values of `count` output pixels from pixel q on, padding as zeros: scratch[count][K].
void gather(const Context& c, int64_t group, int64_t q, int64_t count, float* scratch) {
  const Conv2dJob& j = c.j;
  const fovea_conv2d_params& p = j.params;
  const bool runs = p.dilation_w == 1 && j.x_pitch == c.group_in;
  for (int64_t i = 0; i < count; ++i, ++q) {
    const int64_t n = q / (j.out_h * j.out_w), oy = q / j.out_w % j.out_h, ox = q % j.out_w;
    const int64_t ix0 = ox * p.stride_w - p.pad_left;
    for (int64_t kh = 0; kh < p.kernel_h; ++kh) {
      const int64_t iy = oy * p.stride_h - p.pad_top + kh * p.dilation_h;
      if (iy < 0 || iy >= j.in_h) {
        clear(scratch, p.kernel_w * c.group_in);
        scratch += p.kernel_w * c.group_in;
        continue;
      }
      const float* row = j.x + (n * j.in_h + iy) * j.in_w * j.x_pitch + group * c.group_in;
      if (runs && ix0 >= 0 && ix0 + p.kernel_w <= j.in_w) {
        copy(scratch, row + ix0 * j.x_pitch, p.kernel_w * c.group_in);
        scratch += p.kernel_w * c.group_in;
        continue;
      }
      for (int64_t kw = 0; kw < p.kernel_w; ++kw, scratch += c.group_in) {
        const int64_t ix = ix0 + kw * p.dilation_w;
        if (ix < 0 || ix >= j.in_w)
          clear(scratch, c.group_in);
        else
          copy(scratch, row + ix * j.x_pitch, c.group_in);
      }
    }
  }
}

// Kernel rows kh0 .. kh1 of `pixels` neighbouring pixels from column ix on, with zeros for the padding at the sides:
// scratch[kh1 - kh0][pixels][in of the group]. `x` is the first row's column 0.
void copy_strip(const Context& c, const float* x, int64_t kernel_rows, int64_t ix, int64_t pixels, float* scratch) {
  const Conv2dJob& j = c.j;
  const int64_t row_stride = j.params.dilation_h * j.in_w * j.x_pitch;
  const int64_t begin = ix < 0 ? -ix : 0, end = ix + pixels > j.in_w ? j.in_w - ix : pixels;  // pixels inside
  for (int64_t row = 0; row < kernel_rows; ++row, x += row_stride, scratch += pixels * c.group_in) {
    if (begin >= end) {
      clear(scratch, pixels * c.group_in);
      continue;
    }
    clear(scratch, begin * c.group_in);
    if (j.x_pitch == c.group_in)
      copy(scratch + begin * c.group_in, x + (ix + begin) * j.x_pitch, (end - begin) * c.group_in);
    else
      for (int64_t i = begin; i < end; ++i) copy(scratch + i * c.group_in, x + (ix + i) * j.x_pitch, c.group_in);
    clear(scratch + end * c.group_in, (pixels - end) * c.group_in);
  }
}

// `next`: where the r pixels lie that this tile's neighbours will read in the next block, or NULL.
// One tile: pixels q .. q + r, the panel of up to `vectors` vectors at channel `channel` of the group.
FOVEA_INLINE void multiply(const Context& c, const Runs& runs, int64_t skipped_k, int64_t group, int64_t q, int r,
                           int64_t channel, int64_t channel_end, const float* next = nullptr) {
  const Conv2dJob& j = c.j;
  const int64_t rest = channel_end - channel, panel = c.shape.vectors * kLanes;
  const int64_t channels = rest < panel ? rest : panel, out = group * c.group_out + channel;
  const int64_t block = group * c.blocks + channel / kChannelBlock;
  Tile t;
  t.runs = runs;
  t.weights = j.weights + (block * c.k + skipped_k) * kChannelBlock + channel % kChannelBlock;
  t.block_stride = c.k * kChannelBlock;
  t.bias = j.bias == nullptr ? nullptr : j.bias + out;
  t.slope = j.slope == nullptr ? nullptr : j.slope + out;
  t.alpha = j.params.activation.alpha;
  t.fused = c.epilogue.fused;
  // A second pass adds the residual itself.
  t.residual = j.residual == nullptr || c.epilogue.second_pass ? nullptr : j.residual + q * j.residual_pitch + out;
  t.residual_pitch = j.residual_pitch;
  t.y = j.y + q * j.y_pitch + out;
  t.y_pitch = j.y_pitch;
  t.channels = channels;
  // r pixels of x are as long as their share of four steps of K, k / 4 times: r * 16 bytes, in whole lines.
  t.ahead = reinterpret_cast<const char*>(next), t.ahead_step = (r * 16 + 63) / 64 * 64;
  const int vectors = static_cast<int>((channels + kLanes - 1) / kLanes), most = kMaxPixels[vectors];
  if (c.ahead)
    for (int i = 0; i < r; ++i)
      for (int64_t line = 0; line < channels; line += 16) __builtin_prefetch(t.y + i * t.y_pitch + line, 1);
  if (!c.narrow || !run_narrow_tile(vectors, r, t)) {
    // Only what was cut for narrow tiles and then gathered is ever wider than a general tile.
    for (int left = r; left > 0; left -= most) {
      run_tile(vectors, left < most ? left : most, t);
      t.runs.x += most * t.runs.pixel_stride;
      t.y += most * t.y_pitch;
      if (t.residual != nullptr) t.residual += most * t.residual_pitch;
    }
  }
}

// Calls body(first, count) for an even cut of `pixels` into tiles.
template <class Body>
FOVEA_INLINE void for_each_tile(const Context& c, int64_t pixels, const Body& body) {
  const int64_t tiles = (pixels + c.shape.pixels - 1) / c.shape.pixels;
  int64_t at = 0;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t r = pixels / tiles + (t < pixels % tiles);
    body(at, static_cast<int>(r));
    at += r;
  }
}

FOVEA_INLINE Runs matrix_run(const float* x, int64_t pixel_stride, int64_t length) {
  return {x, pixel_stride, 1, 0, 1, 0, length};
}

// kFlat and kGathered: pixels q .. end as rows of a matrix; a panel of weights stays in cache for all of them.
void matrix_block(const Context& c, int64_t group, int64_t q, int64_t end, int64_t channel, int64_t channel_end,
                  float* scratch) {
  const Conv2dJob& j = c.j;
  const float* rows = j.x + q * j.x_pitch + group * c.group_in;
  int64_t stride = j.x_pitch;
  if (j.plan.body == Conv2dBody::kGathered) {
    gather(c, group, q, end - q, scratch);
    rows = scratch;
    stride = c.k;
  }
  // The first panel brings the next block of x into the second-level cache: one run of memory, which the tiles' lockstep
  // through several pixels hides from the processor's own prefetch.
  const bool first_panel = c.background && end + (end - q) <= c.pixels;
  const float* next = first_panel ? j.x + end * j.x_pitch : nullptr;
  for (; channel < channel_end; channel += c.shape.vectors * kLanes, next = nullptr) {
    for_each_tile(c, end - q, [&](int64_t at, int r) {
      multiply(c, matrix_run(rows + at * stride, stride, c.k), 0, group, q + at, r, channel, channel_end,
               next == nullptr ? nullptr : next + at * stride);
    });
    // A panel of the block is still in the first-level cache, and long enough to hide the latency of an exponential.
    if (c.epilogue.second_pass) {
      const int64_t panel = c.shape.vectors * kLanes, rest = channel_end - channel;
      finish(j, q, end - q, group * c.group_out + channel, rest < panel ? rest : panel);
    }
  }
}

// kRows: one output row.
void image_row(const Context& c, int64_t group, int64_t row, int64_t channel_begin, int64_t channel_end, float* scratch) {
  const Conv2dJob& j = c.j;
  const fovea_conv2d_params& p = j.params;
  const int64_t n = row / j.out_h, oy = row % j.out_h, iy = oy * p.stride_h - p.pad_top;
  // Kernel rows inside the image.
  int64_t kh0 = iy < 0 ? (-iy + p.dilation_h - 1) / p.dilation_h : 0;
  int64_t kh1 = iy >= j.in_h ? 0 : (j.in_h - iy + p.dilation_h - 1) / p.dilation_h;
  if (kh1 > p.kernel_h) kh1 = p.kernel_h;
  if (kh0 >= kh1) kh0 = kh1 = 0;
  const bool merged = p.dilation_w == 1 && j.x_pitch == c.group_in;
  const bool strips = copies_strips(p);
  const int64_t row_stride = j.in_w * j.x_pitch;
  // The second pass follows once per row while that is in the first-level cache, else tile by tile.
  constexpr int64_t kCachedFloats = 4096;
  const int64_t first_out = group * c.group_out + channel_begin, outs = channel_end - channel_begin;
  const bool finish_row = j.out_w * outs <= kCachedFloats;
  for_each_tile(c, j.out_w, [&](int64_t at, int r) {
    const int64_t ix = at * p.stride_w - p.pad_left;
    const int64_t last = ix + (r - 1) * p.stride_w + (p.kernel_w - 1) * p.dilation_w;
    const int64_t q = row * j.out_w + at;
    // No kernel row may be inside: then nothing is read, and no address beyond the tensor is formed.
    const int64_t first = kh0 == kh1 ? 0 : (n * j.in_h + iy + kh0 * p.dilation_h) * row_stride;
    const float* x = j.x + first + group * c.group_in;
    Runs runs;
    int64_t skipped = kh0 * p.kernel_w * c.group_in, pixel = j.x_pitch;  // floats between pixels of a row
    bool one_run = merged;
    const bool inside = ix >= 0 && last < j.in_w;
    if (inside || strips) {
      runs.x = kh0 == kh1 ? x : x + ix * j.x_pitch;
      runs.row_stride = p.dilation_h * row_stride;
      if (!inside) {
        const int64_t pixels = strip_pixels(p, r);
        copy_strip(c, x, kh1 - kh0, ix, pixels, scratch);
        runs.x = scratch, runs.row_stride = pixels * c.group_in;
        pixel = c.group_in, one_run = p.dilation_w == 1;
      }
      runs.pixel_stride = p.stride_w * pixel;
      runs.rows = kh1 - kh0;
      runs.taps = one_run ? 1 : p.kernel_w, runs.tap_stride = p.dilation_w * pixel;
      runs.length = one_run ? p.kernel_w * c.group_in : c.group_in;
    } else {
      gather(c, group, q, r, scratch);
      runs = matrix_run(scratch, c.k, c.k);
      skipped = 0;
    }
    for (int64_t channel = channel_begin; channel < channel_end; channel += c.shape.vectors * kLanes)
      multiply(c, runs, skipped, group, q, r, channel, channel_end);
    if (c.epilogue.second_pass && !finish_row) finish(j, q, r, first_out, outs);
  });
  if (c.epilogue.second_pass && finish_row) finish(j, row * j.out_w, j.out_w, first_out, outs);
}

}  // namespace

void conv2d_direct(const Conv2dJob& j) {
  const fovea_conv2d_params& p = j.params;
  const bool rows = j.plan.body == Conv2dBody::kRows || j.plan.body == Conv2dBody::kPlanar;
  // A multiple of the lanes leaves none idle.
  const bool planar = j.plan.body == Conv2dBody::kPlanar && p.out_channels % kLanes != 0;
  const int64_t pixels = live_rows(j.live, j.batch) * j.out_h * j.out_w;
  if (pixels == 0) return;
  const int64_t out = group_out(p);
  Context c{j, epilogue_of(j, true), depth(p), group_in(p), out, channel_blocks(out), pixels, {}, false, false, false};
  // A part of the channels: whole blocks of 16.
  const int64_t part = (c.blocks + j.plan.splits - 1) / j.plan.splits * kChannelBlock;
  const int64_t part_channels = part < c.group_out ? part : c.group_out;
  const int64_t stride = p.stride_w * j.x_pitch;
  c.narrow = rows && kNarrowVectors > 0 && j.x_pitch == 3 && (stride == 3 || stride == 6);
  // Tiles of 8 lanes are too short to gain by it. Long sums hide the misses as it is, except those of maps too large for the
  // second-level cache, where a small output stays anyway.
  constexpr int64_t kLongSum = 64, kSmallOutput = 1 << 16, kCachedFloats = 1 << 19;
  c.background = j.plan.body == Conv2dBody::kFlat && j.x_pitch == p.in_channels && p.groups == 1 &&
                 pixels * (j.x_pitch + j.y_pitch) > kCachedFloats;
  c.ahead = kLanes == 16 && (c.k <= kLongSum || c.background) && pixels * j.y_pitch > kSmallOutput;
  const int64_t neighbours = rows ? j.out_w : pixels < j.plan.block_pixels ? pixels : j.plan.block_pixels;
  c.shape = choose_tile(neighbours, part_channels, c.k, c.narrow);
  const int64_t blocks = (pixels + j.plan.block_pixels - 1) / j.plan.block_pixels;
  const ThreadLimit limit(j.threads);
  parallel_for(blocks * j.plan.splits, 1, [&](int64_t begin, int64_t end, int32_t worker) {
    float* scratch = j.scratch + worker * j.plan.scratch_floats;
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i / j.plan.splits * j.plan.block_pixels;
      const int64_t last = first + j.plan.block_pixels < pixels ? first + j.plan.block_pixels : pixels;
      if (planar) {
        planar_rows(j, first / j.out_w, last / j.out_w, scratch);
        continue;
      }
      const int64_t channel = i % j.plan.splits * part;
      const int64_t channel_end = channel + part < c.group_out ? channel + part : c.group_out;
      for (int64_t group = 0; group < p.groups; ++group) {
        if (rows)
          for (int64_t row = first / j.out_w; row < last / j.out_w; ++row)
            image_row(c, group, row, channel, channel_end, scratch);
        else
          matrix_block(c, group, first, last, channel, channel_end, scratch);
      }
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
