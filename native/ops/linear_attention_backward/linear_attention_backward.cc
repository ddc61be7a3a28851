#include "ops/linear_attention_backward/linear_attention_backward.h"

#include <algorithm>

#include "core/gradients.h"
#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"
#include "ops/attention/attention.h"
#include "ops/linear_attention_backward/reference.h"

namespace fovea {

FOVEA_DECLARE_BODIES(linear_attention_backward, const LinearAttentionBackwardJob&)

namespace {

// Floats of the tables of a call; scratch comes on top, for each thread.
struct Sizes {
  int64_t chunks, states, steps, scratch;
  int64_t bytes(int64_t threads) const {
    return (2 * states + steps + threads * scratch) * static_cast<int64_t>(sizeof(float));
  }
};

fovea_status make_sizes(const char* op, const fovea_tensor& q, const fovea_tensor& v, const LinearAttentionPlan& plan,
                        Sizes* sizes) {
  *sizes = Sizes{};
  if (plan.chunk == 0) return FOVEA_OK;
  const auto wide = [](int64_t n) { return static_cast<double>(n); };
  const int64_t batch = v.shape[0], length = v.shape[1], heads = v.shape[2], values = v.shape[3];
  const int64_t chunks = (length - 1) / plan.chunk + 1, c = plan.chunk_columns;
  // In floating point the test cannot overflow; a thread's scratch is below 2^30 floats.
  FOVEA_CHECK(
      wide(batch) * wide(heads) * (wide(chunks) * wide(values) * wide(plan.key_columns) + wide(length)) < 562949953421312.0,
      "%s: too large (q is %s, v is %s)", op, describe(q), describe(v));
  sizes->chunks = chunks;
  sizes->states = batch * heads * chunks * values * plan.key_columns;
  sizes->steps = (batch * length * heads + 15) / 16 * 16;
  // Values in whole panels, which the register tiles write. Rows of q and k, panels of k, dq and dk, products with a state;
  // rows of v and do, panels of v, and of do or v weighed by decays, or k; a gradient of states transposed, or of v; products
  // of scores; what belongs to a position.
  const int64_t keys = plan.key_columns, columns = (values + kKeyPanel - 1) / kKeyPanel * kKeyPanel;
  sizes->scratch = 5 * c * keys + 16 * keys + 3 * c * columns + c * std::max(keys, columns) + keys * columns + 16 * columns +
                   4 * c * c + 10 * c;
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_linear_attention_backward_workspace(const fovea_linear_attention_params* params,
                                                                  const fovea_tensor* q, const fovea_tensor* v,
                                                                  int64_t* bytes) {
  constexpr const char* op = "linear_attention_backward_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  LinearAttentionPlan plan{};
  FOVEA_TRY(linear_attention_plan(op, params, q, v, &plan));
  Sizes sizes{};
  FOVEA_TRY(make_sizes(op, *q, *v, plan, &sizes));
  FOVEA_FORWARD_TENSOR(q, fovea_linear_attention_backward_workspace, params, q, v, bytes);
  *bytes = sizes.bytes(pool_threads());
  return FOVEA_OK;
}

extern "C" fovea_status fovea_linear_attention_backward(const fovea_linear_attention_params* params, const fovea_tensor* q,
                                                        const fovea_tensor* k, const fovea_tensor* v,
                                                        const fovea_tensor* log_decay, const fovea_tensor* initial_state,
                                                        const fovea_tensor* d_o, const fovea_tensor* d_final_state,
                                                        const fovea_linear_attention_gradients* gradients,
                                                        const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "linear_attention_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(gradients != nullptr, "%s: gradients is NULL", op);
  FOVEA_TRY(check_linear_inputs(op, q, k, v, log_decay, stream));
  LinearAttentionBackwardJob job{};
  FOVEA_TRY(linear_attention_plan(op, params, q, v, &job.forward.plan));
  FOVEA_TRY(check_tensor(op, "d_o", d_o, 4, q->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "v", *v, "d_o", *d_o));
  FOVEA_TRY(check_linear_state(op, "initial_state", initial_state, *q, *v, stream));
  FOVEA_TRY(check_linear_state(op, "d_final_state", d_final_state, *q, *v, stream));
  const fovea_linear_attention_gradients& g = *gradients;
  const NamedTensor inputs[] = {{"q", q},
                                {"k", k},
                                {"v", v},
                                {"log_decay", log_decay},
                                {"initial_state", initial_state},
                                {"d_o", d_o},
                                {"d_final_state", d_final_state}};
  const NamedTensor outputs[] = {
      {"dq", g.dq}, {"dk", g.dk}, {"dv", g.dv}, {"d_log_decay", g.d_log_decay}, {"d_initial_state", g.d_initial_state}};
  FOVEA_TRY(check_gradients(op, inputs, outputs, stream));
  Sizes sizes{};
  FOVEA_TRY(make_sizes(op, *q, *v, job.forward.plan, &sizes));
  FOVEA_FORWARD(stream, fovea_linear_attention_backward, params, q, k, v, log_decay, initial_state, d_o, d_final_state,
                gradients, workspace, stream);
  // Scratch for one thread is enough to work; the pool may have grown since the size was asked for.
  FOVEA_TRY(check_workspace(op, workspace, sizes.bytes(1)));

  bind_linear_inputs(job.forward, *params, *q, *k, *v, log_decay, initial_state);
  bind_linear_backward(job, *d_o, d_final_state, g);
  job.chunks = sizes.chunks, job.scratch_floats = sizes.scratch;
  // Without a chunk there is nothing but zeros to write, and d_final_state to hand on.
  if (job.forward.plan.chunk == 0) return enqueue(stream, linear_attention_backward_reference, job);
  const int64_t rest = workspace->bytes - sizes.bytes(0), each = sizes.scratch * static_cast<int64_t>(sizeof(float));
  job.forward.threads = static_cast<int32_t>(std::min<int64_t>(rest / each, pool_threads()));
  job.states = static_cast<float*>(workspace->data), job.carries = job.states + sizes.states;
  job.steps = job.carries + sizes.states, job.scratch = job.steps + sizes.steps;
  return enqueue(stream,
                 select_isa(linear_attention_backward_reference, scalar::linear_attention_backward,
                            avx2::linear_attention_backward, avx512::linear_attention_backward),
                 job);
}
