#include "ops/recurrent/recurrent.h"

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/linear/packed.h"
#include "ops/recurrent/recurrent_reference.h"

namespace fovea {

FOVEA_DECLARE_BODIES(recurrent, const RecurrentJob&)

namespace {

constexpr int64_t kFloat = sizeof(float);

struct PrepareJob {
  const float *recurrent, *bias, *recurrent_bias;  // the biases may be NULL
  float* prepared;
  int64_t recurrent_pitch, hidden;
  int32_t cell;
  RecurrentPlan plan;
};

// Gates [begin, begin + gates) of R into blocks of [k][gate][kUnits].
void pack(const PrepareJob& j, int64_t begin, int64_t gates, float* to) {
  for (int64_t unit = 0; unit < j.plan.padded; ++unit)
    for (int64_t g = 0; g < gates; ++g) {
      const float* from = j.recurrent + ((begin + g) * j.hidden + unit) * j.recurrent_pitch;
      float* column = to + (unit / kUnits * j.hidden * gates + g) * kUnits + unit % kUnits;
      for (int64_t k = 0; k < j.hidden; ++k) column[k * gates * kUnits] = unit < j.hidden ? from[k] : 0.0f;
    }
}

// Runs once per model: plain C++ for every instruction set.
void prepare(const PrepareJob& j) {
  const RecurrentPlan& plan = j.plan;
  for (int64_t i = 0; i < plan.gates * j.hidden; ++i) {
    const bool apart = j.cell == FOVEA_CELL_GRU && i >= 2 * j.hidden;  // r multiplies this one
    const float inner = j.recurrent_bias == nullptr ? 0.0f : j.recurrent_bias[i];
    j.prepared[plan.bias + i] = (j.bias == nullptr ? 0.0f : j.bias[i]) + (apart ? 0.0f : inner);
    if (apart) j.prepared[plan.inner_bias + i - 2 * j.hidden] = inner;
  }
  // Padding is defined, so that equal weights give equal bytes.
  for (int64_t i = plan.gates * j.hidden; i < plan.gates * plan.padded; ++i) j.prepared[plan.bias + i] = 0.0f;
  for (int64_t i = j.cell == FOVEA_CELL_GRU ? j.hidden : 0; i < plan.padded; ++i) j.prepared[plan.inner_bias + i] = 0.0f;
  pack(j, 0, plan.first_gates, j.prepared + plan.recurrent);
  if (plan.first_gates < plan.gates) pack(j, plan.first_gates, plan.gates - plan.first_gates, j.prepared + plan.second);
}

fovea_linear_params linear_params(const fovea_recurrent_params& p) {
  fovea_linear_params linear{};
  linear.in_features = p.input_size;
  linear.out_features = static_cast<int32_t>(gate_count(p.cell) * p.hidden_size);
  return linear;
}

fovea_status make_plan(const char* op, const fovea_recurrent_params* params, RecurrentPlan* plan) {
  FOVEA_TRY(check_recurrent_params(op, params));
  const fovea_linear_params linear = linear_params(*params);
  int64_t bytes = 0;
  FOVEA_TRY(linear_packed_bytes(op, &linear, &bytes));
  *plan = recurrent_plan(*params, bytes / kFloat);
  return FOVEA_OK;
}

// What holds for every backend's packed form.
fovea_status check_prepared(const char* op, const fovea_tensor* prepared, const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, "prepared", prepared, 1, kU8, stream));
  FOVEA_CHECK(reinterpret_cast<uintptr_t>(prepared->data) % 64 == 0, "%s: prepared is not 64-byte aligned", op);
  return FOVEA_OK;
}

fovea_status check_prepared_size(const char* op, const RecurrentPlan& plan, const fovea_recurrent_params& params,
                                 const fovea_tensor* prepared) {
  FOVEA_CHECK(prepared->shape[0] == plan.size * kFloat,
              "%s: prepared has %lld bytes, expected %lld for cell %d, %d inputs and %d hidden units", op,
              static_cast<long long>(prepared->shape[0]), static_cast<long long>(plan.size * kFloat), params.cell,
              params.input_size, params.hidden_size);
  return FOVEA_OK;
}

// A tensor of this call inside caller memory that has been checked.
fovea_tensor part(void* data, fovea_dtype dtype, const fovea_stream* stream) {
  fovea_tensor t{};
  t.data = data, t.dtype = dtype;
  t.device_type = stream->device->type, t.device_id = stream->device->id;
  return t;
}

fovea_tensor linear_part(const RecurrentPlan& plan, float* prepared, const fovea_stream* stream) {
  fovea_tensor t = part(prepared, kU8, stream);
  t.rank = 1, t.shape[0] = t.pitch = plan.bias * kFloat;
  return t;
}

// Floats of products and rows, both multiples of 16.
struct WorkspaceSize {
  int64_t products_pitch, products, size;
};
fovea_status workspace_size(const char* op, const RecurrentPlan& plan, int64_t batch, int64_t length, WorkspaceSize* w) {
  w->products_pitch = plan.gates * plan.padded;
  const double size = static_cast<double>(batch) * (static_cast<double>(length) * static_cast<double>(w->products_pitch) +
                                                    static_cast<double>(kRowBuffers * plan.padded));
  FOVEA_CHECK(size < 4503599627370496.0, "%s: too large (batch %lld, length %lld, %lld values per position)", op,
              static_cast<long long>(batch), static_cast<long long>(length), static_cast<long long>(w->products_pitch));
  w->products = batch * length * w->products_pitch;
  w->size = w->products + batch * kRowBuffers * plan.padded;
  return FOVEA_OK;
}

fovea_status check_state(const char* op, const char* name, const fovea_tensor* t, int64_t batch, int64_t hidden,
                         const fovea_stream* stream) {
  if (t == nullptr) return FOVEA_OK;
  return check_recurrent_matrix(op, name, t, batch, hidden, stream);
}

}  // namespace

fovea_status check_recurrent_params(const char* op, const fovea_recurrent_params* params) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(params->cell >= FOVEA_CELL_RNN_TANH && params->cell <= FOVEA_CELL_GRU_RESET_BEFORE, "%s: unknown cell %d", op,
              params->cell);
  FOVEA_CHECK(params->input_size >= 0 && params->hidden_size >= 0, "%s: negative size (%d inputs, %d hidden units)", op,
              params->input_size, params->hidden_size);
  // 2^24 units: their recurrent weights would be 2^50 floats, and nothing computed from them overflows.
  FOVEA_CHECK(params->hidden_size <= 1 << 24, "%s: too large (%d hidden units)", op, params->hidden_size);
  return FOVEA_OK;
}

fovea_status check_recurrent_matrix(const char* op, const char* name, const fovea_tensor* t, int64_t rows, int64_t columns,
                                    const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, name, t, 2, kF32, stream));
  FOVEA_CHECK(t->shape[0] == rows && t->shape[1] == columns, "%s: %s is %s, expected [%lld, %lld]", op, name, describe(*t),
              static_cast<long long>(rows), static_cast<long long>(columns));
  return FOVEA_OK;
}

fovea_status check_recurrent_lengths(const char* op, const fovea_tensor* lengths, int64_t batch, const fovea_stream* stream) {
  if (lengths == nullptr) return FOVEA_OK;
  FOVEA_TRY(check_tensor(op, "lengths", lengths, 1, kI32, stream));
  FOVEA_CHECK(lengths->shape[0] == batch, "%s: lengths has %lld entries, the batch %lld", op,
              static_cast<long long>(lengths->shape[0]), static_cast<long long>(batch));
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_recurrent_prepared_bytes(fovea_device* device, const fovea_recurrent_params* params,
                                                       int64_t* bytes) {
  constexpr const char* op = "recurrent_prepared_bytes";
  FOVEA_CHECK(device != nullptr, "%s: device is NULL", op);
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  RecurrentPlan plan{};
  FOVEA_TRY(make_plan(op, params, &plan));
  FOVEA_FORWARD(device, fovea_recurrent_prepared_bytes, device, params, bytes);
  *bytes = plan.size * kFloat;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_recurrent_prepare(const fovea_recurrent_params* params, const fovea_tensor* weights,
                                                const fovea_tensor* recurrent, const fovea_tensor* bias,
                                                const fovea_tensor* recurrent_bias, const fovea_tensor* prepared,
                                                fovea_stream* stream) {
  constexpr const char* op = "recurrent_prepare";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  RecurrentPlan plan{};
  FOVEA_TRY(make_plan(op, params, &plan));
  FOVEA_TRY(check_prepared(op, prepared, stream));
  const int64_t rows = plan.gates * params->hidden_size;
  FOVEA_TRY(check_recurrent_matrix(op, "weights", weights, rows, params->input_size, stream));
  FOVEA_TRY(check_recurrent_matrix(op, "recurrent", recurrent, rows, params->hidden_size, stream));
  FOVEA_TRY(check_channel_vector(op, "bias", bias, rows, stream));
  FOVEA_TRY(check_channel_vector(op, "recurrent_bias", recurrent_bias, rows, stream));
  FOVEA_TRY(check_no_overlap(op, "weights", *weights, "prepared", *prepared, false));
  FOVEA_TRY(check_no_overlap(op, "recurrent", *recurrent, "prepared", *prepared, false));
  if (bias != nullptr) FOVEA_TRY(check_no_overlap(op, "bias", *bias, "prepared", *prepared, false));
  if (recurrent_bias != nullptr)
    FOVEA_TRY(check_no_overlap(op, "recurrent_bias", *recurrent_bias, "prepared", *prepared, false));
  FOVEA_FORWARD(stream, fovea_recurrent_prepare, params, weights, recurrent, bias, recurrent_bias, prepared, stream);
  FOVEA_TRY(check_prepared_size(op, plan, *params, prepared));
  if (params->hidden_size == 0) return FOVEA_OK;
  auto* const data = static_cast<float*>(prepared->data);
  if (plan.bias > 0) {
    const fovea_linear_params linear = linear_params(*params);
    const fovea_tensor panels = linear_part(plan, data, stream);
    FOVEA_TRY(fovea_linear_prepare(&linear, weights, &panels, stream));
  }
  const PrepareJob job{static_cast<const float*>(recurrent->data),
                       bias == nullptr ? nullptr : static_cast<const float*>(bias->data),
                       recurrent_bias == nullptr ? nullptr : static_cast<const float*>(recurrent_bias->data),
                       data,
                       recurrent->pitch,
                       params->hidden_size,
                       params->cell,
                       plan};
  return enqueue(stream, prepare, job);
}

extern "C" fovea_status fovea_recurrent_workspace(const fovea_recurrent_params* params, const fovea_tensor* x, int64_t* bytes) {
  constexpr const char* op = "recurrent_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  RecurrentPlan plan{};
  FOVEA_TRY(make_plan(op, params, &plan));
  FOVEA_CHECK(x != nullptr && x->rank == 3 && x->shape[0] >= 0 && x->shape[1] >= 0, "%s: x must have rank 3", op);
  WorkspaceSize size{};
  FOVEA_TRY(workspace_size(op, plan, x->shape[0], x->shape[1], &size));
  FOVEA_FORWARD_TENSOR(x, fovea_recurrent_workspace, params, x, bytes);
  *bytes = size.size * kFloat;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_recurrent(const fovea_recurrent_params* params, const fovea_tensor* x,
                                        const fovea_tensor* prepared, const fovea_tensor* lengths, const fovea_tensor* h,
                                        const fovea_tensor* c, const fovea_tensor* y, const fovea_workspace* workspace,
                                        fovea_stream* stream) {
  constexpr const char* op = "recurrent";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  RecurrentPlan plan{};
  FOVEA_TRY(make_plan(op, params, &plan));
  FOVEA_TRY(check_prepared(op, prepared, stream));
  FOVEA_TRY(check_float_tensor(op, "x", x, 3, stream));
  FOVEA_TRY(check_tensor(op, "y", y, 3, x->dtype, stream));
  const int64_t batch = x->shape[0], length = x->shape[1], hidden = params->hidden_size;
  FOVEA_CHECK(x->shape[2] == params->input_size, "%s: x is %s, its last dimension must be %d", op, describe(*x),
              params->input_size);
  FOVEA_CHECK(y->shape[0] == batch && y->shape[1] == length && y->shape[2] == hidden,
              "%s: y is %s, but x is %s and there are %d hidden units", op, describe(*y), describe(*x), params->hidden_size);
  FOVEA_TRY(check_recurrent_lengths(op, lengths, batch, stream));
  FOVEA_CHECK(c == nullptr || params->cell == FOVEA_CELL_LSTM, "%s: c is the LSTM's, the cell is %d", op, params->cell);
  const struct {
    const char* name;
    const fovea_tensor* tensor;
  } inputs[] = {{"x", x}, {"prepared", prepared}, {"lengths", lengths}}, outputs[] = {{"h", h}, {"c", c}, {"y", y}};
  for (const auto& output : outputs) {
    if (output.tensor == nullptr) continue;
    if (output.tensor != y) FOVEA_TRY(check_state(op, output.name, output.tensor, batch, hidden, stream));
    for (const auto& input : inputs)
      if (input.tensor != nullptr)
        FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, output.name, *output.tensor, false));
    for (const auto& before : outputs) {
      if (before.name == output.name) break;
      if (before.tensor != nullptr)
        FOVEA_TRY(check_no_overlap(op, before.name, *before.tensor, output.name, *output.tensor, false));
    }
  }
  WorkspaceSize size{};
  FOVEA_TRY(workspace_size(op, plan, batch, length, &size));
  FOVEA_FORWARD(stream, fovea_recurrent, params, x, prepared, lengths, h, c, y, workspace, stream);
  FOVEA_TRY(check_prepared_size(op, plan, *params, prepared));
  if (batch == 0 || length == 0 || hidden == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace(op, workspace, size.size * kFloat));

  auto* const data = static_cast<float*>(prepared->data);
  auto* const products = static_cast<float*>(workspace->data);
  const fovea_linear_params linear = linear_params(*params);
  const fovea_tensor panels = linear_part(plan, data, stream);
  fovea_tensor bias = part(data + plan.bias, kF32, stream), result = part(products, kF32, stream);
  bias.rank = 1, bias.shape[0] = bias.pitch = linear.out_features;
  result.rank = 3, result.shape[0] = batch, result.shape[1] = length, result.shape[2] = linear.out_features;
  result.pitch = size.products_pitch;
  // f32 weights need no workspace of their own.
  FOVEA_TRY(fovea_linear(&linear, x, &panels, &bias, nullptr, &result, nullptr, stream));

  RecurrentJob job{};
  job.products = products, job.products_pitch = size.products_pitch;
  job.inner_bias = data + plan.inner_bias, job.recurrent = data + plan.recurrent, job.second = data + plan.second;
  job.lengths = lengths == nullptr ? nullptr : static_cast<const int32_t*>(lengths->data);
  if (h != nullptr) job.h = static_cast<float*>(h->data), job.h_pitch = h->pitch;
  if (c != nullptr) job.c = static_cast<float*>(c->data), job.c_pitch = c->pitch;
  job.y = static_cast<float*>(y->data), job.y_pitch = y->pitch;
  job.rows = products + size.products;
  job.batch = batch, job.length = length, job.hidden = hidden, job.padded = plan.padded, job.first_gates = plan.first_gates;
  job.live = x->live, job.cell = params->cell, job.reverse = params->reverse != 0;
  return enqueue(stream, select_isa(recurrent_reference, scalar::recurrent, avx2::recurrent, avx512::recurrent), job);
}
