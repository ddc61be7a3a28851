// ABI entries of separable_conv2d, their validation, plan and packing, and the reference: plain loops in double precision.
#include "ops/separable_conv2d/separable_conv2d.h"

#include <algorithm>
#include <cstring>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"
#include "ops/activation/activation.h"

namespace fovea {

FOVEA_DECLARE_BODIES(separable_conv2d, const SeparableJob&)

// A block's pixels: enough for every panel of weights to pay for its way into the cache; and the most floats of its scratch.
constexpr int64_t kBlockPixels = 112, kBlockFloats = 1 << 16;
constexpr int64_t kWantedBlocks = 32, kMinimumWork = 1 << 17;  // see conv2d_plan.cc
// Fewer blocks than this are too few to share between threads; such a layer's intermediate result has at most so many floats.
constexpr int64_t kFewBlocks = 16, kWholeFloats = 1 << 20;

SeparablePlan separable_plan(const fovea_conv2d_params& pointwise, int64_t rows, int64_t out_w) {
  const int64_t channels = pointwise.in_channels, blocks_out = channel_blocks(pointwise.out_channels);
  SeparablePlan plan{};
  plan.block_rows = 2, plan.splits = 1;
  // An odd number of cache lines: pixels a multiple of 4 KB apart would evict each other.
  plan.scratch_pitch = (channel_blocks(channels) | 1) * kChannelBlock;
  if (rows * out_w == 0) return plan;
  const int64_t fitting = std::min((kBlockPixels + out_w - 1) / out_w, kBlockFloats / plan.scratch_pitch / out_w);
  plan.block_rows = std::max<int64_t>(fitting / 2 * 2, 2);
  const int64_t blocks = (rows + plan.block_rows - 1) / plan.block_rows, all = rows * out_w * plan.scratch_pitch;
  plan.whole = blocks < kFewBlocks && all <= kWholeFloats;
  const int64_t work = std::min(plan.block_rows, rows) * out_w * channels * blocks_out;
  if (plan.whole)
    plan.splits = std::max<int64_t>(std::min({(kWantedBlocks + blocks - 1) / blocks, work / kMinimumWork, blocks_out}), 1);
  plan.scratch_floats = plan.whole ? all : plan.block_rows * out_w * plan.scratch_pitch;
  return plan;
}

namespace {

constexpr int64_t kHeaderBytes = sizeof(SeparableHeader);

void separable_conv2d_reference(const SeparableJob& job) {
  const Conv2dJob &d = job.depthwise, &j = job.pointwise;
  const fovea_conv2d_params& p = d.params;
  const int64_t pixels = live_rows(j.live, j.batch) * j.out_h * j.out_w, channels = p.in_channels;
  for (int64_t q = 0; q < pixels; ++q) {
    const int64_t n = q / (j.out_h * j.out_w), oy = q / j.out_w % j.out_h, ox = q % j.out_w;
    for (int64_t c = 0; c < channels; ++c) {
      double sum = d.bias == nullptr ? 0.0 : static_cast<double>(d.bias[c]);
      for (int64_t tap = 0; tap < taps(p); ++tap) {
        const int64_t iy = oy * p.stride_h - p.pad_top + tap / p.kernel_w * p.dilation_h;
        const int64_t ix = ox * p.stride_w - p.pad_left + tap % p.kernel_w * p.dilation_w;
        if (iy < 0 || iy >= d.in_h || ix < 0 || ix >= d.in_w) continue;
        sum += static_cast<double>(d.x[((n * d.in_h + iy) * d.in_w + ix) * d.x_pitch + c]) *
               static_cast<double>(d.weights[packed_index(p, c, tap, 0)]);
      }
      j.scratch[c] = static_cast<float>(reference_activation(p.activation, sum, 0.0));
    }
    for (int64_t o = 0; o < j.params.out_channels; ++o) {
      double sum = j.bias == nullptr ? 0.0 : static_cast<double>(j.bias[o]);
      if (j.residual != nullptr) sum += static_cast<double>(j.residual[q * j.residual_pitch + o]);
      for (int64_t c = 0; c < channels; ++c)
        sum += static_cast<double>(j.scratch[c]) * static_cast<double>(j.weights[packed_index(j.params, o, 0, c)]);
      const double slope = j.slope == nullptr ? 0.0 : static_cast<double>(j.slope[o]);
      j.y[q * j.y_pitch + o] = static_cast<float>(reference_activation(j.params.activation, sum, slope));
    }
  }
}

void separable_pack(const SeparablePrepareJob& job) {
  const fovea_conv2d_params &d = job.depthwise, &p = job.pointwise;
  SeparableHeader header{};
  header.magic = kSeparableMagic;
  header.in_channels = p.in_channels, header.out_channels = p.out_channels;
  header.kernel_h = d.kernel_h, header.kernel_w = d.kernel_w;
  std::memcpy(job.prepared, &header, sizeof header);
  float* depthwise = reinterpret_cast<float*>(static_cast<char*>(job.prepared) + kHeaderBytes);
  float* pointwise = depthwise + direct_floats(d);
  std::memset(depthwise, 0, static_cast<size_t>(direct_floats(d) + direct_floats(p)) * sizeof(float));
  for (int64_t c = 0; c < d.in_channels; ++c)
    for (int64_t tap = 0; tap < taps(d); ++tap)
      depthwise[packed_index(d, c, tap, 0)] =
          job.depthwise_weights[(c * d.kernel_h + tap / d.kernel_w) * job.depthwise_pitch + tap % d.kernel_w];
  for (int64_t o = 0; o < p.out_channels; ++o)
    for (int64_t i = 0; i < p.in_channels; ++i)
      pointwise[packed_index(p, o, 0, i)] = job.pointwise_weights[o * job.pointwise_pitch + i];
}

fovea_status check_params(const char* op, const fovea_separable_conv2d_params* params, fovea_conv2d_params* pointwise) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  const fovea_conv2d_params& d = params->depthwise;
  FOVEA_TRY(check_conv2d_params(op, &d));
  FOVEA_CHECK(d.groups == d.in_channels && d.groups == d.out_channels,
              "%s: depthwise has %d groups for %d input and %d output channels, all must be equal", op, d.groups, d.in_channels,
              d.out_channels);
  FOVEA_CHECK(d.algorithm == FOVEA_CONV2D_AUTO || d.algorithm == FOVEA_CONV2D_DIRECT,
              "%s: a depthwise layer cannot use algorithm %d", op, d.algorithm);
  FOVEA_CHECK(d.activation.kind != FOVEA_ACTIVATION_PRELU, "%s: the depthwise activation cannot be PRELU", op);
  fovea_conv2d_params p{};
  p.in_channels = d.in_channels, p.out_channels = params->out_channels;
  p.kernel_h = p.kernel_w = p.stride_h = p.stride_w = p.dilation_h = p.dilation_w = p.groups = 1;
  p.activation = params->activation;
  p.algorithm = FOVEA_CONV2D_DIRECT;
  FOVEA_TRY(check_conv2d_params(op, &p));
  *pointwise = p;
  return FOVEA_OK;
}

int64_t prepared_bytes(const fovea_conv2d_params& depthwise, const fovea_conv2d_params& pointwise) {
  return kHeaderBytes + (direct_floats(depthwise) + direct_floats(pointwise)) * int64_t{sizeof(float)};
}

fovea_status check_prepared(const char* op, const fovea_conv2d_params& d, const fovea_conv2d_params& p,
                            const fovea_tensor& prepared) {
  FOVEA_CHECK(prepared.shape[0] == prepared_bytes(d, p), "%s: prepared has %lld bytes, these parameters need %lld", op,
              static_cast<long long>(prepared.shape[0]), static_cast<long long>(prepared_bytes(d, p)));
  FOVEA_CHECK(reinterpret_cast<uintptr_t>(prepared.data) % 64 == 0, "%s: prepared is not 64-byte aligned", op);
  return FOVEA_OK;
}

// While capturing, the packing may be part of the same graph and not have run yet.
fovea_status check_header(const char* op, const fovea_conv2d_params& d, const fovea_conv2d_params& p,
                          const fovea_tensor& prepared, const fovea_stream* stream) {
  if (stream->capture != nullptr) return FOVEA_OK;
  const auto& h = *static_cast<const SeparableHeader*>(prepared.data);
  FOVEA_CHECK(h.magic == kSeparableMagic, "%s: prepared was not written by separable_conv2d_prepare", op);
  FOVEA_CHECK(h.in_channels == p.in_channels && h.out_channels == p.out_channels && h.kernel_h == d.kernel_h &&
                  h.kernel_w == d.kernel_w,
              "%s: prepared is for %d -> %d channels, kernel %dx%d; params say %d -> %d, %dx%d", op, h.in_channels,
              h.out_channels, h.kernel_h, h.kernel_w, p.in_channels, p.out_channels, d.kernel_h, d.kernel_w);
  return FOVEA_OK;
}

// Shape of x alone, also for the workspace question, which comes without a stream.
fovea_status check_input(const char* op, const fovea_conv2d_params& d, const fovea_conv2d_params& p, const fovea_tensor& x,
                         int64_t* out_h, int64_t* out_w) {
  constexpr int64_t kMaxElements = int64_t{1} << 46;
  FOVEA_CHECK(x.rank == 4, "%s: x must have rank 4, it has %d", op, x.rank);
  int64_t n = 1;
  for (int i = 0; i < 4; ++i) {
    FOVEA_CHECK(x.shape[i] >= 0 && x.shape[i] <= kMaxElements && (x.shape[i] == 0 || n <= kMaxElements / x.shape[i]),
                "%s: x is too large or negative: %s", op, describe(x));
    n *= std::max<int64_t>(x.shape[i], 1);
  }
  FOVEA_CHECK(x.shape[3] == p.in_channels, "%s: weight has %d input channels, x has %lld", op, p.in_channels,
              static_cast<long long>(x.shape[3]));
  *out_h = conv2d_output(x.shape[1], int64_t{d.pad_top} + d.pad_bottom, d.kernel_h, d.stride_h, d.dilation_h);
  *out_w = conv2d_output(x.shape[2], int64_t{d.pad_left} + d.pad_right, d.kernel_w, d.stride_w, d.dilation_w);
  // Far from overflow of the plan's products.
  const double work = static_cast<double>(x.shape[0]) * static_cast<double>(*out_h) * static_cast<double>(*out_w) *
                      static_cast<double>(direct_floats(d) + direct_floats(p));
  FOVEA_CHECK(work <= 1e17, "%s: the output of x %s is too large", op, describe(x));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_separable_conv2d_prepared_bytes(fovea_device* device, const fovea_separable_conv2d_params* params,
                                                              int64_t* bytes) {
  constexpr const char* op = "separable_conv2d_prepared_bytes";
  FOVEA_CHECK(device != nullptr, "%s: device is NULL", op);
  fovea_conv2d_params pointwise{};
  FOVEA_TRY(check_params(op, params, &pointwise));
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_FORWARD(device, fovea_separable_conv2d_prepared_bytes, device, params, bytes);
  *bytes = prepared_bytes(params->depthwise, pointwise);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_separable_conv2d_prepare(const fovea_separable_conv2d_params* params,
                                                       const fovea_tensor* depthwise_weights,
                                                       const fovea_tensor* pointwise_weights, const fovea_tensor* prepared,
                                                       fovea_stream* stream) {
  constexpr const char* op = "separable_conv2d_prepare";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  fovea_conv2d_params p{};
  FOVEA_TRY(check_params(op, params, &p));
  const fovea_conv2d_params& d = params->depthwise;
  FOVEA_TRY(check_tensor(op, "depthwise_weights", depthwise_weights, 3, kF32, stream));
  FOVEA_TRY(check_tensor(op, "pointwise_weights", pointwise_weights, 2, kF32, stream));
  FOVEA_CHECK(depthwise_weights->shape[0] == d.in_channels && depthwise_weights->shape[1] == d.kernel_h &&
                  depthwise_weights->shape[2] == d.kernel_w,
              "%s: depthwise_weights is %s, params say [%d, %d, %d]", op, describe(*depthwise_weights), d.in_channels,
              d.kernel_h, d.kernel_w);
  FOVEA_CHECK(pointwise_weights->shape[0] == p.out_channels && pointwise_weights->shape[1] == p.in_channels,
              "%s: pointwise_weights is %s, params say [%d, %d]", op, describe(*pointwise_weights), p.out_channels,
              p.in_channels);
  FOVEA_TRY(check_tensor(op, "prepared", prepared, 1, kU8, stream));
  FOVEA_TRY(check_no_overlap(op, "depthwise_weights", *depthwise_weights, "prepared", *prepared, false));
  FOVEA_TRY(check_no_overlap(op, "pointwise_weights", *pointwise_weights, "prepared", *prepared, false));
  FOVEA_FORWARD(stream, fovea_separable_conv2d_prepare, params, depthwise_weights, pointwise_weights, prepared, stream);
  FOVEA_TRY(check_prepared(op, d, p, *prepared));
  const SeparablePrepareJob job{static_cast<const float*>(depthwise_weights->data),
                                static_cast<const float*>(pointwise_weights->data),
                                depthwise_weights->pitch,
                                pointwise_weights->pitch,
                                prepared->data,
                                d,
                                p};
  return enqueue(stream, separable_pack, job);
}

extern "C" fovea_status fovea_separable_conv2d_workspace(const fovea_separable_conv2d_params* params, const fovea_tensor* x,
                                                         int64_t* bytes) {
  constexpr const char* op = "separable_conv2d_workspace";
  fovea_conv2d_params p{};
  FOVEA_TRY(check_params(op, params, &p));
  FOVEA_CHECK(x != nullptr, "%s: x is NULL", op);
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  int64_t out_h = 0, out_w = 0;
  FOVEA_TRY(check_input(op, params->depthwise, p, *x, &out_h, &out_w));
  FOVEA_FORWARD_TENSOR(x, fovea_separable_conv2d_workspace, params, x, bytes);
  const SeparablePlan plan = separable_plan(p, x->shape[0] * out_h, out_w);
  *bytes = plan.scratch_floats * int64_t{sizeof(float)} * (plan.whole ? 1 : pool_threads());
  return FOVEA_OK;
}

extern "C" fovea_status fovea_separable_conv2d(const fovea_separable_conv2d_params* params, const fovea_tensor* x,
                                               const fovea_tensor* prepared, const fovea_tensor* depthwise_bias,
                                               const fovea_tensor* bias, const fovea_tensor* slope,
                                               const fovea_tensor* residual, const fovea_tensor* y,
                                               const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "separable_conv2d";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  fovea_conv2d_params p{};
  FOVEA_TRY(check_params(op, params, &p));
  const fovea_conv2d_params& d = params->depthwise;
  FOVEA_TRY(check_float_tensor(op, "x", x, 4, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 4, x->dtype, stream));
  int64_t out_h = 0, out_w = 0;
  FOVEA_TRY(check_input(op, d, p, *x, &out_h, &out_w));
  FOVEA_CHECK(y->shape[0] == x->shape[0] && y->shape[1] == out_h && y->shape[2] == out_w && y->shape[3] == p.out_channels,
              "%s: y is %s, expected [%lld, %lld, %lld, %d] for x %s", op, describe(*y), static_cast<long long>(x->shape[0]),
              static_cast<long long>(out_h), static_cast<long long>(out_w), p.out_channels, describe(*x));
  FOVEA_TRY(check_tensor(op, "prepared", prepared, 1, kU8, stream));
  FOVEA_TRY(check_channel_vector(op, "depthwise_bias", depthwise_bias, d.in_channels, stream));
  FOVEA_TRY(check_channel_vector(op, "bias", bias, p.out_channels, stream));
  FOVEA_TRY(check_activation(op, d.activation, nullptr, d.in_channels, stream));
  FOVEA_TRY(check_activation(op, p.activation, slope, p.out_channels, stream));
  if (residual != nullptr) {
    FOVEA_TRY(check_tensor(op, "residual", residual, 4, x->dtype, stream));
    FOVEA_TRY(check_same_shape(op, "residual", *residual, "y", *y));
  }
  const struct {
    const char* name;
    const fovea_tensor* tensor;
  } inputs[] = {{"x", x},       {"prepared", prepared}, {"depthwise_bias", depthwise_bias},
                {"bias", bias}, {"slope", slope},       {"residual", residual}};
  for (const auto& input : inputs)
    if (input.tensor != nullptr) FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, "y", *y, false));
  FOVEA_FORWARD(stream, fovea_separable_conv2d, params, x, prepared, depthwise_bias, bias, slope, residual, y, workspace,
                stream);
  FOVEA_TRY(check_prepared(op, d, p, *prepared));
  FOVEA_TRY(check_header(op, d, p, *prepared, stream));

  SeparableJob job{};
  job.plan = separable_plan(p, x->shape[0] * out_h, out_w);
  const int64_t scratch_bytes = job.plan.scratch_floats * int64_t{sizeof(float)};
  FOVEA_TRY(check_workspace(op, workspace, scratch_bytes));
  // One thread's scratch is a must; a pool that grew after the lease just leaves the new threads out.
  const int64_t fitting = scratch_bytes == 0 || job.plan.whole ? pool_threads() : workspace->bytes / scratch_bytes;
  const auto data = [](const fovea_tensor* t) { return t == nullptr ? nullptr : static_cast<const float*>(t->data); };
  Conv2dJob &first = job.depthwise, &second = job.pointwise;
  first.x = data(x);
  first.weights = reinterpret_cast<const float*>(static_cast<const char*>(prepared->data) + kHeaderBytes);
  first.bias = data(depthwise_bias);
  first.batch = x->shape[0], first.in_h = x->shape[1], first.in_w = x->shape[2], first.x_pitch = x->pitch;
  first.out_h = out_h, first.out_w = out_w, first.y_pitch = job.plan.scratch_pitch;
  first.params = d;
  second.weights = first.weights + direct_floats(d);
  second.bias = data(bias), second.slope = data(slope), second.residual = data(residual);
  second.y = static_cast<float*>(y->data);
  second.scratch = scratch_bytes == 0 ? nullptr : static_cast<float*>(workspace->data);
  second.live = x->live;
  second.batch = x->shape[0], second.in_h = out_h, second.in_w = out_w;
  second.out_h = out_h, second.out_w = out_w, second.y_pitch = y->pitch;
  second.residual_pitch = residual == nullptr ? 0 : residual->pitch;
  second.params = p;
  second.threads = static_cast<int32_t>(std::min<int64_t>(fitting, pool_threads()));
  return enqueue(
      stream,
      select_isa(separable_conv2d_reference, scalar::separable_conv2d, avx2::separable_conv2d, avx512::separable_conv2d), job);
}
