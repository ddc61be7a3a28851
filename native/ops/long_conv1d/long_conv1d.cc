#include "ops/long_conv1d/long_conv1d.h"

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"

namespace fovea {

FOVEA_DECLARE_BODIES(long_conv1d, const LongConv1dJob&)

namespace {

void long_conv1d_reference(const LongConv1dJob& j) {
  const auto widen = [](float v) { return static_cast<double>(v); };
  const int64_t batch = live_rows(j.live, j.batch);
  for (int64_t row = 0; row < batch * j.length; ++row)
    for (int64_t d = 0; d < j.channels; ++d) {
      const float* x = j.x + row * j.x_pitch + d;
      double sum = j.skip == nullptr ? 0.0 : widen(j.skip[d]) * widen(*x);
      for (int64_t k = 0; k < j.taps && k <= row % j.length; ++k)
        sum += widen(j.kernel[d * j.kernel_pitch + k]) * widen(x[-k * j.x_pitch]);
      j.y[row * j.y_pitch + d] = static_cast<float>(sum);
    }
}

int64_t workspace_bytes(const LongConv1dJob& j) {
  const LongConv1dScratch scratch = long_conv1d_scratch(j.length, j.taps, j.channels, j.points);
  return (scratch.shared + j.threads * scratch.each) * static_cast<int64_t>(sizeof(float));
}

}  // namespace

fovea_status check_long_conv1d_inputs(const char* op, const fovea_tensor* x, const fovea_tensor* kernel,
                                      const fovea_tensor* skip, const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, "x", x, 3, kF32, stream));
  FOVEA_TRY(check_tensor(op, "kernel", kernel, 2, kF32, stream));
  FOVEA_TRY(check_long_conv1d_shapes(op, x, kernel));
  return check_channel_vector(op, "skip", skip, x->shape[2], stream);
}

fovea_status check_long_conv1d_shapes(const char* op, const fovea_tensor* x, const fovea_tensor* kernel) {
  FOVEA_CHECK(x != nullptr && x->rank == 3 && x->shape[0] >= 0 && x->shape[1] >= 0 && x->shape[2] >= 0,
              "%s: x must have rank 3", op);
  FOVEA_CHECK(kernel != nullptr && kernel->rank == 2 && kernel->shape[1] >= 0, "%s: kernel must have rank 2", op);
  FOVEA_CHECK(kernel->shape[0] == x->shape[2], "%s: kernel has %lld channels, x has %lld", op,
              static_cast<long long>(kernel->shape[0]), static_cast<long long>(x->shape[2]));
  // At most 2^10 threads have some 16 numbers of each point of 32 channels, and a transform has below 4 * length points.
  const auto wide = [](int64_t n) { return static_cast<double>(n) + 1; };
  FOVEA_CHECK(wide(x->shape[1]) * (wide(x->shape[2]) + 32) < 1099511627776.0, "%s: too large (x is %s)", op, describe(*x));
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_long_conv1d_workspace(const fovea_tensor* x, const fovea_tensor* kernel, int64_t* bytes) {
  constexpr const char* op = "long_conv1d_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_long_conv1d_shapes(op, x, kernel));
  FOVEA_FORWARD_TENSOR(x, fovea_long_conv1d_workspace, x, kernel, bytes);
  LongConv1dJob job = long_conv1d_job(*x, *kernel, nullptr, *x);
  job.threads = pool_threads();
  *bytes = workspace_bytes(job);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_long_conv1d(const fovea_tensor* x, const fovea_tensor* kernel, const fovea_tensor* skip,
                                          const fovea_tensor* y, const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "long_conv1d";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_long_conv1d_inputs(op, x, kernel, skip, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 3, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "y", *y));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "kernel", *kernel, "y", *y, false));
  if (skip != nullptr) FOVEA_TRY(check_no_overlap(op, "skip", *skip, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_long_conv1d, x, kernel, skip, y, workspace, stream);
  if (elements(*x) == 0) return FOVEA_OK;
  LongConv1dJob job = long_conv1d_job(*x, *kernel, skip, *y);
  job.threads = pool_threads();
  FOVEA_TRY(check_workspace(op, workspace, workspace_bytes(job)));
  job.scratch = static_cast<float*>(workspace->data);
  return enqueue(stream, select_isa(long_conv1d_reference, scalar::long_conv1d, avx2::long_conv1d, avx512::long_conv1d), job);
}
