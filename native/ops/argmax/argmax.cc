#include "ops/argmax/argmax.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(argmax, const ArgmaxJob&)

namespace {

int64_t argmax_line(const float* x, int64_t stride, int64_t n, bool minimum) {
  int64_t best = -1;
  for (int64_t i = 0; i < n; ++i) {
    const float v = x[i * stride];
    if (std::isnan(v)) continue;
    if (best < 0 || (minimum ? v < x[best * stride] : v > x[best * stride])) best = i;
  }
  return best < 0 ? 0 : best;
}

void argmax_reference(const ArgmaxJob& j) {
  const AxisView& v = j.view;
  const int64_t outer = live_outer(v), axis = live_axis(v);
  for (int64_t o = 0; o < outer && axis > 0; ++o) {
    if (v.is_last) {
      store_index(j, o, argmax_line(j.x + o * v.pitch, 1, axis, j.minimum));
      continue;
    }
    for (int64_t r = 0; r < v.inner_rows; ++r)
      for (int64_t c = 0; c < v.columns; ++c)
        store_index(j, (o * v.inner_rows + r) * v.columns + c,
                    argmax_line(j.x + axis_start(v, o, r, v.pitch) + c, v.inner_rows * v.pitch, axis, j.minimum));
  }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_argmax(const fovea_arg_params* params, const fovea_tensor* x, const fovea_tensor* indices,
                                     fovea_stream* stream) {
  constexpr const char* op = "argmax";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_TRY(check_any_tensor(op, "indices", indices, kAnyRank, stream));
  FOVEA_CHECK(same(indices->dtype, kI32) || same(indices->dtype, kI64), "%s: indices must be i32 or i64, they are %s", op,
              describe(*indices));
  FOVEA_CHECK(params->axis >= -x->rank && params->axis < x->rank, "%s: axis %d is outside of %s", op, params->axis,
              describe(*x));
  const int axis = params->axis < 0 ? params->axis + x->rank : params->axis;
  FOVEA_CHECK(x->shape[axis] <= INT32_MAX, "%s: axis %d of %s is longer than 2^31-1", op, axis, describe(*x));
  const bool keep_dims = indices->rank == x->rank;
  bool matches = keep_dims || indices->rank == x->rank - 1;
  for (int i = 0, k = 0; matches && i < x->rank; ++i)
    if (keep_dims || i != axis) matches = indices->shape[k++] == (i == axis ? 1 : x->shape[i]);
  FOVEA_CHECK(matches, "%s: indices are %s, which is not %s without axis %d", op, describe(*indices), describe(*x), axis);
  FOVEA_TRY(check_no_overlap(op, "x", *x, "indices", *indices, false));
  if (elements(*x) == 0) return FOVEA_OK;
  FOVEA_FORWARD(stream, fovea_argmax, params, x, indices, stream);
  const ArgmaxJob job{
      static_cast<const float*>(x->data), indices->data,       axis_view(*x, axis), indices->pitch, last(*indices),
      same(indices->dtype, kI64),         params->minimum != 0};
  return enqueue(stream, select_isa(argmax_reference, scalar::argmax, avx2::argmax, avx512::argmax), job);
}
