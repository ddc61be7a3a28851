// linear on CUDA. F32 and INT8 weights: tiles on the ordinary cores; up to kFewRows rows a warp makes the outputs of one row of
// weights, which are read once, as fast as memory gives them. BF16 weights: tiles on the tensor cores whatever the rows, so
// that a row's bits do not depend on their number; int8 sums are exact anyway. F32 weights and x on a stream that allows it:
// tiles on the tensor cores above kFewRows rows; below, rounding would save nothing.
#include "core/status.h"
#include "cuda/gemm_tile.h"
#include "cuda/reduce.h"
#include "cuda/runtime.h"
#include "ops/linear/linear_cuda.h"

namespace fovea::cuda {
namespace {

constexpr int64_t kFewRows = 16;

// A matrix of words, row by row; zero outside.
template <class Word, class T>
struct WordRows {
  static constexpr bool kAlongK = true;
  const T* data;
  int64_t pitch, first, rows, k_size;

  FOVEA_DEVICE Word operator()(int row, int64_t k) const {
    if (first + row >= rows || k >= k_size) return 0;
    const T value = data[(first + row) * pitch + k];
    if constexpr (std::is_same_v<Word, float>)
      return to_float(value);
    else
      return value;
  }
};

// x and the weights as words: floats, or four int8 each.
template <class X, class Word>
struct Operands {
  const X* x;
  const Word* weights;
  int64_t x_pitch, weights_pitch, k_size, columns;
  LiveRows rows;
  bool chunks = true;  // MmaTile: of x; the weights always are
};

template <class Math, class X, class T>
__global__ void __launch_bounds__(256) linear_core_kernel(Operands<X, typename Math::Word> in, Epilogue<T> out) {
  using Word = typename Math::Word;
  using Tile = CoreTile<Math, 4, 4>;
  __shared__ typename Tile::Shared shared;
  const int64_t rows = in.rows.count(), across = (in.columns + Tile::kN - 1) / Tile::kN;
  const int64_t tiles = (rows + Tile::kM - 1) / Tile::kM * across;
  for (int64_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    const int64_t m = t / across * Tile::kM, n = t % across * Tile::kN;
    Tile tile;
    tile.run(WordRows<Word, X>{in.x, in.x_pitch, m, rows, in.k_size},
             WordRows<Word, Word>{in.weights, in.weights_pitch, n, in.columns, in.k_size}, in.k_size, shared);
    tile.each_sum(shared, [&](int row, int column, typename Math::Sum sum) {
      if (m + row < rows && n + column < in.columns) out.store(m + row, n + column, sum);
    });
  }
}

// A warp for each output, its lanes along k; kRows is at least the number of rows.
template <class Math, class X, class T, int kRows>
__global__ void __launch_bounds__(256) linear_few_kernel(Operands<X, typename Math::Word> in, Epilogue<T> out) {
  using Word = typename Math::Word;
  const int lane = Team<1>::lane();
  const int64_t rows = in.rows.count(), last = in.rows.rows - 1;
  for (int64_t n = Team<1>::first(); n < in.columns; n += Team<1>::stride()) {
    const Word* weights = in.weights + n * in.weights_pitch;
    typename Math::Sum sums[kRows] = {};
    for (int64_t k = lane; k < in.k_size; k += 32) {
      const Word w = weights[k];
#pragma unroll
      for (int r = 0; r < kRows; ++r) {  // rows beyond the last repeat it
        const X x = in.x[(r < last ? r : last) * in.x_pitch + k];
        if constexpr (std::is_same_v<Word, float>)
          sums[r] = Math::mac(sums[r], to_float(x), w);
        else
          sums[r] = Math::mac(sums[r], x, w);
      }
    }
    // Lane r takes row r.
    typename Math::Sum mine = 0;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const typename Math::Sum sum = warp_reduce(sums[r], Sum{});
      mine = lane == r ? sum : mine;
    }
    if (lane < rows) out.store(lane, n, mine);
  }
}

template <class T, class Tile>
__global__ void __launch_bounds__(Tile::kThreads)
    linear_mma_kernel(Operands<typename Tile::Element, typename Tile::Element> in, Epilogue<T> out) {
  using Rows = MatrixRows<typename Tile::Element>;
  auto* const shared = dynamic_shared<unsigned char>();
  const int64_t rows = in.rows.count(), across = (in.columns + Tile::kN - 1) / Tile::kN;
  const int64_t tiles = (rows + Tile::kM - 1) / Tile::kM * across;
  for (int64_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    const int64_t m = t / across * Tile::kM, n = t % across * Tile::kN;
    Tile tile;
    tile.run(Rows{in.x + m * in.x_pitch, in.x_pitch, rows - m, in.k_size, true, in.chunks},
             Rows{in.weights + n * in.weights_pitch, in.weights_pitch, in.columns - n, in.weights_pitch}, shared);
    tile.each_sum(shared, [&](int row, int column, float sum) {
      if (m + row < rows && n + column < in.columns) out.store(m + row, n + column, sum);
    });
  }
}

unsigned tile_grid(int64_t m, int64_t n, int64_t tile_m, int64_t tile_n) {
  return grid_for((m + tile_m - 1) / tile_m * ((n + tile_n - 1) / tile_n), 1);
}

template <class Math, class X, class T>
cudaError_t launch_core(const Operands<X, typename Math::Word>& in, const Epilogue<T>& out, cudaStream_t s) {
  const int64_t rows = in.rows.rows;
  const unsigned blocks = Team<1>::blocks(in.columns);
  if (rows == 1) return launch(linear_few_kernel<Math, X, T, 1>, blocks, 256, 0, s, in, out);
  if (rows <= 4) return launch(linear_few_kernel<Math, X, T, 4>, blocks, 256, 0, s, in, out);
  if (rows <= kFewRows) return launch(linear_few_kernel<Math, X, T, kFewRows>, blocks, 256, 0, s, in, out);
  return launch(linear_core_kernel<Math, X, T>, tile_grid(rows, in.columns, 64, 64), 256, 0, s, in, out);
}

template <class Product, class T>
cudaError_t launch_mma(const Operands<typename Product::Element, typename Product::Element>& in, const Epilogue<T>& out,
                       cudaStream_t s) {
  const int64_t rows = in.rows.rows;
  const auto run = [&](auto tile) {
    using Tile = decltype(tile);
    return launch(linear_mma_kernel<T, Tile>, tile_grid(rows, in.columns, Tile::kM, Tile::kN), Tile::kThreads,
                  Tile::kSharedBytes, s, in, out);
  };
  if constexpr (!std::is_same_v<typename Product::Element, float>)
    if (rows <= kFewRows) return run(MmaTile<Product, 16, 64, 16, 16, 4>{});
  // Large tiles where they fill half of the chip.
  if ((rows + 127) / 128 * ((in.columns + 127) / 128) >= 66) return run(MmaTile<Product, 128, 128, 64, 32, 3>{});
  return run(MmaTile<Product, 64, 64, 32, 32, 4>{});
}

// Weights in f32.
template <class X, class T>
cudaError_t launch_floats(Operands<X, float> in, const Epilogue<T>& out, fovea_f32_products products, cudaStream_t s) {
  if constexpr (std::is_same_v<X, float>)
    if (products != FOVEA_F32_EXACT && in.rows.rows > kFewRows) {
      in.chunks = reinterpret_cast<uintptr_t>(in.x) % 16 == 0 && in.x_pitch % 4 == 0 && in.k_size % 4 == 0;
      return with_tf32_product(products, [&](auto product) { return launch_mma<decltype(product)>(in, out, s); });
    }
  return launch_core<FloatMath>(in, out, s);
}

// The data of a tensor that may be NULL, or hold nothing.
template <class T>
T* data(const fovea_tensor* t) {
  return t == nullptr ? nullptr : static_cast<T*>(t->data);
}

template <class T>
cudaError_t run(const fovea_linear_params& p, const fovea_tensor& x, const fovea_tensor& prepared, Epilogue<T> out,
                void* workspace, fovea_f32_products products, cudaStream_t s) {
  const LiveRows live{rows(x), x.rank > 1 ? x.shape[0] : 1, x.live};
  const int64_t k_size = p.in_features, columns = p.out_features;
  const auto* from = static_cast<const T*>(x.data);
  const PackedRows weights = packed_rows(p.weights, columns, k_size), narrow = packed_rows(p.weights, live.rows, k_size);
  if (p.weights == FOVEA_WEIGHTS_F32)
    return launch_floats<T>({from, data<const float>(&prepared), x.pitch, weights.pitch, k_size, columns, live}, out, products,
                            s);
  const auto in_place = [&] {  // bf16 rows that are whole pieces need no copy
    return p.weights == FOVEA_WEIGHTS_BF16 && std::is_same_v<T, __nv_bfloat16> && k_size % 64 == 0 && x.pitch % 8 == 0 &&
           reinterpret_cast<uintptr_t>(from) % 16 == 0;
  };
  const bool direct = in_place();
  if (!direct)
    if (const cudaError_t e = narrow_rows(p.weights, from, x.pitch, k_size, live, workspace, s); e != cudaSuccess) return e;
  if (p.weights == FOVEA_WEIGHTS_BF16) {
    const auto* rows_of_x = direct ? reinterpret_cast<const __nv_bfloat16*>(from) : static_cast<__nv_bfloat16*>(workspace);
    return launch_mma<NarrowProduct<__nv_bfloat16>, T>(
        {rows_of_x, data<const __nv_bfloat16>(&prepared), direct ? x.pitch : narrow.pitch, weights.pitch, weights.pitch,
         columns, live},
        out, s);
  }
  out.row_scales = reinterpret_cast<const float*>(static_cast<const char*>(workspace) + narrow.columns);
  out.column_scales = reinterpret_cast<const float*>(data<const char>(&prepared) + weights.columns);
  return launch_core<Int8Math, int32_t, T>({static_cast<const int32_t*>(workspace), data<const int32_t>(&prepared),
                                            narrow.pitch / 4, weights.pitch / 4, weights.pitch / 4, columns, live},
                                           out, s);
}

fovea_status check_size(const char* op, const fovea_linear_params& p, const fovea_tensor& prepared) {
  const int64_t bytes = packed_rows(p.weights, p.out_features, p.in_features).bytes;
  FOVEA_CHECK(prepared.shape[0] == bytes, "%s: prepared has %lld bytes, expected %lld for %d inputs and %d outputs", op,
              static_cast<long long>(prepared.shape[0]), static_cast<long long>(bytes), p.in_features, p.out_features);
  return FOVEA_OK;
}

int64_t workspace_bytes(const fovea_linear_params& p, const fovea_tensor& x) {
  return p.weights == FOVEA_WEIGHTS_F32 ? 0 : packed_rows(p.weights, rows(x), p.in_features).bytes;
}

}  // namespace

template <class T>
cudaError_t float_products(const T* x, int64_t x_pitch, int64_t k_size, LiveRows rows, const float* packed, int64_t columns,
                           const float* bias, float* y, fovea_f32_products products, cudaStream_t s) {
  const Epilogue<float> out{y, columns, columns, bias, nullptr, {}, nullptr, nullptr};
  return launch_floats<T>({x, packed, x_pitch, packed_rows(FOVEA_WEIGHTS_F32, columns, k_size).pitch, k_size, columns, rows},
                          out, products, s);
}
template cudaError_t float_products(const float*, int64_t, int64_t, LiveRows, const float*, int64_t, const float*, float*,
                                    fovea_f32_products, cudaStream_t);
template cudaError_t float_products(const __half*, int64_t, int64_t, LiveRows, const float*, int64_t, const float*, float*,
                                    fovea_f32_products, cudaStream_t);
template cudaError_t float_products(const __nv_bfloat16*, int64_t, int64_t, LiveRows, const float*, int64_t, const float*,
                                    float*, fovea_f32_products, cudaStream_t);

}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_linear_prepared_bytes(fovea_device*, const fovea_linear_params* params, int64_t* bytes) {
  *bytes = packed_rows(params->weights, params->out_features, params->in_features).bytes;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_linear_prepare(const fovea_linear_params* params, const fovea_tensor* weights,
                                             const fovea_tensor* prepared, fovea_stream* stream) {
  FOVEA_TRY(check_size("linear_prepare", *params, *prepared));
  if (prepared->shape[0] == 0) return FOVEA_OK;
  const LiveRows all{params->out_features, params->out_features, nullptr};
  return submit(stream, "linear_prepare", [&](cudaStream_t s) {
    return narrow_rows(params->weights, data<const float>(weights), weights->pitch, params->in_features, all, prepared->data,
                       s);
  });
}

extern "C" fovea_status fovea_linear_workspace(const fovea_linear_params* params, const fovea_tensor* x, int64_t* bytes) {
  *bytes = workspace_bytes(*params, *x);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_linear(const fovea_linear_params* params, const fovea_tensor* x, const fovea_tensor* prepared,
                                     const fovea_tensor* bias, const fovea_tensor* slope, const fovea_tensor* y,
                                     const fovea_workspace* workspace, fovea_stream* stream) {
  FOVEA_TRY(check_size("linear", *params, *prepared));
  FOVEA_TRY(check_workspace("linear", workspace, workspace_bytes(*params, *x)));
  if (rows(*x) == 0 || params->out_features == 0) return FOVEA_OK;
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const Epilogue<T> out{
        data<T>(y), y->pitch, params->out_features, data<const float>(bias), data<const float>(slope), params->activation,
        nullptr,    nullptr};
    return submit(stream, "linear", [&](cudaStream_t s) {
      return run<T>(*params, *x, *prepared, out, workspace == nullptr ? nullptr : workspace->data, stream->f32_products, s);
    });
  });
}
