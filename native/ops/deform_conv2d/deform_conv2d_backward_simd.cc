// Blocks of positions, one after the other; in a block, three steps that are each shared among the threads:
//   positions   d(columns) = dy * w, and from it d_offsets and d_mask; the columns again, for dw
//   channels    dx: a thread owns a slab of channels and walks the positions in order, so that every element is one chain of
//               sums in that order, whatever the number of threads, without atomics
//   weights     dw of the block = dy^T * columns, added to the blocks before; dbias likewise
#include "core/thread_pool.h"
#include "ops/deform_conv2d/deform_columns_simd.h"
#include "ops/linear/gemm_block_simd.h"
#include "ops/matmul/pack_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

constexpr int64_t kSlab = 64;      // channels of dx that a thread owns
constexpr int64_t kTaskRows = 28;  // positions of a task: whole register tiles, and enough tasks in a block
constexpr int64_t kTaskOutputs = 84, kTaskPanels = 4;

struct Block {
  int64_t first, count;
};

void pack_weights(const DeformBackwardJob& j) {
  const fovea_conv2d_params& p = j.layer.params;
  const int64_t k_size = depth(p), outputs = group_out(p), panels = panel_count(k_size);
  parallel_for(p.groups * panels, 65536 / (kPanel * outputs) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t group = i / panels, panel = i % panels;
      pack_panel(j.weights + group * outputs * k_size, k_size, false, outputs, k_size, panel,
                 j.panels + (group * padded_columns(k_size) + panel * kPanel) * outputs);
    }
  });
}

void multiply_chunk(const DeformBackwardJob& j, int64_t position, int64_t rows, float* d_columns) {
  const fovea_conv2d_params& p = j.layer.params;
  const int64_t k_size = depth(p), outputs = group_out(p);
  for (int64_t group = 0; group < p.groups; ++group) {
    const float* const packed = j.panels + group * padded_columns(k_size) * outputs;
    const GemmBlock block{j.dy + position * j.dy_pitch + group * outputs,
                          j.dy_pitch,
                          d_columns + group * k_size,
                          deform_columns(p),
                          rows,
                          outputs,
                          0,
                          panel_count(k_size),
                          k_size,
                          nullptr,
                          1.0f};
    gemm_block<MathF32, false>(
        block,
        [&](int64_t panel) {
          return PanelWeights{packed + panel * kPanel * outputs, panel_width(k_size, panel), true};
        },
        [](int64_t, int64_t, int64_t, int64_t) {});
  }
}

// Of a row of columns, where a tap's channels from `channel` on lie; the run does not leave a group.
FOVEA_INLINE int64_t column_of(const fovea_conv2d_params& p, int64_t tap, int64_t channel) {
  const int64_t in = group_in(p), group = channel / in;
  return (group * taps(p) + tap) * in + channel - group * in;
}

// d_offsets and d_mask of a position. The sums over the channels of an offset group are dots of d(columns) with each corner.
void differentiate_position(const DeformBackwardJob& j, int64_t position, const float* d_columns) {
  const DeformLayer& l = j.layer;
  const int64_t in = group_in(l.params);
  each_run(
      l, position, 0, l.params.in_channels,
      [&](int64_t tap, int64_t begin, int64_t end, int64_t at, const DeformPosition& p, const DeformSample& s, float mask) {
        const Corners corners = corners_of(l, s);
        const float* x = j.x + p.image * l.in_h * l.in_w * l.x_pitch;
        float by_mask = 0, by_y = 0, by_x = 0;
        for (int i = 0; i < corners.count; ++i) {
          F dot = zero();
          for (int64_t first = begin; first < end;) {
            const int64_t group_end = (first / in + 1) * in, last = group_end < end ? group_end : end;
            const float* gradient = d_columns + column_of(l.params, tap, first);
            for (int64_t c = first; c < last; c += kLanes)
              dot =
                  fma(load_upto(x + corners.cell[i] * l.x_pitch + c, last - c), load_upto(gradient + c - first, last - c), dot);
            first = last;
          }
          const float total = sum(dot);
          by_mask += corners.weight[i] * total, by_y += corners.by_y[i] * total, by_x += corners.by_x[i] * total;
        }
        if (j.d_mask != nullptr) j.d_mask[position * j.d_mask_pitch + at] = by_mask;
        if (j.d_offsets == nullptr) return;
        j.d_offsets[position * j.d_offsets_pitch + 2 * at] = by_y * mask;
        j.d_offsets[position * j.d_offsets_pitch + 2 * at + 1] = by_x * mask;
      });
}

void sample_position(const DeformBackwardJob& j, int64_t position, float* columns) {
  const DeformLayer& l = j.layer;
  const int64_t in = group_in(l.params);
  for (int64_t channel = 0; channel < l.params.in_channels; channel += in)
    each_run(l, position, channel, channel + in,
             [&](int64_t tap, int64_t begin, int64_t end, int64_t, const DeformPosition& p, const DeformSample& s, float mask) {
               sample_run(corners_of(l, s), j.x + p.image * l.in_h * l.in_w * l.x_pitch + begin, l.x_pitch, mask, end - begin,
                          columns + column_of(l.params, tap, begin));
             });
}

void positions_step(const DeformBackwardJob& j, const Block& block) {
  const int64_t pitch = deform_columns(j.layer.params);
  const bool geometry = j.d_offsets != nullptr || j.d_mask != nullptr;
  parallel_for(block.count, kTaskRows, [&](int64_t begin, int64_t end, int32_t) {
    if (geometry || j.dx != nullptr) multiply_chunk(j, block.first + begin, end - begin, j.d_columns + begin * pitch);
    for (int64_t r = begin; r < end; ++r) {
      if (geometry) differentiate_position(j, block.first + r, j.d_columns + r * pitch);
      if (j.dw != nullptr) sample_position(j, block.first + r, j.columns + r * pitch);
    }
  });
}

void channels_step(const DeformBackwardJob& j, const Block& block) {
  const DeformLayer& l = j.layer;
  const int64_t slabs = (l.params.in_channels + kSlab - 1) / kSlab, pitch = deform_columns(l.params), in = group_in(l.params);
  parallel_for(slabs, 1, [&](int64_t slab, int64_t, int32_t) {
    const int64_t channel = slab * kSlab;
    const int64_t channel_end = channel + kSlab < l.params.in_channels ? channel + kSlab : l.params.in_channels;
    for (int64_t r = 0; r < block.count; ++r)
      each_run(
          l, block.first + r, channel, channel_end,
          [&](int64_t tap, int64_t begin, int64_t end, int64_t, const DeformPosition& p, const DeformSample& s, float mask) {
            const Corners corners = corners_of(l, s);
            float* image = j.dx + p.image * l.in_h * l.in_w * j.dx_pitch;
            for (int64_t first = begin; first < end;) {
              const int64_t group_end = (first / in + 1) * in, last = group_end < end ? group_end : end;
              const float* gradient = j.d_columns + r * pitch + column_of(l.params, tap, first);
              for (int i = 0; i < corners.count; ++i) {
                float* dx = image + corners.cell[i] * j.dx_pitch;
                const F weight = set(corners.weight[i] * mask);
                for (int64_t c = first; c < last; c += kLanes)
                  store_upto(dx + c, fma(load_upto(gradient + c - first, last - c), weight, load_upto(dx + c, last - c)),
                             last - c);
              }
              first = last;
            }
          });
  });
}

// sums[0 .. n) = products, or + products after the first block.
FOVEA_INLINE void add_block(float* sums, const float* products, int64_t n, bool first) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const F v = load_upto(products + i, n - i);
    store_upto(sums + i, first ? v : load_upto(sums + i, n - i) + v, n - i);
  }
}

void weights_step(const DeformBackwardJob& j, const Block& block, bool first) {
  const fovea_conv2d_params& p = j.layer.params;
  const int64_t k_size = depth(p), outputs = group_out(p), panels = panel_count(k_size), pitch = deform_columns(p);
  const int64_t rows = (outputs + kTaskOutputs - 1) / kTaskOutputs, columns = (panels + kTaskPanels - 1) / kTaskPanels;
  parallel_for(p.groups * rows * columns, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t group = task / columns / rows, row = task / columns % rows * kTaskOutputs;
      const int64_t panel = task % columns * kTaskPanels, output = group * outputs + row;
      const GemmBlock product{j.dy + block.first * j.dy_pitch + output,
                              j.dy_pitch,
                              j.products + output * k_size,
                              k_size,
                              outputs - row < kTaskOutputs ? outputs - row : kTaskOutputs,
                              block.count,
                              panel,
                              panel + kTaskPanels < panels ? panel + kTaskPanels : panels,
                              k_size,
                              nullptr,
                              1.0f};
      gemm_block<MathF32, true>(
          product,
          [&](int64_t i) {
            return PanelWeights{j.columns + group * k_size + i * kPanel, pitch, false};
          },
          [&](int64_t r, int64_t height, int64_t column, int64_t width) {
            for (int64_t o = output + r; o < output + r + height; ++o)
              add_block(j.dw + o * k_size + column, j.products + o * k_size + column, width, first);
          });
    }
  });
}

void bias_step(const DeformBackwardJob& j, const Block& block, bool first) {
  for (int64_t o = 0; o < j.layer.params.out_channels; o += kLanes) {
    const int64_t rest = j.layer.params.out_channels - o;
    F total = zero();
    for (int64_t q = block.first; q < block.first + block.count; ++q)
      total = total + load_upto(j.dy + q * j.dy_pitch + o, rest);
    store_upto(j.dbias + o, first ? total : load_upto(j.dbias + o, rest) + total, rest);
  }
}

void clear(float* p, int64_t rows, int64_t pitch, int64_t width) {
  parallel_for(rows, 65536 / (width + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < width; c += kLanes) store_upto(p + r * pitch + c, zero(), width - c);
  });
}

}  // namespace

void deform_conv2d_backward(const DeformBackwardJob& j) {
  const DeformLayer& l = j.layer;
  const fovea_conv2d_params& p = l.params;
  const int64_t images = live_rows(l.live, l.batch), positions = deform_positions(l, images);
  if (j.dx != nullptr) clear(j.dx, images * l.in_h * l.in_w, j.dx_pitch, p.in_channels);
  if (positions == 0) {  // no block would write them
    if (j.dw != nullptr) clear(j.dw, p.out_channels, depth(p), depth(p));
    if (j.dbias != nullptr) clear(j.dbias, 1, p.out_channels, p.out_channels);
    return;
  }
  pack_weights(j);
  for (int64_t first = 0; first < positions; first += kDeformBlock) {
    const Block block{first, positions - first < kDeformBlock ? positions - first : kDeformBlock};
    positions_step(j, block);
    if (j.dx != nullptr) channels_step(j, block);
    if (j.dw != nullptr) weights_step(j, block, first == 0);
    if (j.dbias != nullptr) bias_step(j, block, first == 0);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
