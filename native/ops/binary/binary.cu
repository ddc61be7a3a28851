// One thread per 16 bytes of the innermost loop, or per element.
#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/binary/plan.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

FOVEA_DEVICE float value(int32_t op, float a, float b) {
  switch (op) {
    case FOVEA_BINARY_ADD:
      return a + b;
    case FOVEA_BINARY_SUB:
      return a - b;
    case FOVEA_BINARY_MUL:
      return a * b;
    case FOVEA_BINARY_DIV:
      return a / b;
    case FOVEA_BINARY_MAX:
      return a != a || a > b ? a : b;
    case FOVEA_BINARY_MIN:
      return a != a || a < b ? a : b;
    default:
      return float(pow(double(a), double(b)));  // powf may be off by several units in the last place
  }
}

// A broadcast operand has one value for the whole pack.
template <class T, int kWidth>
FOVEA_DEVICE Pack<T, kWidth> operand(const T* p, int64_t stride) {
  Pack<T, kWidth> pack;
  if (stride != 0) {
    pack = load_pack<kWidth>(p);
    return pack;
  }
  for (T& v : pack.v) v = *p;
  return pack;
}

// The innermost loop advances by kWidth.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads) binary_kernel(BinaryJob j, const T* a, const T* b, T* y) {
  const int last = j.depth - 1;
  int64_t n = j.loops[last].size / j.leading * live_count(j.live, j.leading);
  for (int d = 0; d < last; ++d) n *= j.loops[d].size;
  n /= kWidth;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    int64_t rest = i, at_a = 0, at_b = 0, at_y = 0;
    for (int d = 0; d < j.depth; ++d) {
      const BroadcastLoop<3>& loop = j.loops[d];
      const int64_t size = d == 0 ? loop.size / kWidth : loop.size, outer = d == last ? 0 : quotient(rest, size);
      const int64_t at = (rest - outer * size) * (d == 0 ? kWidth : 1);
      rest = outer;
      at_a += at * loop.stride[kOfA], at_b += at * loop.stride[kOfB], at_y += at * loop.stride[kOfY];
    }
    const Pack<T, kWidth> left = operand<T, kWidth>(a + at_a, j.loops[0].stride[kOfA]);
    const Pack<T, kWidth> right = operand<T, kWidth>(b + at_b, j.loops[0].stride[kOfB]);
    Pack<T, kWidth> result;
#pragma unroll
    for (int e = 0; e < kWidth; ++e) result.v[e] = from_float<T>(value(j.op, to_float(left.v[e]), to_float(right.v[e])));
    store_pack(y + at_y, result);
  }
}

// Whether every pack of the innermost loop is aligned in all three tensors; a broadcast operand need not be. When the loop is
// the only one, `live` may cut it anywhere.
bool packs_of(const BinaryJob& j, int64_t bytes, const void* a, const void* b, const void* y) {
  const BroadcastLoop<3>& inner = j.loops[0];
  if ((j.depth == 1 && j.live != nullptr) || inner.stride[kOfY] != 1 || inner.stride[kOfA] > 1 || inner.stride[kOfB] > 1)
    return false;
  uint64_t bits = address(y) | static_cast<uint64_t>(inner.size * bytes);
  if (inner.stride[kOfA] != 0) bits |= address(a);
  if (inner.stride[kOfB] != 0) bits |= address(b);
  for (int d = 1; d < j.depth; ++d) {
    bits |= static_cast<uint64_t>(j.loops[d].stride[kOfY] * bytes);
    if (inner.stride[kOfA] != 0) bits |= static_cast<uint64_t>(j.loops[d].stride[kOfA] * bytes);
    if (inner.stride[kOfB] != 0) bits |= static_cast<uint64_t>(j.loops[d].stride[kOfB] * bytes);
  }
  return widest_unit(bits) == 16;
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_binary(int32_t op, const fovea_tensor* a, const fovea_tensor* b, const fovea_tensor* y,
                                     fovea_stream* stream) {
  const int64_t n = elements(*y);
  if (n == 0) return FOVEA_OK;
  BinaryJob job{};
  plan_broadcast<3>({a, b, y}, &job);
  job.op = op;
  return with_float_type(y->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "binary", [&](cudaStream_t s) {
      const auto* left = static_cast<const T*>(a->data);
      const auto* right = static_cast<const T*>(b->data);
      auto* result = static_cast<T*>(y->data);
      if (packs_of(job, int64_t{sizeof(T)}, left, right, result))
        return launch(binary_kernel<T, kPack<T>>, grid_for(n / kPack<T>, kThreads), kThreads, 0, s, job, left, right, result);
      return launch(binary_kernel<T, 1>, grid_for(n, kThreads), kThreads, 0, s, job, left, right, result);
    });
  });
}
