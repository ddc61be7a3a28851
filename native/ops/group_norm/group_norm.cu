// A block for each group of each image.
#include "ops/group_norm/group_norm.h"

#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/layer_norm/moments_device.h"

namespace fovea::cuda {
namespace {

using Block = Team<8>;

// x and y of the job are not used: they are float.
template <class T>
__global__ void __launch_bounds__(Block::kThreads) group_norm_kernel(GroupNormJob j, const T* x, T* y) {
  __shared__ double scratch[8];
  const int64_t items = live_count(j.live, j.images) * j.groups, n = j.positions * j.width;
  for (int64_t item = Block::first(); item < items; item += Block::stride()) {
    const int64_t image = item / j.groups, first = (item - image * j.groups) * j.width;
    const T* const from = x + image * j.positions * j.x_pitch + first;
    T* const to = y + image * j.positions * j.y_pitch + first;
    const Moments m = moments<Block>(n, j.rms, j.epsilon, scratch, [&](int64_t i) {
      const int64_t p = quotient(i, j.width);
      return to_float(from[p * j.x_pitch + i - p * j.width]);
    });
    for (int64_t i = Block::lane(); i < n; i += Block::kLanes) {
      const int64_t p = quotient(i, j.width), c = i - p * j.width;
      const float z = float((double(to_float(from[p * j.x_pitch + c])) - m.mean) * m.rstd);
      const float gamma = j.gamma == nullptr ? 1.0f : j.gamma[first + c], beta = j.beta == nullptr ? 0.0f : j.beta[first + c];
      to[p * j.y_pitch + c] = from_float<T>(z * gamma + beta);
    }
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_group_norm(const fovea_norm_params* params, const fovea_tensor* x, const fovea_tensor* gamma,
                                         const fovea_tensor* beta, const fovea_tensor* y, fovea_stream* stream) {
  if (elements(*x) == 0) return FOVEA_OK;
  const GroupNormJob job = group_norm_job(*params, *x, gamma, beta, *y);
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "group_norm", [&](cudaStream_t s) {
      return launch(group_norm_kernel<T>, Block::blocks(job.images * job.groups), Block::kThreads, 0, s, job,
                    static_cast<const T*>(x->data), static_cast<T*>(y->data));
    });
  });
}
