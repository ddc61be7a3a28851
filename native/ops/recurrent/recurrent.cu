// recurrent on CUDA: one product for the inputs of all positions, then a block for each batch row that walks through the steps.
// Its threads are the hidden units; the recurrent weights lie so that neighbouring units read neighbouring floats.
#include "core/status.h"
#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/activation/activation_device.h"
#include "ops/linear/linear_cuda.h"
#include "ops/recurrent/recurrent.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

// Prepared weights in floats: the input weights as linear packs them, both biases summed, GRU's inner bias, and R transposed:
// [k][gate * hidden + unit].
struct Layout {
  int64_t gates, columns;  // columns: gates * hidden
  int64_t bias, inner_bias, recurrent, size;
};
Layout layout(const fovea_recurrent_params& p) {
  Layout l{};
  l.gates = gate_count(p.cell);
  l.columns = l.gates * p.hidden_size;
  l.bias = packed_rows(FOVEA_WEIGHTS_F32, l.columns, p.input_size).bytes / 4;
  l.inner_bias = l.bias + round_up(l.columns, 4);
  l.recurrent = l.inner_bias + round_up(p.hidden_size, 4);
  l.size = l.recurrent + l.columns * p.hidden_size;
  return l;
}

struct PackJob {
  const float *recurrent, *bias, *recurrent_bias;  // the biases may be NULL
  float* prepared;
  int64_t recurrent_pitch, hidden;
  int32_t cell;
  Layout layout;
};

__global__ void __launch_bounds__(kThreads) recurrent_prepare_kernel(PackJob j) {
  const Layout& l = j.layout;
  const int64_t first = int64_t{blockIdx.x} * kThreads + threadIdx.x, stride = int64_t{gridDim.x} * kThreads;
  for (int64_t i = l.bias + first; i < l.recurrent; i += stride) {
    const int64_t column = i - l.bias, unit = i - l.inner_bias;
    float v = 0;  // padding
    if (column < l.columns) {
      const bool apart = j.cell == FOVEA_CELL_GRU && column >= 2 * j.hidden;  // r multiplies this recurrent bias
      v = (j.bias == nullptr ? 0.0f : j.bias[column]) +
          (apart || j.recurrent_bias == nullptr ? 0.0f : j.recurrent_bias[column]);
    } else if (j.cell == FOVEA_CELL_GRU && unit >= 0 && unit < j.hidden && j.recurrent_bias != nullptr) {
      v = j.recurrent_bias[2 * j.hidden + unit];
    }
    j.prepared[i] = v;
  }
  for (int64_t i = first; i < l.columns * j.hidden; i += stride) {
    const int64_t k = quotient(i, l.columns), column = i - k * l.columns;
    j.prepared[l.recurrent + i] = j.recurrent[column * j.recurrent_pitch + k];
  }
}

// The parts of the CPU's job that hold here too, and the block's scratch: [batch][kBuffers][hidden] floats.
constexpr int kBuffers = 5;  // h, next h, c, r * h, z
struct StepJob {
  const float* products;  // [batch][length][columns]: W x + bias
  const float *inner_bias, *recurrent;
  const int32_t* lengths;
  float *h, *c;
  float* scratch;
  int64_t h_pitch, c_pitch, y_pitch, batch, length, hidden, columns;
  const int32_t* live;
  int32_t cell;
  bool reverse;
};

// R's columns gate * hidden + unit, for kGates gates from the first on, times h.
template <int kGates>
FOVEA_DEVICE void recurrent_sums(const StepJob& j, int64_t column, const float* h, float (&sums)[kGates]) {
  for (float& sum : sums) sum = 0;
  const float* w = j.recurrent + column;
#pragma unroll 2
  for (int64_t k = 0; k < j.hidden; ++k, w += j.columns)
#pragma unroll
    for (int g = 0; g < kGates; ++g) sums[g] = sums[g] + w[g * j.hidden] * h[k];
}

// The block's buffers, of hidden floats each.
struct Buffers {
  float *h, *next, *c, *reset, *z;
};

// One position: next = cell(products, h). All threads of the block.
template <int kCell>
FOVEA_DEVICE void step(const StepJob& j, const float* products, const Buffers& b) {
  const int64_t n = j.hidden;
  for (int64_t i = threadIdx.x; i < n; i += kThreads) {
    if constexpr (kCell == FOVEA_CELL_LSTM) {
      float r[4];
      recurrent_sums(j, i, b.h, r);
      const float in = sigmoid(products[i] + r[0]), forget = sigmoid(products[n + i] + r[1]);
      const float c = forget * b.c[i] + in * tanhf(products[2 * n + i] + r[2]);
      b.c[i] = c;
      b.next[i] = sigmoid(products[3 * n + i] + r[3]) * tanhf(c);
    } else if constexpr (kCell == FOVEA_CELL_GRU) {
      float r[3];
      recurrent_sums(j, i, b.h, r);
      const float reset = sigmoid(products[i] + r[0]), z = sigmoid(products[n + i] + r[1]);
      const float value = tanhf(products[2 * n + i] + reset * (r[2] + j.inner_bias[i]));
      b.next[i] = (1.0f - z) * value + z * b.h[i];
    } else if constexpr (kCell == FOVEA_CELL_GRU_RESET_BEFORE) {
      float r[2];
      recurrent_sums(j, i, b.h, r);
      b.reset[i] = sigmoid(products[i] + r[0]) * b.h[i];
      b.z[i] = sigmoid(products[n + i] + r[1]);
    } else {
      float r[1];
      recurrent_sums(j, i, b.h, r);
      const float v = products[i] + r[0];
      b.next[i] = kCell == FOVEA_CELL_RNN_TANH ? tanhf(v) : v < 0.0f ? 0.0f : v;  // NaN stays
    }
  }
  if constexpr (kCell == FOVEA_CELL_GRU_RESET_BEFORE) {
    __syncthreads();
    for (int64_t i = threadIdx.x; i < n; i += kThreads) {
      float r[1];
      recurrent_sums(j, 2 * n + i, b.reset, r);
      b.next[i] = (1.0f - b.z[i]) * tanhf(products[2 * n + i] + r[0]) + b.z[i] * b.h[i];
    }
  }
}

template <class T, int kCell>
__global__ void __launch_bounds__(kThreads) recurrent_kernel(StepJob j, T* y) {
  const int64_t batch = live_count(j.live, j.batch), n = j.hidden;
  for (int64_t row = blockIdx.x; row < batch; row += gridDim.x) {
    float* const scratch = j.scratch + row * kBuffers * n;
    Buffers b{scratch, scratch + n, scratch + 2 * n, scratch + 3 * n, scratch + 4 * n};
    for (int64_t i = threadIdx.x; i < n; i += kThreads) {
      b.h[i] = j.h == nullptr ? 0.0f : j.h[row * j.h_pitch + i];
      b.c[i] = j.c == nullptr ? 0.0f : j.c[row * j.c_pitch + i];
    }
    const int64_t given = j.lengths == nullptr ? j.length : int64_t{j.lengths[row]};
    const int64_t valid = given < 0 ? 0 : given > j.length ? j.length : given;
    for (int64_t s = 0; s < valid; ++s) {
      const int64_t t = row * j.length + (j.reverse ? valid - 1 - s : s);
      __syncthreads();  // h is complete
      step<kCell>(j, j.products + t * j.columns, b);
      __syncthreads();  // h has been read
      for (int64_t i = threadIdx.x; i < n; i += kThreads) {
        const float h = b.next[i];
        b.h[i] = h;
        y[t * j.y_pitch + i] = from_float<T>(h);
      }
    }
    for (int64_t t = row * j.length + valid; t < (row + 1) * j.length; ++t)
      for (int64_t i = threadIdx.x; i < n; i += kThreads) y[t * j.y_pitch + i] = from_float<T>(0.0f);
    // A unit's state has the same thread throughout.
    for (int64_t i = threadIdx.x; i < n; i += kThreads) {
      if (j.h != nullptr) j.h[row * j.h_pitch + i] = b.h[i];
      if (j.c != nullptr) j.c[row * j.c_pitch + i] = b.c[i];
    }
  }
}

template <class T>
cudaError_t launch_steps(const StepJob& j, T* y, cudaStream_t s) {
  const auto run = [&](auto* kernel) { return launch(kernel, grid_for(j.batch, 1), kThreads, 0, s, j, y); };
  switch (j.cell) {
    case FOVEA_CELL_RNN_TANH:
      return run(recurrent_kernel<T, FOVEA_CELL_RNN_TANH>);
    case FOVEA_CELL_RNN_RELU:
      return run(recurrent_kernel<T, FOVEA_CELL_RNN_RELU>);
    case FOVEA_CELL_LSTM:
      return run(recurrent_kernel<T, FOVEA_CELL_LSTM>);
    case FOVEA_CELL_GRU:
      return run(recurrent_kernel<T, FOVEA_CELL_GRU>);
    default:
      return run(recurrent_kernel<T, FOVEA_CELL_GRU_RESET_BEFORE>);
  }
}

fovea_status check_size(const char* op, const fovea_recurrent_params& p, const fovea_tensor& prepared) {
  const auto bytes = static_cast<long long>(layout(p).size * 4);
  FOVEA_CHECK(prepared.shape[0] == bytes,
              "%s: prepared has %lld bytes, expected %lld for cell %d, %d inputs and %d hidden units", op,
              static_cast<long long>(prepared.shape[0]), bytes, p.cell, p.input_size, p.hidden_size);
  return FOVEA_OK;
}

int64_t product_floats(const fovea_recurrent_params& p, const fovea_tensor& x) {
  return round_up(x.shape[0] * x.shape[1] * layout(p).columns, 4);
}
int64_t workspace_bytes(const fovea_recurrent_params& p, const fovea_tensor& x) {
  return (product_floats(p, x) + x.shape[0] * kBuffers * p.hidden_size) * 4;
}

const float* floats(const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<const float*>(t->data); }

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_recurrent_prepared_bytes(fovea_device*, const fovea_recurrent_params* params, int64_t* bytes) {
  *bytes = layout(*params).size * 4;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_recurrent_prepare(const fovea_recurrent_params* params, const fovea_tensor* weights,
                                                const fovea_tensor* recurrent, const fovea_tensor* bias,
                                                const fovea_tensor* recurrent_bias, const fovea_tensor* prepared,
                                                fovea_stream* stream) {
  FOVEA_TRY(check_size("recurrent_prepare", *params, *prepared));
  if (params->hidden_size == 0) return FOVEA_OK;
  const Layout l = layout(*params);
  const PackJob job{floats(recurrent), floats(bias),        floats(recurrent_bias), static_cast<float*>(prepared->data),
                    recurrent->pitch,  params->hidden_size, params->cell,           l};
  return submit(stream, "recurrent_prepare", [&](cudaStream_t s) {
    const LiveRows all{l.columns, l.columns, nullptr};
    const cudaError_t e =
        narrow_rows(FOVEA_WEIGHTS_F32, floats(weights), weights->pitch, params->input_size, all, job.prepared, s);
    if (e != cudaSuccess) return e;
    return launch(recurrent_prepare_kernel, grid_for(l.size, kThreads), kThreads, 0, s, job);
  });
}

extern "C" fovea_status fovea_recurrent_workspace(const fovea_recurrent_params* params, const fovea_tensor* x, int64_t* bytes) {
  *bytes = workspace_bytes(*params, *x);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_recurrent(const fovea_recurrent_params* params, const fovea_tensor* x,
                                        const fovea_tensor* prepared, const fovea_tensor* lengths, const fovea_tensor* h,
                                        const fovea_tensor* c, const fovea_tensor* y, const fovea_workspace* workspace,
                                        fovea_stream* stream) {
  FOVEA_TRY(check_size("recurrent", *params, *prepared));
  const int64_t batch = x->shape[0], length = x->shape[1], hidden = params->hidden_size;
  if (batch == 0 || length == 0 || hidden == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace("recurrent", workspace, workspace_bytes(*params, *x)));
  const Layout l = layout(*params);
  const float* const weights = floats(prepared);
  auto* const products = static_cast<float*>(workspace->data);
  StepJob job{};
  job.products = products;
  job.inner_bias = weights + l.inner_bias, job.recurrent = weights + l.recurrent;
  job.lengths = lengths == nullptr ? nullptr : static_cast<const int32_t*>(lengths->data);
  if (h != nullptr) job.h = static_cast<float*>(h->data), job.h_pitch = h->pitch;
  if (c != nullptr) job.c = static_cast<float*>(c->data), job.c_pitch = c->pitch;
  job.scratch = products + product_floats(*params, *x);
  job.y_pitch = y->pitch, job.batch = batch, job.length = length, job.hidden = hidden, job.columns = l.columns;
  job.live = x->live, job.cell = params->cell, job.reverse = params->reverse != 0;
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "recurrent", [&](cudaStream_t s) {
      const LiveRows positions{batch * length, batch, x->live};
      const cudaError_t e = float_products(static_cast<const T*>(x->data), x->pitch, params->input_size, positions, weights,
                                           l.columns, weights + l.bias, products, stream->f32_products, s);
      return e != cudaSuccess ? e : launch_steps<T>(job, static_cast<T*>(y->data), s);
    });
  });
}
