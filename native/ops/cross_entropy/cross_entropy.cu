// A row is a team's work.
#include "ops/cross_entropy/cross_entropy.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

template <class T, class Row>
__global__ void __launch_bounds__(Row::kThreads) cross_entropy_kernel(CrossEntropyJob j, const T* logits) {
  __shared__ float scratch[8];
  const int64_t rows = live_count(j.live, j.rows), n = j.classes;
  for (int64_t row = Row::first(); row < rows; row += Row::stride()) {
    const T* x = logits + row * j.pitch;
    float max = -INFINITY, sum = 0, smooth = 0;
    for (int64_t k = Row::lane(); k < n; k += Row::kLanes) max = fmaxf(max, to_float(x[k]));
    max = Row::reduce(max, scratch, Maximum{});
    for (int64_t k = Row::lane(); k < n; k += Row::kLanes) sum += expf(to_float(x[k]) - max);
    sum = Row::reduce(sum, scratch, Sum{});
    const float rest = logf(sum), lse = max + rest;
    if (j.smoothing > 0) {
      for (int64_t k = Row::lane(); k < n; k += Row::kLanes)
        smooth += (j.class_weights == nullptr ? 1.0f : j.class_weights[k]) * (lse - to_float(x[k]));
      smooth = Row::reduce(smooth, scratch, Sum{});
    }
    if (Row::lane() != 0) continue;
    const int64_t target = target_of(j, row);
    float loss = NAN, weight = NAN;
    if (target == j.ignore_index) {
      loss = weight = 0;
    } else if (target >= 0 && target < n) {
      weight = j.class_weights == nullptr ? 1.0f : j.class_weights[target];
      // The difference of the logits first: near the maximum it is small, and lse may be large.
      loss = (1 - j.smoothing) * weight * (max - to_float(x[target]) + rest);
      if (j.smoothing > 0) loss += j.smoothing / float(n) * smooth;
    }
    j.log_sum_exp[row] = lse;
    if (j.losses != nullptr) j.losses[row] = loss;
    if (j.weights != nullptr) j.weights[row] = weight;
  }
}

template <class T, class Row>
__global__ void __launch_bounds__(Row::kThreads)
    cross_entropy_backward_kernel(CrossEntropyJob j, const T* logits, T* d_logits) {
  __shared__ float scratch[8];
  const int64_t rows = live_count(j.live, j.rows), n = j.classes;
  float all_weights = float(n);
  if (j.smoothing > 0 && j.class_weights != nullptr) {
    all_weights = 0;
    for (int64_t k = Row::lane(); k < n; k += Row::kLanes) all_weights += j.class_weights[k];
    all_weights = Row::reduce(all_weights, scratch, Sum{});
  }
  const float share = j.smoothing / float(n);
  for (int64_t row = Row::first(); row < rows; row += Row::stride()) {
    const T* x = logits + row * j.pitch;
    T* dx = d_logits + row * j.d_pitch;
    const int64_t target = target_of(j, row);
    if (target == j.ignore_index) {
      for (int64_t k = Row::lane(); k < n; k += Row::kLanes) dx[k] = from_float<T>(0.0f);
      continue;
    }
    const bool known = target >= 0 && target < n;
    const float own = !known ? NAN : (1 - j.smoothing) * (j.class_weights == nullptr ? 1.0f : j.class_weights[target]);
    const float gradient = j.d_losses[row], lse = j.log_sum_exp[row];
    const float scale = gradient * (own + share * all_weights), part = gradient * share, hit = gradient * own;
    for (int64_t k = Row::lane(); k < n; k += Row::kLanes) {
      const float weight = j.class_weights == nullptr ? 1.0f : j.class_weights[k];
      dx[k] = from_float<T>(expf(to_float(x[k]) - lse) * scale - part * weight - (k == target ? hit : 0.0f));
    }
  }
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_cross_entropy(const fovea_cross_entropy_params* params, const fovea_tensor* logits,
                                            const fovea_tensor* targets, const fovea_tensor* class_weights,
                                            const fovea_tensor* losses, const fovea_tensor* weights,
                                            const fovea_tensor* log_sum_exp, fovea_stream* stream) {
  if (elements(*logits) == 0) return FOVEA_OK;
  CrossEntropyJob job = plan_cross_entropy(*params, *logits, *targets, class_weights, *log_sum_exp);
  job.losses = losses == nullptr ? nullptr : static_cast<float*>(losses->data);
  job.weights = weights == nullptr ? nullptr : static_cast<float*>(weights->data);
  return with_float_type(logits->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "cross_entropy", [&](cudaStream_t s) {
      return with_team(job.classes, [&](auto team) {
        using Row = decltype(team);
        return launch(cross_entropy_kernel<T, Row>, Row::blocks(job.rows), Row::kThreads, 0, s, job,
                      static_cast<const T*>(logits->data));
      });
    });
  });
}

extern "C" fovea_status fovea_cross_entropy_backward(const fovea_cross_entropy_params* params, const fovea_tensor* logits,
                                                     const fovea_tensor* targets, const fovea_tensor* class_weights,
                                                     const fovea_tensor* log_sum_exp, const fovea_tensor* d_losses,
                                                     const fovea_tensor* d_logits, fovea_stream* stream) {
  if (elements(*logits) == 0) return FOVEA_OK;
  CrossEntropyJob job = plan_cross_entropy(*params, *logits, *targets, class_weights, *log_sum_exp);
  job.d_losses = static_cast<const float*>(d_losses->data);
  job.d_pitch = d_logits->pitch;
  return with_float_type(logits->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, "cross_entropy_backward", [&](cudaStream_t s) {
      return with_team(job.classes, [&](auto team) {
        using Row = decltype(team);
        return launch(cross_entropy_backward_kernel<T, Row>, Row::blocks(job.rows), Row::kThreads, 0, s, job,
                      static_cast<const T*>(logits->data), static_cast<T*>(d_logits->data));
      });
    });
  });
}
