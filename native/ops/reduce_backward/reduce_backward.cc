#include "ops/reduce_backward/reduce_backward.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/reduce/plan.h"

namespace fovea {

FOVEA_DECLARE_BODIES(reduce_backward, const ReduceBackwardJob&)

namespace {

// `equal`: how many of the n terms are y.
double gradient(int32_t op, double x, double y, double dy, int64_t n, int64_t equal) {
  switch (op) {
    case FOVEA_REDUCE_MEAN:
      return dy / static_cast<double>(n);
    case FOVEA_REDUCE_MAX:
    case FOVEA_REDUCE_MIN:
      return std::isnan(y) ? y : x == y ? dy / static_cast<double>(equal) : 0;
    case FOVEA_REDUCE_L1:
      return x > 0 ? dy : x < 0 ? -dy : x * dy;
    case FOVEA_REDUCE_L2:
      return y == 0 ? 0 : x / y * dy;
    case FOVEA_REDUCE_LOG_SUM_EXP:
      return y == -INFINITY ? 0 : std::exp(x - y) * dy;
    default:
      return dy;
  }
}

void reduce_backward_reference(const ReduceBackwardJob& job) {
  const ReduceBackwardJob j = with_live(job);
  const int64_t outputs = count(j.kept, j.kept.rank), terms = count(j.reduced, j.reduced.rank);
  const auto kept = [&](ReduceTensor t, int64_t o) { return offset(j.kept, t, j.kept.rank, o); };
  const auto reduced = [&](ReduceTensor t, int64_t i) { return offset(j.reduced, t, j.reduced.rank, i); };
  for (int64_t o = 0; o < outputs; ++o) {
    const auto y = static_cast<double>(j.y[kept(kOfY, o)]), dy = static_cast<double>(j.dy[kept(kOfDy, o)]);
    const float* x = j.x + kept(kOfX, o);
    float* dx = j.dx + kept(kOfDx, o);
    int64_t equal = 0;
    for (int64_t i = 0; i < terms; ++i) equal += static_cast<double>(x[reduced(kOfX, i)]) == y;
    for (int64_t i = 0; i < terms; ++i)
      dx[reduced(kOfDx, i)] = static_cast<float>(gradient(j.op, static_cast<double>(x[reduced(kOfX, i)]), y, dy, terms, equal));
  }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_reduce_backward(const fovea_reduce_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                              const fovea_tensor* dy, const fovea_tensor* dx, fovea_stream* stream) {
  constexpr const char* op = "reduce_backward";
  FOVEA_TRY(check_reduce(op, params, x, y, stream));
  FOVEA_CHECK(params->op != FOVEA_REDUCE_PROD, "%s: products have no gradient here", op);
  FOVEA_TRY(check_tensor(op, "dy", dy, kAnyRank, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "y", *y, "dy", *dy));
  FOVEA_TRY(check_tensor(op, "dx", dx, kAnyRank, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "dx", *dx));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "dx", *dx, false));
  FOVEA_TRY(check_no_overlap(op, "y", *y, "dx", *dx, false));
  FOVEA_TRY(check_no_overlap(op, "dy", *dy, "dx", *dx, false));
  FOVEA_FORWARD(stream, fovea_reduce_backward, params, x, y, dy, dx, stream);
  if (elements(*x) == 0) return FOVEA_OK;
  ReduceBackwardJob job{};
  plan_reduce_shape<4>(*params, {x, y, dx, dy}, &job);
  job.x = static_cast<const float*>(x->data);
  job.y = static_cast<const float*>(y->data);
  job.dy = static_cast<const float*>(dy->data);
  job.dx = static_cast<float*>(dx->data);
  return enqueue(stream,
                 select_isa(reduce_backward_reference, scalar::reduce_backward, avx2::reduce_backward, avx512::reduce_backward),
                 job);
}
