#include "ops/binary/binary.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/binary/plan.h"

namespace fovea {

FOVEA_DECLARE_BODIES(binary, const BinaryJob&)

void pow_values(const float* a, const float* b, float* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = std::pow(a[i], b[i]);
}

namespace {

float value(int32_t op, float a, float b) {
  switch (op) {
    case FOVEA_BINARY_ADD:
      return a + b;
    case FOVEA_BINARY_SUB:
      return a - b;
    case FOVEA_BINARY_MUL:
      return a * b;
    case FOVEA_BINARY_DIV:
      return a / b;
    case FOVEA_BINARY_MAX:
      return std::isnan(a) || a > b ? a : b;
    case FOVEA_BINARY_MIN:
      return std::isnan(a) || a < b ? a : b;
    default:
      return static_cast<float>(std::pow(static_cast<double>(a), static_cast<double>(b)));
  }
}

void binary_reference(const BinaryJob& j) {
  int64_t total = 1;
  for (int32_t d = 0; d < j.depth; ++d) total *= d + 1 == j.depth ? live_outermost(j) : j.loops[d].size;
  for (int64_t i = 0; i < total; ++i) {
    int64_t rest = i, a = 0, b = 0, y = 0;
    for (int32_t d = 0; d < j.depth; ++d) {
      const int64_t at = d + 1 == j.depth ? rest : rest % j.loops[d].size;
      rest /= j.loops[d].size;
      a += at * j.loops[d].stride[kOfA];
      b += at * j.loops[d].stride[kOfB];
      y += at * j.loops[d].stride[kOfY];
    }
    j.y[y] = value(j.op, j.a[a], j.b[b]);
  }
}

bool broadcasts_to(const fovea_tensor& t, const fovea_tensor& y) {
  if (t.rank > y.rank) return false;
  for (int own = 0; own < t.rank; ++own)
    if (t.shape[own] != 1 && t.shape[own] != y.shape[own + y.rank - t.rank]) return false;
  return true;
}

bool same_shape(const fovea_tensor& a, const fovea_tensor& b) {
  return a.rank == b.rank && broadcasts_to(a, b) && broadcasts_to(b, a);
}

}  // namespace

fovea_status check_broadcast(const char* op, const fovea_tensor& a, const fovea_tensor& b, const char* y_name,
                             const fovea_tensor& y) {
  bool shapes_fit = broadcasts_to(a, y) && broadcasts_to(b, y) && (a.rank == y.rank || b.rank == y.rank);
  for (int d = 0; shapes_fit && d < y.rank; ++d) {
    const auto size = [&](const fovea_tensor& t) { return d < y.rank - t.rank ? 1 : t.shape[d - (y.rank - t.rank)]; };
    shapes_fit = size(a) == y.shape[d] || size(b) == y.shape[d];  // y itself must not be wider than the operands make it
  }
  FOVEA_CHECK(shapes_fit, "%s: %s and %s do not broadcast to %s, which is %s", op, describe(a), describe(b), y_name,
              describe(y));
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_binary(int32_t op_code, const fovea_tensor* a, const fovea_tensor* b, const fovea_tensor* y,
                                     fovea_stream* stream) {
  constexpr const char* op = "binary";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(op_code >= FOVEA_BINARY_ADD && op_code <= FOVEA_BINARY_POW, "%s: unknown operation %d", op, op_code);
  FOVEA_TRY(check_float_tensor(op, "a", a, kAnyRank, stream));
  FOVEA_TRY(check_tensor(op, "b", b, kAnyRank, a->dtype, stream));
  FOVEA_TRY(check_tensor(op, "y", y, kAnyRank, a->dtype, stream));
  FOVEA_TRY(check_broadcast(op, *a, *b, "y", *y));
  FOVEA_TRY(check_no_overlap(op, "a", *a, "y", *y, same_shape(*a, *y)));
  FOVEA_TRY(check_no_overlap(op, "b", *b, "y", *y, same_shape(*b, *y)));
  FOVEA_FORWARD(stream, fovea_binary, op_code, a, b, y, stream);
  if (elements(*y) == 0) return FOVEA_OK;
  BinaryJob job{};
  plan_broadcast<3>({a, b, y}, &job);
  job.a = static_cast<const float*>(a->data);
  job.b = static_cast<const float*>(b->data);
  job.y = static_cast<float*>(y->data);
  job.op = op_code;
  return enqueue(stream, select_isa(binary_reference, scalar::binary, avx2::binary, avx512::binary), job);
}
