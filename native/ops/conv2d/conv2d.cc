// ABI entries of conv2d, their validation, and the reference: plain loops in double precision over the packed weights.
#include "ops/conv2d/conv2d.h"

#include <algorithm>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"
#include "ops/activation/activation.h"

namespace fovea {

FOVEA_DECLARE_BODIES(conv2d_direct, const Conv2dJob&)
FOVEA_DECLARE_BODIES(conv2d_depthwise, const Conv2dJob&)
FOVEA_DECLARE_BODIES(conv2d_winograd, const Conv2dJob&)

namespace {

void conv2d_reference(const Conv2dJob& j) {
  const fovea_conv2d_params& p = j.params;
  const int64_t batch = live_rows(j.live, j.batch);
  for (int64_t q = 0; q < batch * j.out_h * j.out_w; ++q) {
    const int64_t n = q / (j.out_h * j.out_w), oy = q / j.out_w % j.out_h, ox = q % j.out_w;
    for (int64_t o = 0; o < p.out_channels; ++o) {
      double sum = j.bias == nullptr ? 0.0 : static_cast<double>(j.bias[o]);
      if (j.residual != nullptr) sum += static_cast<double>(j.residual[q * j.residual_pitch + o]);
      const int64_t first_channel = o / group_out(p) * group_in(p);
      for (int64_t kh = 0; kh < p.kernel_h; ++kh) {
        const int64_t iy = oy * p.stride_h - p.pad_top + kh * p.dilation_h;
        if (iy < 0 || iy >= j.in_h) continue;
        for (int64_t kw = 0; kw < p.kernel_w; ++kw) {
          const int64_t ix = ox * p.stride_w - p.pad_left + kw * p.dilation_w;
          if (ix < 0 || ix >= j.in_w) continue;
          const float* x = j.x + ((n * j.in_h + iy) * j.in_w + ix) * j.x_pitch + first_channel;
          for (int64_t i = 0; i < group_in(p); ++i)
            sum += static_cast<double>(x[i]) * static_cast<double>(j.weights[packed_index(p, o, kh * p.kernel_w + kw, i)]);
        }
      }
      const double slope = j.slope == nullptr ? 0.0 : static_cast<double>(j.slope[o]);
      j.y[q * j.y_pitch + o] = static_cast<float>(reference_activation(p.activation, sum, slope));
    }
  }
}

}  // namespace

// Limits that keep every product below 2^62: 2^30 products per output, 2^40 packed floats.
fovea_status check_conv2d_params(const char* op, const fovea_conv2d_params* params) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  const fovea_conv2d_params& p = *params;
  FOVEA_CHECK(p.in_channels > 0 && p.out_channels > 0, "%s: %d input and %d output channels, both must be positive", op,
              p.in_channels, p.out_channels);
  FOVEA_CHECK(p.groups > 0 && p.in_channels % p.groups == 0 && p.out_channels % p.groups == 0,
              "%s: %d groups must divide %d input and %d output channels", op, p.groups, p.in_channels, p.out_channels);
  FOVEA_CHECK(p.kernel_h > 0 && p.kernel_w > 0, "%s: kernel is %dx%d", op, p.kernel_h, p.kernel_w);
  constexpr int32_t kMaxStep = 4096;
  FOVEA_CHECK(p.stride_h > 0 && p.stride_w > 0 && p.stride_h <= kMaxStep && p.stride_w <= kMaxStep,
              "%s: stride is %dx%d, allowed are 1 to %d", op, p.stride_h, p.stride_w, kMaxStep);
  FOVEA_CHECK(p.dilation_h > 0 && p.dilation_w > 0 && p.dilation_h <= kMaxStep && p.dilation_w <= kMaxStep,
              "%s: dilation is %dx%d, allowed are 1 to %d", op, p.dilation_h, p.dilation_w, kMaxStep);
  FOVEA_CHECK(p.pad_top >= 0 && p.pad_bottom >= 0 && p.pad_left >= 0 && p.pad_right >= 0,
              "%s: padding is %d, %d, %d, %d (top, bottom, left, right), it must not be negative", op, p.pad_top, p.pad_bottom,
              p.pad_left, p.pad_right);
  FOVEA_CHECK(p.algorithm >= FOVEA_CONV2D_AUTO && p.algorithm <= FOVEA_CONV2D_WINOGRAD_4X4,
              "%s: algorithm is %d, known are 0 (AUTO) to %d", op, p.algorithm, int{FOVEA_CONV2D_WINOGRAD_4X4});
  FOVEA_CHECK(p.algorithm <= FOVEA_CONV2D_DIRECT || winograd_possible(p),
              "%s: Winograd needs a 3x3 kernel, stride 1 and one group; this layer has %dx%d, stride %dx%d, %d groups", op,
              p.kernel_h, p.kernel_w, p.stride_h, p.stride_w, p.groups);
  constexpr int64_t kMaxDepth = int64_t{1} << 30, kMaxPacked = int64_t{1} << 40;
  FOVEA_CHECK(taps(p) <= kMaxDepth && depth(p) <= kMaxDepth, "%s: a kernel of %dx%dx%lld is too large", op, p.kernel_h,
              p.kernel_w, static_cast<long long>(group_in(p)));
  // Padded channels: at most 16 floats for each of depth * out.
  FOVEA_CHECK(p.out_channels <= kMaxPacked / kChannelBlock / depth(p),
              "%s: %d output channels of %dx%dx%lld weights are too many", op, p.out_channels, p.kernel_h, p.kernel_w,
              static_cast<long long>(group_in(p)));
  return FOVEA_OK;
}

namespace {

int64_t prepared_bytes(const fovea_conv2d_params& p) {
  return static_cast<int64_t>(sizeof(Conv2dHeader)) +
         (direct_floats(p) + grouped_floats(p) + winograd_floats(p)) * int64_t{sizeof(float)};
}

fovea_status check_prepared(const char* op, const fovea_conv2d_params& p, const fovea_tensor& prepared) {
  FOVEA_CHECK(prepared.shape[0] == prepared_bytes(p), "%s: prepared has %lld bytes, these parameters need %lld", op,
              static_cast<long long>(prepared.shape[0]), static_cast<long long>(prepared_bytes(p)));
  FOVEA_CHECK(reinterpret_cast<uintptr_t>(prepared.data) % 64 == 0, "%s: prepared is not 64-byte aligned", op);
  return FOVEA_OK;
}

const char* describe_forms(int32_t forms) {
  switch (forms) {
    case 0:
      return "";
    case 2:
      return ", Winograd 2x2";
    case 4:
      return ", Winograd 4x4";
    default:
      return ", Winograd 2x2 and 4x4";
  }
}

// While capturing, the packing may be part of the same graph and not have run yet.
fovea_status check_header(const char* op, const fovea_conv2d_params& p, const fovea_tensor& prepared,
                          const fovea_stream* stream) {
  if (stream->capture != nullptr) return FOVEA_OK;
  const auto& h = *static_cast<const Conv2dHeader*>(prepared.data);
  FOVEA_CHECK(h.magic == kConv2dMagic, "%s: prepared was not written by conv2d_prepare", op);
  FOVEA_CHECK(h.in_channels == p.in_channels && h.out_channels == p.out_channels && h.kernel_h == p.kernel_h &&
                  h.kernel_w == p.kernel_w && h.groups == p.groups && h.winograd == conv2d_winograd_forms(p),
              "%s: prepared is for %d -> %d channels, kernel %dx%d, %d groups%s; params say %d -> %d, %dx%d, %d groups%s", op,
              h.in_channels, h.out_channels, h.kernel_h, h.kernel_w, h.groups, describe_forms(h.winograd), p.in_channels,
              p.out_channels, p.kernel_h, p.kernel_w, p.groups, describe_forms(conv2d_winograd_forms(p)));
  return FOVEA_OK;
}

int64_t out_h(const fovea_conv2d_params& p, const fovea_tensor& x) {
  return conv2d_output(x.shape[1], int64_t{p.pad_top} + p.pad_bottom, p.kernel_h, p.stride_h, p.dilation_h);
}
int64_t out_w(const fovea_conv2d_params& p, const fovea_tensor& x) {
  return conv2d_output(x.shape[2], int64_t{p.pad_left} + p.pad_right, p.kernel_w, p.stride_w, p.dilation_w);
}

// Shape of x alone, also for the workspace question, which comes without a stream.
fovea_status check_input(const char* op, const fovea_conv2d_params& p, const fovea_tensor& x) {
  constexpr int64_t kMaxElements = int64_t{1} << 46;
  FOVEA_CHECK(x.rank == 4, "%s: x must have rank 4, it has %d", op, x.rank);
  int64_t n = 1;
  for (int i = 0; i < 4; ++i) {
    FOVEA_CHECK(x.shape[i] >= 0 && (x.shape[i] == 0 || n <= kMaxElements / x.shape[i]), "%s: x is too large or negative: %s",
                op, describe(x));
    n *= x.shape[i];
  }
  FOVEA_CHECK(x.shape[3] == p.in_channels, "%s: weight has %d input channels, x has %lld", op, p.in_channels,
              static_cast<long long>(x.shape[3]));
  // Padding can make y larger than x. The plan multiplies output pixels by packed weights, and by a few small constants.
  constexpr int64_t kMaxWork = int64_t{1} << 56;
  for (int i = 0; i < 3; ++i) FOVEA_CHECK(x.shape[i] <= kMaxElements, "%s: x is too large: %s", op, describe(x));
  const int64_t height = out_h(p, x), width = out_w(p, x);
  FOVEA_CHECK((width == 0 || height <= kMaxElements / width) &&
                  (x.shape[0] == 0 || height * width <= kMaxElements / x.shape[0]) &&
                  x.shape[0] * height * width <= kMaxWork / direct_floats(p),
              "%s: the output of x %s is too large", op, describe(x));
  return FOVEA_OK;
}

}  // namespace

fovea_status conv2d_packed_bytes(const char* op, const fovea_conv2d_params* params, int64_t* bytes) {
  FOVEA_TRY(check_conv2d_params(op, params));
  *bytes = prepared_bytes(*params);
  return FOVEA_OK;
}
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_conv2d_prepared_bytes(fovea_device* device, const fovea_conv2d_params* params, int64_t* bytes) {
  constexpr const char* op = "conv2d_prepared_bytes";
  FOVEA_CHECK(device != nullptr, "%s: device is NULL", op);
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(conv2d_packed_bytes(op, params, bytes));
  FOVEA_FORWARD(device, fovea_conv2d_prepared_bytes, device, params, bytes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_conv2d_prepare(const fovea_conv2d_params* params, const fovea_tensor* weights,
                                             const fovea_tensor* prepared, fovea_stream* stream) {
  constexpr const char* op = "conv2d_prepare";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_conv2d_params(op, params));
  FOVEA_TRY(check_tensor(op, "weights", weights, 4, kF32, stream));
  FOVEA_CHECK(weights->shape[0] == params->out_channels && weights->shape[1] == params->kernel_h &&
                  weights->shape[2] == params->kernel_w && weights->shape[3] == group_in(*params),
              "%s: weights is %s, params say [%d, %d, %d, %lld]", op, describe(*weights), params->out_channels,
              params->kernel_h, params->kernel_w, static_cast<long long>(group_in(*params)));
  FOVEA_TRY(check_tensor(op, "prepared", prepared, 1, kU8, stream));
  FOVEA_TRY(check_no_overlap(op, "weights", *weights, "prepared", *prepared, false));
  FOVEA_FORWARD(stream, fovea_conv2d_prepare, params, weights, prepared, stream);
  FOVEA_TRY(check_prepared(op, *params, *prepared));
  const Conv2dPrepareJob job{static_cast<const float*>(weights->data), prepared->data, weights->pitch, *params,
                             Conv2dWeightOrder::kForward};
  return enqueue(stream, conv2d_pack, job);
}

extern "C" fovea_status fovea_conv2d_chosen(const fovea_conv2d_params* params, const fovea_tensor* x, int32_t* algorithm) {
  constexpr const char* op = "conv2d_chosen";
  FOVEA_TRY(check_conv2d_params(op, params));
  FOVEA_CHECK(x != nullptr, "%s: x is NULL", op);
  FOVEA_CHECK(algorithm != nullptr, "%s: algorithm is NULL", op);
  FOVEA_TRY(check_input(op, *params, *x));
  FOVEA_FORWARD_TENSOR(x, fovea_conv2d_chosen, params, x, algorithm);
  switch (conv2d_plan(*params, x->shape[0], x->shape[1], x->shape[2]).tile) {
    case 2:
      *algorithm = FOVEA_CONV2D_WINOGRAD_2X2;
      return FOVEA_OK;
    case 4:
      *algorithm = FOVEA_CONV2D_WINOGRAD_4X4;
      return FOVEA_OK;
    default:
      *algorithm = FOVEA_CONV2D_DIRECT;
      return FOVEA_OK;
  }
}

extern "C" fovea_status fovea_conv2d_workspace(const fovea_conv2d_params* params, const fovea_tensor* x, int64_t* bytes) {
  constexpr const char* op = "conv2d_workspace";
  FOVEA_TRY(check_conv2d_params(op, params));
  FOVEA_CHECK(x != nullptr, "%s: x is NULL", op);
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_input(op, *params, *x));
  FOVEA_FORWARD_TENSOR(x, fovea_conv2d_workspace, params, x, bytes);
  const Conv2dPlan plan = conv2d_plan(*params, x->shape[0], x->shape[1], x->shape[2]);
  *bytes = plan.scratch_floats * int64_t{sizeof(float)} * pool_threads();
  return FOVEA_OK;
}

extern "C" fovea_status fovea_conv2d(const fovea_conv2d_params* params, const fovea_tensor* x, const fovea_tensor* prepared,
                                     const fovea_tensor* bias, const fovea_tensor* slope, const fovea_tensor* residual,
                                     const fovea_tensor* y, const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "conv2d";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_conv2d_params(op, params));
  FOVEA_TRY(check_float_tensor(op, "x", x, 4, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 4, x->dtype, stream));
  FOVEA_TRY(check_input(op, *params, *x));
  const int64_t height = out_h(*params, *x), width = out_w(*params, *x);
  FOVEA_CHECK(
      y->shape[0] == x->shape[0] && y->shape[1] == height && y->shape[2] == width && y->shape[3] == params->out_channels,
      "%s: y is %s, expected [%lld, %lld, %lld, %d] for x %s", op, describe(*y), static_cast<long long>(x->shape[0]),
      static_cast<long long>(height), static_cast<long long>(width), params->out_channels, describe(*x));
  FOVEA_TRY(check_tensor(op, "prepared", prepared, 1, kU8, stream));
  FOVEA_TRY(check_channel_vector(op, "bias", bias, params->out_channels, stream));
  FOVEA_TRY(check_activation(op, params->activation, slope, params->out_channels, stream));
  if (residual != nullptr) {
    FOVEA_TRY(check_tensor(op, "residual", residual, 4, x->dtype, stream));
    FOVEA_TRY(check_same_shape(op, "residual", *residual, "y", *y));
    FOVEA_TRY(check_no_overlap(op, "residual", *residual, "y", *y, false));
  }
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "prepared", *prepared, "y", *y, false));
  if (bias != nullptr) FOVEA_TRY(check_no_overlap(op, "bias", *bias, "y", *y, false));
  if (slope != nullptr) FOVEA_TRY(check_no_overlap(op, "slope", *slope, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_conv2d, params, x, prepared, bias, slope, residual, y, workspace, stream);
  FOVEA_TRY(check_prepared(op, *params, *prepared));
  FOVEA_TRY(check_header(op, *params, *prepared, stream));

  const Conv2dPlan plan = conv2d_plan(*params, x->shape[0], x->shape[1], x->shape[2]);
  const int64_t scratch_bytes = plan.scratch_floats * int64_t{sizeof(float)};
  FOVEA_TRY(check_workspace(op, workspace, scratch_bytes));
  // One thread's scratch is a must; a pool that grew after the lease just leaves the new threads out.
  const int64_t fitting = scratch_bytes == 0 ? pool_threads() : workspace->bytes / scratch_bytes;
  const auto data = [](const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<const float*>(t->data); };
  const Conv2dJob job{data(x),
                      reinterpret_cast<const float*>(static_cast<const char*>(prepared->data) + sizeof(Conv2dHeader)),
                      data(bias),
                      data(slope),
                      data(residual),
                      static_cast<float*>(y->data),
                      scratch_bytes == 0 ? nullptr : static_cast<float*>(workspace->data),
                      x->live,
                      x->shape[0],
                      x->shape[1],
                      x->shape[2],
                      x->pitch,
                      height,
                      width,
                      y->pitch,
                      residual == nullptr ? 0 : residual->pitch,
                      plan,
                      *params,
                      static_cast<int32_t>(std::min<int64_t>(fitting, pool_threads()))};
  switch (plan.body) {
    case Conv2dBody::kDepthwise:
      return enqueue(stream,
                     select_isa(conv2d_reference, scalar::conv2d_depthwise, avx2::conv2d_depthwise, avx512::conv2d_depthwise),
                     job);
    case Conv2dBody::kWinograd:
      return enqueue(
          stream, select_isa(conv2d_reference, scalar::conv2d_winograd, avx2::conv2d_winograd, avx512::conv2d_winograd), job);
    default:
      return enqueue(stream, select_isa(conv2d_reference, scalar::conv2d_direct, avx2::conv2d_direct, avx512::conv2d_direct),
                     job);
  }
}
