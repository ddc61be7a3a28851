// The gradients without atomics, every element one chain of f32 sums in a fixed order.
//   dw         tiles of dy^T * columns over all positions, the columns sampled as they are staged
//   d(columns) = dy * w of one image, into the workspace, from which come
//   d_offsets, d_mask   a warp for each tap of an offset group: dots of d(columns) with the four corners
//   dx         a warp owns 32 channels of a strip of a row of dx in shared memory. Its lanes look at 32 samples at once; those
//              that touch the strip are then added one after the other, in their order. Looking at all samples once per strip
//              costs less than sorting them would.
#include "cuda/reduce.h"
#include "cuda/runtime.h"
#include "ops/deform_conv2d/deform_device.h"

namespace fovea::cuda {
namespace {

constexpr int kStrip = 64;  // cells of a row of dx that a warp owns
constexpr int kBiasThreads = 256, kBiasChannels = 32, kBiasParts = kBiasThreads / kBiasChannels;

FOVEA_DEVICE int64_t depth_of(const DeformLayer& j) {
  return int64_t{j.params.kernel_h} * j.params.kernel_w * (j.params.in_channels / j.params.groups);
}

template <class T>
__global__ void __launch_bounds__(256)
    deform_weights_kernel(DeformLayer j, const T* x, const T* dy, int64_t dy_pitch, float* dw) {
  __shared__ DeformTile::Shared shared;
  const int32_t groups = j.params.groups, outputs = j.params.out_channels / groups;
  const int64_t k_size = depth_of(j), positions = live_positions(j);
  const int64_t across = (k_size + DeformTile::kN - 1) / DeformTile::kN, down = (outputs + DeformTile::kM - 1) / DeformTile::kM;
  for (int64_t t = blockIdx.x; t < across * down * groups; t += gridDim.x) {
    const int64_t n = t % across * DeformTile::kN, m = t / across % down * DeformTile::kM;
    const auto group = int32_t(t / across / down);
    const int64_t first = group * int64_t{outputs} + m;
    DeformTile tile;
    tile.run(MatrixSource<T, false>{dy + first, 1, dy_pitch, outputs - m, positions},
             SampledColumns<T>{j, x, n, positions, group, k_size}, positions, shared);
    tile.each_sum(shared, [&](int row, int column, float sum) {
      if (m + row < outputs && n + column < k_size) dw[(first + row) * k_size + n + column] = sum;
    });
  }
}

// 32 outputs of a block, every position by one of 8 rows of threads.
template <class T>
__global__ void __launch_bounds__(kBiasThreads) deform_bias_kernel(DeformLayer j, const T* dy, int64_t dy_pitch, float* dbias) {
  __shared__ float sums[kBiasParts][kBiasChannels];
  const int lane = int(threadIdx.x) % kBiasChannels, part = int(threadIdx.x) / kBiasChannels;
  const int64_t positions = live_positions(j), tiles = (j.params.out_channels + kBiasChannels - 1) / kBiasChannels;
  for (int64_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    const int64_t o = t * kBiasChannels + lane;
    float sum = 0.0f;
    for (int64_t q = part; q < positions && o < j.params.out_channels; q += kBiasParts) sum += to_float(dy[q * dy_pitch + o]);
    __syncthreads();  // the sums of the tile before have been added
    sums[part][lane] = sum;
    __syncthreads();
    if (part > 0 || o >= j.params.out_channels) continue;
    for (int i = 1; i < kBiasParts; ++i) sum += sums[i][lane];
    dbias[o] = sum;
  }
}

// One image's d(columns), [position][group][tap][in/groups].
template <class T>
__global__ void __launch_bounds__(256)
    deform_columns_kernel(DeformLayer j, int64_t image, const T* dy, int64_t dy_pitch, const float* weights, float* d_columns) {
  __shared__ DeformTile::Shared shared;
  const int32_t groups = j.params.groups, outputs = j.params.out_channels / groups;
  const int64_t k_size = depth_of(j), positions = image < live_count(j.live, j.batch) ? j.out_h * j.out_w : 0;
  const int64_t across = (k_size + DeformTile::kN - 1) / DeformTile::kN;
  const int64_t tiles = (positions + DeformTile::kM - 1) / DeformTile::kM * across * groups;
  const T* const from = dy + image * j.out_h * j.out_w * dy_pitch;
  for (int64_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    const int64_t n = t % across * DeformTile::kN, rest = t / across, group = rest % groups, m = rest / groups * DeformTile::kM;
    DeformTile tile;
    tile.run(MatrixSource<T, true>{from + m * dy_pitch + group * outputs, dy_pitch, 1, positions - m, outputs},
             MatrixSource<float, false>{weights + group * outputs * k_size + n, 1, k_size, k_size - n, outputs}, outputs,
             shared);
    tile.each_sum(shared, [&](int row, int column, float sum) {
      if (m + row < positions && n + column < k_size) d_columns[((m + row) * groups + group) * k_size + n + column] = sum;
    });
  }
}

// Where a tap of a channel lies in a row of d(columns).
FOVEA_DEVICE int64_t column_of(const DeformLayer& j, int64_t tap, int64_t channel) {
  const int64_t in = j.params.in_channels / j.params.groups, group = channel / in;
  return (group * (int64_t{j.params.kernel_h} * j.params.kernel_w) + tap) * in + channel - group * in;
}

struct GeometryGradients {
  float* offsets;  // either may be NULL
  float* mask;
  int64_t offsets_pitch, mask_pitch;
};

template <class T>
__global__ void __launch_bounds__(256)
    deform_geometry_kernel(DeformLayer j, int64_t image, const T* x, const float* d_columns, GeometryGradients g) {
  const int lane = Team<1>::lane();
  const int64_t taps = int64_t{j.params.kernel_h} * j.params.kernel_w, of_position = taps * j.offset_groups;
  const int64_t width = j.params.in_channels / j.offset_groups, pitch = taps * j.params.in_channels;
  const int64_t pixels = j.out_h * j.out_w, n = image < live_count(j.live, j.batch) ? pixels * of_position : 0;
  const T* const cells = x + image * j.in_h * j.in_w * j.x_pitch;
  for (int64_t i = Team<1>::first(); i < n; i += Team<1>::stride()) {  // the whole warp agrees
    const int64_t pixel = i / of_position, at = i - pixel * of_position, tap = at % taps, position = image * pixels + pixel;
    const DeformSample s = sample_at(j, deform_position(j, position), position, tap, at);
    float by_mask = 0.0f, by_y = 0.0f, by_x = 0.0f;
    for (int corner = 0; corner < 4 && s.inside; ++corner) {
      const DeformCorner c = deform_corner(j, s, corner);
      if (c.cell < 0) continue;
      float dot = 0.0f;
      for (int64_t channel = at / taps * width + lane; channel < (at / taps + 1) * width; channel += 32)
        dot = fmaf(to_float(cells[c.cell * j.x_pitch + channel]), d_columns[pixel * pitch + column_of(j, tap, channel)], dot);
      dot = warp_reduce(dot, Sum{});
      by_mask = fmaf(c.weight, dot, by_mask), by_y = fmaf(c.by_y, dot, by_y), by_x = fmaf(c.by_x, dot, by_x);
    }
    if (lane != 0) continue;
    if (g.mask != nullptr) g.mask[position * g.mask_pitch + at] = by_mask;
    if (g.offsets == nullptr) continue;
    g.offsets[position * g.offsets_pitch + 2 * at] = by_y * mask_at(j, position, at);
    g.offsets[position * g.offsets_pitch + 2 * at + 1] = by_x * mask_at(j, position, at);
  }
}

// A block is a warp; lanes are channels of one offset group, and no lane reads what another one has summed.
template <class T>
__global__ void __launch_bounds__(32)
    deform_input_kernel(DeformLayer j, int64_t image, const float* d_columns, T* dx, int64_t dx_pitch) {
  __shared__ float sums[kStrip][32];
  const int lane = int(threadIdx.x);
  const int64_t taps = int64_t{j.params.kernel_h} * j.params.kernel_w, width = j.params.in_channels / j.offset_groups;
  const int64_t pitch = taps * j.params.in_channels, samples = j.out_h * j.out_w * taps;
  const int64_t slabs = (width + 31) / 32, strips = (j.in_w + kStrip - 1) / kStrip;
  const int64_t tasks = image < live_count(j.live, j.batch) ? j.in_h * strips * j.offset_groups * slabs : 0;
  for (int64_t task = blockIdx.x; task < tasks; task += gridDim.x) {
    const int64_t slab = task % slabs, offset_group = task / slabs % j.offset_groups, rest = task / slabs / j.offset_groups;
    const int64_t row = rest / strips, first = rest % strips * kStrip;
    const int64_t end = first + kStrip < j.in_w ? first + kStrip : j.in_w;
    const bool mine = slab * 32 + lane < width;
    const int64_t channel = mine ? offset_group * width + slab * 32 + lane : 0;
    for (int64_t i = 0; i < end - first; ++i) sums[i][lane] = 0.0f;
    for (int64_t begin = 0; begin < samples; begin += 32) {
      // The lane's sample: its cell in the row and what its left and right corners there weigh.
      int32_t left = 0;
      float weights[2] = {0.0f, 0.0f};
      bool touches = false;
      const int64_t sample = begin + lane, tap = sample % taps, position = image * j.out_h * j.out_w + sample / taps;
      if (sample < samples) {
        const int64_t at = offset_group * taps + tap;
        const DeformSample s = sample_at(j, deform_position(j, position), position, tap, at);
        touches = s.inside && (s.y == row || s.y + 1 == row) && s.x + 1 >= first && s.x < end;
        if (touches) {
          const float down = (s.y == row ? 1.0f - s.down : s.down) * mask_at(j, position, at);
          left = int32_t(s.x - first), weights[0] = down * (1.0f - s.right), weights[1] = down * s.right;
        }
      }
      for (uint32_t pending = __ballot_sync(~0u, touches); pending != 0; pending &= pending - 1) {
        const int from = __ffs(int(pending)) - 1;
        const int32_t cell = __shfl_sync(~0u, left, from);
        const float left_weight = __shfl_sync(~0u, weights[0], from), right_weight = __shfl_sync(~0u, weights[1], from);
        const int64_t which = begin + from, pixel = which / taps;
        const float gradient = d_columns[pixel * pitch + column_of(j, which - pixel * taps, channel)];
        if (cell >= 0) sums[cell][lane] = fmaf(left_weight, gradient, sums[cell][lane]);
        if (cell + 1 < end - first) sums[cell + 1][lane] = fmaf(right_weight, gradient, sums[cell + 1][lane]);
      }
    }
    for (int64_t i = 0; i < end - first && mine; ++i)
      dx[((image * j.in_h + row) * j.in_w + first + i) * dx_pitch + channel] = from_float<T>(sums[i][lane]);
  }
}

template <class T>
T* data(const fovea_tensor* t) {
  return t == nullptr ? nullptr : static_cast<T*>(t->data);
}

int64_t cover(int64_t n, int64_t size) { return (n + size - 1) / size; }

template <class T>
cudaError_t launch_sums(const DeformLayer& j, const DeformTensors& t, const fovea_deform_conv2d_gradients& g, cudaStream_t s) {
  const fovea_conv2d_params& p = j.params;
  cudaError_t error = cudaSuccess;
  if (g.dw != nullptr)
    error = launch(deform_weights_kernel<T>,
                   grid_for(cover(group_out(p), DeformTile::kM) * cover(depth(p), DeformTile::kN) * p.groups, 1), 256, 0, s, j,
                   data<const T>(t.x), data<const T>(t.y), t.y->pitch, data<float>(g.dw));
  if (error == cudaSuccess && g.dbias != nullptr)
    error = launch(deform_bias_kernel<T>, grid_for(p.out_channels, kBiasChannels), kBiasThreads, 0, s, j, data<const T>(t.y),
                   t.y->pitch, data<float>(g.dbias));
  return error;
}

template <class T>
cudaError_t launch_image(const DeformLayer& j, int64_t image, const DeformTensors& t, const fovea_deform_conv2d_gradients& g,
                         float* d_columns, cudaStream_t s) {
  const fovea_conv2d_params& p = j.params;
  const int64_t pixels = j.out_h * j.out_w;
  cudaError_t error = cudaSuccess;
  if (pixels > 0)
    error = launch(deform_columns_kernel<T>,
                   grid_for(cover(pixels, DeformTile::kM) * cover(depth(p), DeformTile::kN) * p.groups, 1), 256, 0, s, j, image,
                   data<const T>(t.y), t.y->pitch, data<const float>(t.weights), d_columns);
  if (error == cudaSuccess && pixels > 0 && (g.d_offsets != nullptr || g.d_mask != nullptr))
    error =
        launch(deform_geometry_kernel<T>, Team<1>::blocks(pixels * taps(p) * j.offset_groups), 256, 0, s, j, image,
               data<const T>(t.x), static_cast<const float*>(d_columns),
               GeometryGradients{data<float>(g.d_offsets), data<float>(g.d_mask),
                                 g.d_offsets == nullptr ? 0 : g.d_offsets->pitch, g.d_mask == nullptr ? 0 : g.d_mask->pitch});
  if (error != cudaSuccess || g.dx == nullptr) return error;
  const int64_t slabs = cover(p.in_channels / j.offset_groups, 32);
  return launch(deform_input_kernel<T>, grid_for(j.in_h * cover(j.in_w, kStrip) * j.offset_groups * slabs, 1), 32, 0, s, j,
                image, static_cast<const float*>(d_columns), data<T>(g.dx), g.dx->pitch);
}

// d(columns) of one image.
int64_t workspace_bytes(const fovea_conv2d_params& p, const fovea_tensor& x) {
  return deform_output(p, x, 0) * deform_output(p, x, 1) * deform_columns(p) * int64_t{sizeof(float)};
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_deform_conv2d_backward_workspace(const fovea_deform_conv2d_params* params, const fovea_tensor* x,
                                                               int64_t* bytes) {
  *bytes = workspace_bytes(params->conv, *x);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_deform_conv2d_backward(const fovea_deform_conv2d_params* params, const fovea_tensor* x,
                                                     const fovea_tensor* offsets, const fovea_tensor* mask,
                                                     const fovea_tensor* weights, const fovea_tensor* dy,
                                                     const fovea_deform_conv2d_gradients* gradients,
                                                     const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "deform_conv2d_backward";
  const int64_t bytes = workspace_bytes(params->conv, *x);
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  const DeformTensors tensors{x, offsets, mask, weights, dy};
  const DeformLayer layer = deform_layer(*params, tensors);
  const fovea_deform_conv2d_gradients& g = *gradients;
  const bool by_image = g.dx != nullptr || g.d_offsets != nullptr || g.d_mask != nullptr;
  auto* const d_columns = bytes == 0 ? nullptr : static_cast<float*>(workspace->data);
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, op, [&](cudaStream_t s) {
      cudaError_t error = launch_sums<T>(layer, tensors, g, s);
      for (int64_t image = 0; by_image && image < layer.batch && error == cudaSuccess; ++image)
        error = launch_image<T>(layer, image, tensors, g, d_columns, s);
      return error;
    });
  });
}
