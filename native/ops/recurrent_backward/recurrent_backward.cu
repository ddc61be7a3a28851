// Gradients of a recurrent layer on CUDA: the stages of recurrent_backward.h. The elementwise ones take a thread for each value
// of each position; the walk a block for each batch row, whose threads are the hidden units and read neighbouring columns of R.
#include "ops/recurrent_backward/recurrent_backward.h"

#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/activation/activation_device.h"
#include "ops/recurrent_backward/stages.h"

namespace fovea::cuda {
namespace {

using Job = RecurrentBackwardJob;

constexpr int kThreads = 256;

// The job's rows of x, y, dy and dx are not used: they are float.
template <class T>
struct Typed {
  const T *x, *y, *dy;
  T* dx;
};

FOVEA_DEVICE int64_t valid_positions(const Job& j, int64_t row) {
  if (row >= live_count(j.live, j.batch)) return 0;
  if (j.lengths == nullptr) return j.length;
  const int64_t n = j.lengths[row];
  return n < 0 ? 0 : n > j.length ? j.length : n;
}

// The place of one thread's value: column `i` of a step of a batch row. Steps that hold nothing have s = -1.
struct Place {
  int64_t row, valid, s, p, i;
};

// body(place) for every position and `width` columns, spread over the grid.
template <class Body>
FOVEA_DEVICE void for_places(const Job& j, int64_t width, const Body& body) {
  const int64_t values = j.batch * j.length * width;
  for (int64_t k = int64_t{blockIdx.x} * kThreads + threadIdx.x; k < values; k += int64_t{gridDim.x} * kThreads) {
    const int64_t at = quotient(k, width), row = quotient(at, j.length), s = at - row * j.length;
    Place place{row, valid_positions(j, row), s, at, k - at * width};
    if (s < place.valid)
      place.p = recurrent_position(j, row, place.valid, s);
    else
      place.s = -1;
    body(place);
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads) recurrent_backward_gather_kernel(Job j, Typed<T> data) {
  for_places(j, j.input + j.hidden, [&](const Place& at) {
    if (at.i < j.input) {
      j.inputs[at.p][at.i] = at.s < 0 ? 0.0f : to_float(data.x[at.p * j.x.pitch + at.i]);
      return;
    }
    const int64_t unit = at.i - j.input;
    float h = 0.0f;
    if (at.s > 0)
      h = to_float(data.y[recurrent_position(j, at.row, at.valid, at.s - 1) * j.y.pitch + unit]);
    else if (at.s == 0 && j.initial_h.data != nullptr)
      h = j.initial_h[at.row][unit];
    j.before[at.p][unit] = h;
  });
}

// The gates of a position from the products, where n of GRU_RESET_BEFORE waits for the product with r * h.
__global__ void __launch_bounds__(kThreads) recurrent_backward_gates_kernel(Job j) {
  for_places(j, j.hidden, [&](const Place& at) {
    if (at.s < 0) return;
    const int64_t n = j.hidden;
    float *const sums = j.sums[at.p] + at.i, *const inner = j.inner[at.p] + at.i;
    const auto bias = [&](const float* b, int64_t gate) { return b == nullptr ? 0.0f : b[gate * n + at.i]; };
    const auto sum = [&](int64_t gate) {
      return sums[gate * n] + bias(j.bias, gate) + inner[gate * n] + bias(j.recurrent_bias, gate);
    };
    const float first = sigmoid(sum(0));
    if (j.cell == FOVEA_CELL_GRU) {
      const float apart = inner[2 * n] + bias(j.recurrent_bias, 2);
      inner[2 * n] = apart;
      sums[2 * n] = tanhf(fmaf(first, apart, sums[2 * n] + bias(j.bias, 2)));
    } else if (j.cell == FOVEA_CELL_LSTM) {
      sums[2 * n] = tanhf(sum(2));
      sums[3 * n] = sigmoid(sum(3));
    } else {
      j.reset[at.p][at.i] = first * j.before[at.p][at.i];
    }
    sums[n] = sigmoid(sum(1));
    sums[0] = first;
  });
}

// Zeros where there is no position, for the sums over all of them.
__global__ void __launch_bounds__(kThreads) recurrent_backward_clear_kernel(Job j) {
  const Rows inner = j.inner_gradients();
  for_places(j, j.columns(), [&](const Place& at) {
    if (at.s >= 0) return;
    j.sums[at.p][at.i] = 0.0f, inner[at.p][at.i] = 0.0f;
    if (j.cell == FOVEA_CELL_GRU_RESET_BEFORE && at.i < j.hidden) j.reset[at.p][at.i] = 0.0f;
  });
}

// c of all steps of a batch row and unit, in the first columns of `inner`.
FOVEA_DEVICE void scan_c(const Job& j, int64_t row, int64_t valid, int64_t i) {
  const int64_t n = j.hidden;
  float c = j.initial_c.data == nullptr ? 0.0f : j.initial_c[row][i];
  for (int64_t s = 0; s < valid; ++s) {
    const int64_t p = recurrent_position(j, row, valid, s);
    const float* const g = j.sums[p] + i;
    c = fmaf(g[n], c, g[0] * g[2 * n]);
    j.inner[p][i] = c;
  }
}

// A unit at one step: from the gates to the gradients of their sums. The carries leave with what reaches the state before by
// other ways than R.
template <int kCell>
FOVEA_DEVICE void begin_step(const Job& j, const Place& at, float y, float dy) {
  const int64_t n = j.hidden;
  float *const g = j.sums[at.p] + at.i, &carry = j.carry_h[at.row][at.i];
  const float dh = carry + dy;
  if constexpr (kCell == FOVEA_CELL_RNN_TANH) {
    g[0] = dh * fmaf(-y, y, 1.0f);
    carry = 0.0f;
  } else if constexpr (kCell == FOVEA_CELL_RNN_RELU) {
    g[0] = dh * (y != y ? y : y > 0.0f ? 1.0f : 0.0f);
    carry = 0.0f;
  } else if constexpr (kCell == FOVEA_CELL_LSTM) {
    const float in = g[0], forget = g[n], value = g[2 * n], out = g[3 * n], t = tanhf(j.inner[at.p][at.i]);
    const float c = at.s > 0                      ? j.inner[recurrent_position(j, at.row, at.valid, at.s - 1)][at.i]
                    : j.initial_c.data == nullptr ? 0.0f
                                                  : j.initial_c[at.row][at.i];
    const float dc = fmaf(dh * out, fmaf(-t, t, 1.0f), j.carry_c[at.row][at.i]);
    g[0] = dc * value * in * (1.0f - in);
    g[n] = dc * c * forget * (1.0f - forget);
    g[2 * n] = dc * in * fmaf(-value, value, 1.0f);
    g[3 * n] = dh * t * out * (1.0f - out);
    j.carry_c[at.row][at.i] = dc * forget;
    carry = 0.0f;
  } else {
    float *const inner = j.inner[at.p] + at.i, r = g[0], z = g[n], value = g[2 * n];
    if constexpr (kCell == FOVEA_CELL_GRU_RESET_BEFORE) {
      const auto bias = [&](const float* b) { return b == nullptr ? 0.0f : b[2 * n + at.i]; };
      value = tanhf(value + bias(j.bias) + inner[2 * n] + bias(j.recurrent_bias));
    }
    const float dn = dh * (1.0f - z) * fmaf(-value, value, 1.0f), dz = dh * (j.before[at.p][at.i] - value) * z * (1.0f - z);
    g[n] = dz, g[2 * n] = dn;
    if constexpr (kCell == FOVEA_CELL_GRU) {
      const float dr = dn * inner[2 * n] * r * (1.0f - r);
      g[0] = dr;
      inner[0] = dr, inner[n] = dz, inner[2 * n] = dn * r;
    }
    carry = dh * z;
  }
}

// Unit i of `gradients`' gates from `begin` to `end` times R.
FOVEA_DEVICE float recurrent_sum(const Job& j, const float* gradients, int64_t begin, int64_t end, int64_t i) {
  float sum = 0.0f;
#pragma unroll 4
  for (int64_t k = begin; k < end; ++k) sum = fmaf(gradients[k], j.recurrent[k][i], sum);
  return sum;
}

template <class T, int kCell>
__global__ void __launch_bounds__(kThreads, 2) recurrent_backward_walk_kernel(Job j, Typed<T> data) {
  constexpr bool kResetsBefore = kCell == FOVEA_CELL_GRU_RESET_BEFORE;
  const int64_t n = j.hidden, batch = live_count(j.live, j.batch);
  const Rows inner = j.inner_gradients();
  for (int64_t row = blockIdx.x; row < batch; row += gridDim.x) {
    const int64_t valid = valid_positions(j, row);
    // A unit's carries have the same thread throughout.
    for (int64_t i = threadIdx.x; i < n; i += kThreads) {
      j.carry_h[row][i] = j.d_final_h.data == nullptr ? 0.0f : j.d_final_h[row][i];
      j.carry_c[row][i] = j.d_final_c.data == nullptr ? 0.0f : j.d_final_c[row][i];
      if constexpr (kCell == FOVEA_CELL_LSTM) scan_c(j, row, valid, i);
    }
    for (int64_t s = valid - 1; s >= 0; --s) {
      Place at{row, valid, s, recurrent_position(j, row, valid, s), 0};
      for (at.i = threadIdx.x; at.i < n; at.i += kThreads)
        begin_step<kCell>(j, at, to_float(data.y[at.p * j.y.pitch + at.i]), to_float(data.dy[at.p * j.dy.pitch + at.i]));
      __syncthreads();  // the gradients of all units are there
      if constexpr (kResetsBefore) {
        for (int64_t i = threadIdx.x; i < n; i += kThreads) {
          const float d = recurrent_sum(j, j.sums[at.p], 2 * n, 3 * n, i), r = j.sums[at.p][i];
          j.carry_h[row][i] = fmaf(d, r, j.carry_h[row][i]);
          j.sums[at.p][i] = d * j.before[at.p][i] * r * (1.0f - r);
        }
        __syncthreads();
      }
      for (int64_t i = threadIdx.x; i < n; i += kThreads)
        j.carry_h[row][i] += recurrent_sum(j, inner[at.p], 0, kResetsBefore ? 2 * n : j.columns(), i);
    }
    for (int64_t i = threadIdx.x; i < n; i += kThreads) {
      if (j.d_initial_h.data != nullptr) j.d_initial_h[row][i] = j.carry_h[row][i];
      if (j.d_initial_c.data != nullptr) j.d_initial_c[row][i] = j.carry_c[row][i];
    }
  }
}

__global__ void __launch_bounds__(kThreads) recurrent_backward_sum_kernel(Job j, Rows table, float* to) {
  __shared__ float scratch[8][32];
  sum_columns(table.data, j.batch * j.length, table.pitch, j.columns(), scratch, to);
}

template <class T>
__global__ void __launch_bounds__(kThreads) recurrent_backward_scatter_kernel(Job j, Typed<T> data) {
  const int64_t batch = live_count(j.live, j.batch);
  for_places(j, j.input, [&](const Place& at) {
    if (at.row < batch) data.dx[at.p * j.dx.pitch + at.i] = from_float<T>(at.s < 0 ? 0.0f : j.inputs[at.p][at.i]);
  });
}

template <class T>
cudaError_t launch_walk(const Job& j, const Typed<T>& data, cudaStream_t s) {
  const auto places = grid_for(j.batch * j.length * j.columns(), kThreads);
  if (const cudaError_t e = launch(recurrent_backward_clear_kernel, places, kThreads, 0, s, j); e != cudaSuccess) return e;
  const auto run = [&](auto* kernel) { return launch(kernel, grid_for(j.batch, 1), kThreads, 0, s, j, data); };
  switch (j.cell) {
    case FOVEA_CELL_RNN_TANH:
      return run(recurrent_backward_walk_kernel<T, FOVEA_CELL_RNN_TANH>);
    case FOVEA_CELL_RNN_RELU:
      return run(recurrent_backward_walk_kernel<T, FOVEA_CELL_RNN_RELU>);
    case FOVEA_CELL_LSTM:
      return run(recurrent_backward_walk_kernel<T, FOVEA_CELL_LSTM>);
    case FOVEA_CELL_GRU:
      return run(recurrent_backward_walk_kernel<T, FOVEA_CELL_GRU>);
    default:
      return run(recurrent_backward_walk_kernel<T, FOVEA_CELL_GRU_RESET_BEFORE>);
  }
}

template <class T>
cudaError_t launch_stage(const Job& j, const Typed<T>& data, cudaStream_t s) {
  const auto places = [&](int64_t width) { return grid_for(j.batch * j.length * width, kThreads); };
  const auto sum = [&](const Rows& table, float* to) {
    if (to == nullptr) return cudaSuccess;
    return launch(recurrent_backward_sum_kernel, grid_for(j.columns(), 32), kThreads, 0, s, j, table, to);
  };
  switch (j.stage) {
    case RecurrentStage::kGather:
      return launch(recurrent_backward_gather_kernel<T>, places(j.input + j.hidden), kThreads, 0, s, j, data);
    case RecurrentStage::kGates:
      return launch(recurrent_backward_gates_kernel, places(j.hidden), kThreads, 0, s, j);
    case RecurrentStage::kWalk:
      return launch_walk<T>(j, data, s);
    case RecurrentStage::kSums: {
      const cudaError_t e = sum(j.sums, j.d_bias);
      return e != cudaSuccess ? e : sum(j.inner_gradients(), j.d_recurrent_bias);
    }
    default:
      return launch(recurrent_backward_scatter_kernel<T>, places(j.input), kThreads, 0, s, j, data);
  }
}

template <class T>
const T* typed(const fovea_tensor* t) {
  return static_cast<const T*>(t->data);
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_recurrent_backward(const fovea_recurrent_params* params, const fovea_recurrent_inputs* inputs,
                                                 const fovea_recurrent_gradients* gradients, const fovea_workspace* workspace,
                                                 fovea_stream* stream) {
  RecurrentBackwardJob job = recurrent_backward_shapes(*params, *inputs->x);
  bind_recurrent_backward(job, *inputs, *gradients);
  const int64_t floats = recurrent_backward_tables(job, static_cast<float*>(workspace->data));
  return with_float_type(inputs->x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const Typed<T> data{typed<T>(inputs->x), typed<T>(inputs->y), typed<T>(inputs->dy), reinterpret_cast<T*>(job.dx.data)};
    return run_recurrent_stages(job, *inputs->x, *workspace, floats, stream, [&](const RecurrentBackwardJob& stage) {
      return submit(stream, "recurrent_backward", [&](cudaStream_t s) { return launch_stage<T>(stage, data, s); });
    });
  });
}
