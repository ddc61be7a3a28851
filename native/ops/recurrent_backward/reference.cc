// Backpropagation through time by the formulas of fovea/sequence.h in double, one batch row at a time; the parameters'
// gradients are sums over all positions afterwards.
#include "ops/recurrent_backward/reference.h"

#include <cmath>

namespace fovea {
namespace {

using Job = RecurrentBackwardJob;

double widen(float x) { return static_cast<double>(x); }
double logistic(double x) { return 1 / (1 + std::exp(-x)); }

struct Doubles {
  double *gates, *extra;      // [positions][gates * hidden], [positions][hidden]; see walk()
  double *carry_h, *carry_c;  // [hidden] of the current row
  double* next;
};

struct Row {
  int64_t batch, valid;
};

int64_t position(const Job& j, const Row& row, int64_t s) { return recurrent_position(j, row.batch, row.valid, s); }

// h before step s of a row.
double h_before(const Job& j, const Row& row, int64_t s, int64_t unit) {
  if (s > 0) return widen(j.y[position(j, row, s - 1)][unit]);
  return j.initial_h.data == nullptr ? 0.0 : widen(j.initial_h[row.batch][unit]);
}

// W's part of a gate's sum, with both biases; GRU's n keeps the recurrent one for itself.
double input_sum(const Job& j, int64_t p, int64_t i) {
  const bool apart = j.cell == FOVEA_CELL_GRU && i >= 2 * j.hidden;
  double sum = j.bias == nullptr ? 0.0 : widen(j.bias[i]);
  if (j.recurrent_bias != nullptr && !apart) sum += widen(j.recurrent_bias[i]);
  for (int64_t k = 0; k < j.input; ++k) sum += widen(j.weights[i][k]) * widen(j.x[p][k]);
  return sum;
}

// Gates of step s, and what `extra` holds: LSTM's c, GRU's inner sum, r * h of GRU_RESET_BEFORE.
void gates_at(const Job& j, const Doubles& d, const Row& row, int64_t s) {
  const int64_t p = position(j, row, s), n = j.hidden;
  double *gates = d.gates + p * j.columns(), *extra = d.extra + p * n;
  const auto inner = [&](int64_t i) {
    double sum = 0;
    for (int64_t k = 0; k < n; ++k) sum += widen(j.recurrent[i][k]) * h_before(j, row, s, k);
    return sum;
  };
  for (int64_t i = 0; i < n; ++i) {
    const auto sum = [&](int64_t gate) { return input_sum(j, p, gate * n + i) + inner(gate * n + i); };
    if (j.cell == FOVEA_CELL_LSTM) {
      const double c = s > 0                         ? d.extra[position(j, row, s - 1) * n + i]
                       : j.initial_c.data == nullptr ? 0.0
                                                     : widen(j.initial_c[row.batch][i]);
      gates[i] = logistic(sum(0)), gates[n + i] = logistic(sum(1)), gates[2 * n + i] = std::tanh(sum(2));
      gates[3 * n + i] = logistic(sum(3));
      extra[i] = gates[n + i] * c + gates[i] * gates[2 * n + i];
    } else {
      gates[i] = logistic(sum(0)), gates[n + i] = logistic(sum(1));
      if (j.cell == FOVEA_CELL_GRU) {
        extra[i] = inner(2 * n + i) + (j.recurrent_bias == nullptr ? 0.0 : widen(j.recurrent_bias[2 * n + i]));
        gates[2 * n + i] = std::tanh(input_sum(j, p, 2 * n + i) + gates[i] * extra[i]);
      } else {
        extra[i] = gates[i] * h_before(j, row, s, i);
      }
    }
  }
  for (int64_t i = 0; j.cell == FOVEA_CELL_GRU_RESET_BEFORE && i < n; ++i) {
    double sum = input_sum(j, p, 2 * n + i);
    for (int64_t k = 0; k < n; ++k) sum += widen(j.recurrent[2 * n + i][k]) * extra[k];
    gates[2 * n + i] = std::tanh(sum);
  }
}

// Replaces the gates of step s by the gradients of their sums; for GRU `extra` becomes that of n's inner sum. carry_h and
// carry_c hold the gradients of the state behind the step, and then of that before it.
void step_back(const Job& j, const Doubles& d, const Row& row, int64_t s) {
  const int64_t p = position(j, row, s), n = j.hidden;
  double *g = d.gates + p * j.columns(), *extra = d.extra + p * n;
  for (int64_t i = 0; i < n; ++i) {
    const double dh = d.carry_h[i] + widen(j.dy[p][i]), h = h_before(j, row, s, i), y = widen(j.y[p][i]);
    d.next[i] = 0;
    if (j.cell == FOVEA_CELL_RNN_TANH) {
      g[i] = dh * (1 - y * y);
    } else if (j.cell == FOVEA_CELL_RNN_RELU) {
      g[i] = dh * (std::isnan(y) ? y : y > 0 ? 1 : 0);
    } else if (j.cell == FOVEA_CELL_LSTM) {
      const double in = g[i], forget = g[n + i], value = g[2 * n + i], out = g[3 * n + i], t = std::tanh(extra[i]);
      const double c = s > 0                         ? d.extra[position(j, row, s - 1) * n + i]
                       : j.initial_c.data == nullptr ? 0.0
                                                     : widen(j.initial_c[row.batch][i]);
      const double dc = d.carry_c[i] + dh * out * (1 - t * t);
      g[i] = dc * value * in * (1 - in), g[n + i] = dc * c * forget * (1 - forget);
      g[2 * n + i] = dc * in * (1 - value * value), g[3 * n + i] = dh * t * out * (1 - out);
      d.carry_c[i] = dc * forget;
    } else {
      const double r = g[i], z = g[n + i], value = g[2 * n + i];
      const double dn = dh * (1 - z) * (1 - value * value);
      g[n + i] = dh * (h - value) * z * (1 - z), g[2 * n + i] = dn;
      d.next[i] = dh * z;
      if (j.cell == FOVEA_CELL_GRU) g[i] = dn * extra[i] * r * (1 - r), extra[i] = dn * r;
    }
  }
  for (int64_t k = 0; j.cell == FOVEA_CELL_GRU_RESET_BEFORE && k < n; ++k) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += g[2 * n + i] * widen(j.recurrent[2 * n + i][k]);
    const double r = g[k];
    d.next[k] += sum * r;
    g[k] = sum * h_before(j, row, s, k) * r * (1 - r);
  }
  const bool gru = j.cell == FOVEA_CELL_GRU;
  const int64_t rows = j.cell == FOVEA_CELL_GRU_RESET_BEFORE ? 2 * n : j.columns();
  for (int64_t k = 0; k < n; ++k) {
    for (int64_t i = 0; i < rows; ++i) d.next[k] += (gru && i >= 2 * n ? extra[i - 2 * n] : g[i]) * widen(j.recurrent[i][k]);
    d.carry_h[k] = d.next[k];
  }
}

void row_back(const Job& j, const Doubles& d, const Row& row) {
  const int64_t n = j.hidden;
  for (int64_t s = 0; !is_plain_cell(j.cell) && s < row.valid; ++s) gates_at(j, d, row, s);
  for (int64_t i = 0; i < n; ++i) {
    d.carry_h[i] = j.d_final_h.data == nullptr ? 0.0 : widen(j.d_final_h[row.batch][i]);
    d.carry_c[i] = j.d_final_c.data == nullptr ? 0.0 : widen(j.d_final_c[row.batch][i]);
  }
  for (int64_t s = row.valid - 1; s >= 0; --s) step_back(j, d, row, s);
  for (int64_t i = 0; i < n; ++i) {
    if (j.d_initial_h.data != nullptr) j.d_initial_h[row.batch][i] = static_cast<float>(d.carry_h[i]);
    if (j.d_initial_c.data != nullptr) j.d_initial_c[row.batch][i] = static_cast<float>(d.carry_c[i]);
  }
  for (int64_t t = 0; j.dx.data != nullptr && t < j.length; ++t)
    for (int64_t k = 0; k < j.input; ++k) {
      const int64_t p = row.batch * j.length + t;
      double sum = 0;
      for (int64_t i = 0; t < row.valid && i < j.columns(); ++i) sum += d.gates[p * j.columns() + i] * widen(j.weights[i][k]);
      j.dx[p][k] = static_cast<float>(sum);
    }
}

// Of the parameters of row i of W, R and the biases.
void parameters(const Job& j, const Doubles& d, int64_t batch, int64_t i) {
  const int64_t n = j.hidden;
  const bool is_n = j.gates == 3 && i >= 2 * n;
  const auto sum_over_positions = [&](bool inner, const auto& factor) {
    double sum = 0;
    for (int64_t b = 0; b < batch; ++b) {
      const Row row{b, recurrent_length(j, b)};
      for (int64_t s = 0; s < row.valid; ++s) {
        const int64_t p = position(j, row, s);
        const bool apart = inner && is_n && j.cell == FOVEA_CELL_GRU;
        sum += (apart ? d.extra[p * n + i - 2 * n] : d.gates[p * j.columns() + i]) * factor(row, s, p);
      }
    }
    return static_cast<float>(sum);
  };
  const auto one = [](const Row&, int64_t, int64_t) { return 1.0; };
  if (j.d_bias != nullptr) j.d_bias[i] = sum_over_positions(false, one);
  if (j.d_recurrent_bias != nullptr) j.d_recurrent_bias[i] = sum_over_positions(true, one);
  for (int64_t k = 0; j.d_weights.data != nullptr && k < j.input; ++k)
    j.d_weights[i][k] = sum_over_positions(false, [&](const Row&, int64_t, int64_t p) { return widen(j.x[p][k]); });
  for (int64_t k = 0; j.d_recurrent.data != nullptr && k < n; ++k)
    j.d_recurrent[i][k] = sum_over_positions(true, [&](const Row& row, int64_t s, int64_t p) {
      return is_n && j.cell == FOVEA_CELL_GRU_RESET_BEFORE ? d.extra[p * n + k] : h_before(j, row, s, k);
    });
}

}  // namespace

void recurrent_backward_reference(const RecurrentBackwardJob& j) {
  const int64_t n = j.hidden, positions = j.batch * j.length, batch = live_rows(j.live, j.batch);
  double *gates = j.doubles, *extra = gates + positions * j.columns(), *rows = extra + positions * n;
  const Doubles d{gates, extra, rows, rows + n, rows + 2 * n};
  for (int64_t b = 0; b < batch; ++b) row_back(j, d, {b, recurrent_length(j, b)});
  for (int64_t i = 0; i < j.columns(); ++i) parameters(j, d, batch, i);
}

}  // namespace fovea
