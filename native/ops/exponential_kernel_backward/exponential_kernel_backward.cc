#include "ops/exponential_kernel_backward/exponential_kernel_backward.h"

#include <complex>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(exponential_kernel_backward, const ExponentialKernelBackwardJob&)

namespace {

using Number = std::complex<double>;

void exponential_kernel_backward_reference(const ExponentialKernelBackwardJob& j) {
  const ExponentialKernelJob& k = j.kernel;
  const auto number = [](const float* p) { return Number(static_cast<double>(p[0]), static_cast<double>(p[1])); };
  const auto put = [](float* base, int64_t offset, Number v) {
    if (base == nullptr) return;
    base[offset] = static_cast<float>(v.real()), base[offset + 1] = static_cast<float>(v.imag());
  };
  const int64_t channels = live_rows(k.live, k.channels);
  for (int64_t row = 0; row < channels * k.states; ++row) {
    const Number x = number(k.exponents + row * k.exponents_pitch), w = number(k.weights + row * k.weights_pitch);
    Number s0 = 0, s1 = 0;
    for (int64_t l = 0; l < k.length; ++l) {
      const Number term = static_cast<double>(k.k[row / k.states * k.k_pitch + l]) * std::exp(static_cast<double>(l) * x);
      s0 += term, s1 += static_cast<double>(l) * term;
    }
    put(j.d_weights, row * j.d_weights_pitch, std::conj(s0));
    put(j.d_exponents, row * j.d_exponents_pitch, std::conj(w * s1));
  }
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_exponential_kernel_backward(const fovea_tensor* exponents, const fovea_tensor* weights,
                                                          const fovea_tensor* dk, const fovea_tensor* d_exponents,
                                                          const fovea_tensor* d_weights, fovea_stream* stream) {
  constexpr const char* op = "exponential_kernel_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_exponential_kernel(op, exponents, weights, "dk", dk, stream));
  struct Named {
    const char* name;
    const fovea_tensor* tensor;
  };
  for (const Named& output : {Named{"d_exponents", d_exponents}, Named{"d_weights", d_weights}}) {
    if (output.tensor == nullptr) continue;
    FOVEA_TRY(check_tensor(op, output.name, output.tensor, 3, kF32, stream));
    FOVEA_TRY(check_same_shape(op, "exponents", *exponents, output.name, *output.tensor));
    for (const Named& input : {Named{"exponents", exponents}, Named{"weights", weights}, Named{"dk", dk}})
      FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, output.name, *output.tensor, false));
  }
  if (d_exponents != nullptr && d_weights != nullptr)
    FOVEA_TRY(check_no_overlap(op, "d_exponents", *d_exponents, "d_weights", *d_weights, false));
  FOVEA_FORWARD(stream, fovea_exponential_kernel_backward, exponents, weights, dk, d_exponents, d_weights, stream);
  if (elements(*exponents) == 0) return FOVEA_OK;
  return enqueue(stream,
                 select_isa(exponential_kernel_backward_reference, scalar::exponential_kernel_backward,
                            avx2::exponential_kernel_backward, avx512::exponential_kernel_backward),
                 exponential_kernel_backward_job(exponential_kernel_job(*exponents, *weights, *dk), d_exponents, d_weights));
}
