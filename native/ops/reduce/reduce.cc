#include "ops/reduce/reduce.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/reduce/plan.h"

namespace fovea {

FOVEA_DECLARE_BODIES(reduce, const ReduceJob&)

namespace {

float reduce_one(const ReduceJob& j, const float* x, int64_t n) {
  double sum = 0, product = 1, highest = -INFINITY, lowest = INFINITY, l1 = 0, squares = 0;
  bool nan = false;
  const auto at = [&](int64_t i) { return static_cast<double>(x[offset(j.reduced, kOfX, j.reduced.rank, i)]); };
  for (int64_t i = 0; i < n; ++i) {
    const double v = at(i);
    nan = nan || std::isnan(v);
    sum += v, product *= v, l1 += std::fabs(v), squares += v * v;
    highest = std::fmax(highest, v), lowest = std::fmin(lowest, v);
  }
  double exponentials = 0;
  for (int64_t i = 0; j.op == FOVEA_REDUCE_LOG_SUM_EXP && i < n; ++i) exponentials += std::exp(at(i) - highest);
  const double result = j.op == FOVEA_REDUCE_SUM    ? sum
                        : j.op == FOVEA_REDUCE_MEAN ? sum / static_cast<double>(n)
                        : j.op == FOVEA_REDUCE_MAX  ? highest
                        : j.op == FOVEA_REDUCE_MIN  ? lowest
                        : j.op == FOVEA_REDUCE_PROD ? product
                        : j.op == FOVEA_REDUCE_L1   ? l1
                        : j.op == FOVEA_REDUCE_L2   ? std::sqrt(squares)
                        : std::isinf(highest)       ? highest
                                                    : highest + std::log(exponentials);
  return nan ? NAN : static_cast<float>(result);
}

void reduce_reference(const ReduceJob& job) {
  const ReduceJob j = with_live(job);
  const int64_t outputs = count(j.kept, j.kept.rank), terms = count(j.reduced, j.reduced.rank);
  for (int64_t o = 0; o < outputs; ++o)
    j.y[offset(j.kept, kOfY, j.kept.rank, o)] = reduce_one(j, j.x + offset(j.kept, kOfX, j.kept.rank, o), terms);
}

}  // namespace

fovea_status check_reduce(const char* op, const fovea_reduce_params* params, const fovea_tensor* x, const fovea_tensor* y,
                          const fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->op >= FOVEA_REDUCE_SUM && params->op <= FOVEA_REDUCE_LOG_SUM_EXP, "%s: unknown operation %d", op,
              params->op);
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_TRY(check_tensor(op, "y", y, kAnyRank, x->dtype, stream));
  const uint32_t axes = params->axes;
  FOVEA_CHECK((axes >> x->rank) == 0, "%s: axes 0x%x name a dimension that %s lacks", op, axes, describe(*x));
  const int removed = __builtin_popcount(axes);
  const bool keep_dims = y->rank == x->rank;
  bool matches = keep_dims || y->rank == x->rank - removed;
  for (int i = 0, k = 0; matches && i < x->rank; ++i) {
    const bool reduced = (axes >> i & 1u) != 0;
    if (keep_dims || !reduced) matches = y->shape[k++] == (reduced ? 1 : x->shape[i]);
  }
  FOVEA_CHECK(matches, "%s: y is %s, which is not %s with axes 0x%x reduced", op, describe(*y), describe(*x), axes);
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_reduce(const fovea_reduce_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                     fovea_stream* stream) {
  constexpr const char* op = "reduce";
  FOVEA_TRY(check_reduce(op, params, x, y, stream));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_reduce, params, x, y, stream);
  if (elements(*y) == 0) return FOVEA_OK;
  const ReduceJob job = plan_reduce(*params, *x, *y);
  return enqueue(stream, select_isa(reduce_reference, scalar::reduce, avx2::reduce, avx512::reduce), job);
}
