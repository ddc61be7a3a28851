// One thread per 16 bytes of a row, or per element. PRELU: a thread for each channel of a chunk of rows, so that the sums for
// the slopes need no second look at the tensors; then a warp for each channel adds the chunks.
#include "ops/activate_backward/activate_backward.h"

#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/activation/derivative_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    activate_backward_kernel(fovea_activation_params params, RowSet<3> rows, const T* x, const T* dy, T* dx) {
  for_each_pack<kWidth>(rows, [&](int64_t at_x, int64_t at_dy, int64_t at_dx) {
    const Pack<T, kWidth> from = load_pack<kWidth>(x + at_x);
    Pack<T, kWidth> pack = load_pack<kWidth>(dy + at_dy);
#pragma unroll
    for (int e = 0; e < kWidth; ++e)
      pack.v[e] = from_float<T>(to_float(pack.v[e]) * activation_derivative(params, to_float(from.v[e]), 0.0f));
    store_pack(dx + at_dx, pack);
  });
}

struct Extent {
  int64_t rows, channels;
};
FOVEA_DEVICE Extent extent(const ActivateBackwardJob& j) {
  const int64_t live = live_count(j.live, j.layout.leading);
  return j.is_vector ? Extent{1, live} : Extent{live * j.layout.inner, j.channels};
}

template <class T>
__global__ void __launch_bounds__(kThreads) prelu_backward_kernel(ActivateBackwardJob j, const T* x, const T* dy, T* dx) {
  constexpr int64_t kRows = ActivateBackwardJob::kRows;
  const Extent e = extent(j);
  const int64_t n = chunks_of(e.rows) * e.channels;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t chunk = quotient(i, e.channels), c = i - chunk * e.channels;
    const int64_t begin = chunk * kRows, end = e.rows < begin + kRows ? e.rows : begin + kRows;
    const float slope = j.slope[c];
    float sum = 0;
    for (int64_t r = begin; r < end; ++r) {
      const float value = to_float(x[r * j.x_pitch + c]), g = to_float(dy[r * j.dy_pitch + c]);
      if (dx != nullptr) dx[r * j.dx_pitch + c] = from_float<T>(g * activation_derivative(j.params, value, slope));
      sum = fmaf(g, value >= 0 ? 0.0f : value, sum);
    }
    if (j.d_slope != nullptr) j.sums[i] = sum;
  }
}

using Warp = Team<1>;

__global__ void __launch_bounds__(Warp::kThreads) prelu_slope_kernel(ActivateBackwardJob j) {
  const Extent e = extent(j);
  const int64_t chunks = chunks_of(e.rows);
  for (int64_t c = Warp::first(); c < j.channels; c += Warp::stride()) {
    double total = 0;
    for (int64_t k = Warp::lane(); c < e.channels && k < chunks; k += Warp::kLanes) total += double(j.sums[k * e.channels + c]);
    total = warp_reduce(total, Sum{});
    if (Warp::lane() == 0) j.d_slope[c] = float(total);
  }
}

template <class T>
cudaError_t prelu_backward(const ActivateBackwardJob& j, const T* x, const T* dy, T* dx, cudaStream_t s) {
  const int64_t items = chunks_of(j.is_vector ? 1 : j.layout.leading * j.layout.inner) * j.channels;
  if (items > 0) {
    const cudaError_t error = launch(prelu_backward_kernel<T>, grid_for(items, kThreads), kThreads, 0, s, j, x, dy, dx);
    if (error != cudaSuccess) return error;
  }
  if (j.d_slope == nullptr || j.channels == 0) return cudaSuccess;
  return launch(prelu_slope_kernel, Warp::blocks(j.channels), Warp::kThreads, 0, s, j);
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_activate_backward(const fovea_activation_params* params, const fovea_tensor* x,
                                                const fovea_tensor* slope, const fovea_tensor* dy, const fovea_tensor* dx,
                                                const fovea_tensor* d_slope, const fovea_workspace* workspace,
                                                fovea_stream* stream) {
  if (d_slope != nullptr) FOVEA_TRY(check_workspace("activate_backward", workspace, activate_backward_bytes(*params, *x)));
  ActivateBackwardJob job = plan_activate_backward(*params, *x, *dy, dx);
  job.slope = slope == nullptr ? nullptr : static_cast<const float*>(slope->data);
  job.d_slope = d_slope == nullptr ? nullptr : static_cast<float*>(d_slope->data);
  job.sums = d_slope == nullptr || workspace == nullptr ? nullptr : static_cast<float*>(workspace->data);
  const int64_t n = elements(*x);
  if (slope == nullptr && (n == 0 || dx == nullptr)) return FOVEA_OK;
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const auto* from = static_cast<const T*>(x->data);
    const auto* gradient = static_cast<const T*>(dy->data);
    auto* to = dx == nullptr ? nullptr : static_cast<T*>(dx->data);
    return submit(stream, "activate_backward", [&](cudaStream_t s) {
      if (slope != nullptr) return prelu_backward(job, from, gradient, to, s);
      const RowLayout& l = job.layout;
      const RowSet<3> rows =
          merged(RowSet<3>{l.leading, l.inner, l.width, {job.x_pitch, job.dy_pitch, job.dx_pitch}, job.live});
      if (in_packs(rows, address(from) | address(gradient) | address(to), int64_t{sizeof(T)}))
        return launch(activate_backward_kernel<T, kPack<T>>, grid_for(n / kPack<T>, kThreads), kThreads, 0, s, *params, rows,
                      from, gradient, to);
      return launch(activate_backward_kernel<T, 1>, grid_for(n, kThreads), kThreads, 0, s, *params, rows, from, gradient, to);
    });
  });
}
