// Lanes are hidden units; gates of a position lie side by side, hidden apart, so vectors at their ends are partial. The walk
// takes a group of batch rows back through all steps: the gates' gradients of a step, side by side, times the packed recurrent
// weights on the register tiles of attention. A single group shares the blocks of units among the threads instead, when a step
// is worth waking them.
#include "core/thread_pool.h"
#include "ops/activation/activation_simd.h"
#include "ops/attention/attention_tile_simd.h"
#include "ops/recurrent_backward/recurrent_backward.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

using Job = RecurrentBackwardJob;

inline constexpr int64_t kRowGroup = 12;      // batch rows of a task: whole tiles, and a block is read for all of them
inline constexpr int64_t kStepWork = 262144;  // multiply-adds per chunk when a step is shared among threads
inline constexpr int64_t kWork = 16384;       // values per chunk of the elementwise stages
inline constexpr int64_t kSumRows = 64;       // positions that are added up before they meet the rest

FOVEA_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

FOVEA_INLINE void copy_row(const float* from, int64_t n, float* to) {
  for (int64_t i = 0; i < n; i += kLanes) store_upto(to + i, load_upto(from + i, n - i), n - i);
}
// NULL stands for zeros.
FOVEA_INLINE void copy_or_clear(const float* from, int64_t n, float* to) {
  for (int64_t i = 0; i < n; i += kLanes) store_upto(to + i, from == nullptr ? zero() : load_upto(from + i, n - i), n - i);
}

// body(batch row, valid positions, step) in the order of steps for every position, -1 for those that hold nothing.
template <class Body>
void for_positions(const Job& j, int64_t width, const Body& body) {
  const int64_t batch = live_rows(j.live, j.batch);
  parallel_for(j.batch * j.length, kWork / (width + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / j.length, s = i % j.length, valid = row < batch ? recurrent_length(j, row) : 0;
      if (s < valid)
        body(recurrent_position(j, row, valid, s), row, s, valid);
      else
        body(i, row, -1, valid);
    }
  });
}

void gather(const Job& j) {
  for_positions(j, j.input + j.hidden, [&](int64_t p, int64_t row, int64_t s, int64_t valid) {
    const float* h = s > 0                                   ? j.y[recurrent_position(j, row, valid, s - 1)]
                     : s == 0 && j.initial_h.data != nullptr ? j.initial_h[row]
                                                             : nullptr;
    copy_or_clear(s < 0 ? nullptr : j.x[p], j.input, j.inputs[p]);
    copy_or_clear(h, j.hidden, j.before[p]);
  });
}

// The gates of a position from the products, where n of GRU_RESET_BEFORE waits for the product with r * h.
void gates(const Job& j) {
  const int64_t n = j.hidden;
  for_positions(j, 8 * j.columns(), [&](int64_t p, int64_t, int64_t s, int64_t) {
    if (s < 0) return;
    float *sums = j.sums[p], *inner = j.inner[p];
    for (int64_t i = 0; i < n; i += kLanes) {
      const int64_t rest = n - i;
      const auto bias = [&](const float* b, int64_t gate) { return b == nullptr ? zero() : load_upto(b + gate * n + i, rest); };
      const auto sum = [&](int64_t gate) {
        return load_upto(sums + gate * n + i, rest) + bias(j.bias, gate) + load_upto(inner + gate * n + i, rest) +
               bias(j.recurrent_bias, gate);
      };
      const auto put = [&](int64_t gate, F v) { store_upto(sums + gate * n + i, v, rest); };
      const F first = sigmoid(sum(0));
      if (j.cell == FOVEA_CELL_GRU) {
        const F apart = load_upto(inner + 2 * n + i, rest) + bias(j.recurrent_bias, 2);
        store_upto(inner + 2 * n + i, apart, rest);
        put(2, tanh(fma(first, apart, load_upto(sums + 2 * n + i, rest) + bias(j.bias, 2))));
      } else if (j.cell == FOVEA_CELL_LSTM) {
        put(2, tanh(sum(2)));
        put(3, sigmoid(sum(3)));
      } else {
        store_upto(j.reset[p] + i, first * load_upto(j.before[p] + i, rest), rest);
      }
      put(1, sigmoid(sum(1)));
      put(0, first);
    }
  });
}

// ---- walk --------------------------------------------------------------------------------------------------------------

void pack_recurrent(const Job& j) {
  const int64_t rows = j.columns(), blocks = (j.hidden + kWalkColumns - 1) / kWalkColumns;
  parallel_for(blocks, kWork / (rows * kWalkColumns + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t block = begin; block < end; ++block)
      for (int64_t k = 0; k < rows; ++k)
        for (int64_t c = 0; c < kWalkColumns; c += kLanes) {
          const int64_t unit = block * kWalkColumns + c, rest = j.hidden - unit;
          store(j.packed + (block * rows + k) * kWalkColumns + c, rest > 0 ? load_upto(j.recurrent[k] + unit, rest) : zero());
        }
  });
}

// c of all steps of a batch row, in the first columns of `inner`.
void scan_c(const Job& j, int64_t row, int64_t valid) {
  const int64_t n = j.hidden;
  for (int64_t i = 0; i < n; i += kLanes) {
    const int64_t rest = n - i;
    F c = j.initial_c.data == nullptr ? zero() : load_upto(j.initial_c[row] + i, rest);
    for (int64_t s = 0; s < valid; ++s) {
      const int64_t p = recurrent_position(j, row, valid, s);
      const float* g = j.sums[p] + i;
      c = fma(load_upto(g + n, rest), c, load_upto(g, rest) * load_upto(g + 2 * n, rest));
      store_upto(j.inner[p] + i, c, rest);
    }
  }
}

// A batch row at one step: from the gates to the gradients of their sums, also side by side in `now`. carry_h leaves with what
// reaches the h before by other ways than R.
struct Step {
  const Job& j;
  int64_t row, valid, s, p;

  FOVEA_INLINE Step(const Job& job, int64_t batch_row, int64_t positions, int64_t step)
      : j(job), row(batch_row), valid(positions), s(step), p(recurrent_position(job, batch_row, positions, step)) {}

  FOVEA_INLINE void put(int64_t gate, int64_t i, F v) const {
    store_upto(j.sums[p] + gate * j.hidden + i, v, j.hidden - i);
    store_upto(j.now[row] + gate * j.hidden + i, v, j.hidden - i);
  }

  void plain(int64_t i, F dh, int64_t rest) const {
    const F y = load_upto(j.y[p] + i, rest), one = set(1.0f);
    const F slope = j.cell == FOVEA_CELL_RNN_TANH ? fnma(y, y, one) : select(is_nan(y), y, select(y > zero(), one, zero()));
    put(0, i, dh * slope);
    store(j.carry_h[row] + i, zero());
  }

  void lstm(int64_t i, F dh, int64_t rest) const {
    const int64_t n = j.hidden;
    const float* g = j.sums[p] + i;
    const F in = load_upto(g, rest), forget = load_upto(g + n, rest), value = load_upto(g + 2 * n, rest);
    const F out = load_upto(g + 3 * n, rest), t = tanh(load_upto(j.inner[p] + i, rest)), one = set(1.0f);
    const float* before = s > 0                         ? j.inner[recurrent_position(j, row, valid, s - 1)]
                          : j.initial_c.data == nullptr ? nullptr
                                                        : j.initial_c[row];
    const F c = before == nullptr ? zero() : load_upto(before + i, rest);
    const F dc = fma(dh * out, fnma(t, t, one), load(j.carry_c[row] + i));
    put(0, i, dc * value * in * (one - in));
    put(1, i, dc * c * forget * (one - forget));
    put(2, i, dc * in * fnma(value, value, one));
    put(3, i, dh * t * out * (one - out));
    store(j.carry_c[row] + i, dc * forget);
    store(j.carry_h[row] + i, zero());
  }

  void gru(int64_t i, F dh, int64_t rest) const {
    const int64_t n = j.hidden;
    const float* g = j.sums[p] + i;
    const F r = load_upto(g, rest), z = load_upto(g + n, rest), one = set(1.0f);
    const F inner = load_upto(j.inner[p] + 2 * n + i, rest);
    F value = load_upto(g + 2 * n, rest);
    if (j.cell == FOVEA_CELL_GRU_RESET_BEFORE) {
      const auto bias = [&](const float* b) { return b == nullptr ? zero() : load_upto(b + 2 * n + i, rest); };
      value = tanh(value + bias(j.bias) + inner + bias(j.recurrent_bias));
    }
    const F dn = dh * (one - z) * fnma(value, value, one);
    const F dz = dh * (load_upto(j.before[p] + i, rest) - value) * z * (one - z);
    put(1, i, dz);
    put(2, i, dn);
    if (j.cell == FOVEA_CELL_GRU) {
      const F dr = dn * inner * r * (one - r), through = dn * r;
      put(0, i, dr);
      store_upto(j.inner[p] + i, dr, rest);
      store_upto(j.inner[p] + n + i, dz, rest);
      store_upto(j.inner[p] + 2 * n + i, through, rest);
      store_upto(j.now[row] + 2 * n + i, through, rest);
    }
    store(j.carry_h[row] + i, dh * z);
  }

  void begin() const {
    for (int64_t i = 0; i < j.hidden; i += kLanes) {
      const int64_t rest = j.hidden - i;
      const F dh = load(j.carry_h[row] + i) + load_upto(j.dy[p] + i, rest);
      if (is_plain_cell(j.cell))
        plain(i, dh, rest);
      else if (j.cell == FOVEA_CELL_LSTM)
        lstm(i, dh, rest);
      else
        gru(i, dh, rest);
    }
  }

  // GRU_RESET_BEFORE: `product` holds the gradient of r * h.
  void reset() const {
    for (int64_t i = 0; i < j.hidden; i += kLanes) {
      const int64_t rest = j.hidden - i;
      const F r = load_upto(j.sums[p] + i, rest), d = load(j.product[row] + i);
      put(0, i, d * load_upto(j.before[p] + i, rest) * r * (set(1.0f) - r));
      store(j.carry_h[row] + i, fma(d, r, load(j.carry_h[row] + i)));
    }
  }

  void end() const {
    for (int64_t i = 0; i < j.hidden; i += kLanes)
      store(j.carry_h[row] + i, load(j.carry_h[row] + i) + load(j.product[row] + i));
  }
};

// product = now[gates from `begin` to `end`] R for rows [first, first + count). Rows that have no such step are multiplied too,
// and not read.
void multiply_recurrent(const Job& j, int64_t first, int64_t count, int64_t begin, int64_t end, bool shared) {
  const int64_t blocks = (j.hidden + kWalkColumns - 1) / kWalkColumns, work = count * (end - begin) * kWalkColumns;
  parallel_for(blocks, shared ? kStepWork / (work + 1) + 1 : blocks, [&](int64_t block_begin, int64_t block_end, int32_t) {
    for (int64_t block = block_begin; block < block_end; ++block)
      for (int64_t r = 0; r < count;) {
        const int64_t tiles = (count - r + kTileRows - 1) / kTileRows, height = (count - r + tiles - 1) / tiles;
        multiply({j.now[first + r] + begin, j.now.pitch, j.packed + (block * j.columns() + begin) * kWalkColumns, kWalkColumns,
                  j.product[first + r] + block * kWalkColumns, j.product.pitch, end - begin, false},
                 height, kWalkColumns);
        r += height;
      }
  });
}

void walk_group(const Job& j, int64_t first, int64_t count, bool shared) {
  const int64_t n = j.hidden, units = j.carry_h.pitch;
  for (int64_t r = first; r < first + count; ++r) {
    const int64_t valid = recurrent_length(j, r);
    for (int64_t i = 0; i < units; i += kLanes) store(j.carry_h[r] + i, zero()), store(j.carry_c[r] + i, zero());
    for (int64_t i = 0; i < j.now.pitch; i += kLanes) store(j.now[r] + i, zero());
    if (j.d_final_h.data != nullptr) copy_row(j.d_final_h[r], n, j.carry_h[r]);
    if (j.d_final_c.data != nullptr) copy_row(j.d_final_c[r], n, j.carry_c[r]);
    if (j.cell == FOVEA_CELL_LSTM) scan_c(j, r, valid);
  }
  const bool resets_before = j.cell == FOVEA_CELL_GRU_RESET_BEFORE;
  for (int64_t s = j.length - 1; s >= 0; --s) {
    const auto active_rows = [&](const auto& body) {
      bool any = false;
      for (int64_t r = first; r < first + count; ++r) {
        const int64_t valid = recurrent_length(j, r);
        if (s >= valid) continue;
        any = true;
        body(Step(j, r, valid, s));
      }
      return any;
    };
    if (!active_rows([](const Step& step) { step.begin(); })) continue;
    if (resets_before) {
      multiply_recurrent(j, first, count, 2 * n, 3 * n, shared);
      active_rows([](const Step& step) { step.reset(); });
    }
    multiply_recurrent(j, first, count, 0, resets_before ? 2 * n : j.columns(), shared);
    active_rows([](const Step& step) { step.end(); });
  }
  for (int64_t r = first; r < first + count; ++r) {
    if (j.d_initial_h.data != nullptr) copy_row(j.carry_h[r], n, j.d_initial_h[r]);
    if (j.d_initial_c.data != nullptr) copy_row(j.carry_c[r], n, j.d_initial_c[r]);
  }
}

void walk(const Job& j) {
  pack_recurrent(j);
  const Rows inner = j.inner_gradients();
  for_positions(j, j.columns(), [&](int64_t p, int64_t, int64_t s, int64_t) {
    if (s >= 0) return;
    copy_or_clear(nullptr, j.columns(), j.sums[p]);
    copy_or_clear(nullptr, j.columns(), inner[p]);
    if (j.cell == FOVEA_CELL_GRU_RESET_BEFORE) copy_or_clear(nullptr, j.hidden, j.reset[p]);
  });
  const int64_t batch = live_rows(j.live, j.batch), groups = (batch + kRowGroup - 1) / kRowGroup;
  const auto group = [&](int64_t i, bool shared) {
    walk_group(j, i * kRowGroup, smaller(batch - i * kRowGroup, kRowGroup), shared);
  };
  if (groups == 1) {
    group(0, true);
    return;
  }
  parallel_for(groups, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t i = begin; i < end; ++i) group(i, false);
  });
}

// ---- after the walk ----------------------------------------------------------------------------------------------------

// Columns of a table summed over all positions, runs of kSumRows at a time.
void sum_columns(const Job& j, const Rows& table, float* to) {
  const int64_t positions = j.batch * j.length, columns = j.columns();
  parallel_for((columns + kLanes - 1) / kLanes, kWork / (positions * kLanes + 1) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t v = begin; v < end; ++v) {
      const int64_t i = v * kLanes, rest = columns - i;
      F total = zero();
      for (int64_t first = 0; first < positions; first += kSumRows) {
        F sum = zero();
        for (int64_t p = first; p < smaller(first + kSumRows, positions); ++p) sum = sum + load_upto(table[p] + i, rest);
        total = total + sum;
      }
      store_upto(to + i, total, rest);
    }
  });
}

void scatter(const Job& j) {
  const int64_t batch = live_rows(j.live, j.batch);
  for_positions(j, j.input, [&](int64_t p, int64_t row, int64_t s, int64_t) {
    if (row < batch) copy_or_clear(s < 0 ? nullptr : j.inputs[p], j.input, j.dx[p]);
  });
}

}  // namespace

void recurrent_backward(const RecurrentBackwardJob& j) {
  switch (j.stage) {
    case RecurrentStage::kGather:
      return gather(j);
    case RecurrentStage::kGates:
      return gates(j);
    case RecurrentStage::kWalk:
      return walk(j);
    case RecurrentStage::kSums:
      if (j.d_bias != nullptr) sum_columns(j, j.sums, j.d_bias);
      if (j.d_recurrent_bias != nullptr) sum_columns(j, j.inner_gradients(), j.d_recurrent_bias);
      return;
    case RecurrentStage::kScatter:
      return scatter(j);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
