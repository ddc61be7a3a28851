#include "ops/matmul/matmul.h"

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/linear/panels.h"
#include "ops/matmul/plan.h"

namespace fovea {

FOVEA_DECLARE_BODIES(matmul, const MatmulJob&)

namespace {

void matmul_reference(const MatmulJob& j) {
  const int64_t m = j.live_role == MatmulLive::kRows ? live_rows(j.live, j.m) : j.m;
  const int64_t k_size = j.live_role == MatmulLive::kTerms ? live_rows(j.live, j.k) : j.k;
  for (int64_t batch = 0; batch < j.batches; ++batch) {
    const int64_t ia = matrix_of(j, j.a, batch), ib = matrix_of(j, j.b, batch);
    if (ia >= live_matrices(j)) continue;
    const float* a = j.a.data + ia * j.a.matrix_stride;
    const float* b = j.b.data + ib * j.b.matrix_stride;
    for (int64_t row = 0; row < m; ++row)
      for (int64_t column = 0; column < j.n; ++column) {
        double sum = 0;
        for (int64_t k = 0; k < k_size; ++k)
          sum += static_cast<double>(j.a.transposed ? a[k * j.a.pitch + row] : a[row * j.a.pitch + k]) *
                 static_cast<double>(j.b.transposed ? b[column * j.b.pitch + k] : b[k * j.b.pitch + column]);
        j.y[(batch * j.m + row) * j.y_pitch + column] = static_cast<float>(static_cast<double>(j.alpha) * sum);
      }
  }
}

// Sizes of the product and of the workspace: packed a first, then the panels of b, in floats.
struct Plan {
  int64_t m, n, k;
  int64_t packed_a, a_pitch;
  int64_t panels, panels_stride;
  bool dot, direct_b;
};

// With at most this many rows packing b would cost more than it saves.
constexpr int64_t kDirectRows = 28;

fovea_status make_plan(const char* op, const fovea_matmul_params* params, const fovea_tensor* a, const fovea_tensor* b,
                       Plan* plan) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(a != nullptr && b != nullptr, "%s: a or b is NULL", op);
  for (const fovea_tensor* t : {a, b}) {
    FOVEA_CHECK(t->rank >= 2 && t->rank <= FOVEA_MAX_RANK, "%s: %s has rank %d, allowed are 2 to %d", op, t == a ? "a" : "b",
                t->rank, FOVEA_MAX_RANK);
    int64_t n = 1;
    for (int i = 0; i < t->rank; ++i) {
      FOVEA_CHECK(t->shape[i] >= 0 && (t->shape[i] == 0 || n <= (int64_t{1} << 46) / t->shape[i]),
                  "%s: %s has an impossible shape: %s", op, t == a ? "a" : "b", describe(*t));
      n *= t->shape[i];
    }
  }
  const int64_t* a_shape = a->shape + a->rank - 2;
  const int64_t* b_shape = b->shape + b->rank - 2;
  const bool ta = params->transpose_a != 0, tb = params->transpose_b != 0;
  *plan = Plan{a_shape[ta ? 1 : 0], b_shape[tb ? 0 : 1], a_shape[ta ? 0 : 1], 0, 0, 0, 0, false, false};
  FOVEA_CHECK(b_shape[tb ? 1 : 0] == plan->k, "%s: the inner dimensions differ: a is %s%s, b is %s%s", op, describe(*a),
              ta ? " transposed" : "", describe(*b), tb ? " transposed" : "");
  for (int i = 3; i <= a->rank && i <= b->rank; ++i) {
    const int64_t p = a->shape[a->rank - i], q = b->shape[b->rank - i];
    FOVEA_CHECK(p == q || p == 1 || q == 1, "%s: the batch dimensions of %s and %s do not broadcast", op, describe(*a),
                describe(*b));
  }
  if (elements(*a) == 0 || elements(*b) == 0) return FOVEA_OK;
  plan->dot = tb && plan->m <= (plan->k >= kDotLongK ? kMostDotRows : kDotRows);
  if (plan->dot && ta) {
    plan->a_pitch = (plan->k + 15) / 16 * 16;
    plan->packed_a = matrices(*a) * plan->m * plan->a_pitch;
  }
  if (plan->dot) return FOVEA_OK;
  plan->direct_b = !tb && plan->m <= kDirectRows;
  const int64_t packed_columns = plan->direct_b ? padded_columns(plan->n % kPanel) : padded_columns(plan->n);
  plan->panels_stride = packed_columns * plan->k;
  plan->panels = matrices(*b) * plan->panels_stride;
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_matmul_workspace(const fovea_matmul_params* params, const fovea_tensor* a, const fovea_tensor* b,
                                               int64_t* bytes) {
  FOVEA_CHECK(bytes != nullptr, "matmul_workspace: bytes is NULL");
  Plan plan{};
  FOVEA_TRY(make_plan("matmul_workspace", params, a, b, &plan));
  FOVEA_FORWARD_TENSOR(a, fovea_matmul_workspace, params, a, b, bytes);
  *bytes = (plan.packed_a + plan.panels) * static_cast<int64_t>(sizeof(float));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_matmul(const fovea_matmul_params* params, const fovea_tensor* a, const fovea_tensor* b,
                                     const fovea_tensor* y, const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "matmul";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_float_tensor(op, "a", a, kAnyRank, stream));
  FOVEA_TRY(check_tensor(op, "b", b, kAnyRank, a->dtype, stream));
  FOVEA_TRY(check_tensor(op, "y", y, kAnyRank, a->dtype, stream));
  Plan plan{};
  FOVEA_TRY(make_plan(op, params, a, b, &plan));
  const int rank = a->rank > b->rank ? a->rank : b->rank;
  bool matches = y->rank == rank && y->shape[rank - 2] == plan.m && y->shape[rank - 1] == plan.n;
  for (int i = 0; matches && i < rank - 2; ++i) {
    const int64_t p = i < rank - a->rank ? 1 : a->shape[i - (rank - a->rank)];
    const int64_t q = i < rank - b->rank ? 1 : b->shape[i - (rank - b->rank)];
    matches = y->shape[i] == (p == 1 ? q : p);
  }
  FOVEA_CHECK(matches, "%s: y is %s, which is not the product of %s and %s", op, describe(*y), describe(*a), describe(*b));
  FOVEA_TRY(check_no_overlap(op, "a", *a, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "b", *b, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_matmul, params, a, b, y, workspace, stream);
  FOVEA_TRY(check_workspace(op, workspace, (plan.packed_a + plan.panels) * static_cast<int64_t>(sizeof(float))));
  if (elements(*y) == 0) return FOVEA_OK;

  MatmulJob job = plan_matmul(*params, *a, *b, *y);
  auto* scratch = plan.packed_a + plan.panels == 0 ? job.y : static_cast<float*>(workspace->data);
  job.packed_a = plan.packed_a == 0 ? nullptr : scratch;
  job.panels = scratch + plan.packed_a;
  job.a_pitch = plan.a_pitch;
  job.panels_stride = plan.panels_stride;
  job.dot = plan.dot;
  job.direct_b = plan.direct_b;
  return enqueue(stream, select_isa(matmul_reference, scalar::matmul, avx2::matmul, avx512::matmul), job);
}
