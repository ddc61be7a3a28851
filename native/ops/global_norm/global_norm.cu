// A block for each chunk of the gradients, then one block that adds the chunks' sums: all in double, in a fixed order.
#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/rows.h"
#include "cuda/runtime.h"
#include "ops/global_norm/plan.h"

namespace fovea::cuda {
namespace {

using Block = Team<8>;

__global__ void __launch_bounds__(Block::kThreads) gradient_squares_kernel(GlobalNormJob j) {
  __shared__ double scratch[8];
  constexpr int64_t kWork = GlobalNormJob::kWork;
  for (int64_t out = Block::first(); out < j.chunks; out += Block::stride()) {
    int64_t chunk = out;
    int i = 0;
    for (; chunk >= j.gradients[i].chunks; ++i) chunk -= j.gradients[i].chunks;
    const GradientView& g = j.gradients[i];
    const int64_t runs = live_count(g.live, g.leading) * g.inner;
    // Gradients without gaps are cut anywhere, others between runs: as gradient_chunk().
    const bool dense = g.pitch == g.width;
    const int64_t group = kWork / g.width + 1, size = dense ? kWork : group * g.width;
    const int64_t total = runs * g.width, begin = chunk * size, end = total < begin + size ? total : begin + size;
    double sum = 0;
    for (int64_t at = begin + Block::lane(); at < end; at += Block::kLanes) {
      const int64_t run = dense ? 0 : quotient(at, g.width);
      const double v = double(g.data[run * g.pitch + at - run * g.width]);
      sum += v * v;
    }
    sum = Block::reduce(sum, scratch, Sum{});
    if (Block::lane() == 0) j.sums[out] = sum;
  }
}

__global__ void __launch_bounds__(Block::kThreads)
    clip_factor_kernel(const double* sums, int64_t count, float max_norm, float* result) {
  __shared__ double scratch[8];
  double squares = 0;
  for (int64_t i = Block::lane(); i < count; i += Block::kLanes) squares += sums[i];
  squares = Block::reduce(squares, scratch, Sum{});
  if (threadIdx.x != 0) return;
  const double norm = sqrt(squares), factor = double(max_norm) / (norm + 1e-6);
  result[0] = float(norm);
  // Not finite as a float: NaN, which skips the step.
  result[1] = !(fabsf(float(norm)) < INFINITY) ? NAN : float(factor < 1.0 ? factor : 1.0);
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_global_norm(const fovea_tensor* const* gradients, int64_t count, float max_norm,
                                          const fovea_tensor* result, const fovea_workspace* workspace, fovea_stream* stream) {
  int64_t chunks = 0;
  for (int64_t g = 0; g < count; ++g)
    if (elements(*gradients[g]) != 0) chunks += gradient_view(*gradients[g]).chunks;
  FOVEA_TRY(check_workspace("global_norm", workspace, chunks * static_cast<int64_t>(sizeof(double))));
  double* const sums = chunks == 0 ? nullptr : static_cast<double*>(workspace->data);
  return submit(stream, "global_norm", [&](cudaStream_t s) {
    GlobalNormJob job{};
    job.sums = sums;
    for (int64_t g = 0; g < count; ++g) {
      if (elements(*gradients[g]) != 0) {
        job.gradients[job.count] = gradient_view(*gradients[g]);
        job.chunks += job.gradients[job.count++].chunks;
      }
      if (job.count != GlobalNormJob::kGradients && (g + 1 != count || job.count == 0)) continue;
      const cudaError_t e = launch(gradient_squares_kernel, Block::blocks(job.chunks), Block::kThreads, 0, s, job);
      if (e != cudaSuccess) return e;
      job.sums += job.chunks;
      job.count = job.chunks = 0;
    }
    return launch(clip_factor_kernel, 1, Block::kThreads, 0, s, sums, chunks, max_norm, static_cast<float*>(result->data));
  });
}
