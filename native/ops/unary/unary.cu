// One thread per 16 bytes of a row, or per element.
#include "ops/unary/unary.h"

#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

FOVEA_DEVICE float value(const fovea_unary_params& p, float x) {
  switch (p.op) {
    case FOVEA_UNARY_ABS:
      return fabsf(x);
    case FOVEA_UNARY_NEG:
      return -x;
    case FOVEA_UNARY_EXP:
      return expf(x);
    case FOVEA_UNARY_LOG:
      return logf(x);
    case FOVEA_UNARY_SQRT:
      return sqrtf(x);
    case FOVEA_UNARY_RSQRT:
      return 1.0f / sqrtf(x);  // rsqrtf may be off by two units in the last place
    case FOVEA_UNARY_RECIPROCAL:
      return 1.0f / x;
    case FOVEA_UNARY_SQUARE:
      return x * x;
    case FOVEA_UNARY_FLOOR:
      return floorf(x);
    case FOVEA_UNARY_CEIL:
      return ceilf(x);
    case FOVEA_UNARY_ROUND:
      return rintf(x);
    case FOVEA_UNARY_SIGN:
      return x > 0 ? 1.0f : x < 0 ? -1.0f : x;
    case FOVEA_UNARY_SIN:
      return sinf(x);
    case FOVEA_UNARY_COS:
      return cosf(x);
    case FOVEA_UNARY_ERF:
      return erff(x);
    default:
      return fmaf(p.alpha, x, p.beta);
  }
}

template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads) unary_kernel(fovea_unary_params params, RowPair rows, const T* x, T* y) {
  for_each_pack<kWidth>(rows, [&](int64_t from, int64_t to) {
    Pack<T, kWidth> pack = load_pack<kWidth>(x + from);
#pragma unroll
    for (int e = 0; e < kWidth; ++e) pack.v[e] = from_float<T>(value(params, to_float(pack.v[e])));
    store_pack(y + to, pack);
  });
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_unary(const fovea_unary_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                    fovea_stream* stream) {
  const int64_t n = elements(*x);
  if (n == 0) return FOVEA_OK;
  const RowLayout l = row_layout(*x);
  const RowPair rows = merged(RowPair{l.leading, l.inner, l.width, {row_pitch(*x), row_pitch(*y)}, row_live(*x)});
  const bool packed = in_packs(rows, address(x->data) | address(y->data), x->dtype.bits / 8);
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "unary", [&](cudaStream_t s) {
      const auto* from = static_cast<const T*>(x->data);
      auto* to = static_cast<T*>(y->data);
      if (packed)
        return launch(unary_kernel<T, kPack<T>>, grid_for(n / kPack<T>, kThreads), kThreads, 0, s, *params, rows, from, to);
      return launch(unary_kernel<T, 1>, grid_for(n, kThreads), kThreads, 0, s, *params, rows, from, to);
    });
  });
}
