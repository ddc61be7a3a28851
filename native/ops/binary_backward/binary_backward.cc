#include "ops/binary_backward/binary_backward.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/binary/plan.h"

namespace fovea {

FOVEA_DECLARE_BODIES(binary_backward, const BinaryBackwardJob&)

namespace {

struct Derivatives {
  double by_a, by_b;
};

Derivatives derivatives(int32_t op, double a, double b) {
  switch (op) {
    case FOVEA_BINARY_ADD:
      return {1, 1};
    case FOVEA_BINARY_SUB:
      return {1, -1};
    case FOVEA_BINARY_MUL:
      return {b, a};
    case FOVEA_BINARY_DIV:
      return {1 / b, -a / (b * b)};
    case FOVEA_BINARY_MAX:
    case FOVEA_BINARY_MIN: {
      if (std::isnan(a) || std::isnan(b)) return {NAN, NAN};
      const double first = a == b ? 0.5 : (a > b) == (op == FOVEA_BINARY_MAX);
      return {first, 1 - first};
    }
    default:
      return {b == 0 ? 0 : b * std::pow(a, b - 1), a == 0 ? 0 : std::pow(a, b) * std::log(a)};
  }
}

void binary_backward_reference(const BinaryBackwardJob& j) {
  int64_t total = 1;
  for (int32_t d = 0; d < j.depth; ++d) total *= d + 1 == j.depth ? live_outermost(j) : j.loops[d].size;
  for (int64_t i = 0; i < total; ++i) {
    int64_t rest = i, at[5] = {};
    for (int32_t d = 0; d < j.depth; ++d) {
      const int64_t step = d + 1 == j.depth ? rest : rest % j.loops[d].size;
      rest /= j.loops[d].size;
      for (int t = 0; t < 5; ++t) at[t] += step * j.loops[d].stride[t];
    }
    const auto dy = static_cast<double>(j.dy[at[kOfY]]);
    const Derivatives d = derivatives(j.op, static_cast<double>(j.a[at[kOfA]]), static_cast<double>(j.b[at[kOfB]]));
    if (j.da != nullptr) j.da[at[kOfDa]] = static_cast<float>(dy * d.by_a);
    if (j.db != nullptr) j.db[at[kOfDb]] = static_cast<float>(dy * d.by_b);
  }
}

}  // namespace

void pow_derivatives(const float* a, const float* b, float* by_a, float* by_b, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const Derivatives d = derivatives(FOVEA_BINARY_POW, static_cast<double>(a[i]), static_cast<double>(b[i]));
    by_a[i] = static_cast<float>(d.by_a);
    by_b[i] = static_cast<float>(d.by_b);
  }
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_binary_backward(int32_t op_code, const fovea_tensor* a, const fovea_tensor* b,
                                              const fovea_tensor* dy, const fovea_tensor* da, const fovea_tensor* db,
                                              fovea_stream* stream) {
  constexpr const char* op = "binary_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(op_code >= FOVEA_BINARY_ADD && op_code <= FOVEA_BINARY_POW, "%s: unknown operation %d", op, op_code);
  FOVEA_TRY(check_float_tensor(op, "a", a, kAnyRank, stream));
  FOVEA_TRY(check_tensor(op, "b", b, kAnyRank, a->dtype, stream));
  FOVEA_TRY(check_tensor(op, "dy", dy, kAnyRank, a->dtype, stream));
  FOVEA_TRY(check_broadcast(op, *a, *b, "dy", *dy));
  struct Output {
    const char* name;
    const fovea_tensor* tensor;
  };
  for (const Output& out : {Output{"da", da}, Output{"db", db}}) {
    if (out.tensor == nullptr) continue;
    FOVEA_TRY(check_tensor(op, out.name, out.tensor, kAnyRank, a->dtype, stream));
    FOVEA_TRY(check_same_shape(op, "dy", *dy, out.name, *out.tensor));
    FOVEA_TRY(check_no_overlap(op, "a", *a, out.name, *out.tensor, false));
    FOVEA_TRY(check_no_overlap(op, "b", *b, out.name, *out.tensor, false));
    FOVEA_TRY(check_no_overlap(op, "dy", *dy, out.name, *out.tensor, false));
  }
  if (da != nullptr && db != nullptr) FOVEA_TRY(check_no_overlap(op, "da", *da, "db", *db, false));
  FOVEA_FORWARD(stream, fovea_binary_backward, op_code, a, b, dy, da, db, stream);
  if (elements(*dy) == 0) return FOVEA_OK;
  BinaryBackwardJob job{};
  plan_broadcast<5>({a, b, dy, da == nullptr ? dy : da, db == nullptr ? dy : db}, &job);
  job.a = static_cast<const float*>(a->data);
  job.b = static_cast<const float*>(b->data);
  job.dy = static_cast<const float*>(dy->data);
  job.da = da == nullptr ? nullptr : static_cast<float*>(da->data);
  job.db = db == nullptr ? nullptr : static_cast<float*>(db->data);
  job.op = op_code;
  return enqueue(stream,
                 select_isa(binary_backward_reference, scalar::binary_backward, avx2::binary_backward, avx512::binary_backward),
                 job);
}
