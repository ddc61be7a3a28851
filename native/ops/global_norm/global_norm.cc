#include "ops/global_norm/global_norm.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/global_norm/plan.h"

namespace fovea {

FOVEA_DECLARE_BODIES(gradient_squares, const GlobalNormJob&)

namespace {

void gradient_squares_reference(const GlobalNormJob& j) {
  double* out = j.sums;
  for (int64_t g = 0; g < j.count; ++g)
    for (int64_t c = 0; c < j.gradients[g].chunks; ++c) {
      const GradientChunk chunk = gradient_chunk(j.gradients[g], c);
      double sum = 0;
      for (int64_t r = 0; r < chunk.runs; ++r)
        for (int64_t i = 0; i < chunk.n; ++i) {
          const double x = static_cast<double>(chunk.data[r * chunk.pitch + i]);
          sum += x * x;
        }
      *out++ = sum;
    }
}

struct ClipJob {
  const double* sums;
  int64_t count;
  float max_norm;
  float* norm;
  float* factor;
};

void clip_factor(const ClipJob& j) {
  double squares = 0;
  for (int64_t i = 0; i < j.count; ++i) squares += j.sums[i];
  const double norm = std::sqrt(squares);
  *j.norm = static_cast<float>(norm);
  // fmin would drop a NaN.
  *j.factor =
      !std::isfinite(*j.norm) ? NAN : static_cast<float>(std::fmin(1.0, static_cast<double>(j.max_norm) / (norm + 1e-6)));
}

// Chunks of all gradients. Only shapes are read: the workspace can be asked for before there is memory.
fovea_status count_chunks(const char* op, const fovea_tensor* const* gradients, int64_t count, int64_t* chunks) {
  FOVEA_CHECK(count >= 0, "%s: %lld gradients", op, static_cast<long long>(count));
  FOVEA_CHECK(count == 0 || gradients != nullptr, "%s: gradients is NULL", op);
  constexpr int64_t kMost = int64_t{1} << 46;  // elements of one tensor, and chunks of all
  int64_t total = 0;
  for (int64_t g = 0; g < count; ++g) {
    const fovea_tensor* t = gradients[g];
    FOVEA_CHECK(t != nullptr, "%s: gradient %lld is NULL", op, static_cast<long long>(g));
    FOVEA_CHECK(t->rank >= 0 && t->rank <= FOVEA_MAX_RANK, "%s: gradient %lld has rank %d", op, static_cast<long long>(g),
                t->rank);
    int64_t n = 1;
    for (int i = 0; i < t->rank; ++i) {
      FOVEA_CHECK(t->shape[i] >= 0 && (t->shape[i] == 0 || n <= kMost / t->shape[i]), "%s: gradient %lld has a bad size: %s",
                  op, static_cast<long long>(g), describe(*t));
      n *= t->shape[i] == 0 ? 1 : t->shape[i];
    }
    total += elements(*t) == 0 ? 0
             : contiguous(*t)  ? (n - 1) / GlobalNormJob::kWork + 1
                               : (rows(*t) - 1) / (GlobalNormJob::kWork / last(*t) + 1) + 1;
    FOVEA_CHECK(total <= kMost, "%s: the gradients are too large together", op);
  }
  *chunks = total;
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_global_norm_workspace(const fovea_tensor* const* gradients, int64_t count, int64_t* bytes) {
  FOVEA_CHECK(bytes != nullptr, "global_norm_workspace: bytes is NULL");
  int64_t chunks = 0;
  FOVEA_TRY(count_chunks("global_norm_workspace", gradients, count, &chunks));
  *bytes = chunks * static_cast<int64_t>(sizeof(double));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_global_norm(const fovea_tensor* const* gradients, int64_t count, float max_norm,
                                          const fovea_tensor* result, const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "global_norm";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(max_norm >= 0, "%s: max_norm is %g, it must not be negative", op, static_cast<double>(max_norm));
  int64_t chunks = 0;
  FOVEA_TRY(count_chunks(op, gradients, count, &chunks));
  FOVEA_TRY(check_tensor(op, "result", result, 1, kF32, stream));
  FOVEA_CHECK(result->shape[0] == 2, "%s: result must be [2], it is %s", op, describe(*result));
  for (int64_t g = 0; g < count; ++g) {
    FOVEA_TRY(check_tensor(op, "a gradient", gradients[g], kAnyRank, kF32, stream));
    FOVEA_TRY(check_no_overlap(op, "a gradient", *gradients[g], "result", *result, false));
  }
  FOVEA_FORWARD(stream, fovea_global_norm, gradients, count, max_norm, result, workspace, stream);
  FOVEA_TRY(check_workspace(op, workspace, chunks * static_cast<int64_t>(sizeof(double))));
  double* const sums = chunks == 0 ? nullptr : static_cast<double*>(workspace->data);
  GlobalNormJob job{};
  job.sums = sums;
  const auto run =
      select_isa(gradient_squares_reference, scalar::gradient_squares, avx2::gradient_squares, avx512::gradient_squares);
  for (int64_t g = 0; g < count; ++g) {
    if (elements(*gradients[g]) != 0) {
      job.gradients[job.count] = gradient_view(*gradients[g]);
      job.chunks += job.gradients[job.count++].chunks;
    }
    if (job.count == GlobalNormJob::kGradients || (g + 1 == count && job.count > 0)) {
      FOVEA_TRY(enqueue(stream, run, job));
      job.sums += job.chunks;
      job.count = job.chunks = 0;
    }
  }
  auto* out = static_cast<float*>(result->data);
  return enqueue(stream, clip_factor, ClipJob{sums, chunks, max_norm, out, out + 1});
}
