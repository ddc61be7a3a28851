#include "ops/linear_assignment/linear_assignment.h"

#include <algorithm>

#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"
#include "ops/linear_assignment/solver.h"

namespace fovea {
namespace {

struct OneThread {
  static constexpr int32_t kLanes = 1;
  static int32_t lane() { return 0; }
  static void sync() {}
  static Nearest least(const Nearest& nearest) { return nearest; }
};

// One body for every instruction set: a search looks at some hundred columns and goes where the numbers lead.
void linear_assignment(const LinearAssignmentJob& j) {
  const ThreadLimit limit(j.threads);
  const int64_t live = live_rows(j.live, j.batched ? j.problems : j.Q);
  parallel_for(j.batched ? live : 1, 1, [&](int64_t begin, int64_t end, int32_t worker) {
    for (int64_t i = begin; i < end; ++i) assign_problem(j, OneThread{}, i, live, j.scratch + worker * j.scratch_stride);
  });
}

int32_t threads_for(const fovea_tensor& costs) {
  return static_cast<int32_t>(std::min<int64_t>(costs.rank == 3 ? costs.shape[0] : 1, pool_threads()));
}

fovea_status workspace_bytes(const fovea_tensor& costs, int64_t* bytes) {
  constexpr const char* op = "linear_assignment";
  FOVEA_CHECK(costs.rank == 2 || costs.rank == 3, "%s: costs must be [Q][T] or [B][Q][T], it is %s", op, describe(costs));
  const int64_t problems = costs.rank == 3 ? costs.shape[0] : 1, Q = costs.shape[costs.rank - 2], T = last(costs);
  FOVEA_CHECK(problems >= 0 && Q >= 0 && T >= 0, "%s: costs is %s", op, describe(costs));
  // Far from overflow: 2^20 problems of 2^24 * 2^16 costs.
  FOVEA_CHECK(problems <= (1 << 20) && Q <= (1 << 24) && T <= (1 << 24) && Q * T <= int64_t{1} << 40,
              "%s: too many costs or problems: %s", op, describe(costs));
  *bytes = threads_for(costs) * assignment_bytes(Q, T);
  return FOVEA_OK;
}

// `t` may be NULL; else one list of `length`, or one per problem.
fovea_status check_list(const char* name, const fovea_tensor* t, fovea_dtype dtype, int64_t problems, int64_t length,
                        const fovea_tensor& costs, const fovea_stream* stream) {
  constexpr const char* op = "linear_assignment";
  if (t == nullptr) return FOVEA_OK;
  FOVEA_TRY(check_tensor(op, name, t, kAnyRank, dtype, stream));
  FOVEA_CHECK(t->rank >= 1 && last(*t) == length && rows(*t) == problems, "%s: %s is %s, costs is %s", op, name, describe(*t),
              describe(costs));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_linear_assignment_workspace(const fovea_tensor* costs, int64_t* bytes) {
  FOVEA_CHECK(costs != nullptr && bytes != nullptr, "linear_assignment: costs or bytes is NULL");
  FOVEA_TRY(workspace_bytes(*costs, bytes));
  FOVEA_FORWARD_TENSOR(costs, fovea_linear_assignment_workspace, costs, bytes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_linear_assignment(const fovea_tensor* costs, const fovea_tensor* counts, const fovea_tensor* rows,
                                                const fovea_tensor* columns, const fovea_tensor* totals,
                                                const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "linear_assignment";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_tensor(op, "costs", costs, kAnyRank, kF32, stream));
  int64_t bytes = 0;
  FOVEA_TRY(workspace_bytes(*costs, &bytes));
  const int64_t problems = costs->rank == 3 ? costs->shape[0] : 1;
  FOVEA_TRY(check_list("counts", counts, kI32, 1, problems, *costs, stream));
  FOVEA_TRY(check_list("rows", rows, kI32, problems, last(*costs), *costs, stream));
  FOVEA_TRY(check_list("columns", columns, kI32, problems, costs->shape[costs->rank - 2], *costs, stream));
  FOVEA_TRY(check_list("totals", totals, kF32, 1, problems, *costs, stream));
  const fovea_tensor* const outputs[] = {rows, columns, totals};
  const char* const names[] = {"rows", "columns", "totals"};
  for (int o = 0; o < 3; ++o) {
    if (outputs[o] == nullptr) continue;
    FOVEA_TRY(check_no_overlap(op, "costs", *costs, names[o], *outputs[o], false));
    if (counts != nullptr) FOVEA_TRY(check_no_overlap(op, "counts", *counts, names[o], *outputs[o], false));
    for (int other = 0; other < o; ++other)
      if (outputs[other] != nullptr)
        FOVEA_TRY(check_no_overlap(op, names[other], *outputs[other], names[o], *outputs[o], false));
  }
  FOVEA_FORWARD(stream, fovea_linear_assignment, costs, counts, rows, columns, totals, workspace, stream);
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  LinearAssignmentJob job = linear_assignment_job(*costs, counts, rows, columns, totals);
  job.scratch = bytes == 0 ? nullptr : static_cast<char*>(workspace->data);
  job.scratch_stride = assignment_bytes(job.Q, job.T);
  job.threads = threads_for(*costs);
  return enqueue(stream, linear_assignment, job);
}
