#include "core/gradients.h"

#include "core/status.h"

namespace fovea {

fovea_status check_gradients(const char* op, std::span<const NamedTensor> inputs, std::span<const NamedTensor> gradients,
                             const fovea_stream* stream) {
  for (size_t i = 0; i < gradients.size(); ++i) {
    const auto& [name, gradient] = gradients[i];
    if (gradient == nullptr) continue;
    const NamedTensor& of = inputs[i];
    FOVEA_CHECK(of.tensor != nullptr, "%s: %s is given without %s", op, name, of.name);
    FOVEA_TRY(check_tensor(op, name, gradient, of.tensor->rank, of.tensor->dtype, stream));
    FOVEA_TRY(check_same_shape(op, of.name, *of.tensor, name, *gradient));
    for (const NamedTensor& input : inputs)
      if (input.tensor != nullptr) FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, name, *gradient, false));
    for (const NamedTensor& before : gradients.first(i))
      if (before.tensor != nullptr) FOVEA_TRY(check_no_overlap(op, before.name, *before.tensor, name, *gradient, false));
  }
  return FOVEA_OK;
}

}  // namespace fovea
