// One thread per element; the innermost loop's neighbours are a warp's.
#include "ops/binary_backward/binary_backward.h"

#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/binary/plan.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

struct Gradients {
  float a, b;
};

FOVEA_DEVICE Gradients gradients(int32_t op, float a, float b, float dy) {
  switch (op) {
    case FOVEA_BINARY_ADD:
      return {dy, dy};
    case FOVEA_BINARY_SUB:
      return {dy, -dy};
    case FOVEA_BINARY_MUL:
      return {dy * b, dy * a};
    case FOVEA_BINARY_DIV:
      return {dy / b, -(dy / b) * (a / b)};
    case FOVEA_BINARY_MAX:
    case FOVEA_BINARY_MIN: {
      if (a != a || b != b) return {NAN, NAN};
      const float first = a == b ? 0.5f : (a > b) == (op == FOVEA_BINARY_MAX) ? 1.0f : 0.0f;
      return {dy * first, dy * (1.0f - first)};
    }
    default: {  // powf may be off by several units in the last place
      const double base = double(a), exponent = double(b);
      return {dy * (b == 0 ? 0.0f : float(exponent * pow(base, exponent - 1))),
              dy * (a == 0 ? 0.0f : float(pow(base, exponent) * log(base)))};
    }
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    binary_backward_kernel(BinaryBackwardJob j, const T* a, const T* b, const T* dy, T* da, T* db) {
  const int last = j.depth - 1;
  int64_t n = j.loops[last].size / j.leading * live_count(j.live, j.leading);
  for (int d = 0; d < last; ++d) n *= j.loops[d].size;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    int64_t rest = i, at[5] = {};
    for (int d = 0; d < j.depth; ++d) {
      const BroadcastLoop<5>& loop = j.loops[d];
      const int64_t outer = d == last ? 0 : quotient(rest, loop.size), step = rest - outer * loop.size;
      rest = outer;
#pragma unroll
      for (int t = 0; t < 5; ++t) at[t] += step * loop.stride[t];
    }
    const Gradients g = gradients(j.op, to_float(a[at[kOfA]]), to_float(b[at[kOfB]]), to_float(dy[at[kOfY]]));
    if (da != nullptr) da[at[kOfDa]] = from_float<T>(g.a);
    if (db != nullptr) db[at[kOfDb]] = from_float<T>(g.b);
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_binary_backward(int32_t op, const fovea_tensor* a, const fovea_tensor* b, const fovea_tensor* dy,
                                              const fovea_tensor* da, const fovea_tensor* db, fovea_stream* stream) {
  const int64_t n = elements(*dy);
  if (n == 0) return FOVEA_OK;
  BinaryBackwardJob job{};
  plan_broadcast<5>({a, b, dy, da == nullptr ? dy : da, db == nullptr ? dy : db}, &job);
  job.op = op;
  return with_float_type(dy->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "binary_backward", [&](cudaStream_t s) {
      return launch(binary_backward_kernel<T>, grid_for(n, kThreads), kThreads, 0, s, job, static_cast<const T*>(a->data),
                    static_cast<const T*>(b->data), static_cast<const T*>(dy->data),
                    da == nullptr ? nullptr : static_cast<T*>(da->data), db == nullptr ? nullptr : static_cast<T*>(db->data));
    });
  });
}
