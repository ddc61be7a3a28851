// Gradients of a recurrent layer by backpropagation through time. y gives the h before every position, so everything that needs
// all of them at once is a matrix product over the P = batch * length positions; only what follows the chain goes step by step:
//   gather   x and the h before each position, zeros where a row has no position
//   product  W x and R h, and the activations of the gates; neither for the plain cells, whose y says what is needed
//   walk     from the last step back: the gradients of the gates' sums, and R^T times them for the step before
//   product  d_weights, d_recurrent and dx from those gradients; sums of them are the gradients of the biases
// For GRU the gradients by W's and by R's part of the sums differ in n: there are two tables of them.
#pragma once

#include "core/host_device.h"
#include "fovea/training.h"
#include "ops/recurrent/recurrent.h"

namespace fovea {

// Rows of a matrix, a pitch apart; data may be NULL for what is absent.
template <class T>
struct RecurrentRows {
  T* data;
  int64_t pitch;
  [[gnu::always_inline]] FOVEA_HOST_DEVICE T* operator[](int64_t row) const { return data + row * pitch; }
};
using ConstRows = RecurrentRows<const float>;
using Rows = RecurrentRows<float>;

enum class RecurrentStage : int32_t { kGather, kGates, kWalk, kSums, kScatter };

inline constexpr int64_t kWalkColumns = 32;  // units of a block of the packed recurrent weights

struct RecurrentBackwardJob {
  ConstRows x, weights, recurrent, initial_h, initial_c, y, dy, d_final_h, d_final_c;
  const float *bias, *recurrent_bias;
  const int32_t *lengths, *live;
  Rows dx, d_weights, d_recurrent, d_initial_h, d_initial_c;
  float *d_bias, *d_recurrent_bias;
  int64_t batch, length, input, hidden, gates;
  int32_t cell;
  bool reverse;
  RecurrentStage stage;

  // In the workspace, a row for each position. `sums`: W x, then the gates, then their gradients as W sees them. `inner`: R h,
  // then LSTM's c, or GRU's inner sum and the gradients as R sees them.
  Rows inputs, before, sums, inner;
  Rows reset;  // GRU_RESET_BEFORE: r * h
  // A row for each batch row. `now`: the gradients of the gates' sums at one step, side by side for the product with R.
  Rows carry_h, carry_c, product, now;
  float* packed;    // recurrent weights in blocks of [gates * hidden][kWalkColumns] units
  double* doubles;  // the reference loops' instead of all that, see recurrent_backward_doubles

  FOVEA_ALWAYS_INLINE FOVEA_HOST_DEVICE int64_t columns() const { return gates * hidden; }
  // What R's part of the sums has for gradients.
  FOVEA_ALWAYS_INLINE FOVEA_HOST_DEVICE Rows inner_gradients() const { return cell == FOVEA_CELL_GRU ? inner : sums; }
};

static constexpr bool is_plain_cell(int32_t cell) { return cell == FOVEA_CELL_RNN_TANH || cell == FOVEA_CELL_RNN_RELU; }

// Per position the gates and one more value per unit; the states of a row.
static constexpr int64_t recurrent_backward_doubles(int64_t positions, int64_t gates, int64_t hidden) {
  return positions * (gates + 1) * hidden + 3 * hidden;
}

// Cuts `memory` into the job's tables and returns the floats they take, with NULL just that.
static inline int64_t recurrent_backward_tables(RecurrentBackwardJob& j, float* memory) {
  const auto round = [](int64_t n, int64_t to) { return (n + to - 1) / to * to; };
  const int64_t positions = j.batch * j.length, columns = round(j.columns(), 16), units = round(j.hidden, kWalkColumns);
  const bool is_plain = is_plain_cell(j.cell);
  int64_t at = 0;
  const auto take = [&](int64_t rows, int64_t pitch) {
    const Rows table{memory == nullptr ? nullptr : memory + at, pitch};
    at += rows * pitch;
    return table;
  };
  j.inputs = take(positions, round(j.input, 16));
  j.before = take(positions, units);
  j.sums = take(positions, columns);
  j.inner = take(is_plain ? 0 : positions, columns);
  j.reset = take(j.cell == FOVEA_CELL_GRU_RESET_BEFORE ? positions : 0, units);
  j.carry_h = take(j.batch, units);
  j.carry_c = take(j.batch, units);
  j.product = take(j.batch, units);
  j.now = take(j.batch, columns);
  j.packed = take(j.columns(), units).data;
  j.doubles = reinterpret_cast<double*>(memory);
  const int64_t slow = 2 * recurrent_backward_doubles(positions, j.gates, j.hidden);
  return at > slow ? at : round(slow, 16);
}

// Where a row's step s lies in the tables; the steps before it came earlier in the recurrence.
[[gnu::always_inline]] FOVEA_HOST_DEVICE inline int64_t recurrent_position(const RecurrentBackwardJob& j, int64_t row,
                                                                           int64_t valid, int64_t s) {
  return row * j.length + (j.reverse ? valid - 1 - s : s);
}

}  // namespace fovea
