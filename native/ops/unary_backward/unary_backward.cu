// One thread per 16 bytes of a row, or per element.
#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "fovea/training.h"
#include "ops/copy/row_layout.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

FOVEA_DEVICE float derivative(const fovea_unary_params& p, float x) {
  switch (p.op) {
    case FOVEA_UNARY_ABS:
      return x > 0 ? 1.0f : x < 0 ? -1.0f : x;
    case FOVEA_UNARY_NEG:
      return -1.0f;
    case FOVEA_UNARY_EXP:
      return expf(x);
    case FOVEA_UNARY_LOG:
      return 1.0f / x;
    case FOVEA_UNARY_SQRT:
      return 0.5f / sqrtf(x);
    case FOVEA_UNARY_RSQRT:
      return -0.5f / x / sqrtf(x);
    case FOVEA_UNARY_RECIPROCAL:
      return -1.0f / x / x;  // x * x may leave the range
    case FOVEA_UNARY_SQUARE:
      return x + x;
    case FOVEA_UNARY_SIN:
      return cosf(x);
    case FOVEA_UNARY_COS:
      return -sinf(x);
    case FOVEA_UNARY_ERF:
      return 1.12837917f * expf(-x * x);
    case FOVEA_UNARY_AFFINE:
      return p.alpha;
    default:
      return 0.0f;  // sign, floor, ceil, round
  }
}

template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads)
    unary_backward_kernel(fovea_unary_params params, RowSet<3> rows, const T* x, const T* dy, T* dx) {
  for_each_pack<kWidth>(rows, [&](int64_t at_x, int64_t at_dy, int64_t at_dx) {
    const Pack<T, kWidth> from = load_pack<kWidth>(x + at_x);
    Pack<T, kWidth> pack = load_pack<kWidth>(dy + at_dy);
#pragma unroll
    for (int e = 0; e < kWidth; ++e) pack.v[e] = from_float<T>(to_float(pack.v[e]) * derivative(params, to_float(from.v[e])));
    store_pack(dx + at_dx, pack);
  });
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_unary_backward(const fovea_unary_params* params, const fovea_tensor* x, const fovea_tensor* dy,
                                             const fovea_tensor* dx, fovea_stream* stream) {
  const int64_t n = elements(*x);
  if (n == 0) return FOVEA_OK;
  const RowLayout l = row_layout(*x);
  const RowSet<3> rows =
      merged(RowSet<3>{l.leading, l.inner, l.width, {row_pitch(*x), row_pitch(*dy), row_pitch(*dx)}, row_live(*x)});
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "unary_backward", [&](cudaStream_t s) {
      const auto* from = static_cast<const T*>(x->data);
      const auto* gradient = static_cast<const T*>(dy->data);
      auto* to = static_cast<T*>(dx->data);
      if (in_packs(rows, address(from) | address(gradient) | address(to), int64_t{sizeof(T)}))
        return launch(unary_backward_kernel<T, kPack<T>>, grid_for(n / kPack<T>, kThreads), kThreads, 0, s, *params, rows, from,
                      gradient, to);
      return launch(unary_backward_kernel<T, 1>, grid_for(n, kThreads), kThreads, 0, s, *params, rows, from, gradient, to);
    });
  });
}
