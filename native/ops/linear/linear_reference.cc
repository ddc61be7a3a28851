// linear in double precision, from the packed weights and, for narrow formats, from x rounded or quantised the same way.
#include "ops/activation/activation.h"
#include "ops/linear/linear.h"
#include "ops/linear/narrow.h"
#include "ops/linear/panels.h"

namespace fovea {
namespace {

// The stored weight of (k, column), INT8 without its scale.
double weight(const LinearJob& j, int64_t k, int64_t column) {
  const int64_t panel = column / kPanel, width = panel_width(j.columns, panel), steps = linear_steps(j.format, j.k_size);
  const float* at = j.panels + panel * kPanel * steps + column % kPanel;
  uint32_t word = 0;
  switch (j.format) {
    case FOVEA_WEIGHTS_BF16:
      std::memcpy(&word, at + k / 2 * width, sizeof word);
      return static_cast<double>(from_bf16(static_cast<uint16_t>(word >> (k % 2 * 16))));
    case FOVEA_WEIGHTS_INT8:
      std::memcpy(&word, at + k / 4 * width, sizeof word);
      return static_cast<int8_t>(word >> (8 * int8_byte(k)) & 0xFFu);
    default:
      return static_cast<double>(at[k * width]);
  }
}

}  // namespace

void linear_reference(const LinearJob& j) {
  const int64_t rows = j.leading == 0 ? 0 : j.rows / j.leading * live_rows(j.live, j.leading);
  const float* scales = j.panels + padded_columns(j.columns) * linear_steps(j.format, j.k_size);
  for (int64_t m = 0; m < rows; ++m) {
    const float* x = j.x + m * j.x_pitch;
    const Int8Scale scale = j.format == FOVEA_WEIGHTS_INT8 ? int8_scale_of(x, j.k_size) : Int8Scale{};
    for (int64_t n = 0; n < j.columns; ++n) {
      double sum = 0;
      for (int64_t k = 0; k < j.k_size; ++k) {
        const double value = j.format == FOVEA_WEIGHTS_INT8   ? to_int8(x[k], scale.inverse)
                             : j.format == FOVEA_WEIGHTS_BF16 ? static_cast<double>(from_bf16(to_bf16(x[k])))
                                                              : static_cast<double>(x[k]);
        sum += value * weight(j, k, n);
      }
      if (j.format == FOVEA_WEIGHTS_INT8) sum *= static_cast<double>(scale.scale) * static_cast<double>(scales[n]);
      if (j.bias != nullptr) sum += static_cast<double>(j.bias[n]);
      j.y[m * j.y_pitch + n] = static_cast<float>(
          reference_activation(j.activation, sum, j.slope == nullptr ? 0.0 : static_cast<double>(j.slope[n])));
    }
  }
}

}  // namespace fovea
