// f32, and channels that do not come in chunks of 8: tiles on the ordinary cores. 16-bit x otherwise: on the tensor cores, with
// the weights rounded to the type of x in the workspace.
#include "cuda/runtime.h"
#include "ops/activation/activation_device.h"
#include "ops/deform_conv2d/deform_conv2d_mma.h"

namespace fovea::cuda {
namespace {

static_assert(DeformTile::kM == 64 && DeformTile::kN == 64 && DeformMma<__half>::kM == 64 && DeformMma<__half>::kN == 64);

template <class T>
__global__ void __launch_bounds__(256)
    deform_conv2d_kernel(DeformLayer j, const T* x, const float* weights, const float* bias, T* y, int64_t y_pitch) {
  __shared__ DeformTile::Shared shared;
  const int32_t groups = j.params.groups, outputs = j.params.out_channels / groups;
  const int64_t k_size = int64_t{j.params.kernel_h} * j.params.kernel_w * (j.params.in_channels / groups);
  const int64_t positions = live_positions(j), across = (outputs + DeformTile::kN - 1) / DeformTile::kN;
  const int64_t tiles = (positions + DeformTile::kM - 1) / DeformTile::kM * across * groups;
  for (int64_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    // Tiles of the same positions are neighbours: they share offsets and x in the second-level cache.
    const int64_t n = t % across * DeformTile::kN, rest = t / across, m = rest / groups * DeformTile::kM;
    const auto group = int32_t(rest % groups);
    const int64_t first = group * int64_t{outputs} + n;
    DeformTile tile;
    tile.run(SampledRows<T>{j, x, m, positions, group, k_size},
             MatrixSource<float, true>{weights + first * k_size, k_size, 1, outputs - n, k_size}, k_size, shared);
    tile.each_sum(shared, [&](int row, int column, float sum) {
      if (m + row >= positions || n + column >= outputs) return;
      if (bias != nullptr) sum += bias[first + column];
      y[(m + row) * y_pitch + first + column] = from_float<T>(activate(j.params.activation, sum, 0.0f));
    });
  }
}

// A chunk of 8 columns must not leave a tap, a group or an offset group.
bool in_chunks(const fovea_deform_conv2d_params& p, const fovea_tensor& x) {
  return x.dtype.bits == 16 && group_in(p.conv) % 8 == 0 && p.conv.in_channels / p.offset_groups % 8 == 0;
}
int64_t narrow_bytes(const fovea_deform_conv2d_params& p, const fovea_tensor& x) {
  return in_chunks(p, x) ? p.conv.out_channels * padded_depth(depth(p.conv)) * 2 : 0;
}

struct Operands {
  DeformLayer layer;
  const fovea_tensor *x, *weights, *y;
  const float* bias;
};

template <class T>
cudaError_t launch_core(const Operands& o, int64_t tiles, cudaStream_t s) {
  return launch(deform_conv2d_kernel<T>, grid_for(tiles, 1), 256, 0, s, o.layer, static_cast<const T*>(o.x->data),
                static_cast<const float*>(o.weights->data), o.bias, static_cast<T*>(o.y->data), o.y->pitch);
}
template <class T>
cudaError_t launch_mma(const Operands& o, int64_t tiles, void* workspace, cudaStream_t s) {
  using Tile = DeformMma<T>;
  const fovea_conv2d_params& p = o.layer.params;
  const int64_t padded = padded_depth(depth(p));
  auto* const narrow = static_cast<T*>(workspace);
  const cudaError_t error =
      launch(deform_narrow_kernel<T>, grid_for(p.out_channels * padded, 256), 256, 0, s,
             static_cast<const float*>(o.weights->data), int64_t{p.out_channels}, depth(p), padded, narrow);
  if (error != cudaSuccess) return error;
  return launch(deform_mma_kernel<T>, grid_for(tiles, 1), Tile::kThreads, Tile::kSharedBytes, s, o.layer,
                static_cast<const T*>(o.x->data), static_cast<const T*>(narrow), padded, o.bias, static_cast<T*>(o.y->data),
                o.y->pitch);
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_deform_conv2d_workspace(const fovea_deform_conv2d_params* params, const fovea_tensor* x,
                                                      int64_t* bytes) {
  *bytes = narrow_bytes(*params, *x);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_deform_conv2d(const fovea_deform_conv2d_params* params, const fovea_tensor* x,
                                            const fovea_tensor* offsets, const fovea_tensor* mask, const fovea_tensor* weights,
                                            const fovea_tensor* bias, const fovea_tensor* y, const fovea_workspace* workspace,
                                            fovea_stream* stream) {
  FOVEA_TRY(check_workspace("deform_conv2d", workspace, narrow_bytes(*params, *x)));
  if (elements(*y) == 0) return FOVEA_OK;
  const Operands operands{deform_layer(*params, {x, offsets, mask, weights, y}), x, weights, y,
                          bias == nullptr ? nullptr : static_cast<const float*>(bias->data)};
  const auto cover = [](int64_t n, int64_t size) { return (n + size - 1) / size; };
  const int64_t tiles = cover(rows(*y), 64) * cover(group_out(params->conv), 64) * params->conv.groups;
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "deform_conv2d", [&](cudaStream_t s) {
      if constexpr (sizeof(T) == 2)
        if (in_chunks(*params, *x) && packs(*x, x->shape[3])) return launch_mma<T>(operands, tiles, workspace->data, s);
      return launch_core<T>(operands, tiles, s);
    });
  });
}
