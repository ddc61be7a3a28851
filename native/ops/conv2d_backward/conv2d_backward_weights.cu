// The weight gradient in two steps, so that sums run in a fixed order. First the pixels are cut into parts, and for every part
// a block sums a tile of outputs x (tap, input) over its pixels, in f32 for all data types, into the workspace; then one thread
// per weight adds the parts in order. dbias likewise. f32 is multiplied as the stream says, 16-bit floats on the tensor cores:
// they are tf32 numbers, so their products are exact.
#include <algorithm>

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "ops/conv2d/conv2d_float_tile.h"
#include "ops/conv2d/conv2d_mma_tile.h"

namespace fovea::cuda {
namespace {

constexpr int kChunk = kConvThreads;  // pixels whose places in x are worked out at once, one per thread
constexpr int kDepthwiseChannels = 32, kDepthwiseTaps = kConvThreads / kDepthwiseChannels;
constexpr int64_t kWantedBlocks = 2 * 132, kFewestPixels = 4 * kChunk;  // of a part

// y of the layer is dy; pixels are those of dy, of all images.
struct GradientJob {
  ConvJob layer;
  float* partial;  // [part][out][tap][in/groups]; depthwise too
  int64_t pixels, part_pixels, parts, tiles;
};

struct PixelPlace {
  int64_t line;  // first line of its image in x
  int32_t y, x;  // what the first tap meets
};

FOVEA_DEVICE int64_t live_pixels(const ConvJob& j) { return live_count(j.live, j.batch) * j.rows.out * j.columns.out; }

FOVEA_DEVICE PixelPlace place_of(const ConvJob& j, int64_t q) {
  const int64_t line = q / j.columns.out, image = line / j.rows.out;
  return {image * j.rows.in, int32_t(line - image * j.rows.out) * j.rows.stride - j.rows.pad,
          int32_t(q - line * j.columns.out) * j.columns.stride - j.columns.pad};
}

// x at a tap of a pixel, 0 outside the image.
template <class T>
FOVEA_DEVICE float input_at(const ConvJob& j, const PixelPlace& p, int32_t dy, int32_t dx, int32_t channel) {
  const int32_t iy = p.y + dy, ix = p.x + dx;
  if (uint32_t(iy) >= uint32_t(j.rows.in) || uint32_t(ix) >= uint32_t(j.columns.in)) return 0.0f;
  return to_float(static_cast<const T*>(j.x)[((p.line + iy) * j.columns.in + ix) * j.x_pitch + channel]);
}

// FloatTile<64, 64> on the tensor cores: both operands lie k-major, so fragments are read float by float.
template <class Product>
struct MmaGradientTile : ConvMmaTile<Product, 64, 64> {
  using Base = ConvMmaTile<Product, 64, 64>;
  using Base::kDepth;
  struct Shared {
    // Rows 8 floats beyond whole banks apart: 4 rows x 8 columns of a fragment are in different ones.
    float x[kDepth][64 + 8], w[kDepth][64 + 8];
  };

  FOVEA_DEVICE void multiply(const Shared& s) {
    const int lane = int(threadIdx.x) % 32, row = Base::first_pixel() + lane / 4, column = Base::first_channel() + lane / 4;
#pragma unroll 1
    for (int k = lane % 4; k < kDepth; k += 8) {
      uint32_t x[2][4], w[Base::kColumns][2];
#pragma unroll
      for (int i = 0; i < 2; ++i)
#pragma unroll
        for (int r = 0; r < 4; ++r) x[i][r] = __float_as_uint(s.x[k + r / 2 * 4][row + i * 16 + r % 2 * 8]);
#pragma unroll
      for (int c = 0; c < Base::kColumns; ++c)
#pragma unroll
        for (int r = 0; r < 2; ++r) w[c][r] = __float_as_uint(s.w[k + r * 4][column + c * 8]);
      Product::multiply(this->sums, x, w);
    }
  }
};

// A tile of 64 outputs x 64 (tap, input) of one group over the pixels of one part.
template <class T, class Tile>
__global__ void __launch_bounds__(kConvThreads, Tile::kBlocks) gradient_kernel(GradientJob g) {
  constexpr int kSide = 64, kDown = kConvThreads / kSide, kCount = Tile::kDepth / kDown;
  __shared__ union {
    typename Tile::Shared steps[2];
    float sums[kSide][kSide + 4];
  } shared;
  __shared__ PixelPlace places[kChunk];
  const ConvJob& j = g.layer;
  const int32_t depth = j.rows.kernel * j.columns.kernel * j.group_in;
  const int32_t output_tiles = (j.group_out + kSide - 1) / kSide, column_tiles = (depth + kSide - 1) / kSide;
  const int32_t lane = int(threadIdx.x) % kSide, first_row = int(threadIdx.x) / kSide;
  const int64_t live = live_pixels(j);
  for (int64_t tile = blockIdx.x; tile < g.tiles; tile += gridDim.x) {
    int64_t rest = tile;
    const int32_t first_column = int32_t(rest % column_tiles) * kSide;
    rest /= column_tiles;
    const int32_t first_output = int32_t(rest % output_tiles) * kSide;
    rest /= output_tiles;
    const int32_t group = int32_t(rest % j.groups);
    const int64_t part = rest / j.groups, begin = part * g.part_pixels;
    const int64_t end = begin + g.part_pixels < live ? begin + g.part_pixels : live;
    // The thread's output and column of the staged rows.
    const int32_t output = first_output + lane, column = first_column + lane;
    const int32_t tap = column / j.group_in, in = group * j.group_in + column % j.group_in;
    const int32_t dy = tap / j.columns.kernel * j.rows.dilation, dx = tap % j.columns.kernel * j.columns.dilation;
    const T* gradient = static_cast<const T*>(j.y) + group * j.group_out + output;
    float left[kCount], right[kCount];
    const auto load = [&](int64_t chunk, int step) {
#pragma unroll
      for (int i = 0; i < kCount; ++i) {
        const int row = step * Tile::kDepth + first_row + i * kDown;
        const bool inside = chunk + row < end;
        left[i] = inside && output < j.group_out ? to_float(gradient[(chunk + row) * j.y_pitch]) : 0.0f;
        right[i] = inside && column < depth ? input_at<T>(j, places[row], dy, dx, in) : 0.0f;
      }
    };
    Tile product;
    for (int64_t chunk = begin; chunk < end; chunk += kChunk) {
      __syncthreads();  // nobody reads the places or the tiles before any more
      places[threadIdx.x] = place_of(j, chunk + int(threadIdx.x));
      __syncthreads();
      load(chunk, 0);
#pragma unroll 1
      for (int step = 0; step < kChunk / Tile::kDepth; ++step) {
        typename Tile::Shared& s = shared.steps[step % 2];
#pragma unroll
        for (int i = 0; i < kCount; ++i)
          s.x[first_row + i * kDown][lane] = left[i], s.w[first_row + i * kDown][lane] = right[i];
        __syncthreads();
        if (step + 1 < kChunk / Tile::kDepth) load(chunk, step + 1);
        product.multiply(s);
      }
    }
    __syncthreads();
    product.write(shared.sums);
    __syncthreads();
    float* partial = g.partial + (part * j.groups + group) * j.group_out * depth;
    for (int i = int(threadIdx.x); i < kSide * kSide; i += kConvThreads) {
      const int row = i / kSide, c = i % kSide;
      if (first_output + row < j.group_out && first_column + c < depth)
        partial[int64_t{first_output + row} * depth + first_column + c] = shared.sums[row][c];
    }
    __syncthreads();
  }
}

// Depthwise: a thread sums one tap of one channel.
template <class T>
__global__ void __launch_bounds__(kConvThreads) depthwise_gradient_kernel(GradientJob g) {
  __shared__ PixelPlace places[kChunk];
  const ConvJob& j = g.layer;
  const int32_t taps = j.rows.kernel * j.columns.kernel;
  const int32_t channel_tiles = (j.groups + kDepthwiseChannels - 1) / kDepthwiseChannels;
  const int32_t tap_tiles = (taps + kDepthwiseTaps - 1) / kDepthwiseTaps;
  const int64_t live = live_pixels(j);
  for (int64_t tile = blockIdx.x; tile < g.tiles; tile += gridDim.x) {
    int64_t rest = tile;
    const int32_t channel = int32_t(rest % channel_tiles) * kDepthwiseChannels + int(threadIdx.x) % kDepthwiseChannels;
    rest /= channel_tiles;
    const int32_t tap = int32_t(rest % tap_tiles) * kDepthwiseTaps + int(threadIdx.x) / kDepthwiseChannels;
    const int64_t part = rest / tap_tiles, begin = part * g.part_pixels;
    const int64_t end = begin + g.part_pixels < live ? begin + g.part_pixels : live;
    const int32_t dy = tap / j.columns.kernel * j.rows.dilation, dx = tap % j.columns.kernel * j.columns.dilation;
    const bool mine = channel < j.groups && tap < taps;
    const T* gradient = static_cast<const T*>(j.y) + channel;
    float sum = 0.0f;
    for (int64_t chunk = begin; chunk < end; chunk += kChunk) {
      __syncthreads();
      places[threadIdx.x] = place_of(j, chunk + int(threadIdx.x));
      __syncthreads();
      const int count = end - chunk < kChunk ? int(end - chunk) : kChunk;
      if (mine)
        for (int i = 0; i < count; ++i)
          sum = fmaf(to_float(gradient[(chunk + i) * j.y_pitch]), input_at<T>(j, places[i], dy, dx, channel), sum);
    }
    if (mine) g.partial[(part * j.groups + channel) * taps + tap] = sum;
  }
}

// partial [part][out]: sums of dy; one thread per output and part.
template <class T>
__global__ void __launch_bounds__(kConvThreads) bias_gradient_kernel(GradientJob g, int32_t outputs) {
  const int64_t live = live_pixels(g.layer), n = g.parts * outputs;
  for (int64_t i = int64_t{blockIdx.x} * kConvThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kConvThreads) {
    const int64_t begin = i / outputs * g.part_pixels;
    const int64_t end = begin + g.part_pixels < live ? begin + g.part_pixels : live;
    const T* gradient = static_cast<const T*>(g.layer.y) + i % outputs;
    float sum = 0.0f;
    for (int64_t q = begin; q < end; ++q) sum += to_float(gradient[q * g.layer.y_pitch]);
    g.partial[i] = sum;
  }
}

// out [rows of width] = (accumulate: what is there) + all parts in order.
__global__ void __launch_bounds__(kConvThreads) add_parts_kernel(const float* partial, int64_t parts, int64_t n, int64_t width,
                                                                 int64_t pitch, bool accumulate, float* out) {
  for (int64_t i = int64_t{blockIdx.x} * kConvThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kConvThreads) {
    float& result = out[i / width * pitch + i % width];
    float sum = accumulate ? result : 0.0f;
    for (int64_t part = 0; part < parts; ++part) sum += partial[part * n + i];
    result = sum;
  }
}

// How the pixels are cut, from the shapes only.
struct Parts {
  int64_t count, pixels;
};
Parts cut(int64_t pixels, int64_t tiles) {
  if (pixels == 0) return {0, kFewestPixels};
  const int64_t wanted =
      std::clamp<int64_t>((kWantedBlocks + tiles - 1) / tiles, 1, (pixels + kFewestPixels - 1) / kFewestPixels);
  const int64_t part = ((pixels + wanted - 1) / wanted + kChunk - 1) / kChunk * kChunk;
  return {(pixels + part - 1) / part, part};
}
int64_t tiles_of_part(const fovea_conv2d_params& p) {
  const auto cover = [](int64_t n, int64_t size) { return (n + size - 1) / size; };
  if (fovea::is_depthwise(p)) return cover(p.groups, kDepthwiseChannels) * cover(taps(p), kDepthwiseTaps);
  return p.groups * cover(group_out(p), 64) * cover(depth(p), 64);
}
int64_t bias_tiles(const fovea_conv2d_params& p) { return (p.out_channels + kConvThreads - 1) / kConvThreads; }
int64_t pixels_of(const fovea_tensor& dy) { return dy.shape[0] * dy.shape[1] * dy.shape[2]; }

struct Workspace {
  Parts weights, biases;
  int64_t weight_floats, bytes;  // dw's parts come first
};
Workspace workspace_of(const fovea_conv2d_params& p, const fovea_tensor& dy) {
  Workspace w{};
  w.weights = cut(pixels_of(dy), tiles_of_part(p)), w.biases = cut(pixels_of(dy), bias_tiles(p));
  w.weight_floats = w.weights.count * p.out_channels * depth(p);
  w.bytes = (w.weight_floats + w.biases.count * p.out_channels) * int64_t{sizeof(float)};
  return w;
}

using GradientKernel = void (*)(GradientJob);
template <class T>
GradientKernel choose_kernel(const fovea_conv2d_params& p, fovea_f32_products products) {
  if (fovea::is_depthwise(p)) return depthwise_gradient_kernel<T>;
  if constexpr (std::is_same_v<T, float>) {
    if (products == FOVEA_F32_EXACT) return gradient_kernel<T, FloatTile<64, 64>>;
    if (products == FOVEA_F32_THREE_TF32) return gradient_kernel<T, MmaGradientTile<ThreeTf32Product>>;
  }
  return gradient_kernel<T, MmaGradientTile<Tf32Product>>;
}

template <class T>
cudaError_t launch_weights(const fovea_conv2d_params& p, GradientJob job, const Parts& parts, bool accumulate,
                           const fovea_tensor& dw, fovea_f32_products products, cudaStream_t s) {
  job.part_pixels = parts.pixels, job.parts = parts.count, job.tiles = parts.count * tiles_of_part(p);
  const int64_t n = p.out_channels * depth(p);
  if (job.tiles > 0) {
    const auto grid = static_cast<unsigned>(std::min<int64_t>(job.tiles, INT32_MAX));
    const cudaError_t error = launch(choose_kernel<T>(p, products), grid, kConvThreads, 0, s, job);
    if (error != cudaSuccess) return error;
  }
  return launch(add_parts_kernel, grid_for(n, kConvThreads), kConvThreads, 0, s, job.partial, parts.count, n, group_in(p),
                dw.pitch, accumulate, static_cast<float*>(dw.data));
}

template <class T>
cudaError_t launch_biases(const fovea_conv2d_params& p, GradientJob job, const Parts& parts, bool accumulate,
                          const fovea_tensor& dbias, cudaStream_t s) {
  job.part_pixels = parts.pixels, job.parts = parts.count;
  const int64_t n = p.out_channels;
  if (parts.count > 0) {
    const cudaError_t error =
        launch(bias_gradient_kernel<T>, grid_for(n * parts.count, kConvThreads), kConvThreads, 0, s, job, p.out_channels);
    if (error != cudaSuccess) return error;
  }
  return launch(add_parts_kernel, grid_for(n, kConvThreads), kConvThreads, 0, s, job.partial, parts.count, n, n, n, accumulate,
                static_cast<float*>(dbias.data));
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_conv2d_backward_weights_workspace(const fovea_conv2d_params* params, const fovea_tensor*,
                                                                const fovea_tensor* dy, int64_t* bytes) {
  *bytes = workspace_of(*params, *dy).bytes;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_conv2d_backward_weights(const fovea_conv2d_params* params, const fovea_tensor* x,
                                                      const fovea_tensor* dy, const fovea_tensor* dw, const fovea_tensor* dbias,
                                                      int32_t accumulate, const fovea_workspace* workspace,
                                                      fovea_stream* stream) {
  constexpr const char* op = "conv2d_backward_weights";
  const fovea_conv2d_params& p = *params;
  const Workspace plan = workspace_of(p, *dy);
  FOVEA_TRY(check_workspace(op, workspace, plan.bytes));
  GradientJob job{};
  FOVEA_TRY(make_conv_job(op, p, false, *x, nullptr, *dy, &job.layer));
  float* const partial = plan.bytes == 0 ? nullptr : static_cast<float*>(workspace->data);
  job.pixels = pixels_of(*dy);
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, op, [&](cudaStream_t s) {
      cudaError_t error = cudaSuccess;
      job.partial = partial;
      if (dw != nullptr) error = launch_weights<T>(p, job, plan.weights, accumulate != 0, *dw, stream->f32_products, s);
      if (error != cudaSuccess || dbias == nullptr) return error;
      job.partial = partial + plan.weight_floats;
      return launch_biases<T>(p, job, plan.biases, accumulate != 0, *dbias, s);
    });
  });
}
