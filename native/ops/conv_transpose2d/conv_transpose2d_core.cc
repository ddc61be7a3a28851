// What conv_transpose2d and conv2d_backward_data share behind their own checks, and the reference of the phases: plain loops in
// double precision over the packed weights.
#include <algorithm>

#include "core/isa.h"
#include "core/stream.h"
#include "core/thread_pool.h"
#include "ops/activation/activation.h"
#include "ops/conv_transpose2d/conv_transpose2d.h"

namespace fovea {

FOVEA_DECLARE_BODIES(conv_transpose2d, const TransposedJob&)

namespace {

constexpr int64_t kHeaderBytes = sizeof(TransposedHeader);

void conv_transpose2d_reference(const TransposedJob& j) {
  const fovea_conv2d_params& p = j.params;
  const int64_t step_h = class_step(p.stride_h, p.dilation_h), step_w = class_step(p.stride_w, p.dilation_w);
  const int64_t pixels = live_rows(j.live, j.batch) * j.out_h * j.out_w;
  for (int64_t q = 0; q < pixels; ++q) {
    const int64_t n = q / (j.out_h * j.out_w), oy = q / j.out_w % j.out_h, ox = q % j.out_w;
    for (int64_t o = 0; o < p.out_channels; ++o) {
      double sum = j.bias == nullptr ? 0.0 : static_cast<double>(j.bias[o]);
      for (int64_t kh = 0; kh < p.kernel_h; ++kh) {
        const int64_t y = oy + p.pad_top - kh * p.dilation_h, iy = y / p.stride_h;
        if (y < 0 || y % p.stride_h != 0 || iy >= j.in_h) continue;
        for (int64_t kw = 0; kw < p.kernel_w; ++kw) {
          const int64_t x = ox + p.pad_left - kw * p.dilation_w, ix = x / p.stride_w;
          if (x < 0 || x % p.stride_w != 0 || ix >= j.in_w) continue;
          const float* weights = j.weights + class_floats(p, kh % step_h, kw % step_w);
          fovea_conv2d_params part = p;
          part.kernel_h = static_cast<int32_t>(class_taps(p.kernel_h, step_h, kh % step_h));
          part.kernel_w = static_cast<int32_t>(class_taps(p.kernel_w, step_w, kw % step_w));
          const int64_t tap = (part.kernel_h - 1 - kh / step_h) * part.kernel_w + part.kernel_w - 1 - kw / step_w;
          const float* source = j.x + ((n * j.in_h + iy) * j.in_w + ix) * j.x_pitch + o / group_out(p) * group_in(p);
          for (int64_t i = 0; i < group_in(p); ++i)
            sum += static_cast<double>(source[i]) * static_cast<double>(weights[packed_index(part, o, tap, i)]);
        }
      }
      const double slope = j.slope == nullptr ? 0.0 : static_cast<double>(j.slope[o]);
      j.y[q * j.y_pitch + o] = static_cast<float>(reference_activation(p.activation, sum, slope));
    }
  }
}

// `prepared` without the header.
fovea_tensor behind_header(const fovea_tensor& prepared) {
  fovea_tensor t = prepared;
  t.data = static_cast<char*>(t.data) + kHeaderBytes;
  t.shape[0] -= kHeaderBytes;
  t.pitch = t.shape[0];
  return t;
}

fovea_status check_prepared(const TransposedLayer& layer, const fovea_tensor& prepared) {
  int64_t bytes = 0;
  FOVEA_TRY(transposed_prepared_bytes(layer, &bytes));
  FOVEA_CHECK(prepared.shape[0] == bytes, "%s: prepared has %lld bytes, these parameters need %lld", layer.op,
              static_cast<long long>(prepared.shape[0]), static_cast<long long>(bytes));
  FOVEA_CHECK(reinterpret_cast<uintptr_t>(prepared.data) % 64 == 0, "%s: prepared is not 64-byte aligned", layer.op);
  return FOVEA_OK;
}

// While capturing, the packing may be part of the same graph and not have run yet.
fovea_status check_header(const TransposedLayer& layer, bool forward, const fovea_tensor& prepared,
                          const fovea_stream* stream) {
  if (stream->capture != nullptr) return FOVEA_OK;
  const fovea_conv2d_params& p = layer.params;
  const auto& h = *static_cast<const TransposedHeader*>(prepared.data);
  const bool backward = layer.order == Conv2dWeightOrder::kBackward;
  FOVEA_CHECK(h.magic == kConv2dMagic + 1 && (h.backward != 0) == backward, "%s: prepared was not written by %s_prepare",
              layer.op, layer.op);
  FOVEA_CHECK(h.in_channels == p.in_channels && h.out_channels == p.out_channels && h.kernel_h == p.kernel_h &&
                  h.kernel_w == p.kernel_w && h.groups == p.groups && h.stride_h == p.stride_h && h.stride_w == p.stride_w &&
                  h.dilation_h == p.dilation_h && h.dilation_w == p.dilation_w && (h.forward != 0) == forward,
              "%s: prepared is for %d -> %d channels, kernel %dx%d, stride %dx%d, dilation %dx%d, %d groups; params differ",
              layer.op, backward ? h.out_channels : h.in_channels, backward ? h.in_channels : h.out_channels, h.kernel_h,
              h.kernel_w, h.stride_h, h.stride_w, h.dilation_h, h.dilation_w, h.groups);
  return FOVEA_OK;
}

// Sizes of the copies and of the work, far from overflow.
fovea_status check_sizes(const TransposedLayer& layer, const fovea_tensor& x, int64_t out_h, int64_t out_w) {
  const fovea_conv2d_params& p = layer.params;
  constexpr double kMostFloats = 1e15, kMostWork = 1e17;
  const auto d = [](auto n) { return static_cast<double>(n); };
  const double width = d(x.shape[2]) + d(out_w) + d(p.kernel_w) * d(p.dilation_w) + d(p.pad_left);
  const double work = d(x.shape[0]) * d(out_h) * d(out_w) * d(direct_floats(p));
  FOVEA_CHECK(d(x.shape[1]) * width * d(p.in_channels) <= kMostFloats && width * d(p.in_channels) <= kMostFloats &&
                  d(out_h) <= kMostFloats && work <= kMostWork,
              "%s: a kernel of %dx%d over %s is too large", layer.op, p.kernel_h, p.kernel_w, describe(x));
  return FOVEA_OK;
}

}  // namespace

fovea_status transposed_prepared_bytes(const TransposedLayer& layer, int64_t* bytes) {
  fovea_conv2d_params forward;
  if (forward_params(layer, &forward)) {
    FOVEA_TRY(conv2d_packed_bytes(layer.op, &forward, bytes));
  } else {
    FOVEA_CHECK(layer.params.algorithm <= FOVEA_CONV2D_DIRECT,
                "%s: Winograd needs stride 1 and a padding below the kernel size", layer.op);
    *bytes = direct_floats(layer.params) * int64_t{sizeof(float)};
  }
  *bytes += kHeaderBytes;
  return FOVEA_OK;
}

fovea_status check_transposed_weights(const TransposedLayer& layer, const fovea_tensor* weights, const fovea_tensor* prepared,
                                      const fovea_stream* stream) {
  const bool backward = layer.order == Conv2dWeightOrder::kBackward;
  const fovea_conv2d_params& p = layer.params;
  const int64_t rows = backward ? p.in_channels : p.out_channels, depth = backward ? group_out(p) : group_in(p);
  FOVEA_TRY(check_tensor(layer.op, "weights", weights, 4, kF32, stream));
  FOVEA_CHECK(weights->shape[0] == rows && weights->shape[1] == p.kernel_h && weights->shape[2] == p.kernel_w &&
                  weights->shape[3] == depth,
              "%s: weights is %s, params say [%lld, %d, %d, %lld]", layer.op, describe(*weights), static_cast<long long>(rows),
              p.kernel_h, p.kernel_w, static_cast<long long>(depth));
  FOVEA_TRY(check_tensor(layer.op, "prepared", prepared, 1, kU8, stream));
  return check_no_overlap(layer.op, "weights", *weights, "prepared", *prepared, false);
}

fovea_status transposed_prepare(const TransposedLayer& layer, const fovea_tensor* weights, const fovea_tensor* prepared,
                                fovea_stream* stream) {
  const fovea_conv2d_params& p = layer.params;
  FOVEA_TRY(check_prepared(layer, *prepared));
  TransposedPrepareJob job{};
  job.conv.params = p;
  job.forward = forward_params(layer, &job.conv.params);
  job.conv.weights = static_cast<const float*>(weights->data);
  job.conv.prepared = behind_header(*prepared).data;
  job.conv.pitch = weights->pitch;
  job.conv.order = layer.order;
  job.header = prepared->data;
  return enqueue(stream, transposed_pack, job);
}

fovea_status transposed_workspace(const TransposedLayer& layer, const fovea_tensor& x, int64_t out_h, int64_t out_w,
                                  int64_t* bytes) {
  fovea_conv2d_params forward;
  if (forward_params(layer, &forward)) return fovea_conv2d_workspace(&forward, &x, bytes);
  FOVEA_TRY(check_sizes(layer, x, out_h, out_w));
  const TransposedPlan plan = transposed_plan(layer.params, x.shape[0], x.shape[1], x.shape[2], out_h, out_w);
  *bytes = plan.scratch_floats * int64_t{sizeof(float)} * pool_threads();
  return FOVEA_OK;
}

fovea_status check_transposed(const TransposedLayer& layer, const fovea_tensor* x, const fovea_tensor* prepared,
                              const fovea_tensor* bias, const fovea_tensor* slope, const fovea_tensor* y,
                              const fovea_stream* stream) {
  const fovea_conv2d_params& p = layer.params;
  FOVEA_TRY(check_tensor(layer.op, "prepared", prepared, 1, kU8, stream));
  FOVEA_TRY(check_channel_vector(layer.op, "bias", bias, p.out_channels, stream));
  FOVEA_TRY(check_activation(layer.op, p.activation, slope, p.out_channels, stream));
  FOVEA_TRY(check_no_overlap(layer.op, "input", *x, "output", *y, false));
  FOVEA_TRY(check_no_overlap(layer.op, "prepared", *prepared, "output", *y, false));
  if (bias != nullptr) FOVEA_TRY(check_no_overlap(layer.op, "bias", *bias, "output", *y, false));
  if (slope != nullptr) FOVEA_TRY(check_no_overlap(layer.op, "slope", *slope, "output", *y, false));
  return FOVEA_OK;
}

fovea_status transposed_run(const TransposedLayer& layer, const fovea_tensor* x, const fovea_tensor* prepared,
                            const fovea_tensor* bias, const fovea_tensor* slope, const fovea_tensor* y,
                            const fovea_workspace* workspace, fovea_stream* stream) {
  const fovea_conv2d_params& p = layer.params;
  fovea_conv2d_params forward;
  const bool is_forward = forward_params(layer, &forward);
  FOVEA_TRY(check_prepared(layer, *prepared));
  FOVEA_TRY(check_header(layer, is_forward, *prepared, stream));
  if (is_forward) {
    const fovea_tensor weights = behind_header(*prepared);
    return fovea_conv2d(&forward, x, &weights, bias, slope, nullptr, y, workspace, stream);
  }
  FOVEA_TRY(check_sizes(layer, *x, y->shape[1], y->shape[2]));
  TransposedJob job{};
  job.plan = transposed_plan(p, x->shape[0], x->shape[1], x->shape[2], y->shape[1], y->shape[2]);
  const int64_t scratch_bytes = job.plan.scratch_floats * int64_t{sizeof(float)};
  FOVEA_TRY(check_workspace(layer.op, workspace, scratch_bytes));
  // One thread's scratch is a must; a pool that grew after the lease just leaves the new threads out.
  const int64_t fitting = scratch_bytes == 0 ? pool_threads() : workspace->bytes / scratch_bytes;
  job.x = static_cast<const float*>(x->data);
  job.weights = static_cast<const float*>(behind_header(*prepared).data);
  job.bias = bias == nullptr ? nullptr : static_cast<const float*>(bias->data);
  job.slope = slope == nullptr ? nullptr : static_cast<const float*>(slope->data);
  job.y = static_cast<float*>(y->data);
  job.scratch = scratch_bytes == 0 ? nullptr : static_cast<float*>(workspace->data);
  job.live = x->live;
  job.batch = x->shape[0], job.in_h = x->shape[1], job.in_w = x->shape[2], job.x_pitch = x->pitch;
  job.out_h = y->shape[1], job.out_w = y->shape[2], job.y_pitch = y->pitch;
  job.params = p;
  job.threads = static_cast<int32_t>(std::min<int64_t>(fitting, pool_threads()));
  return enqueue(
      stream,
      select_isa(conv_transpose2d_reference, scalar::conv_transpose2d, avx2::conv_transpose2d, avx512::conv_transpose2d), job);
}

}  // namespace fovea
