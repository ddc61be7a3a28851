#include "ops/linear/linear.h"

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/activation/activation.h"
#include "ops/linear/narrow.h"
#include "ops/linear/packed.h"
#include "ops/linear/panels.h"

namespace fovea {

FOVEA_DECLARE_BODIES(linear, const LinearJob&)
namespace avx512 {
void linear_bf16(const LinearJob& j);  // needs AVX512-BF16
void linear_vnni(const LinearJob& j);  // needs AVX512-VNNI
}  // namespace avx512

fovea_status linear_packed_bytes(const char* op, const fovea_linear_params* params, int64_t* bytes) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->in_features >= 0 && params->out_features >= 0, "%s: negative size (%d inputs, %d outputs)", op,
              params->in_features, params->out_features);
  FOVEA_CHECK(params->weights >= FOVEA_WEIGHTS_F32 && params->weights <= FOVEA_WEIGHTS_INT8, "%s: unknown weight format %d", op,
              params->weights);
  FOVEA_CHECK(params->weights != FOVEA_WEIGHTS_INT8 || params->in_features <= kMostInt8Inputs,
              "%s: %d inputs are too many for INT8 weights (at most %lld)", op, params->in_features,
              static_cast<long long>(kMostInt8Inputs));
  const int64_t columns = padded_columns(params->out_features);
  // 2^44 floats: far beyond any memory, and byte counts stay clear of overflow.
  FOVEA_CHECK(columns == 0 || params->in_features <= (int64_t{1} << 44) / columns, "%s: too large (%d inputs, %d outputs)", op,
              params->in_features, params->out_features);
  const auto format = static_cast<fovea_weight_format>(params->weights);
  const int64_t words = linear_steps(format, params->in_features) + (format == FOVEA_WEIGHTS_INT8 ? 2 : 0);
  *bytes = columns * words * static_cast<int64_t>(sizeof(float));
  return FOVEA_OK;
}

namespace {

// What holds for every backend's packed form.
fovea_status check_prepared(const char* op, const fovea_linear_params* params, const fovea_tensor* prepared,
                            const fovea_stream* stream) {
  int64_t bytes = 0;
  FOVEA_TRY(linear_packed_bytes(op, params, &bytes));
  FOVEA_TRY(check_tensor(op, "prepared", prepared, 1, kU8, stream));
  FOVEA_CHECK(reinterpret_cast<uintptr_t>(prepared->data) % 64 == 0, "%s: prepared is not 64-byte aligned", op);
  return FOVEA_OK;
}

fovea_status check_prepared_size(const char* op, const fovea_linear_params* params, const fovea_tensor* prepared) {
  int64_t bytes = 0;
  FOVEA_TRY(linear_packed_bytes(op, params, &bytes));
  FOVEA_CHECK(prepared->shape[0] == bytes, "%s: prepared has %lld bytes, expected %lld for %d inputs and %d outputs", op,
              static_cast<long long>(prepared->shape[0]), static_cast<long long>(bytes), params->in_features,
              params->out_features);
  return FOVEA_OK;
}

// Narrow formats keep x in the workspace as words, up to two a step, rows clear of a common cache set; INT8 adds a scale a row.
struct NarrowPlan {
  int64_t pitch, words;
};

NarrowPlan narrow_plan(const fovea_linear_params& params, int64_t rows) {
  const auto format = static_cast<fovea_weight_format>(params.weights);
  if (format == FOVEA_WEIGHTS_F32) return {0, 0};
  int64_t pitch = (2 * linear_steps(format, params.in_features) + 15) / 16 * 16;
  if (pitch % 256 == 0) pitch += 16;
  return {pitch, rows * pitch + (format == FOVEA_WEIGHTS_INT8 ? (rows + 15) / 16 * 16 : 0)};
}

// The processor may have the format's own instructions.
void (*choose_body(fovea_weight_format format))(const LinearJob&) {
  auto* const body = select_isa(linear_reference, scalar::linear, avx2::linear, avx512::linear);
  if (body != avx512::linear) return body;
  if (format == FOVEA_WEIGHTS_BF16 && cpu_has_avx512_bf16()) return avx512::linear_bf16;
  if (format == FOVEA_WEIGHTS_INT8 && cpu_has_avx512_vnni()) return avx512::linear_vnni;
  return body;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_linear_prepared_bytes(fovea_device* device, const fovea_linear_params* params, int64_t* bytes) {
  constexpr const char* op = "linear_prepared_bytes";
  FOVEA_CHECK(device != nullptr, "%s: device is NULL", op);
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(linear_packed_bytes(op, params, bytes));
  FOVEA_FORWARD(device, fovea_linear_prepared_bytes, device, params, bytes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_linear_prepare(const fovea_linear_params* params, const fovea_tensor* weights,
                                             const fovea_tensor* prepared, fovea_stream* stream) {
  constexpr const char* op = "linear_prepare";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_prepared(op, params, prepared, stream));
  FOVEA_TRY(check_tensor(op, "weights", weights, 2, kF32, stream));
  FOVEA_CHECK(weights->shape[0] == params->out_features && weights->shape[1] == params->in_features,
              "%s: weights are %s, expected [%d, %d]", op, describe(*weights), params->out_features, params->in_features);
  FOVEA_TRY(check_no_overlap(op, "weights", *weights, "prepared", *prepared, false));
  FOVEA_FORWARD(stream, fovea_linear_prepare, params, weights, prepared, stream);
  FOVEA_TRY(check_prepared_size(op, params, prepared));
  const PrepareJob job{static_cast<const float*>(weights->data),
                       static_cast<float*>(prepared->data),
                       params->in_features,
                       params->out_features,
                       weights->pitch,
                       static_cast<fovea_weight_format>(params->weights)};
  if (prepared->shape[0] == 0) return FOVEA_OK;
  return enqueue(stream, linear_prepare, job);
}

extern "C" fovea_status fovea_linear_workspace(const fovea_linear_params* params, const fovea_tensor* x, int64_t* bytes) {
  constexpr const char* op = "linear_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  int64_t packed = 0;
  FOVEA_TRY(linear_packed_bytes(op, params, &packed));
  FOVEA_CHECK(x != nullptr, "%s: x is NULL", op);
  FOVEA_CHECK(x->rank >= 1 && x->rank <= FOVEA_MAX_RANK, "%s: x has rank %d, allowed are 1 to %d", op, x->rank, FOVEA_MAX_RANK);
  int64_t n = 1;
  for (int i = 0; i < x->rank; ++i) {
    FOVEA_CHECK(x->shape[i] >= 0 && (x->shape[i] == 0 || n <= (int64_t{1} << 40) / x->shape[i]),
                "%s: x has an impossible shape: %s", op, describe(*x));
    if (x->shape[i] > 0) n *= x->shape[i];
  }
  FOVEA_CHECK(last(*x) == params->in_features, "%s: x is %s, its last dimension must be %d", op, describe(*x),
              params->in_features);
  FOVEA_FORWARD_TENSOR(x, fovea_linear_workspace, params, x, bytes);
  *bytes = narrow_plan(*params, rows(*x)).words * static_cast<int64_t>(sizeof(float));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_linear(const fovea_linear_params* params, const fovea_tensor* x, const fovea_tensor* prepared,
                                     const fovea_tensor* bias, const fovea_tensor* slope, const fovea_tensor* y,
                                     const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "linear";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_prepared(op, params, prepared, stream));
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  FOVEA_TRY(check_tensor(op, "y", y, kAnyRank, x->dtype, stream));
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
  FOVEA_FORWARD(stream, fovea_linear, params, x, prepared, bias, slope, y, workspace, stream);
  FOVEA_TRY(check_prepared_size(op, params, prepared));
  const NarrowPlan narrow = narrow_plan(*params, rows(*x));
  FOVEA_TRY(check_workspace(op, workspace, narrow.words * static_cast<int64_t>(sizeof(float))));
  if (rows(*x) == 0 || params->out_features == 0) return FOVEA_OK;
  // Without inputs nothing of x is read, but its data may be NULL: y's address keeps the row arithmetic defined.
  const bool no_inputs = params->in_features == 0;
  const auto format = static_cast<fovea_weight_format>(params->weights);
  auto* const scratch = narrow.words == 0 ? nullptr : static_cast<float*>(workspace->data);
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
                      params->activation,
                      format,
                      scratch,
                      scratch == nullptr ? nullptr : scratch + rows(*x) * narrow.pitch,
                      narrow.pitch};
  return enqueue(stream, choose_body(format), job);
}
