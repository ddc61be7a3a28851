#include "ops/exponential_kernel/exponential_kernel.h"

#include <complex>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(exponential_kernel, const ExponentialKernelJob&)

namespace {

void exponential_kernel_reference(const ExponentialKernelJob& j) {
  const auto number = [](const float* p) { return std::complex<double>(static_cast<double>(p[0]), static_cast<double>(p[1])); };
  const int64_t channels = live_rows(j.live, j.channels);
  for (int64_t d = 0; d < channels; ++d)
    for (int64_t l = 0; l < j.length; ++l) {
      double sum = 0;
      for (int64_t row = d * j.states; row < (d + 1) * j.states; ++row)
        sum += (number(j.weights + row * j.weights_pitch) *
                std::exp(static_cast<double>(l) * number(j.exponents + row * j.exponents_pitch)))
                   .real();
      j.k[d * j.k_pitch + l] = static_cast<float>(sum);
    }
}

}  // namespace

fovea_status check_exponential_kernel(const char* op, const fovea_tensor* exponents, const fovea_tensor* weights,
                                      const char* name, const fovea_tensor* k, const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, "exponents", exponents, 3, kF32, stream));
  FOVEA_CHECK(exponents->shape[2] == 2, "%s: exponents is %s, the last dimension must be 2 (re, im)", op, describe(*exponents));
  FOVEA_TRY(check_tensor(op, "weights", weights, 3, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "exponents", *exponents, "weights", *weights));
  FOVEA_TRY(check_tensor(op, name, k, 2, kF32, stream));
  FOVEA_CHECK(k->shape[0] == exponents->shape[0], "%s: %s has %lld channels, exponents has %lld", op, name,
              static_cast<long long>(k->shape[0]), static_cast<long long>(exponents->shape[0]));
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_exponential_kernel(const fovea_tensor* exponents, const fovea_tensor* weights,
                                                 const fovea_tensor* k, fovea_stream* stream) {
  constexpr const char* op = "exponential_kernel";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_exponential_kernel(op, exponents, weights, "k", k, stream));
  FOVEA_TRY(check_no_overlap(op, "exponents", *exponents, "k", *k, false));
  FOVEA_TRY(check_no_overlap(op, "weights", *weights, "k", *k, false));
  FOVEA_FORWARD(stream, fovea_exponential_kernel, exponents, weights, k, stream);
  if (elements(*k) == 0) return FOVEA_OK;
  return enqueue(stream,
                 select_isa(exponential_kernel_reference, scalar::exponential_kernel, avx2::exponential_kernel,
                            avx512::exponential_kernel),
                 exponential_kernel_job(*exponents, *weights, *k));
}
