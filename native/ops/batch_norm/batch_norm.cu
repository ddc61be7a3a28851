// Inference is elementwise. Training gives a block the whole of some neighbouring channels: its threads are channels times
// slices of the rows, and pass over them for the mean, the variance and the result.
#include "ops/batch_norm/batch_norm.h"

#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/activation/activation_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

FOVEA_DEVICE int64_t row_count(const BatchNormJob& j) { return live_count(j.live, j.leading) * j.inner; }

// Scaled, shifted, activated.
FOVEA_DEVICE float result(const BatchNormJob& j, int64_t c, float z) {
  const float gamma = j.gamma == nullptr ? 1.0f : j.gamma[c], beta = j.beta == nullptr ? 0.0f : j.beta[c];
  return activate(j.params.activation, z * gamma + beta, 0.0f);
}

template <class T>
__global__ void __launch_bounds__(kThreads) batch_norm_inference_kernel(BatchNormJob j, const T* x, T* y) {
  const int64_t n = row_count(j) * j.channels;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = quotient(i, j.channels), c = i - row * j.channels;
    const float z = (to_float(x[row * j.x_pitch + c]) - j.mean[c]) / sqrtf(j.variance[c] + j.params.epsilon);
    y[row * j.y_pitch + c] = from_float<T>(result(j, c, z));
  }
}

// As batch_norm_save.
FOVEA_DEVICE void save(const BatchNormJob& j, int64_t c, double mean, double variance, double scale, int64_t rows) {
  const double momentum = double(j.params.momentum), n = double(rows);
  const double unbiased = rows > 1 ? variance * n / (n - 1) : 0.0;
  j.saved_mean[c] = float(mean);
  j.saved_rstd[c] = float(scale);
  j.mean[c] = float((1 - momentum) * double(j.mean[c]) + momentum * mean);
  j.variance[c] = float((1 - momentum) * double(j.variance[c]) + momentum * unbiased);
}

// `columns` (a power of two up to 32) channels times kThreads / columns slices: slice s takes rows s, s + slices, ..
template <class T>
__global__ void __launch_bounds__(kThreads) batch_norm_training_kernel(BatchNormJob j, int columns, const T* x, T* y) {
  __shared__ double partial[kThreads];
  const int64_t rows = row_count(j);
  if (rows == 0) return;  // the same for all threads
  const int slices = kThreads / columns, column = int(threadIdx.x) % columns, slice = int(threadIdx.x) / columns;
  const auto over_slices = [&](double v) {
    __syncthreads();
    partial[threadIdx.x] = v;
    __syncthreads();
    v = 0;
    for (int s = 0; s < slices; ++s) v += partial[s * columns + column];
    return v;
  };
  for (int64_t first = int64_t{blockIdx.x} * columns; first < j.channels; first += int64_t{gridDim.x} * columns) {
    const int64_t c = first + column, end = c < j.channels ? rows : 0;
    double mean = 0, variance = 0;
    for (int64_t r = slice; r < end; r += slices) mean += double(to_float(x[r * j.x_pitch + c]));
    mean = over_slices(mean) / double(rows);
    for (int64_t r = slice; r < end; r += slices) {
      const double d = double(to_float(x[r * j.x_pitch + c])) - mean;
      variance += d * d;
    }
    variance = over_slices(variance) / double(rows);
    const double scale = 1.0 / sqrt(variance + double(j.params.epsilon));
    for (int64_t r = slice; r < end; r += slices) {
      const double d = double(to_float(x[r * j.x_pitch + c])) - mean;
      y[r * j.y_pitch + c] = from_float<T>(result(j, c, float(d * scale)));
    }
    if (slice == 0 && end > 0) save(j, c, mean, variance, scale, rows);
  }
}

float* data(const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<float*>(t->data); }

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_batch_norm(const fovea_batch_norm_params* params, const fovea_tensor* x,
                                         const fovea_tensor* gamma, const fovea_tensor* beta, const fovea_tensor* mean,
                                         const fovea_tensor* variance, const fovea_tensor* saved_mean,
                                         const fovea_tensor* saved_rstd, const fovea_tensor* y, fovea_stream* stream) {
  if (elements(*x) == 0) return FOVEA_OK;
  const BatchNormJob job{nullptr,          data(gamma),      data(beta), data(mean),  data(variance),
                         data(saved_mean), data(saved_rstd), nullptr,    x->shape[0], rows(*x) / x->shape[0],
                         last(*x),         x->pitch,         y->pitch,   x->live,     *params};
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "batch_norm", [&](cudaStream_t s) {
      const auto* from = static_cast<const T*>(x->data);
      auto* to = static_cast<T*>(y->data);
      if (params->training == 0)
        return launch(batch_norm_inference_kernel<T>, grid_for(elements(*x), kThreads), kThreads, 0, s, job, from, to);
      int columns = 32;
      while (columns / 2 >= job.channels) columns /= 2;
      return launch(batch_norm_training_kernel<T>, grid_for(job.channels, columns), kThreads, 0, s, job, columns, from, to);
    });
  });
}
