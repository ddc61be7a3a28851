// Packing and narrowing run once per model: plain C++ for every instruction set.
#include "core/thread_pool.h"
#include "ops/linear/linear.h"
#include "ops/linear/narrow.h"
#include "ops/linear/panels.h"

namespace fovea {
namespace {

struct WeightRow {
  const float* w;  // [k_size] of one output, NULL for padding
  int64_t k_size;
  float inverse;  // INT8 only

  uint32_t word(fovea_weight_format format, int64_t step) const {
    uint32_t word = 0;
    if (w == nullptr) return word;
    if (format == FOVEA_WEIGHTS_F32) {
      std::memcpy(&word, w + step, sizeof word);
      return word;
    }
    const int64_t per_step = format == FOVEA_WEIGHTS_BF16 ? 2 : 4;
    for (int64_t i = 0, k = step * per_step; i < per_step && k < k_size; ++i, ++k)
      word |= format == FOVEA_WEIGHTS_BF16 ? static_cast<uint32_t>(to_bf16(w[k])) << (16 * i)
                                           : (static_cast<uint32_t>(to_int8(w[k], inverse)) & 0xFFu) << (8 * int8_byte(k));
    return word;
  }
};

void prepare_panel(const PrepareJob& j, int64_t panel) {
  const int64_t width = panel_width(j.columns, panel), first = panel * kPanel, steps = linear_steps(j.format, j.k_size);
  WeightRow rows[kPanel] = {};
  auto* out = reinterpret_cast<unsigned char*>(j.panels + first * steps);
  float* scales = j.panels + padded_columns(j.columns) * steps + first;
  for (int64_t n = 0; n < width; ++n) {
    const float* w = first + n < j.columns ? j.weights + (first + n) * j.pitch : nullptr;
    rows[n] = {w, j.k_size, 0};
    if (j.format != FOVEA_WEIGHTS_INT8) continue;
    const Int8Scale scale = w == nullptr ? Int8Scale{} : int8_scale_of(w, j.k_size);
    rows[n].inverse = scale.inverse;
    scales[n] = scale.scale;
    int32_t offset = 0;
    for (int64_t k = 0; w != nullptr && k < j.k_size; ++k) offset -= 128 * to_int8(w[k], scale.inverse);
    std::memcpy(scales + padded_columns(j.columns) + n, &offset, sizeof offset);
  }
  // 16 steps of one output at a time: a whole cache line of the weights, whose rows may share a cache set.
  for (int64_t begin = 0; begin < steps; begin += 16) {
    const int64_t end = begin + 16 < steps ? begin + 16 : steps;
    for (int64_t n = 0; n < width; ++n)
      for (int64_t step = begin; step < end; ++step) {
        const uint32_t word = rows[n].word(j.format, step);
        std::memcpy(out + (step * width + n) * 4, &word, sizeof word);
      }
  }
}

}  // namespace

void linear_prepare(const PrepareJob& j) {
  parallel_for(panel_count(j.columns), 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t p = begin; p < end; ++p) prepare_panel(j, p);
  });
}

}  // namespace fovea
