#include "ops/layer_norm_backward/norm_checks.h"

#include <cmath>

namespace fovea {

fovea_status check_norm_params(const char* op, const fovea_norm_params* params) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->epsilon >= 0 && std::isfinite(params->epsilon), "%s: epsilon is %g, it must be finite and not negative",
              op, static_cast<double>(params->epsilon));
  return FOVEA_OK;
}

fovea_status check_norm_shape(const char* op, const fovea_tensor* x) {
  constexpr int64_t kMostElements = int64_t{1} << 46;  // as for tensors with memory
  FOVEA_CHECK(x != nullptr, "%s: x is NULL", op);
  FOVEA_CHECK(x->rank >= 1 && x->rank <= FOVEA_MAX_RANK, "%s: x has rank %d, allowed are 1 to %d", op, x->rank, FOVEA_MAX_RANK);
  int64_t n = 1;
  for (int i = 0; i < x->rank; ++i) {
    const int64_t size = x->shape[i];
    FOVEA_CHECK(size >= 0 && (size == 0 || n <= kMostElements / size), "%s: x has an impossible shape: %s", op, describe(*x));
    if (size > 0) n *= size;
  }
  return FOVEA_OK;
}

fovea_status check_norm_tensors(const char* op, const fovea_tensor* x, const fovea_tensor* gamma, const fovea_tensor* dy,
                                const fovea_tensor* dx, const fovea_tensor* dgamma, const fovea_tensor* dbeta,
                                const fovea_stream* stream) {
  struct Named {
    const char* name;
    const fovea_tensor* tensor;
  };
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_TRY(check_tensor(op, "dy", dy, kAnyRank, x->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "x", *x, "dy", *dy));
  if (dx != nullptr) {
    FOVEA_TRY(check_tensor(op, "dx", dx, kAnyRank, x->dtype, stream));
    FOVEA_TRY(check_same_shape(op, "x", *x, "dx", *dx));
  }
  const Named vectors[] = {{"gamma", gamma}, {"dgamma", dgamma}, {"dbeta", dbeta}};
  for (const Named& v : vectors) FOVEA_TRY(check_channel_vector(op, v.name, v.tensor, last(*x), stream));
  const Named inputs[] = {{"x", x}, {"gamma", gamma}, {"dy", dy}},
              outputs[] = {{"dx", dx}, {"dgamma", dgamma}, {"dbeta", dbeta}};
  for (const Named& output : outputs) {
    if (output.tensor == nullptr) continue;
    for (const Named& input : inputs)
      if (input.tensor != nullptr)
        FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, output.name, *output.tensor, false));
    for (const Named* other = outputs; other != &output; ++other)
      if (other->tensor != nullptr)
        FOVEA_TRY(check_no_overlap(op, other->name, *other->tensor, output.name, *output.tensor, false));
  }
  return FOVEA_OK;
}

}  // namespace fovea
