// The tiles of every dense product, c[m][n] = sum over k of a[m][k] * b[n][k], for one block of threads. Where a and b come
// from is the caller's business (a matrix, a convolution's input), what happens to c too. Every element of c is one chain of
// sums in the order of k, whatever the tile it lies in: its bits do not depend on the shape of the product.
//
//   CoreTile  float or packed int8 on the ordinary cores
//   MmaTile   16-bit floats, or floats as tf32, on the tensor cores; float sums
#pragma once

#include <type_traits>

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/mma_product.h"

namespace fovea::cuda {

// ---- ordinary cores ---------------------------------------------------------------------------------------------------

struct FloatMath {
  using Word = float;
  using Sum = float;
  FOVEA_DEVICE static Sum mac(Sum sum, Word a, Word b) { return sum + a * b; }  // nvcc contracts this to one fma
};
// A word is four int8; sums are exact.
struct Int8Math {
  using Word = int32_t;
  using Sum = int32_t;
  FOVEA_DEVICE static Sum mac(Sum sum, Word a, Word b) { return __dp4a(a, b, sum); }
};

// 16 kTM rows of a times 16 kTN rows of b by 256 threads, kTM x kTN sums each. A source is a functor (row of the tile, k) ->
// word, zero outside of the matrix, with a flag kAlongK: whether neighbours along k, or else along the rows, lie together.
template <class Math, int kTM, int kTN>
struct CoreTile {
  using Word = typename Math::Word;
  using Sum = typename Math::Sum;
  static constexpr int kM = 16 * kTM, kN = 16 * kTN, kK = 16, kThreads = 256;
  // By k; rows are padded so that the words of neighbours along k lie in different banks, and stay 16-byte aligned.
  struct Pieces {
    alignas(16) Word a[kK][kM + 4];
    alignas(16) Word b[kK][kN + 4];
  };
  union Shared {
    Pieces pieces;
    Sum c[kM][kN + 4];
  };
  Sum sums[kTM][kTN];

  // Calls body(i, row, k) for the words that this thread carries of a piece of kRows x kK.
  template <bool kAlongK, int kRows, class Body>
  FOVEA_DEVICE static void each_word(const Body& body) {
    const int t = int(threadIdx.x);
#pragma unroll
    for (int i = 0; i < kRows / 16; ++i) {
      const int flat = t + i * kThreads;
      if constexpr (kAlongK)
        body(i, flat / kK, flat % kK);
      else
        body(i, flat % kRows, flat / kRows);
    }
  }

  // All threads of the block. `k_size` in words.
  template <class A, class B>
  FOVEA_DEVICE void run(const A& a, const B& b, int64_t k_size, Shared& shared) {
    const int column = int(threadIdx.x) % 16 * kTN, row = int(threadIdx.x) / 16 * kTM;
#pragma unroll
    for (int i = 0; i < kTM; ++i)
#pragma unroll
      for (int j = 0; j < kTN; ++j) sums[i][j] = 0;
    Word a_next[kTM], b_next[kTN];
    const auto fetch = [&](int64_t begin) {
      each_word<A::kAlongK, kM>([&](int i, int r, int k) { a_next[i] = a(r, begin + k); });
      each_word<B::kAlongK, kN>([&](int i, int r, int k) { b_next[i] = b(r, begin + k); });
    };
    if (k_size > 0) fetch(0);
    for (int64_t begin = 0; begin < k_size; begin += kK) {
      __syncthreads();  // the piece before has been read
      each_word<A::kAlongK, kM>([&](int i, int r, int k) { shared.pieces.a[k][r] = a_next[i]; });
      each_word<B::kAlongK, kN>([&](int i, int r, int k) { shared.pieces.b[k][r] = b_next[i]; });
      __syncthreads();
      if (begin + kK < k_size) fetch(begin + kK);  // under way while the sums are made
#pragma unroll
      for (int k = 0; k < kK; ++k) {
        Word x[kTM], y[kTN];
#pragma unroll
        for (int i = 0; i < kTM; ++i) x[i] = shared.pieces.a[k][row + i];
#pragma unroll
        for (int j = 0; j < kTN; ++j) y[j] = shared.pieces.b[k][column + j];
#pragma unroll
        for (int i = 0; i < kTM; ++i)
#pragma unroll
          for (int j = 0; j < kTN; ++j) sums[i][j] = Math::mac(sums[i][j], x[i], y[j]);
      }
    }
  }

  // body(row, column, sum) for every element of the tile, neighbouring threads along the row: by way of shared memory, which
  // also keeps a long epilogue from being unrolled. All threads of the block; the shared memory is free again at the end.
  template <class Body>
  FOVEA_DEVICE void each_sum(Shared& shared, const Body& body) const {
    const int column = int(threadIdx.x) % 16 * kTN, row = int(threadIdx.x) / 16 * kTM;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kTM; ++i)
#pragma unroll
      for (int j = 0; j < kTN; ++j) shared.c[row + i][column + j] = sums[i][j];
    __syncthreads();
#pragma unroll 1
    for (int flat = int(threadIdx.x); flat < kM * kN; flat += kThreads)
      body(flat / kN, flat % kN, shared.c[flat / kN][flat % kN]);
    __syncthreads();
  }
};

// ---- tensor cores -----------------------------------------------------------------------------------------------------

// Rows of a matrix from the tile's first on, zero outside of it.
template <class T>
struct MatrixRows {
  const T* data;
  int64_t pitch, rows, k_size;
  // Of floats; 16-bit elements are so always.
  bool along_k = true;  // element (row, k) is at row * pitch + k, else at k * pitch + row
  bool chunks = true;   // along k, and data, pitch and k_size are whole chunks of 16 bytes
};

// kM rows of a times kN rows of b, as Product (mma_product.h) multiplies them; each warp makes kWarpM x kWarpN of it. A piece
// of kK elements along k is a row of 128 bytes in shared memory, whose 16-byte chunk c lies at place c ^ (row % 8): eight rows
// of one chunk, which ldmatrix reads at once, are in different banks. kStages pieces are in flight.
template <class Product, int kM_, int kN_, int kWarpM, int kWarpN, int kStages>
struct MmaTile {
  using Element = typename Product::Element;
  static constexpr int kM = kM_, kN = kN_, kChunk = 16 / int{sizeof(Element)}, kK = 8 * kChunk;
  static constexpr int kThreads = kM / kWarpM * (kN / kWarpN) * 32;
  static constexpr int kUnroll = std::is_same_v<Element, float> ? 1 : 4;  // two steps of three products take too many registers
  static constexpr int kStageBytes = (kM + kN) * 128, kSharedBytes = kStages * kStageBytes;
  static_assert(kWarpM % 16 == 0 && kWarpN % 16 == 0 && kM * 8 % kThreads == 0 && kN * 8 % kThreads == 0);
  float sums[kWarpM / 16][kWarpN / 8][4];

  FOVEA_DEVICE static int warp_row() { return int(threadIdx.x) / 32 / (kN / kWarpN) * kWarpM; }
  FOVEA_DEVICE static int warp_column() { return int(threadIdx.x) / 32 % (kN / kWarpN) * kWarpN; }
  FOVEA_DEVICE static unsigned char* place(unsigned char* rows, int row, int chunk) {
    return rows + row * 128 + (chunk ^ (row & 7)) * 16;
  }

  template <int kRows>
  FOVEA_DEVICE static void load(const MatrixRows<Element>& source, int64_t piece, unsigned char* rows) {
    if constexpr (std::is_same_v<Element, float>)
      if (!source.chunks) return load_words<kRows>(source, piece, rows);
    const int limit = source.rows < kRows ? int(source.rows) : kRows;
#pragma unroll
    for (int i = 0; i < kRows * 8 / kThreads; ++i) {
      const int flat = int(threadIdx.x) + i * kThreads, row = flat / 8, chunk = flat % 8;
      const int64_t k = piece * kK + chunk * kChunk;
      const bool inside = row < limit && k < source.k_size;
      cp_async16(place(rows, row, chunk), inside ? source.data + row * source.pitch + k : source.data, inside);
    }
  }

  // One by one. Along k a warp takes a row, across k eight rows of a chunk: whole sectors of 32 bytes there, a bank for each
  // lane here.
  template <int kRows>
  FOVEA_DEVICE static void load_words(const MatrixRows<float>& source, int64_t piece, unsigned char* rows) {
    const int64_t row_step = source.along_k ? source.pitch : 1, k_step = source.along_k ? 1 : source.pitch;
#pragma unroll 4
    for (int flat = int(threadIdx.x); flat < kRows * kK; flat += kThreads) {
      const int row = source.along_k ? flat / kK : flat / (8 * kK) * 8 + flat % 8;
      const int in_piece = source.along_k ? flat % kK : flat / 8 % kK;
      const int64_t k = piece * kK + in_piece;
      const bool inside = row < source.rows && k < source.k_size;
      cp_async<4>(place(rows, row, in_piece / 4) + in_piece % 4 * 4,
                  inside ? source.data + row * row_step + k * k_step : source.data, inside ? 4 : 0);
    }
  }

  FOVEA_DEVICE void multiply(unsigned char* a, unsigned char* b) {
    const int lane = int(threadIdx.x) % 32;
#pragma unroll(kUnroll)
    for (int chunk = 0; chunk < 8; chunk += 2) {
      uint32_t x[kWarpM / 16][4], y[kWarpN / 8][2];
#pragma unroll
      for (int i = 0; i < kWarpM / 16; ++i) ldmatrix_x4(x[i], place(a, warp_row() + i * 16 + lane % 16, chunk + lane / 16));
#pragma unroll
      for (int j = 0; j < kWarpN / 8; j += 2) {
        uint32_t pair[4];
        ldmatrix_x4(pair, place(b, warp_column() + j * 8 + lane % 8 + lane / 16 * 8, chunk + lane / 8 % 2));
        y[j][0] = pair[0], y[j][1] = pair[1], y[j + 1][0] = pair[2], y[j + 1][1] = pair[3];
      }
      Product::multiply(sums, x, y);
    }
  }

  // All threads of the block. `shared` is kSharedBytes, aligned to 128, and free again at the end.
  FOVEA_DEVICE void run(const MatrixRows<Element>& a, const MatrixRows<Element>& b, unsigned char* shared) {
    const int64_t pieces = (a.k_size + kK - 1) / kK;
#pragma unroll
    for (auto& row : sums)
#pragma unroll
      for (auto& tile : row)
#pragma unroll
        for (float& sum : tile) sum = 0;
    const auto stage = [&](int64_t piece) { return shared + piece % kStages * kStageBytes; };
    const auto fetch = [&](int64_t piece) {
      if (piece < pieces) {
        load<kM>(a, piece, stage(piece));
        load<kN>(b, piece, stage(piece) + kM * 128);
      }
      cp_async_commit();  // an empty group too, so that the count of groups says which piece has come
    };
#pragma unroll 1
    for (int piece = 0; piece < kStages - 1; ++piece) fetch(piece);
#pragma unroll 1
    for (int64_t piece = 0; piece < pieces; ++piece) {
      cp_async_wait<kStages - 2>();
      __syncthreads();  // the piece has come for all, and the stage that is filled next has been read by all
      fetch(piece + kStages - 1);
      multiply(stage(piece), stage(piece) + kM * 128);
    }
    cp_async_wait<0>();
    __syncthreads();
  }

  // body(row, column, sum) for every element of the tile, as CoreTile::each_sum; `shared` as in run().
  template <class Body>
  FOVEA_DEVICE void each_sum(unsigned char* shared, const Body& body) const {
    static_assert(kM * (kN + 8) * 4 <= kSharedBytes);
    const int lane = int(threadIdx.x) % 32, row = warp_row() + lane / 4, column = warp_column() + lane % 4 * 2;
    auto* const c = reinterpret_cast<float(*)[kN + 8]>(shared);  // 8: the rows of a fragment in different banks
#pragma unroll
    for (int i = 0; i < kWarpM / 16; ++i)
#pragma unroll
      for (int j = 0; j < kWarpN / 8; ++j)
#pragma unroll
        for (int r = 0; r < 4; ++r) c[row + i * 16 + r / 2 * 8][column + j * 8 + r % 2] = sums[i][j][r];
    __syncthreads();
#pragma unroll 1
    for (int flat = int(threadIdx.x); flat < kM * kN; flat += kThreads) body(flat / kN, flat % kN, c[flat / kN][flat % kN]);
    __syncthreads();
  }
};

}  // namespace fovea::cuda
