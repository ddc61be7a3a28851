// Which compiled body of a kernel runs. Bodies live in namespaces fovea::scalar, fovea::avx2 and fovea::avx512, made from one
// source file `<op>_simd.cc` that CMake compiles once per instruction set.
#pragma once

#include "fovea/device.h"

namespace fovea {

fovea_isa active_isa() noexcept;

// Extensions that only some AVX-512 processors have. A body that uses one sits beside the AVX-512 body, not instead of it.
bool cpu_has_avx512_bf16() noexcept;
bool cpu_has_avx512_vnni() noexcept;

// `reference` is the slow obvious version in <op>.cc. Called while enqueuing, so a graph keeps its choice.
template <class Kernel>
Kernel* select_isa(Kernel* reference, Kernel* scalar, Kernel* avx2, Kernel* avx512) noexcept {
  switch (active_isa()) {
    case FOVEA_ISA_AVX512:
      return avx512;
    case FOVEA_ISA_AVX2:
      return avx2;
    case FOVEA_ISA_SCALAR:
      return scalar;
    default:
      return reference;
  }
}

}  // namespace fovea

// Declares one vector body in every instruction-set namespace: FOVEA_DECLARE_BODIES(softmax_rows, const SoftmaxJob&);
// clang-format off
#define FOVEA_DECLARE_BODIES(name, ...)            \
  namespace scalar { void name(__VA_ARGS__); }     \
  namespace avx2 { void name(__VA_ARGS__); }       \
  namespace avx512 { void name(__VA_ARGS__); }
// clang-format on
