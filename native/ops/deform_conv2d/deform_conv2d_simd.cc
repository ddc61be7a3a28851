#include "core/thread_pool.h"
#include "ops/deform_conv2d/deform_columns_simd.h"
#include "ops/linear/linear_block_simd.h"
#include "ops/matmul/pack_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

void sample_chunk(const DeformConvJob& j, int64_t group, int64_t first, int64_t rows, float* columns) {
  const DeformLayer& l = j.layer;
  const int64_t in = group_in(l.params), channel = group * in;
  for (int64_t r = 0; r < rows; ++r, columns += depth(l.params))
    each_run(l, first + r, channel, channel + in,
             [&](int64_t tap, int64_t begin, int64_t end, int64_t, const DeformPosition& p, const DeformSample& s, float mask) {
               sample_run(corners_of(l, s), j.x + p.image * l.in_h * l.in_w * l.x_pitch + begin, l.x_pitch, mask, end - begin,
                          columns + tap * in + begin - channel);
             });
}

}  // namespace

void deform_conv2d(const DeformConvJob& j) {
  const fovea_conv2d_params& p = j.layer.params;
  const int64_t k_size = depth(p), outputs = group_out(p), panels = panel_count(outputs);
  const int64_t group_floats = padded_columns(outputs) * k_size;
  parallel_for(p.groups * panels, 65536 / (kPanel * k_size) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t group = i / panels, panel = i % panels;
      pack_panel(j.weights + group * outputs * k_size, k_size, true, k_size, outputs, panel,
                 j.panels + group * group_floats + panel * kPanel * k_size);
    }
  });
  const int64_t positions = deform_positions(j.layer, live_rows(j.layer.live, j.layer.batch));
  const int64_t chunks = (positions + kDeformChunk - 1) / kDeformChunk;
  const ThreadLimit limit(j.threads);
  parallel_for(chunks * p.groups, 1, [&](int64_t begin, int64_t end, int32_t worker) {
    float* const columns = j.scratch + worker * ((kDeformChunk * k_size + 15) / 16 * 16);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t group = task % p.groups, first = task / p.groups * kDeformChunk;
      const int64_t rows = positions - first < kDeformChunk ? positions - first : kDeformChunk;
      sample_chunk(j, group, first, rows, columns);
      float* const y = j.y + first * j.y_pitch + group * outputs;
      const float* const packed = j.panels + group * group_floats;
      const GemmBlock block{columns, k_size, y,      j.y_pitch, rows,
                            k_size,  0,      panels, outputs,   j.bias == nullptr ? nullptr : j.bias + group * outputs,
                            1.0f};
      gemm_block<MathF32, false>(
          block,
          [&](int64_t panel) {
            return PanelWeights{packed + panel * kPanel * k_size, panel_width(outputs, panel), true};
          },
          [&](int64_t r, int64_t height, int64_t column, int64_t width) {
            if (p.activation.kind != FOVEA_ACTIVATION_NONE)
              activate_block(p.activation, nullptr, y + r * j.y_pitch + column, j.y_pitch, height, width);
          });
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
