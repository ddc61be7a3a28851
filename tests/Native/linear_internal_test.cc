// On a processor with AVX512-BF16 and AVX512-VNNI fovea_linear never runs the AVX-512 body that does without them. Here it
// runs, beside the others, on the same job.
#include "ops/linear/linear_prepare.cc"
#include "support.h"

namespace fovea {
namespace scalar {
void linear(const LinearJob& j);
}
namespace avx2 {
void linear(const LinearJob& j);
}
namespace avx512 {
void linear(const LinearJob& j);
}
}  // namespace fovea

using namespace fovea_test;

namespace {

class LinearBodies : public ::testing::TestWithParam<fovea_weight_format> {};

TEST_P(LinearBodies, Agree) {
  using Body = void (*)(const fovea::LinearJob&);
  const Body all[] = {fovea::scalar::linear, fovea::avx2::linear, fovea::avx512::linear};
  const std::vector<int32_t> isas = available_isas();
  const fovea_weight_format format = GetParam();
  for (const int64_t rows : {1, 4, 15, 29})
    for (const int64_t in : {3, 65, 700}) {
      constexpr int64_t kOut = 70;
      const int64_t steps = fovea::linear_steps(format, in), pitch = 2 * steps + 16;
      Array<float> x({rows, in}), w({kOut, in}), y({rows, kOut}), panels({fovea::padded_columns(kOut) * (steps + 2)});
      Array<float> narrow({rows, pitch}), scales({rows});
      x.fill(1), w.fill(2);
      fovea::linear_prepare({w.data(), panels.data(), in, kOut, in, format});
      fovea::LinearJob job{};
      job.x = x.data(), job.panels = panels.data(), job.y = y.data();
      job.rows = job.leading = rows, job.k_size = in, job.columns = kOut, job.x_pitch = in, job.y_pitch = kOut;
      job.format = format, job.narrow_x = narrow.data(), job.row_scales = scales.data(), job.narrow_pitch = pitch;
      std::vector<float> first;
      for (size_t i = 0; i < isas.size(); ++i) {
        narrow.poison();
        all[i](job);
        const std::vector<float> actual = y.values();
        if (i == 0) first = actual;
        // INT8 sums are exact; BF16 sums are f32 chains of K terms of size 1/4, fused or not.
        const double tolerance = format == FOVEA_WEIGHTS_INT8 ? 0 : 1e-6 + 6e-8 * static_cast<double>(in);
        for (size_t k = 0; k < actual.size(); ++k) ASSERT_NEAR(actual[k], first[k], tolerance) << rows << " " << in << " " << i;
      }
    }
}

INSTANTIATE_TEST_SUITE_P(Formats, LinearBodies, ::testing::Values(FOVEA_WEIGHTS_F32, FOVEA_WEIGHTS_BF16, FOVEA_WEIGHTS_INT8));

}  // namespace
