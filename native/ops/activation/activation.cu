// One thread per element, rows of the last dimension `pitch` apart.
#include "ops/activation/activation_device.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

struct View {
  int64_t rows, channels, x_pitch, y_pitch;
  const int32_t* live;
  int64_t leading;
  bool is_vector;  // one row, whose channels are the leading dimension
};

template <class T>
__global__ void __launch_bounds__(kThreads)
    activate_kernel(fovea_activation_params params, View v, const T* x, const float* slope, T* y) {
  const int64_t leading = live_count(v.live, v.leading);
  const int64_t n = v.is_vector ? leading : v.leading == 0 ? 0 : v.rows / v.leading * leading * v.channels;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = v.is_vector ? 0 : i / v.channels, c = i - row * v.channels;
    const float value = to_float(x[row * v.x_pitch + c]);
    y[row * v.y_pitch + c] = from_float<T>(activate(params, value, slope == nullptr ? 0.0f : slope[c]));
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_activate(const fovea_activation_params* params, const fovea_tensor* x, const fovea_tensor* slope,
                                       const fovea_tensor* y, fovea_stream* stream) {
  const int64_t n = elements(*x);
  if (n == 0) return FOVEA_OK;
  const View view{rows(*x), last(*x), x->pitch, y->pitch, x->live, x->rank > 0 ? x->shape[0] : 1, x->rank == 1};
  const auto* slopes = slope == nullptr ? nullptr : static_cast<const float*>(slope->data);
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "activate", [&](cudaStream_t s) {
      return launch(activate_kernel<T>, grid_for(n, kThreads), kThreads, 0, s, *params, view, static_cast<const T*>(x->data),
                    slopes, static_cast<T*>(y->data));
    });
  });
}
