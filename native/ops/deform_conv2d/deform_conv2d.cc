// ABI entries of deform_conv2d, the checks that its gradient shares, and the reference: plain loops in double precision.
#include "ops/deform_conv2d/deform_conv2d.h"

#include <algorithm>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"
#include "ops/activation/activation.h"

namespace fovea {

FOVEA_DECLARE_BODIES(deform_conv2d, const DeformConvJob&)

namespace {

// x at a tap of a position, with its mask.
double sampled(const DeformConvJob& j, int64_t position, int64_t tap, int64_t channel) {
  const DeformLayer& l = j.layer;
  const int64_t at = channel / (l.params.in_channels / l.offset_groups) * taps(l.params) + tap;
  const float* offset = l.offsets + position * l.offsets_pitch + 2 * at;
  const DeformPosition p = deform_position(l, position);
  const DeformSample s = deform_sample(l, p, tap, offset[0], offset[1]);
  double sum = 0;
  for (int corner = 0; corner < 4 && s.inside; ++corner) {
    const DeformCorner c = deform_corner(l, s, corner);
    if (c.cell >= 0)
      sum +=
          static_cast<double>(c.weight) * static_cast<double>(j.x[(p.image * l.in_h * l.in_w + c.cell) * l.x_pitch + channel]);
  }
  return l.mask == nullptr ? sum : sum * static_cast<double>(l.mask[position * l.mask_pitch + at]);
}

void deform_conv2d_reference(const DeformConvJob& j) {
  const fovea_conv2d_params& p = j.layer.params;
  const int64_t positions = deform_positions(j.layer, live_rows(j.layer.live, j.layer.batch));
  for (int64_t q = 0; q < positions; ++q)
    for (int64_t o = 0; o < p.out_channels; ++o) {
      double sum = j.bias == nullptr ? 0.0 : static_cast<double>(j.bias[o]);
      for (int64_t tap = 0; tap < taps(p); ++tap)
        for (int64_t i = 0; i < group_in(p); ++i)
          sum += sampled(j, q, tap, o / group_out(p) * group_in(p) + i) *
                 static_cast<double>(j.weights[(o * taps(p) + tap) * group_in(p) + i]);
      j.y[q * j.y_pitch + o] = static_cast<float>(reference_activation(p.activation, sum, 0.0));
    }
}

int64_t panel_bytes(const fovea_conv2d_params& p) {
  return p.groups * padded_columns(group_out(p)) * depth(p) * int64_t{sizeof(float)};
}
int64_t scratch_floats(const fovea_conv2d_params& p) { return (kDeformChunk * depth(p) + 15) / 16 * 16; }

}  // namespace

fovea_status check_deform_params(const char* op, const fovea_deform_conv2d_params* params) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  const fovea_conv2d_params& p = params->conv;
  FOVEA_TRY(check_conv2d_params(op, &p));
  FOVEA_CHECK(p.algorithm == FOVEA_CONV2D_AUTO, "%s: algorithm is %d, only AUTO (0) is allowed", op, p.algorithm);
  FOVEA_CHECK(params->offset_groups > 0 && p.in_channels % params->offset_groups == 0,
              "%s: %d offset groups must divide %d input channels", op, params->offset_groups, p.in_channels);
  // Far from overflow of the workspace's sizes, which are a thousand rows of columns.
  constexpr int64_t kMostColumns = int64_t{1} << 40;
  FOVEA_CHECK(depth(p) <= kMostColumns / p.groups && int64_t{params->offset_groups} <= kMostColumns / taps(p),
              "%s: a kernel of %dx%d over %d channels is too large", op, p.kernel_h, p.kernel_w, p.in_channels);
  return FOVEA_OK;
}

fovea_status check_deform_input(const char* op, const fovea_deform_conv2d_params& params, const fovea_tensor* x) {
  FOVEA_CHECK(x != nullptr, "%s: x is NULL", op);
  FOVEA_CHECK(x->rank == 4, "%s: x must have rank 4, it has %d", op, x->rank);
  FOVEA_CHECK(x->shape[3] == params.conv.in_channels, "%s: weight has %d input channels, x has %lld", op,
              params.conv.in_channels, static_cast<long long>(x->shape[3]));
  constexpr int64_t kMostSide = int64_t{1} << 24;  // coordinates are floats
  for (int i = 0; i < 3; ++i) FOVEA_CHECK(x->shape[i] >= 0, "%s: x has a negative size: %s", op, describe(*x));
  FOVEA_CHECK(x->shape[1] <= kMostSide && x->shape[2] <= kMostSide, "%s: sides above 2^24: x is %s", op, describe(*x));
  // Far from overflow of the workspace's sizes.
  const double columns = static_cast<double>(deform_output(params.conv, *x, 0)) *
                         static_cast<double>(deform_output(params.conv, *x, 1)) *
                         static_cast<double>(deform_columns(params.conv));
  FOVEA_CHECK(columns <= 1e17, "%s: x %s is too large for a kernel of %dx%d", op, describe(*x), params.conv.kernel_h,
              params.conv.kernel_w);
  return FOVEA_OK;
}

fovea_status check_deform(const char* op, const fovea_deform_conv2d_params& params, const DeformTensors& t, const char* y_name,
                          const fovea_stream* stream) {
  const fovea_conv2d_params& p = params.conv;
  FOVEA_TRY(check_float_tensor(op, "x", t.x, 4, stream));
  FOVEA_TRY(check_deform_input(op, params, t.x));
  FOVEA_TRY(check_tensor(op, y_name, t.y, 4, t.x->dtype, stream));
  const int64_t height = deform_output(p, *t.x, 0), width = deform_output(p, *t.x, 1);
  FOVEA_CHECK(
      t.y->shape[0] == t.x->shape[0] && t.y->shape[1] == height && t.y->shape[2] == width && t.y->shape[3] == p.out_channels,
      "%s: %s is %s, expected [%lld, %lld, %lld, %d] for x %s", op, y_name, describe(*t.y),
      static_cast<long long>(t.x->shape[0]), static_cast<long long>(height), static_cast<long long>(width), p.out_channels,
      describe(*t.x));
  for (const bool is_mask : {false, true}) {
    const fovea_tensor* m = is_mask ? t.mask : t.offsets;
    const char* name = is_mask ? "mask" : "offsets";
    if (is_mask && m == nullptr) continue;
    FOVEA_TRY(check_tensor(op, name, m, 4, kF32, stream));
    const int64_t channels = params.offset_groups * taps(p) * (is_mask ? 1 : 2);
    FOVEA_CHECK(m->shape[0] == t.y->shape[0] && m->shape[1] == height && m->shape[2] == width && m->shape[3] == channels,
                "%s: %s is %s, expected [%lld, %lld, %lld, %lld]", op, name, describe(*m),
                static_cast<long long>(t.y->shape[0]), static_cast<long long>(height), static_cast<long long>(width),
                static_cast<long long>(channels));
  }
  FOVEA_TRY(check_tensor(op, "weights", t.weights, 4, kF32, stream));
  FOVEA_CHECK(t.weights->shape[0] == p.out_channels && t.weights->shape[1] == p.kernel_h && t.weights->shape[2] == p.kernel_w &&
                  t.weights->shape[3] == group_in(p),
              "%s: weights is %s, params say [%d, %d, %d, %lld]", op, describe(*t.weights), p.out_channels, p.kernel_h,
              p.kernel_w, static_cast<long long>(group_in(p)));
  FOVEA_CHECK(contiguous(*t.weights), "%s: weights must not have gaps between their rows", op);
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_deform_conv2d_workspace(const fovea_deform_conv2d_params* params, const fovea_tensor* x,
                                                      int64_t* bytes) {
  constexpr const char* op = "deform_conv2d_workspace";
  FOVEA_TRY(check_deform_params(op, params));
  FOVEA_TRY(check_deform_input(op, *params, x));
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_FORWARD_TENSOR(x, fovea_deform_conv2d_workspace, params, x, bytes);
  *bytes = panel_bytes(params->conv) + scratch_floats(params->conv) * int64_t{sizeof(float)} * pool_threads();
  return FOVEA_OK;
}

extern "C" fovea_status fovea_deform_conv2d(const fovea_deform_conv2d_params* params, const fovea_tensor* x,
                                            const fovea_tensor* offsets, const fovea_tensor* mask, const fovea_tensor* weights,
                                            const fovea_tensor* bias, const fovea_tensor* y, const fovea_workspace* workspace,
                                            fovea_stream* stream) {
  constexpr const char* op = "deform_conv2d";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_deform_params(op, params));
  const fovea_conv2d_params& p = params->conv;
  const DeformTensors tensors{x, offsets, mask, weights, y};
  FOVEA_TRY(check_deform(op, *params, tensors, "y", stream));
  FOVEA_TRY(check_channel_vector(op, "bias", bias, p.out_channels, stream));
  FOVEA_TRY(check_activation(op, p.activation, nullptr, p.out_channels, stream));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "offsets", *offsets, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "weights", *weights, "y", *y, false));
  if (mask != nullptr) FOVEA_TRY(check_no_overlap(op, "mask", *mask, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_deform_conv2d, params, x, offsets, mask, weights, bias, y, workspace, stream);
  const int64_t scratch = scratch_floats(p) * int64_t{sizeof(float)};
  FOVEA_TRY(check_workspace(op, workspace, panel_bytes(p) + scratch));
  if (elements(*y) == 0) return FOVEA_OK;
  // One thread's scratch is a must; a pool that grew after the lease just leaves the new threads out.
  const int64_t fitting = (workspace->bytes - panel_bytes(p)) / scratch;
  auto* const panels = static_cast<float*>(workspace->data);
  const DeformConvJob job{deform_layer(*params, tensors),
                          static_cast<const float*>(x->data),
                          static_cast<const float*>(weights->data),
                          bias == nullptr ? nullptr : static_cast<const float*>(bias->data),
                          static_cast<float*>(y->data),
                          panels,
                          panels + panel_bytes(p) / int64_t{sizeof(float)},
                          y->pitch,
                          static_cast<int32_t>(std::min<int64_t>(fitting, pool_threads()))};
  return enqueue(stream, select_isa(deform_conv2d_reference, scalar::deform_conv2d, avx2::deform_conv2d, avx512::deform_conv2d),
                 job);
}
