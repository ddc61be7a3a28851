// Recurrent cells over a sequence. Input products of all positions come from one fovea_linear into the workspace; here is the
// part that must go step by step: gates = products + R h, per batch row and step.
//
// Packed recurrent weights: blocks of kUnits hidden units; a block holds [k][gate][kUnits] for k = 0 .. hidden-1, so that one
// pass over h gives all gates of the units and the cell is finished in registers. Missing units are zeros. Every instruction
// set reads this layout.
#pragma once

#include "core/tensor.h"
#include "fovea/sequence.h"

namespace fovea {

inline constexpr int64_t kUnits = 16;

static constexpr int64_t gate_count(int32_t cell) {
  return cell == FOVEA_CELL_LSTM ? 4 : cell == FOVEA_CELL_GRU || cell == FOVEA_CELL_GRU_RESET_BEFORE ? 3 : 1;
}
static constexpr int64_t padded_units(int64_t hidden) { return (hidden + kUnits - 1) / kUnits * kUnits; }

// Offsets in floats from the start of the prepared weights.
struct RecurrentPlan {
  int64_t gates, padded;  // padded: hidden units rounded up to kUnits
  int64_t first_gates;    // gates of the first pass over h: all, but r and z of GRU_RESET_BEFORE, whose n multiplies r*h
  int64_t bias;           // [gates * hidden], both biases summed where the formula only sees their sum
  int64_t inner_bias;     // [padded]: GRU's recurrent bias of n, which r multiplies
  int64_t recurrent;      // packed gates of the first pass, then n of GRU_RESET_BEFORE
  int64_t second;
  int64_t size;
};

static constexpr RecurrentPlan recurrent_plan(const fovea_recurrent_params& p, int64_t linear_floats) {
  RecurrentPlan plan{};
  plan.gates = gate_count(p.cell);
  plan.padded = padded_units(p.hidden_size);
  plan.first_gates = p.cell == FOVEA_CELL_GRU_RESET_BEFORE ? 2 : plan.gates;
  plan.bias = linear_floats;
  plan.inner_bias = plan.bias + plan.gates * plan.padded;
  plan.recurrent = plan.inner_bias + plan.padded;
  plan.second = plan.recurrent + plan.first_gates * plan.padded * p.hidden_size;
  plan.size = plan.recurrent + plan.gates * plan.padded * p.hidden_size;
  return plan;
}

// Scratch of a batch row, [kRowBuffers][padded] floats: h, next h, c, z, r*h. The reference loops keep doubles there.
inline constexpr int64_t kRowBuffers = 8;

struct RecurrentJob {
  const float* products;  // [batch][length][products_pitch]: W x + bias, gates in the caller's order
  const float *inner_bias, *recurrent, *second;
  const int32_t* lengths;  // may be NULL
  float *h, *c;            // may be NULL
  float* y;
  float* rows;  // [batch][kRowBuffers][padded]
  int64_t products_pitch, h_pitch, c_pitch, y_pitch;
  int64_t batch, length, hidden, padded, first_gates;
  const int32_t* live;
  int32_t cell;
  bool reverse;
};

// Valid positions of a batch row, of a job of the cell or of its gradients.
template <class Job>
FOVEA_ALWAYS_INLINE int64_t recurrent_length(const Job& j, int64_t row) {
  if (j.lengths == nullptr) return j.length;
  const int64_t n = j.lengths[row];
  return n < 0 ? 0 : n > j.length ? j.length : n;
}

fovea_status check_recurrent_params(const char* op, const fovea_recurrent_params* params);
// An f32 matrix of the weights' or states' shape.
fovea_status check_recurrent_matrix(const char* op, const char* name, const fovea_tensor* t, int64_t rows, int64_t columns,
                                    const fovea_stream* stream);
// i32 [batch], or NULL.
fovea_status check_recurrent_lengths(const char* op, const fovea_tensor* lengths, int64_t batch, const fovea_stream* stream);

}  // namespace fovea
