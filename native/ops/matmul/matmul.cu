// matmul on CUDA. f32 runs on the ordinary cores, or on the tensor cores where the stream allows it. 16-bit floats run on the
// tensor cores, which want eight neighbours along k at aligned addresses: an operand that is stored otherwise is first copied
// into the workspace. Where that cannot help (live terms, odd base addresses) they run on the ordinary cores too.
#include "cuda/gemm_tile.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/matmul/plan.h"

namespace fovea::cuda {
namespace {

// Rows of one operand: of op(a), or of op(b) transposed. Element (row, k) of a matrix is at row * pitch + k, or, when
// neighbours along k do not lie together, at k * pitch + row.
template <class T>
struct Rows {
  const T* data;
  int64_t pitch, matrix_stride, rows;
  bool along_k;

  FOVEA_DEVICE MatrixRows<T> from(int64_t matrix, int64_t first, int64_t limit, int64_t k_size, bool chunks) const {
    return {data + matrix * matrix_stride + first * (along_k ? pitch : 1), pitch, limit - first, k_size, along_k, chunks};
  }
};

// The place of one tile in the product.
struct TilePlace {
  int64_t batch, a_matrix, b_matrix, m, n;
  bool skip;  // its matrix of a carries no data
};

FOVEA_DEVICE int64_t matrix_at(const MatmulJob& j, const MatmulOperand& operand, int64_t batch) {
  int64_t matrix = 0;
  for (int i = j.batch_rank - 1; i >= 0; --i) {
    const int64_t outer = quotient(batch, j.batch_size[i]);
    matrix += (batch - outer * j.batch_size[i]) * operand.batch_step[i];
    batch = outer;
  }
  return matrix;
}
FOVEA_DEVICE TilePlace tile_place(const MatmulJob& j, int64_t tile, int64_t tile_m, int64_t tile_n) {
  const int64_t across = (j.n + tile_n - 1) / tile_n, down = (j.m + tile_m - 1) / tile_m;
  const int64_t batch = tile / (across * down), within = tile - batch * across * down;
  TilePlace p{batch, matrix_at(j, j.a, batch), matrix_at(j, j.b, batch), within / across * tile_m, within % across * tile_n,
              false};
  p.skip = j.live_role == MatmulLive::kBatches && p.a_matrix >= j.a.matrices / j.leading * live_count(j.live, j.leading);
  return p;
}
FOVEA_DEVICE int64_t live_m(const MatmulJob& j) { return j.live_role == MatmulLive::kRows ? live_count(j.live, j.m) : j.m; }
FOVEA_DEVICE int64_t live_k(const MatmulJob& j) { return j.live_role == MatmulLive::kTerms ? live_count(j.live, j.k) : j.k; }
int64_t tile_count(const MatmulJob& j, int64_t tile_m, int64_t tile_n) {
  return j.batches * ((j.m + tile_m - 1) / tile_m) * ((j.n + tile_n - 1) / tile_n);
}

// ---- ordinary cores ---------------------------------------------------------------------------------------------------

template <class T, bool kTogether>
struct CoreSource {
  static constexpr bool kAlongK = kTogether;
  const T* data;  // of the matrix
  int64_t pitch, first, rows, k_size;

  FOVEA_DEVICE float operator()(int row, int64_t k) const {
    const int64_t r = first + row;
    if (r >= rows || k >= k_size) return 0.0f;
    return to_float(data[kTogether ? r * pitch + k : k * pitch + r]);
  }
};

template <class T, bool kTransposeA, bool kTransposeB>
__global__ void __launch_bounds__(256) matmul_core_kernel(MatmulJob j, Rows<T> a, Rows<T> b, T* y, int64_t tiles) {
  using Tile = CoreTile<FloatMath, 4, 4>;
  __shared__ Tile::Shared shared;
  const int64_t rows = live_m(j), k_size = live_k(j);
  for (int64_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    const TilePlace p = tile_place(j, t, Tile::kM, Tile::kN);
    if (p.skip || p.m >= rows) continue;
    Tile tile;
    tile.run(CoreSource<T, !kTransposeA>{a.data + p.a_matrix * a.matrix_stride, a.pitch, p.m, rows, k_size},
             CoreSource<T, kTransposeB>{b.data + p.b_matrix * b.matrix_stride, b.pitch, p.n, j.n, k_size}, k_size, shared);
    T* const out = y + (p.batch * j.m + p.m) * j.y_pitch + p.n;
    tile.each_sum(shared, [&](int row, int column, float sum) {
      if (p.m + row < rows && p.n + column < j.n) out[row * j.y_pitch + column] = from_float<T>(j.alpha * sum);
    });
  }
}

template <class T>
cudaError_t launch_core(const MatmulJob& j, const Rows<T>& a, const Rows<T>& b, T* y, cudaStream_t s) {
  const int64_t tiles = tile_count(j, 64, 64);
  const auto run = [&](auto* kernel) { return launch(kernel, grid_for(tiles, 1), 256, 0, s, j, a, b, y, tiles); };
  if (j.a.transposed) return j.b.transposed ? run(matmul_core_kernel<T, true, true>) : run(matmul_core_kernel<T, true, false>);
  return j.b.transposed ? run(matmul_core_kernel<T, false, true>) : run(matmul_core_kernel<T, false, false>);
}

// ---- tensor cores -----------------------------------------------------------------------------------------------------

// Whether the rows of an operand are whole chunks: of 16-bit floats they always are, and j.k with them.
struct Chunks {
  bool a, b;
};

template <class Tile, class T = typename Tile::Element>
__global__ void __launch_bounds__(Tile::kThreads)
    matmul_mma_kernel(MatmulJob j, Rows<T> a, Rows<T> b, Chunks chunks, T* y, int64_t tiles) {
  auto* const shared = dynamic_shared<unsigned char>();
  const int64_t rows = live_m(j), k_size = live_k(j);
  for (int64_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    const TilePlace p = tile_place(j, t, Tile::kM, Tile::kN);
    if (p.skip || p.m >= rows) continue;
    Tile tile;
    tile.run(a.from(p.a_matrix, p.m, rows, k_size, chunks.a), b.from(p.b_matrix, p.n, j.n, k_size, chunks.b), shared);
    T* const out = y + (p.batch * j.m + p.m) * j.y_pitch + p.n;
    tile.each_sum(shared, [&](int row, int column, float sum) {
      if (p.m + row < rows && p.n + column < j.n) out[row * j.y_pitch + column] = from_float<T>(j.alpha * sum);
    });
  }
}

// to[matrix][row][k], k padded with zeros to a whole chunk, from rows along k or across it: 32 x 32 elements at a time by way
// of shared memory, so that both sides are read and written along their rows.
template <class T>
__global__ void __launch_bounds__(256)
    pack_rows_kernel(Rows<T> from, int64_t matrices, int64_t k_size, T* to, int64_t to_pitch) {
  __shared__ float tile[32][33];  // exact for every T
  const int x = int(threadIdx.x) % 32, y = int(threadIdx.x) / 32;
  const int64_t down = (from.rows + 31) / 32, across = (to_pitch + 31) / 32, tiles = matrices * down * across;
  for (int64_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    const int64_t matrix = t / (down * across), within = t - matrix * down * across;
    const int64_t first_row = within / across * 32, first_k = within % across * 32;
    const T* const in = from.data + matrix * from.matrix_stride;
    __syncthreads();  // the tile before has been read
    for (int i = y; i < 32; i += 8) {
      const int64_t row = first_row + (from.along_k ? i : x), k = first_k + (from.along_k ? x : i);
      const bool inside = row < from.rows && k < k_size;
      tile[from.along_k ? i : x][from.along_k ? x : i] =
          inside ? to_float(in[from.along_k ? row * from.pitch + k : k * from.pitch + row]) : 0.0f;
    }
    __syncthreads();
    for (int i = y; i < 32; i += 8)
      if (first_row + i < from.rows && first_k + x < to_pitch)
        to[(matrix * from.rows + first_row + i) * to_pitch + first_k + x] = from_float<T>(tile[i][x]);
  }
}

int64_t packed_pitch(int64_t k) { return (k + 7) / 8 * 8; }

// Elements of the workspace that hold a packed operand; none where chunks of 8 along k are aligned already.
struct Packing {
  int64_t a, b;
};
Packing packing(const fovea_matmul_params& p, const fovea_tensor& a, const fovea_tensor& b) {
  const bool ta = p.transpose_a != 0, tb = p.transpose_b != 0;
  const int64_t m = a.shape[a.rank - (ta ? 1 : 2)], k = a.shape[a.rank - (ta ? 2 : 1)], n = b.shape[b.rank - (tb ? 2 : 1)];
  if (same(a.dtype, kF32) || k == 0) return {0, 0};
  const auto elements_of = [&](bool along_k, const fovea_tensor& t, int64_t rows) {
    return along_k && k % 8 == 0 && t.pitch % 8 == 0 ? 0 : matrices(t) * rows * packed_pitch(k);
  };
  return {elements_of(!ta, a, m), elements_of(tb, b, n)};
}

template <class T>
cudaError_t pack(Rows<T>& rows, int64_t matrices, int64_t k, T* to, cudaStream_t s) {
  const int64_t pitch = packed_pitch(k), tiles = matrices * ((rows.rows + 31) / 32) * ((pitch + 31) / 32);
  if (const cudaError_t e = launch(pack_rows_kernel<T>, grid_for(tiles, 1), 256, 0, s, rows, matrices, k, to, pitch);
      e != cudaSuccess)
    return e;
  rows = {to, pitch, rows.rows * pitch, rows.rows, true};
  return cudaSuccess;
}

template <class Product, class T = typename Product::Element>
cudaError_t launch_mma(const MatmulJob& j, const Rows<T>& a, const Rows<T>& b, Chunks chunks, T* y, cudaStream_t s) {
  const auto run = [&](auto tile) {
    using Tile = decltype(tile);
    const int64_t tiles = tile_count(j, Tile::kM, Tile::kN);
    return launch(matmul_mma_kernel<Tile>, grid_for(tiles, 1), Tile::kThreads, Tile::kSharedBytes, s, j, a, b, chunks, y,
                  tiles);
  };
  if (j.m <= 16) return run(MmaTile<Product, 16, 64, 16, 16, 4>{});
  // Large tiles where they fill half of the chip.
  if (tile_count(j, 128, 128) >= 66 && j.m > 64 && j.n > 64) return run(MmaTile<Product, 128, 128, 64, 32, 3>{});
  return run(MmaTile<Product, 64, 64, 32, 32, 4>{});
}

template <class T>
cudaError_t launch_narrow(MatmulJob j, Packing packed, Rows<T> a, Rows<T> b, T* y, T* scratch, cudaStream_t s) {
  if (packed.a != 0)
    if (const cudaError_t e = pack(a, j.a.matrices, j.k, scratch, s); e != cudaSuccess) return e;
  if (packed.b != 0)
    if (const cudaError_t e = pack(b, j.b.matrices, j.k, scratch + packed.a, s); e != cudaSuccess) return e;
  j.k = packed_pitch(j.k);
  return launch_mma<NarrowProduct<T>>(j, a, b, {true, true}, y, s);
}

bool aligned(const void* p) { return reinterpret_cast<uintptr_t>(p) % 16 == 0; }

cudaError_t launch_tf32(const MatmulJob& j, const Rows<float>& a, const Rows<float>& b, fovea_f32_products products, float* y,
                        cudaStream_t s) {
  const auto chunks = [&](const Rows<float>& rows) {
    return rows.along_k && aligned(rows.data) && rows.pitch % 4 == 0 && j.k % 4 == 0 && j.live_role != MatmulLive::kTerms;
  };
  return with_tf32_product(products, [&](auto product) {
    return launch_mma<decltype(product)>(j, a, b, {chunks(a), chunks(b)}, y, s);
  });
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_matmul_workspace(const fovea_matmul_params* params, const fovea_tensor* a, const fovea_tensor* b,
                                               int64_t* bytes) {
  const Packing packed = packing(*params, *a, *b);
  *bytes = (packed.a + packed.b) * 2;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_matmul(const fovea_matmul_params* params, const fovea_tensor* a, const fovea_tensor* b,
                                     const fovea_tensor* y, const fovea_workspace* workspace, fovea_stream* stream) {
  const Packing packed = packing(*params, *a, *b);
  FOVEA_TRY(check_workspace("matmul", workspace, (packed.a + packed.b) * 2));
  if (elements(*y) == 0) return FOVEA_OK;
  const MatmulJob job = plan_matmul(*params, *a, *b, *y);
  return with_float_type(y->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const Rows<T> rows_of_a{static_cast<const T*>(a->data), job.a.pitch, job.a.matrix_stride, job.m, !job.a.transposed};
    const Rows<T> rows_of_b{static_cast<const T*>(b->data), job.b.pitch, job.b.matrix_stride, job.n, job.b.transposed};
    auto* const out = static_cast<T*>(y->data);
    return submit(stream, "matmul", [&](cudaStream_t s) {
      if constexpr (std::is_same_v<T, float>) {
        if (stream->f32_products != FOVEA_F32_EXACT)
          return launch_tf32(job, rows_of_a, rows_of_b, stream->f32_products, out, s);
      } else {
        const bool in_place = (packed.a != 0 || aligned(a->data)) && (packed.b != 0 || aligned(b->data));
        if (in_place && job.k > 0 && job.live_role != MatmulLive::kTerms) {
          auto* const scratch = packed.a + packed.b == 0 ? nullptr : static_cast<T*>(workspace->data);
          return launch_narrow<T>(job, packed, rows_of_a, rows_of_b, out, scratch, s);
        }
      }
      return launch_core<T>(job, rows_of_a, rows_of_b, out, s);
    });
  });
}
