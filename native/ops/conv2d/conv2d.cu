// Entries of conv2d on CUDA, and what its relatives share: packing and the choice of a kernel.
#include <algorithm>
#include <numeric>

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "ops/conv2d/conv2d_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

struct PackJob {
  ConvSource source;
  float* packed;
  int64_t floats;  // of the packed form
  int32_t kernel_h, kernel_w, groups, group_in, group_out, padded_out;
  bool inputs_first;
};

FOVEA_DEVICE float source_weight(const PackJob& j, int64_t a, int64_t tap, int64_t b) {
  return j.source.data[(a * j.kernel_h + tap / j.kernel_w) * j.source.row + tap % j.kernel_w * j.source.column + b];
}
__global__ void __launch_bounds__(kThreads) pack_kernel(PackJob j) {
  const int64_t taps = int64_t{j.kernel_h} * j.kernel_w;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < j.floats; i += int64_t{gridDim.x} * kThreads) {
    const int64_t o = i % j.padded_out, row = i / j.padded_out, in = row % j.group_in, tap = row / j.group_in % taps;
    const int64_t group = row / j.group_in / taps;
    float v = 0.0f;
    if (o < j.group_out)
      v = j.inputs_first ? source_weight(j, group * j.group_in + in, tap, o)
                         : source_weight(j, group * j.group_out + o, tap, in);
    j.packed[i] = v;
  }
}
// [channel][tap] to [tap][channel].
__global__ void __launch_bounds__(kThreads) pack_depthwise_kernel(PackJob j) {
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < j.floats; i += int64_t{gridDim.x} * kThreads)
    j.packed[i] = source_weight(j, i % j.groups, i / j.groups, 0);
}

int64_t padded(int64_t outputs) { return (outputs + 3) / 4 * 4; }

ConvAxis axis(int64_t in, int64_t out, int32_t kernel, int32_t stride, int32_t dilation, int32_t pad) {
  return {static_cast<int32_t>(in),           static_cast<int32_t>(out), kernel, stride, dilation, pad,
          stride / std::gcd(stride, dilation)};
}

}  // namespace

int64_t conv_packed_bytes(const fovea_conv2d_params& p) {
  const int64_t floats = fovea::is_depthwise(p) ? taps(p) * p.out_channels : p.groups * depth(p) * padded(group_out(p));
  return std::max<int64_t>((floats * int64_t{sizeof(float)} + 63) / 64 * 64, 64);
}

cudaError_t conv_pack(const fovea_conv2d_params& p, ConvWeights order, ConvSource weights, void* packed, cudaStream_t stream) {
  const bool depthwise = fovea::is_depthwise(p);
  const int64_t out = depthwise ? 1 : padded(group_out(p)), floats = p.groups * depth(p) * out;
  const PackJob job{weights,
                    static_cast<float*>(packed),
                    floats,
                    p.kernel_h,
                    p.kernel_w,
                    p.groups,
                    static_cast<int32_t>(group_in(p)),
                    static_cast<int32_t>(group_out(p)),
                    static_cast<int32_t>(out),
                    order == ConvWeights::kInputsFirst};
  return launch(depthwise ? pack_depthwise_kernel : pack_kernel, grid_for(floats, kThreads), kThreads, 0, stream, job);
}

fovea_status check_conv_prepared(const char* op, const fovea_tensor& prepared, int64_t bytes) {
  FOVEA_CHECK(prepared.shape[0] == bytes, "%s: prepared has %lld bytes, these parameters need %lld", op,
              static_cast<long long>(prepared.shape[0]), static_cast<long long>(bytes));
  FOVEA_CHECK(reinterpret_cast<uintptr_t>(prepared.data) % 64 == 0, "%s: prepared is not 64-byte aligned", op);
  return FOVEA_OK;
}

fovea_status make_conv_job(const char* op, const fovea_conv2d_params& p, bool transposed, const fovea_tensor& x,
                           const void* packed, const fovea_tensor& y, ConvJob* job) {
  // Coordinates are 32-bit; what a tap may reach outside x is counted too.
  constexpr int64_t kMost = int64_t{1} << 29;
  const int64_t sizes[] = {
      x.shape[1] + p.pad_top + p.pad_bottom,    x.shape[2] + p.pad_left + p.pad_right,   y.shape[1], y.shape[2],
      (p.kernel_h - int64_t{1}) * p.dilation_h, (p.kernel_w - int64_t{1}) * p.dilation_w};
  for (const int64_t size : sizes)
    if (size > kMost)
      return fail(FOVEA_UNSUPPORTED, "%s: images and padding of more than 2^29 pixels a side are not supported on CUDA: %s", op,
                  describe(x));
  ConvJob j{};
  j.x = x.data, j.weights = static_cast<const float*>(packed), j.y = y.data, j.live = x.live;
  j.batch = x.shape[0], j.x_pitch = x.pitch, j.y_pitch = y.pitch;
  j.rows = axis(x.shape[1], y.shape[1], p.kernel_h, p.stride_h, p.dilation_h, p.pad_top);
  j.columns = axis(x.shape[2], y.shape[2], p.kernel_w, p.stride_w, p.dilation_w, p.pad_left);
  j.transposed = transposed;
  j.groups = p.groups, j.group_in = static_cast<int32_t>(group_in(p)), j.group_out = static_cast<int32_t>(group_out(p));
  j.padded_out = static_cast<int32_t>(padded(group_out(p)));
  j.activation = p.activation;
  *job = j;
  return FOVEA_OK;
}

cudaError_t conv_launch(const ConvJob& job, fovea_dtype dtype, fovea_f32_products products, cudaStream_t stream) {
  if (job.batch * job.rows.out * job.columns.out == 0) return cudaSuccess;
  if (is_depthwise(job)) return conv_launch_depthwise(job, dtype, stream);
  if (same(dtype, kF16)) return conv_launch_f16(job, stream);
  if (same(dtype, kBF16)) return conv_launch_bf16(job, stream);
  return products == FOVEA_F32_EXACT ? conv_launch_f32(job, stream) : conv_launch_tf32(job, products, stream);
}

}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_conv2d_prepared_bytes(fovea_device*, const fovea_conv2d_params* params, int64_t* bytes) {
  *bytes = conv_packed_bytes(*params);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_conv2d_prepare(const fovea_conv2d_params* params, const fovea_tensor* weights,
                                             const fovea_tensor* prepared, fovea_stream* stream) {
  constexpr const char* op = "conv2d_prepare";
  FOVEA_TRY(check_conv_prepared(op, *prepared, conv_packed_bytes(*params)));
  return submit(stream, op, [&](cudaStream_t s) {
    return conv_pack(*params, ConvWeights::kOutputsFirst, conv_source(*weights), prepared->data, s);
  });
}

// Winograd is the CPU's; whatever params ask for, the packed form and the kernels are the direct ones.
extern "C" fovea_status fovea_conv2d_chosen(const fovea_conv2d_params*, const fovea_tensor*, int32_t* algorithm) {
  *algorithm = FOVEA_CONV2D_DIRECT;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_conv2d_workspace(const fovea_conv2d_params*, const fovea_tensor*, int64_t* bytes) {
  *bytes = 0;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_conv2d(const fovea_conv2d_params* params, const fovea_tensor* x, const fovea_tensor* prepared,
                                     const fovea_tensor* bias, const fovea_tensor* slope, const fovea_tensor* residual,
                                     const fovea_tensor* y, const fovea_workspace*, fovea_stream* stream) {
  constexpr const char* op = "conv2d";
  FOVEA_TRY(check_conv_prepared(op, *prepared, conv_packed_bytes(*params)));
  ConvJob job{};
  FOVEA_TRY(make_conv_job(op, *params, false, *x, prepared->data, *y, &job));
  job.bias = float_data(bias), job.slope = float_data(slope);
  if (residual != nullptr) job.residual = residual->data, job.residual_pitch = residual->pitch;
  return submit(stream, op, [&](cudaStream_t s) { return conv_launch(job, x->dtype, stream->f32_products, s); });
}
