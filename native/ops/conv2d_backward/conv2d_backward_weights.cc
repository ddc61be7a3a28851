// ABI entries of conv2d_backward_weights, their validation, and the reference: plain loops in double precision.
#include <algorithm>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"
#include "ops/conv2d_backward/conv2d_backward.h"

namespace fovea {

FOVEA_DECLARE_BODIES(conv2d_backward_weights, const BackwardWeightsJob&)
FOVEA_DECLARE_BODIES(conv2d_backward_depthwise, const BackwardWeightsJob&)

namespace {

void conv2d_backward_weights_reference(const BackwardWeightsJob& j) {
  const fovea_conv2d_params& p = j.params;
  const int64_t rows = live_rows(j.live, j.batch) * j.out_h;
  for (int64_t o = 0; o < p.out_channels; ++o) {
    if (j.dbias != nullptr) {
      double sum = j.accumulate != 0 ? static_cast<double>(j.dbias[o]) : 0.0;
      for (int64_t q = 0; q < rows * j.out_w; ++q) sum += static_cast<double>(j.dy[q * j.dy_pitch + o]);
      j.dbias[o] = static_cast<float>(sum);
    }
    if (j.dw == nullptr) continue;
    for (int64_t tap = 0; tap < taps(p); ++tap)
      for (int64_t i = 0; i < group_in(p); ++i) {
        float& out = j.dw[(o * taps(p) + tap) * j.dw_pitch + i];
        double sum = j.accumulate != 0 ? static_cast<double>(out) : 0.0;
        for (int64_t row = 0; row < rows; ++row) {
          const int64_t iy = row % j.out_h * p.stride_h - p.pad_top + tap / p.kernel_w * p.dilation_h;
          if (iy < 0 || iy >= j.in_h) continue;
          const float* x = j.x + (row / j.out_h * j.in_h + iy) * j.in_w * j.x_pitch + o / group_out(p) * group_in(p) + i;
          for (int64_t ox = 0; ox < j.out_w; ++ox) {
            const int64_t ix = ox * p.stride_w - p.pad_left + tap % p.kernel_w * p.dilation_w;
            if (ix < 0 || ix >= j.in_w) continue;
            sum += static_cast<double>(x[ix * j.x_pitch]) * static_cast<double>(j.dy[(row * j.out_w + ox) * j.dy_pitch + o]);
          }
        }
        out = static_cast<float>(sum);
      }
  }
}

// Far from overflow of the plan's products.
fovea_status check_work(const char* op, const fovea_conv2d_params& p, const fovea_tensor& dy) {
  double work = static_cast<double>(direct_floats(p));
  for (int i = 0; i < 3; ++i) work *= static_cast<double>(dy.shape[i]);
  FOVEA_CHECK(work <= 1e17, "%s: dy %s is too large for a kernel of %dx%d", op, describe(dy), p.kernel_h, p.kernel_w);
  return FOVEA_OK;
}

int64_t partial_bytes(const BackwardWeightsPlan& plan) { return (plan.partial_floats * int64_t{sizeof(float)} + 63) / 64 * 64; }

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_conv2d_backward_weights_workspace(const fovea_conv2d_params* params, const fovea_tensor* x,
                                                                const fovea_tensor* dy, int64_t* bytes) {
  constexpr const char* op = "conv2d_backward_weights_workspace";
  FOVEA_TRY(check_conv2d_params(op, params));
  FOVEA_CHECK(x != nullptr, "%s: x is NULL", op);
  FOVEA_CHECK(dy != nullptr, "%s: dy is NULL", op);
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_backward_shapes(op, *params, "x", *x, *dy));
  FOVEA_TRY(check_work(op, *params, *dy));
  FOVEA_FORWARD_TENSOR(x, fovea_conv2d_backward_weights_workspace, params, x, dy, bytes);
  const BackwardWeightsPlan plan = backward_weights_plan(*params, dy->shape[0], dy->shape[1], dy->shape[2]);
  *bytes = partial_bytes(plan) + plan.scratch_floats * int64_t{sizeof(float)} * pool_threads();
  return FOVEA_OK;
}

extern "C" fovea_status fovea_conv2d_backward_weights(const fovea_conv2d_params* params, const fovea_tensor* x,
                                                      const fovea_tensor* dy, const fovea_tensor* dw, const fovea_tensor* dbias,
                                                      int32_t accumulate, const fovea_workspace* workspace,
                                                      fovea_stream* stream) {
  constexpr const char* op = "conv2d_backward_weights";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_conv2d_params(op, params));
  const fovea_conv2d_params& p = *params;
  FOVEA_TRY(check_float_tensor(op, "x", x, 4, stream));
  FOVEA_TRY(check_tensor(op, "dy", dy, 4, x->dtype, stream));
  FOVEA_TRY(check_backward_shapes(op, p, "x", *x, *dy));
  FOVEA_TRY(check_work(op, p, *dy));
  FOVEA_CHECK(accumulate == 0 || accumulate == 1, "%s: accumulate is %d, it must be 0 or 1", op, accumulate);
  FOVEA_TRY(check_channel_vector(op, "dbias", dbias, p.out_channels, stream));
  if (dw != nullptr) {
    FOVEA_TRY(check_tensor(op, "dw", dw, 4, kF32, stream));
    FOVEA_CHECK(dw->shape[0] == p.out_channels && dw->shape[1] == p.kernel_h && dw->shape[2] == p.kernel_w &&
                    dw->shape[3] == group_in(p),
                "%s: dw is %s, params say [%d, %d, %d, %lld]", op, describe(*dw), p.out_channels, p.kernel_h, p.kernel_w,
                static_cast<long long>(group_in(p)));
    FOVEA_TRY(check_no_overlap(op, "x", *x, "dw", *dw, false));
    FOVEA_TRY(check_no_overlap(op, "dy", *dy, "dw", *dw, false));
    if (dbias != nullptr) FOVEA_TRY(check_no_overlap(op, "dw", *dw, "dbias", *dbias, false));
  }
  if (dbias != nullptr) {
    FOVEA_TRY(check_no_overlap(op, "x", *x, "dbias", *dbias, false));
    FOVEA_TRY(check_no_overlap(op, "dy", *dy, "dbias", *dbias, false));
  }
  FOVEA_FORWARD(stream, fovea_conv2d_backward_weights, params, x, dy, dw, dbias, accumulate, workspace, stream);
  const BackwardWeightsPlan plan = backward_weights_plan(p, dy->shape[0], dy->shape[1], dy->shape[2]);
  const int64_t scratch_bytes = plan.scratch_floats * int64_t{sizeof(float)};
  FOVEA_TRY(check_workspace(op, workspace, partial_bytes(plan) + scratch_bytes));
  // One thread's scratch is a must; a pool that grew after the lease just leaves the new threads out.
  const int64_t fitting = scratch_bytes == 0 ? pool_threads() : (workspace->bytes - partial_bytes(plan)) / scratch_bytes;
  char* space = partial_bytes(plan) + scratch_bytes == 0 ? nullptr : static_cast<char*>(workspace->data);
  const BackwardWeightsJob job{static_cast<const float*>(x->data),
                               static_cast<const float*>(dy->data),
                               dw == nullptr ? nullptr : static_cast<float*>(dw->data),
                               dbias == nullptr ? nullptr : static_cast<float*>(dbias->data),
                               reinterpret_cast<float*>(space),
                               space == nullptr ? nullptr : reinterpret_cast<float*>(space + partial_bytes(plan)),
                               x->live,
                               x->shape[0],
                               x->shape[1],
                               x->shape[2],
                               x->pitch,
                               dy->shape[1],
                               dy->shape[2],
                               dy->pitch,
                               dw == nullptr ? group_in(p) : dw->pitch,
                               plan,
                               p,
                               accumulate,
                               static_cast<int32_t>(std::min<int64_t>(fitting, pool_threads()))};
  if (is_depthwise(p))
    return enqueue(stream,
                   select_isa(conv2d_backward_weights_reference, scalar::conv2d_backward_depthwise,
                              avx2::conv2d_backward_depthwise, avx512::conv2d_backward_depthwise),
                   job);
  return enqueue(stream,
                 select_isa(conv2d_backward_weights_reference, scalar::conv2d_backward_weights, avx2::conv2d_backward_weights,
                            avx512::conv2d_backward_weights),
                 job);
}
