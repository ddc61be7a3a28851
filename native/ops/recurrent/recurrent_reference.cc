// The formulas of fovea/sequence.h in double, one batch row at a time.
#include <cmath>

#include "ops/recurrent/recurrent_reference.h"

namespace fovea {
namespace {

double widen(float x) { return static_cast<double>(x); }
double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// R's row `gate * hidden + unit` times h, from the packed weights.
double recurrent_product(const RecurrentJob& j, int64_t gate, int64_t unit, const double* h) {
  const bool is_second = gate >= j.first_gates;
  const int64_t gates = is_second ? 1 : j.first_gates, at = is_second ? 0 : gate;
  const float* w =
      (is_second ? j.second : j.recurrent) + unit / kUnits * j.hidden * gates * kUnits + at * kUnits + unit % kUnits;
  double sum = 0;
  for (int64_t k = 0; k < j.hidden; ++k) sum += widen(w[k * gates * kUnits]) * h[k];
  return sum;
}

void step(const RecurrentJob& j, const float* products, const double* h, double* c, double* next, double* reset) {
  const int64_t hidden = j.hidden;
  const auto gate = [&](int64_t g, int64_t i) { return widen(products[g * hidden + i]) + recurrent_product(j, g, i, h); };
  for (int64_t i = 0; j.cell == FOVEA_CELL_GRU_RESET_BEFORE && i < hidden; ++i) reset[i] = logistic(gate(0, i)) * h[i];
  for (int64_t i = 0; i < hidden; ++i) {
    switch (j.cell) {
      case FOVEA_CELL_RNN_TANH:
        next[i] = std::tanh(gate(0, i));
        break;
      case FOVEA_CELL_RNN_RELU: {
        const double x = gate(0, i);
        next[i] = x < 0 ? 0 : x;  // NaN stays
        break;
      }
      case FOVEA_CELL_LSTM:
        c[i] = logistic(gate(1, i)) * c[i] + logistic(gate(0, i)) * std::tanh(gate(2, i));
        next[i] = logistic(gate(3, i)) * std::tanh(c[i]);
        break;
      default: {
        const double z = logistic(gate(1, i));
        double n = widen(products[2 * hidden + i]);
        if (j.cell == FOVEA_CELL_GRU)
          n += logistic(gate(0, i)) * (recurrent_product(j, 2, i, h) + widen(j.inner_bias[i]));
        else
          n += recurrent_product(j, 2, i, reset);
        n = std::tanh(n);
        next[i] = (1 - z) * n + z * h[i];
      }
    }
  }
}

}  // namespace

void recurrent_reference(const RecurrentJob& j) {
  static_assert(kRowBuffers * sizeof(float) >= 4 * sizeof(double));
  const int64_t hidden = j.hidden, batch = live_rows(j.live, j.batch);
  for (int64_t row = 0; row < batch; ++row) {
    auto* const h = reinterpret_cast<double*>(j.rows);
    double *c = h + j.padded, *next = c + j.padded, *reset = next + j.padded;
    const bool has_c = j.c != nullptr && j.cell == FOVEA_CELL_LSTM;
    for (int64_t i = 0; i < hidden; ++i) {
      h[i] = j.h == nullptr ? 0.0 : widen(j.h[row * j.h_pitch + i]);
      c[i] = has_c ? widen(j.c[row * j.c_pitch + i]) : 0.0;
    }
    const int64_t valid = recurrent_length(j, row);
    for (int64_t s = 0; s < j.length; ++s) {
      const int64_t t = s < valid && j.reverse ? valid - 1 - s : s;
      float* y = j.y + (row * j.length + t) * j.y_pitch;
      if (s < valid) {
        step(j, j.products + (row * j.length + t) * j.products_pitch, h, c, next, reset);
        for (int64_t i = 0; i < hidden; ++i) h[i] = next[i];
      }
      for (int64_t i = 0; i < hidden; ++i) y[i] = s < valid ? static_cast<float>(h[i]) : 0.0f;
    }
    for (int64_t i = 0; i < hidden; ++i) {
      if (j.h != nullptr) j.h[row * j.h_pitch + i] = static_cast<float>(h[i]);
      if (has_c) j.c[row * j.c_pitch + i] = static_cast<float>(c[i]);
    }
  }
}

}  // namespace fovea
