#include "ops/recurrent_backward/recurrent_backward.h"

#include "core/gradients.h"
#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/recurrent_backward/reference.h"
#include "ops/recurrent_backward/stages.h"

namespace fovea {

FOVEA_DECLARE_BODIES(recurrent_backward, const RecurrentBackwardJob&)

namespace {

fovea_status check_size(const char* op, const RecurrentBackwardJob& j) {
  // Every table is smaller than the padded product of all sizes; in floating point the test cannot overflow.
  const auto wide = [](int64_t n) { return static_cast<double>(n); };
  const double values = wide(j.input) + 2 * wide(j.gates + 2) * (wide(j.hidden) + wide(kWalkColumns));
  const double size = (wide(j.batch) * (wide(j.length) + 4) + wide(j.columns())) * values;
  FOVEA_CHECK(size < 1125899906842624.0, "%s: too large (batch %lld, length %lld, %lld inputs, %lld hidden units)", op,
              static_cast<long long>(j.batch), static_cast<long long>(j.length), static_cast<long long>(j.input),
              static_cast<long long>(j.hidden));
  return FOVEA_OK;
}

// [batch][length][width] of x's type.
fovea_status check_sequence(const char* op, const char* name, const fovea_tensor* t, const fovea_tensor& x, int64_t width,
                            const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, name, t, 3, x.dtype, stream));
  FOVEA_CHECK(t->shape[0] == x.shape[0] && t->shape[1] == x.shape[1] && t->shape[2] == width,
              "%s: %s is %s, but x is %s and there are %lld hidden units", op, name, describe(*t), describe(x),
              static_cast<long long>(width));
  return FOVEA_OK;
}

fovea_status check_inputs(const char* op, const fovea_recurrent_params& params, const fovea_recurrent_inputs& in,
                          const fovea_stream* stream) {
  FOVEA_TRY(check_float_tensor(op, "x", in.x, 3, stream));
  FOVEA_CHECK(in.x->shape[2] == params.input_size, "%s: x is %s, its last dimension must be %d", op, describe(*in.x),
              params.input_size);
  const int64_t batch = in.x->shape[0], hidden = params.hidden_size, rows = gate_count(params.cell) * hidden;
  FOVEA_TRY(check_recurrent_matrix(op, "weights", in.weights, rows, params.input_size, stream));
  FOVEA_TRY(check_recurrent_matrix(op, "recurrent", in.recurrent, rows, hidden, stream));
  FOVEA_TRY(check_channel_vector(op, "bias", in.bias, rows, stream));
  FOVEA_TRY(check_channel_vector(op, "recurrent_bias", in.recurrent_bias, rows, stream));
  FOVEA_TRY(check_recurrent_lengths(op, in.lengths, batch, stream));
  FOVEA_TRY(check_sequence(op, "y", in.y, *in.x, hidden, stream));
  FOVEA_TRY(check_sequence(op, "dy", in.dy, *in.x, hidden, stream));
  const struct {
    NamedTensor state;
    bool is_c;
  } states[] = {{{"initial_h", in.initial_h}, false},
                {{"initial_c", in.initial_c}, true},
                {{"d_final_h", in.d_final_h}, false},
                {{"d_final_c", in.d_final_c}, true}};
  for (const auto& [state, is_c] : states) {
    if (state.tensor == nullptr) continue;
    FOVEA_CHECK(!is_c || params.cell == FOVEA_CELL_LSTM, "%s: %s is the LSTM's, the cell is %d", op, state.name, params.cell);
    FOVEA_TRY(check_recurrent_matrix(op, state.name, state.tensor, batch, hidden, stream));
  }
  return FOVEA_OK;
}

fovea_status check_gradients(const char* op, const fovea_recurrent_inputs& in, const fovea_recurrent_gradients& g,
                             const fovea_stream* stream) {
  const NamedTensor inputs[] = {{"x", in.x},
                                {"weights", in.weights},
                                {"recurrent", in.recurrent},
                                {"bias", in.bias},
                                {"recurrent_bias", in.recurrent_bias},
                                {"initial_h", in.initial_h},
                                {"initial_c", in.initial_c},
                                {"lengths", in.lengths},
                                {"y", in.y},
                                {"dy", in.dy},
                                {"d_final_h", in.d_final_h},
                                {"d_final_c", in.d_final_c}};
  const NamedTensor outputs[] = {{"dx", g.dx},
                                 {"d_weights", g.d_weights},
                                 {"d_recurrent", g.d_recurrent},
                                 {"d_bias", g.d_bias},
                                 {"d_recurrent_bias", g.d_recurrent_bias},
                                 {"d_initial_h", g.d_initial_h},
                                 {"d_initial_c", g.d_initial_c}};
  return fovea::check_gradients(op, inputs, outputs, stream);
}

}  // namespace
}  // namespace fovea

using namespace fovea;

// The same for every backend but for what its matrix products need.
extern "C" fovea_status fovea_recurrent_backward_workspace(const fovea_recurrent_params* params, const fovea_tensor* x,
                                                           int64_t* bytes) {
  constexpr const char* op = "recurrent_backward_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_recurrent_params(op, params));
  FOVEA_CHECK(x != nullptr && x->rank == 3 && x->shape[0] >= 0 && x->shape[1] >= 0, "%s: x must have rank 3", op);
  RecurrentBackwardJob job = recurrent_backward_shapes(*params, *x);
  FOVEA_TRY(check_size(op, job));
  int64_t floats = 0;
  return recurrent_backward_bytes(job, *x, &floats, bytes);
}

extern "C" fovea_status fovea_recurrent_backward(const fovea_recurrent_params* params, const fovea_recurrent_inputs* inputs,
                                                 const fovea_recurrent_gradients* gradients, const fovea_workspace* workspace,
                                                 fovea_stream* stream) {
  constexpr const char* op = "recurrent_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_recurrent_params(op, params));
  FOVEA_CHECK(inputs != nullptr, "%s: inputs is NULL", op);
  FOVEA_CHECK(gradients != nullptr, "%s: gradients is NULL", op);
  FOVEA_TRY(check_inputs(op, *params, *inputs, stream));
  FOVEA_TRY(check_gradients(op, *inputs, *gradients, stream));
  RecurrentBackwardJob job = recurrent_backward_shapes(*params, *inputs->x);
  FOVEA_TRY(check_size(op, job));
  int64_t floats = 0, bytes = 0;
  FOVEA_TRY(recurrent_backward_bytes(job, *inputs->x, &floats, &bytes));
  if (bytes == 0) return FOVEA_OK;  // no gradient has an element
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  FOVEA_FORWARD(stream, fovea_recurrent_backward, params, inputs, gradients, workspace, stream);
  bind_recurrent_backward(job, *inputs, *gradients);
  recurrent_backward_tables(job, static_cast<float*>(workspace->data));
  if (active_isa() == FOVEA_ISA_REFERENCE) return enqueue(stream, recurrent_backward_reference, job);
  return run_recurrent_stages(job, *inputs->x, *workspace, floats, stream, [stream](const RecurrentBackwardJob& stage) {
    return enqueue(stream,
                   select_isa(recurrent_backward_reference, scalar::recurrent_backward, avx2::recurrent_backward,
                              avx512::recurrent_backward),
                   stage);
  });
}
