#include "ops/resize/resize_plan.h"

#include <cmath>

#include "core/thread_pool.h"

namespace fovea {
namespace {

constexpr int64_t kMaxElements = int64_t{1} << 46;

fovea_status check_image(const char* op, const char* name, const fovea_tensor* t) {
  FOVEA_CHECK(t != nullptr, "%s: %s is NULL", op, name);
  FOVEA_CHECK(t->rank == 4, "%s: %s must have rank 4, it has %d", op, name, t->rank);
  int64_t n = 1;
  for (int i = 0; i < 4; ++i) {
    FOVEA_CHECK(t->shape[i] >= 0 && (t->shape[i] == 0 || n <= kMaxElements / t->shape[i]), "%s: %s has an impossible shape: %s",
                op, name, describe(*t));
    n *= t->shape[i];
  }
  FOVEA_CHECK(t->shape[1] <= kMaxImageSide && t->shape[2] <= kMaxImageSide && t->shape[3] <= kMaxElements,
              "%s: %s is larger than 2^24: %s", op, name, describe(*t));
  return FOVEA_OK;
}

}  // namespace

fovea_status plan_resize(const char* op, const fovea_resize_params& params, const fovea_tensor* x, const fovea_tensor* y,
                         int64_t out_height, int64_t out_width, ResizePlan* plan, int64_t* bytes, const char* x_name,
                         const char* y_name) {
  FOVEA_CHECK(params.mode >= FOVEA_RESIZE_NEAREST && params.mode <= FOVEA_RESIZE_AREA, "%s: unknown mode %d", op, params.mode);
  FOVEA_CHECK(params.mode != FOVEA_RESIZE_BICUBIC || std::isfinite(params.cubic_a), "%s: cubic_a is not finite", op);
  FOVEA_TRY(check_image(op, x_name, x));
  FOVEA_TRY(check_image(op, y_name, y));
  FOVEA_CHECK(same(x->dtype, kU8) || same(x->dtype, kF32), "%s: %s must be u8 or f32, it is %s", op, x_name, describe(*x));
  FOVEA_CHECK(x->shape[0] == y->shape[0] && x->shape[3] == y->shape[3], "%s: batch or channels differ: %s is %s, %s is %s", op,
              x_name, describe(*x), y_name, describe(*y));
  ResizePlan p = make_resize_plan(params, *x, out_height, out_width);
  p.threads = pool_threads();
  // An output row of an empty y may still be too long to count in bytes.
  FOVEA_CHECK(p.channels == 0 || (out_width <= kMaxElements / p.channels && p.in_width <= kMaxElements / p.channels),
              "%s: a row is too long: %s is %s, %s is %s", op, x_name, describe(*x), y_name, describe(*y));
  const bool nothing = elements(*x) == 0 || elements(*y) == 0;
  *bytes = nothing ? 0 : tables_bytes(p) + p.threads * scratch_bytes(p);
  *plan = p;
  return FOVEA_OK;
}

fovea_status attach_workspace(const char* op, const fovea_workspace* workspace, ResizePlan* plan) {
  FOVEA_TRY(check_workspace(op, workspace, tables_bytes(*plan) + scratch_bytes(*plan)));
  const int64_t room = (workspace->bytes - tables_bytes(*plan)) / scratch_bytes(*plan);
  plan->workspace = static_cast<char*>(workspace->data);
  if (room < plan->threads) plan->threads = static_cast<int32_t>(room);
  return FOVEA_OK;
}

}  // namespace fovea
