#include "ops/reduce/reduce.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(reduce, const ReduceJob&)

namespace {

float reduce_one(const ReduceJob& j, const float* x, int64_t n) {
  double sum = 0, product = 1, highest = -INFINITY, lowest = INFINITY, l1 = 0, squares = 0;
  bool nan = false;
  const auto at = [&](int64_t i) { return static_cast<double>(x[offset(j.reduced, j.reduced.x_stride, j.reduced.rank, i)]); };
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
    j.y[offset(j.kept, j.kept.y_stride, j.kept.rank, o)] =
        reduce_one(j, j.x + offset(j.kept, j.kept.x_stride, j.kept.rank, o), terms);
}

void strides_of(const fovea_tensor& t, int64_t* strides) {
  int64_t stride = t.pitch;
  for (int i = t.rank - 1; i >= 0; --i) {
    strides[i] = i == t.rank - 1 ? 1 : stride;
    if (i < t.rank - 1) stride *= t.shape[i];
  }
}

// Appends a dimension, or widens the last one when the two are one run in x and y.
void append(ReduceDims& d, int64_t size, int64_t x_stride, int64_t y_stride, bool merge) {
  const int32_t back = d.rank - 1;
  if (merge && d.rank > 0 && d.x_stride[back] == size * x_stride && d.y_stride[back] == size * y_stride) {
    d.size[back] *= size;
    d.x_stride[back] = x_stride;
    d.y_stride[back] = y_stride;
    return;
  }
  d.size[d.rank] = size;
  d.x_stride[d.rank] = x_stride;
  d.y_stride[d.rank] = y_stride;
  ++d.rank;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_reduce(const fovea_reduce_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                     fovea_stream* stream) {
  constexpr const char* op = "reduce";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_FORWARD(stream, fovea_reduce, params, x, y, stream);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->op >= FOVEA_REDUCE_SUM && params->op <= FOVEA_REDUCE_LOG_SUM_EXP, "%s: unknown operation %d", op,
              params->op);
  FOVEA_TRY(check_tensor(op, "x", x, kAnyRank, kF32, stream));
  FOVEA_TRY(check_tensor(op, "y", y, kAnyRank, kF32, stream));
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
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  if (elements(*y) == 0) return FOVEA_OK;

  int64_t x_strides[FOVEA_MAX_RANK], y_strides[FOVEA_MAX_RANK];
  strides_of(*x, x_strides);
  strides_of(*y, y_strides);
  ReduceJob job{};
  // Nothing of an empty x is read, but its data may be NULL: y's address keeps the offset arithmetic defined.
  job.x = static_cast<const float*>(x->data != nullptr ? x->data : y->data);
  job.y = static_cast<float*>(y->data);
  job.op = params->op;
  job.live = x->rank == 0 ? nullptr : x->live;
  job.leading_is_reduced = (axes & 1u) != 0;
  int previous = -1;  // 1: the dimension before was reduced
  for (int i = 0, k = 0; i < x->rank; ++i) {
    const bool reduced = (axes >> i & 1u) != 0;
    const int64_t y_stride = reduced ? 0 : y_strides[k];
    if (keep_dims || !reduced) ++k;
    const bool pinned = i == 0 && job.live != nullptr;
    if (x->shape[i] == 1 && !pinned) continue;
    // A pinned leading dimension stays alone.
    const bool merge = previous == static_cast<int>(reduced);
    append(reduced ? job.reduced : job.kept, x->shape[i], x_strides[i], y_stride, merge);
    previous = pinned ? -1 : static_cast<int>(reduced);
  }
  const ReduceDims& kept = job.kept;
  job.columns = kept.rank > 0 && kept.x_stride[kept.rank - 1] == 1 && kept.y_stride[kept.rank - 1] == 1;
  // Both bodies walk the innermost reduced dimension; there is always one.
  const bool contiguous_terms = job.reduced.rank > 0 && job.reduced.x_stride[job.reduced.rank - 1] == 1;
  if (job.reduced.rank == 0 || (!job.columns && !contiguous_terms)) append(job.reduced, 1, 1, 0, false);
  return enqueue(stream, select_isa(reduce_reference, scalar::reduce, avx2::reduce, avx512::reduce), job);
}
