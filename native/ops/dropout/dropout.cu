// A thread takes the four elements of a Philox block.
#include "ops/dropout/dropout.h"

#include "cuda/kernel.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/dropout/philox.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 256;

template <class T>
FOVEA_DEVICE T dropped(const DropoutJob& j, uint32_t word, T x) {
  return from_float<T>(float(word >> kDropoutShift) >= j.threshold ? to_float(x) / j.keep : 0.0f);
}

// kPacked: the four lie in one row, on a boundary of four elements.
template <class T, bool kPacked>
__global__ void __launch_bounds__(kThreads) dropout_kernel(DropoutJob j, RowPair rows, const T* x, T* y) {
  const auto seed = static_cast<uint64_t>(j.state[0]), offset = static_cast<uint64_t>(j.state[1]);
  const int64_t n = live_count(rows.live, rows.leading) * rows.inner * rows.width, blocks = (n + 3) / 4;
  for (int64_t b = int64_t{blockIdx.x} * kThreads + threadIdx.x; b < blocks; b += int64_t{gridDim.x} * kThreads) {
    const PhiloxBlock random = philox(offset + static_cast<uint64_t>(b), static_cast<uint64_t>(j.sequence), seed);
    const auto at = [&](int64_t i, int64_t pitch) {
      const int64_t row = quotient(i, rows.width);
      return row * pitch + (i - row * rows.width);
    };
    if constexpr (kPacked) {
      Pack<T, 4> pack = load_pack<4>(x + at(4 * b, rows.pitch[0]));
#pragma unroll
      for (int e = 0; e < 4; ++e) pack.v[e] = dropped(j, random.word[e], pack.v[e]);
      store_pack(y + at(4 * b, rows.pitch[1]), pack);
    } else {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int64_t i = 4 * b + e;
        if (i < n) y[at(i, rows.pitch[1])] = dropped(j, random.word[e], x[at(i, rows.pitch[0])]);
      }
    }
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_dropout(const fovea_dropout_params* params, const fovea_tensor* state, const fovea_tensor* x,
                                      const fovea_tensor* y, fovea_stream* stream) {
  const int64_t n = elements(*x);
  if (n == 0) return FOVEA_OK;
  const DropoutJob job = plan_dropout(*params, *state, *x, *y);
  const RowLayout& l = job.layout;
  const RowPair rows = merged(RowPair{l.leading, l.inner, l.width, {job.x_pitch, job.y_pitch}, job.live});
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "dropout", [&](cudaStream_t s) {
      const auto* from = static_cast<const T*>(x->data);
      auto* to = static_cast<T*>(y->data);
      auto* const kernel =
          in_packs(rows, address(from) | address(to), int64_t{sizeof(T)}) ? dropout_kernel<T, true> : dropout_kernel<T, false>;
      return launch(kernel, grid_for((n + 3) / 4, kThreads), kThreads, 0, s, job, rows, from, to);
    });
  });
}
