#include "ops/linear/linear.h"

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"
#include "ops/activation/activation.h"
#include "ops/linear/panels.h"

namespace fovea {

FOVEA_DECLARE_BODIES(linear, const LinearJob&)

namespace {

struct PrepareJob {
  const float* weights;
  float* panels;
  int64_t k_size, columns, pitch;
};

// A transposition that runs once per model: plain C++ for every instruction set.
void prepare(const PrepareJob& j) {
  parallel_for(panel_count(j.columns), 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t p = begin; p < end; ++p)
      pack_panel(j.weights, 1, j.pitch, j.k_size, j.columns, p, j.panels + p * kPanel * j.k_size);
  });
}

void linear_reference(const LinearJob& j) {
  const int64_t rows = j.leading == 0 ? 0 : j.rows / j.leading * live_rows(j.live, j.leading);
  for (int64_t m = 0; m < rows; ++m)
    for (int64_t n = 0; n < j.columns; ++n) {
      const int64_t panel = n / kPanel, width = panel_width(j.columns, panel);
      const float* w = j.panels + panel * kPanel * j.k_size + n % kPanel;
      double sum = j.bias == nullptr ? 0.0 : static_cast<double>(j.bias[n]);
      for (int64_t k = 0; k < j.k_size; ++k)
        sum += static_cast<double>(j.x[m * j.x_pitch + k]) * static_cast<double>(w[k * width]);
      j.y[m * j.y_pitch + n] = static_cast<float>(
          reference_activation(j.activation, sum, j.slope == nullptr ? 0.0 : static_cast<double>(j.slope[n])));
    }
}

fovea_status packed_bytes(const char* op, const fovea_linear_params* params, int64_t* bytes) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->in_features >= 0 && params->out_features >= 0, "%s: negative size (%d inputs, %d outputs)", op,
              params->in_features, params->out_features);
  const int64_t columns = padded_columns(params->out_features);
  // 2^44 floats: far beyond any memory, and byte counts stay clear of overflow.
  FOVEA_CHECK(columns == 0 || params->in_features <= (int64_t{1} << 44) / columns, "%s: too large (%d inputs, %d outputs)", op,
              params->in_features, params->out_features);
  *bytes = columns * params->in_features * static_cast<int64_t>(sizeof(float));
  return FOVEA_OK;
}

fovea_status check_prepared(const char* op, const fovea_linear_params* params, const fovea_tensor* prepared,
                            const fovea_stream* stream) {
  int64_t bytes = 0;
  FOVEA_TRY(packed_bytes(op, params, &bytes));
  FOVEA_TRY(check_tensor(op, "prepared", prepared, 1, kU8, stream));
  FOVEA_CHECK(prepared->shape[0] == bytes, "%s: prepared has %lld bytes, expected %lld for %d inputs and %d outputs", op,
              static_cast<long long>(prepared->shape[0]), static_cast<long long>(bytes), params->in_features,
              params->out_features);
  FOVEA_CHECK(reinterpret_cast<uintptr_t>(prepared->data) % 64 == 0, "%s: prepared is not 64-byte aligned", op);
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_linear_prepared_bytes(const fovea_linear_params* params, int64_t* bytes) {
  FOVEA_CHECK(bytes != nullptr, "linear_prepared_bytes: bytes is NULL");
  return packed_bytes("linear_prepared_bytes", params, bytes);
}

extern "C" fovea_status fovea_linear_prepare(const fovea_linear_params* params, const fovea_tensor* weights,
                                             const fovea_tensor* prepared, fovea_stream* stream) {
  constexpr const char* op = "linear_prepare";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_FORWARD(stream, fovea_linear_prepare, params, weights, prepared, stream);
  FOVEA_TRY(check_prepared(op, params, prepared, stream));
  FOVEA_TRY(check_tensor(op, "weights", weights, 2, kF32, stream));
  FOVEA_CHECK(weights->shape[0] == params->out_features && weights->shape[1] == params->in_features,
              "%s: weights are %s, expected [%d, %d]", op, describe(*weights), params->out_features, params->in_features);
  FOVEA_TRY(check_no_overlap(op, "weights", *weights, "prepared", *prepared, false));
  const PrepareJob job{static_cast<const float*>(weights->data), static_cast<float*>(prepared->data), params->in_features,
                       params->out_features, weights->pitch};
  if (prepared->shape[0] == 0) return FOVEA_OK;
  return enqueue(stream, prepare, job);
}

extern "C" fovea_status fovea_linear(const fovea_linear_params* params, const fovea_tensor* x, const fovea_tensor* prepared,
                                     const fovea_tensor* bias, const fovea_tensor* slope, const fovea_tensor* y,
                                     const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "linear";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_FORWARD(stream, fovea_linear, params, x, prepared, bias, slope, y, workspace, stream);
  FOVEA_TRY(check_prepared(op, params, prepared, stream));
  FOVEA_TRY(check_tensor(op, "x", x, kAnyRank, kF32, stream));
  FOVEA_TRY(check_tensor(op, "y", y, kAnyRank, kF32, stream));
  FOVEA_CHECK(x->rank >= 1 && last(*x) == params->in_features, "%s: x is %s, its last dimension must be %d", op, describe(*x),
              params->in_features);
  bool matches = y->rank == x->rank && last(*y) == params->out_features;
  for (int i = 0; matches && i + 1 < x->rank; ++i) matches = y->shape[i] == x->shape[i];
  FOVEA_CHECK(matches, "%s: y is %s, but x is %s and there are %d outputs", op, describe(*y), describe(*x),
              params->out_features);
  FOVEA_TRY(check_channel_vector(op, "bias", bias, params->out_features, stream));
  FOVEA_TRY(check_activation(op, params->activation, slope, params->out_features, stream));
  FOVEA_TRY(check_no_overlap(op, "x", *x, "y", *y, false));
  FOVEA_TRY(check_no_overlap(op, "prepared", *prepared, "y", *y, false));
  if (rows(*x) == 0 || params->out_features == 0) return FOVEA_OK;
  // Without inputs nothing of x is read, but its data may be NULL: y's address keeps the row arithmetic defined.
  const bool no_inputs = params->in_features == 0;
  const LinearJob job{static_cast<const float*>(no_inputs ? y->data : x->data),
                      static_cast<const float*>(prepared->data),
                      bias == nullptr ? nullptr : static_cast<const float*>(bias->data),
                      slope == nullptr ? nullptr : static_cast<const float*>(slope->data),
                      static_cast<float*>(y->data),
                      rows(*x),
                      params->in_features,
                      params->out_features,
                      no_inputs ? 0 : x->pitch,
                      y->pitch,
                      x->live,
                      x->rank > 1 ? x->shape[0] : 1,
                      params->activation};
  return enqueue(stream, select_isa(linear_reference, scalar::linear, avx2::linear, avx512::linear), job);
}
