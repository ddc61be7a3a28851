// Lanes are hidden units. A tile is up to kTileRows batch rows times one block of units, all gates: acc = R h over k, then the
// cell while the sums are in registers. Each sum is one chain in the order of k, whatever the tile, so neither the number of
// rows nor the threads change the bits. A task of the pool is a group of rows through all steps; a single group shares the
// blocks of every step among the threads instead, when there is enough work in a step to pay for waking them.
#include "core/thread_pool.h"
#include "ops/activation/activation_simd.h"
#include "ops/recurrent/recurrent.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int kVectors = static_cast<int>(kUnits / kLanes);  // of a block
// Rows of a tile with all vectors of a block, and with one vector at a time: 4 gates per row and vector in registers.
#if defined(__AVX512F__)
inline constexpr int kTileRows = 6;
#elif defined(__AVX2__)
inline constexpr int kTileRows = 3;
#else
inline constexpr int kTileRows = 1;
#endif
inline constexpr int64_t kRowGroup = 12;      // a multiple of the tiles: rows of a task reuse a block from the cache
inline constexpr int64_t kStepWork = 262144;  // multiply-adds per chunk when a step is shared among threads

// A batch row at one step.
struct Row {
  const float* products;  // of this position
  const float* h;         // what the first pass multiplies
  float *next, *c, *z, *reset;
  float* y;
};

Row row_at(const RecurrentJob& j, int64_t batch, int64_t t) {
  float* p = j.rows + batch * kRowBuffers * j.padded;
  const int64_t position = batch * j.length + t;
  return {j.products + position * j.products_pitch,
          p,
          p + j.padded,
          p + 2 * j.padded,
          p + 3 * j.padded,
          p + 4 * j.padded,
          j.y + position * j.y_pitch};
}

FOVEA_INLINE void store_h(const Row& row, int64_t unit, int64_t rest, F h) {
  store(row.next + unit, h);
  store_upto(row.y + unit, h, rest);
}

// What follows the sums: acc holds R h of `Gates` gates for the units from `unit` on, `rest` of them real.
template <int Cell, int Gates>
FOVEA_INLINE void finish(const RecurrentJob& j, const Row& row, const F* acc, int64_t unit) {
  const int64_t rest = j.hidden - unit;
  const auto product = [&](int gate) { return load_upto(row.products + gate * j.hidden + unit, rest); };
  if constexpr (Cell == FOVEA_CELL_RNN_TANH) {
    store_h(row, unit, rest, tanh(acc[0] + product(0)));
  } else if constexpr (Cell == FOVEA_CELL_RNN_RELU) {
    store_h(row, unit, rest, max(zero(), acc[0] + product(0)));
  } else if constexpr (Cell == FOVEA_CELL_LSTM) {
    const F i = sigmoid(acc[0] + product(0)), f = sigmoid(acc[1] + product(1));
    const F g = tanh(acc[2] + product(2)), o = sigmoid(acc[3] + product(3));
    const F c = fma(f, load(row.c + unit), i * g);
    store(row.c + unit, c);
    store_h(row, unit, rest, o * tanh(c));
  } else {
    // h = (1 - z) n + z h as n + z (h - n).
    const auto blend = [&](F n, F z) {
      const F h = load(row.h + unit);
      store_h(row, unit, rest, fma(z, h - n, n));
    };
    if constexpr (Cell == FOVEA_CELL_GRU) {
      const F r = sigmoid(acc[0] + product(0)), z = sigmoid(acc[1] + product(1));
      const F inner = acc[2] + load(j.inner_bias + unit);
      blend(tanh(fma(r, inner, product(2))), z);
    } else if constexpr (Gates == 2) {
      const F r = sigmoid(acc[0] + product(0));
      store(row.z + unit, sigmoid(acc[1] + product(1)));
      store(row.reset + unit, r * load(row.h + unit));
    } else {
      blend(tanh(acc[0] + product(2)), load(row.z + unit));
    }
  }
}

// `Rows` rows, `Vectors` vectors of a block from `unit` on. w: [k][Gates][kUnits], at the first of the vectors.
template <int Cell, int Gates, int Rows, int Vectors>
void tile(const RecurrentJob& j, const Row* rows, const float* w, int64_t unit) {
  F acc[Rows][Vectors][Gates];
  const float* h[Rows];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    h[r] = Cell == FOVEA_CELL_GRU_RESET_BEFORE && Gates == 1 ? rows[r].reset : rows[r].h;
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v)
#pragma GCC unroll 4
      for (int g = 0; g < Gates; ++g) acc[r][v][g] = zero();
  }
  for (int64_t k = 0; k < j.hidden; ++k, w += Gates * kUnits) {
    // No prefetching: one ascending stream is what the hardware's own is best at (91 against 76 GB/s for 1 MB of weights).
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v)
#pragma GCC unroll 4
      for (int g = 0; g < Gates; ++g) {
        const F weight = load(w + g * kUnits + v * kLanes);
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) acc[r][v][g] = fma(set(h[r][k]), weight, acc[r][v][g]);
      }
  }
#pragma GCC unroll 16
  for (int v = 0; v < Vectors; ++v)
    for (int r = 0; r < Rows; ++r)
      if (unit + v * kLanes < j.hidden) finish<Cell, Gates>(j, rows[r], acc[r][v], unit + v * kLanes);
}

template <int Cell, int Gates, int Rows>
void tile_rows(const RecurrentJob& j, const Row* rows, const float* w, int64_t unit) {
  if constexpr (Rows == 1 || kVectors == 1) {
    tile<Cell, Gates, Rows, kVectors>(j, rows, w, unit);
  } else {
    for (int v = 0; v < kVectors; ++v) tile<Cell, Gates, Rows, 1>(j, rows, w + v * kLanes, unit + v * kLanes);
  }
}

using TileFunction = void (*)(const RecurrentJob& j, const Row* rows, const float* w, int64_t unit);

// Row counts 1, 2, .. in order.
template <int Cell, int Gates, int... Rows>
struct Tiles {
  static constexpr TileFunction table[] = {tile_rows<Cell, Gates, Rows>...};
};

// All rows of a group times one block, in tiles of nearly equal height.
template <int Cell, int Gates>
void block(const RecurrentJob& j, const Row* rows, int64_t count, const float* w, int64_t unit) {
#if defined(__AVX512F__)
  using Heights = Tiles<Cell, Gates, 1, 2, 3, 4, 5, 6>;
#elif defined(__AVX2__)
  using Heights = Tiles<Cell, Gates, 1, 2, 3>;
#else
  using Heights = Tiles<Cell, Gates, 1>;
#endif
  const int64_t tiles = (count + kTileRows - 1) / kTileRows;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t height = count / tiles + (i < count % tiles ? 1 : 0);
    Heights::table[height - 1](j, rows, w, unit);
    rows += height;
  }
}

// Blocks [begin, end) of the first or second pass of a step.
using Pass = void (*)(const RecurrentJob& j, const Row* rows, int64_t count, int64_t begin, int64_t end);

template <int Cell, int Gates>
void pass(const RecurrentJob& j, const Row* rows, int64_t count, int64_t begin, int64_t end) {
  const bool is_second = Cell == FOVEA_CELL_GRU_RESET_BEFORE && Gates == 1;
  const float* w = is_second ? j.second : j.recurrent;
  for (int64_t b = begin; b < end; ++b) block<Cell, Gates>(j, rows, count, w + b * j.hidden * Gates * kUnits, b * kUnits);
}

void run_group(const RecurrentJob& j, int64_t first, int64_t count, bool shared, Pass first_pass, Pass second_pass) {
  for (int64_t r = first; r < first + count; ++r) {
    const Row row = row_at(j, r, 0);
    float* h = j.rows + r * kRowBuffers * j.padded;
    for (int64_t i = 0; i < kRowBuffers * j.padded; i += kLanes) store(h + i, zero());
    for (int64_t i = 0; i < j.hidden; i += kLanes) {
      const int64_t rest = j.hidden - i;
      if (j.h != nullptr) store(h + i, load_upto(j.h + r * j.h_pitch + i, rest));
      if (j.c != nullptr && j.cell == FOVEA_CELL_LSTM) store(row.c + i, load_upto(j.c + r * j.c_pitch + i, rest));
    }
  }
  const int64_t blocks = j.padded / kUnits;
  const int64_t grain = shared ? kStepWork / (count * j.first_gates * kUnits * j.hidden) + 1 : blocks;
  for (int64_t s = 0; s < j.length; ++s) {
    Row rows[kRowGroup];
    int64_t active = 0;
    for (int64_t r = first; r < first + count; ++r) {
      const int64_t valid = recurrent_length(j, r);
      if (s < valid) rows[active++] = row_at(j, r, j.reverse ? valid - 1 - s : s);
    }
    if (active == 0) break;
    const Pass passes[] = {first_pass, second_pass};
    for (const Pass run : passes) {
      if (run == nullptr) continue;
      parallel_for(blocks, grain, [&](int64_t begin, int64_t end, int32_t) { run(j, rows, active, begin, end); });
    }
    for (int64_t r = 0; r < active; ++r) {
      float* h = rows[r].next - j.padded;
      for (int64_t i = 0; i < j.hidden; i += kLanes) store(h + i, load(rows[r].next + i));
    }
  }
  for (int64_t r = first; r < first + count; ++r) {
    const Row row = row_at(j, r, 0);
    for (int64_t t = recurrent_length(j, r); t < j.length; ++t)
      for (int64_t i = 0; i < j.hidden; i += kLanes) store_upto(j.y + (r * j.length + t) * j.y_pitch + i, zero(), j.hidden - i);
    for (int64_t i = 0; i < j.hidden; i += kLanes) {
      const int64_t rest = j.hidden - i;
      if (j.h != nullptr) store_upto(j.h + r * j.h_pitch + i, load(row.h + i), rest);
      if (j.c != nullptr && j.cell == FOVEA_CELL_LSTM) store_upto(j.c + r * j.c_pitch + i, load(row.c + i), rest);
    }
  }
}

}  // namespace

void recurrent(const RecurrentJob& j) {
  Pass first = nullptr, second = nullptr;
  switch (j.cell) {
    case FOVEA_CELL_RNN_TANH:
      first = pass<FOVEA_CELL_RNN_TANH, 1>;
      break;
    case FOVEA_CELL_RNN_RELU:
      first = pass<FOVEA_CELL_RNN_RELU, 1>;
      break;
    case FOVEA_CELL_LSTM:
      first = pass<FOVEA_CELL_LSTM, 4>;
      break;
    case FOVEA_CELL_GRU:
      first = pass<FOVEA_CELL_GRU, 3>;
      break;
    default:
      first = pass<FOVEA_CELL_GRU_RESET_BEFORE, 2>;
      second = pass<FOVEA_CELL_GRU_RESET_BEFORE, 1>;
  }
  const int64_t batch = live_rows(j.live, j.batch), groups = (batch + kRowGroup - 1) / kRowGroup;
  const auto group = [&](int64_t i, bool shared) {
    const int64_t begin = i * kRowGroup, rest = batch - begin;
    run_group(j, begin, rest < kRowGroup ? rest : kRowGroup, shared, first, second);
  };
  if (groups == 1) {
    group(0, true);
    return;
  }
  parallel_for(groups, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) group(i, false);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
