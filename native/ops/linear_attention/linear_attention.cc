#include "ops/linear_attention/linear_attention.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"

namespace fovea {

FOVEA_DECLARE_BODIES(linear_attention, const LinearAttentionJob&)

namespace {

constexpr int64_t kReferenceColumns = 64;  // values per pass over the earlier positions

double widen(float x) { return static_cast<double>(x); }

// o[t] as a sum over all earlier positions: no state is stored. The log decays are summed backwards from t.
void attend(const LinearAttentionJob& j, int64_t b, int64_t head, int64_t t) {
  const int64_t group = head / j.plan.heads_per_group;
  const float* q = j.q + j.group_row(b, t, group) * j.q_pitch;
  float* o = j.o + j.head_row(b, t, head) * j.o_pitch;
  for (int64_t first = 0; first < j.value_size; first += kReferenceColumns) {
    const int64_t columns = std::min(j.value_size - first, kReferenceColumns);
    double sum[kReferenceColumns] = {}, log_decay = 0;
    for (int64_t i = t; i >= 0; --i) {
      const float *k = j.k + j.group_row(b, i, group) * j.k_pitch, *v = j.v + j.head_row(b, i, head) * j.v_pitch + first;
      double score = 0;
      for (int64_t d = 0; d < j.key_size; ++d) score += widen(q[d]) * widen(k[d]);
      for (int64_t p = 0; p < columns; ++p) sum[p] += std::exp(log_decay) * score * widen(v[p]);
      log_decay += widen(j.decay_at(b, i, head));
    }
    for (int64_t d = 0; j.state != nullptr && d < j.key_size; ++d)
      for (int64_t p = 0; p < columns; ++p)
        sum[p] += std::exp(log_decay) * widen(q[d]) * widen(j.state_row(b, head, d)[first + p]);
    for (int64_t p = 0; p < columns; ++p) o[first + p] = static_cast<float>(widen(j.scale) * sum[p]);
  }
}

void advance_state(const LinearAttentionJob& j, int64_t b, int64_t head) {
  const int64_t group = head / j.plan.heads_per_group;
  for (int64_t d = 0; d < j.key_size; ++d)
    for (int64_t p = 0; p < j.value_size; ++p) {
      float* state = j.state_row(b, head, d) + p;
      double s = widen(*state);
      for (int64_t t = 0; t < j.length; ++t)
        s = std::exp(widen(j.decay_at(b, t, head))) * s +
            widen(j.k[j.group_row(b, t, group) * j.k_pitch + d]) * widen(j.v[j.head_row(b, t, head) * j.v_pitch + p]);
      *state = static_cast<float>(s);
    }
}

void linear_attention_reference(const LinearAttentionJob& j) {
  const int64_t batch = live_rows(j.live, j.batch);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t head = 0; head < j.heads; ++head) {
      for (int64_t t = 0; t < j.length; ++t) attend(j, b, head, t);
      if (j.state != nullptr) advance_state(j, b, head);
    }
}

int64_t round_up(int64_t a, int64_t b) { return (a + b - 1) / b * b; }

int64_t bytes_per_thread(const LinearAttentionPlan& p) { return p.scratch_floats * int64_t{sizeof(float)}; }

}  // namespace

// Checks the shapes of q and v alone: the workspace query sees no stream.
fovea_status linear_attention_plan(const char* op, const fovea_linear_attention_params* params, const fovea_tensor* q,
                                   const fovea_tensor* v, LinearAttentionPlan* plan) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(std::isfinite(params->scale), "%s: scale is not finite", op);
  FOVEA_CHECK(params->chunk >= 0, "%s: chunk is %d, it must not be negative", op, params->chunk);
  FOVEA_CHECK(q != nullptr && v != nullptr, "%s: q or v is NULL", op);
  FOVEA_CHECK(q->rank == 4, "%s: q must be [B][L][G][D], it is %s", op, describe(*q));
  FOVEA_CHECK(v->rank == 4, "%s: v must be [B][L][H][P], it is %s", op, describe(*v));
  for (const fovea_tensor* t : {q, v})
    for (int i = 0; i < 4; ++i) FOVEA_CHECK(t->shape[i] >= 0, "%s: negative dimension in %s", op, describe(*t));
  const int64_t length = q->shape[1], groups = q->shape[2], key_size = q->shape[3], heads = v->shape[2],
                value_size = v->shape[3];
  FOVEA_CHECK(q->shape[0] == v->shape[0] && length == v->shape[1], "%s: q is %s but v is %s", op, describe(*q), describe(*v));
  FOVEA_CHECK(groups > 0 ? heads % groups == 0 : heads == 0, "%s: %lld heads are no multiple of %lld groups", op,
              static_cast<long long>(heads), static_cast<long long>(groups));
  constexpr int64_t kMaxState = int64_t{1} << 26, kMaxHeads = int64_t{1} << 20;
  FOVEA_CHECK(key_size <= kMaxState && value_size <= kMaxState && heads <= kMaxHeads &&
                  (key_size + 16) * (value_size + 16) <= kMaxState,
              "%s: too large a state: q is %s, v is %s", op, describe(*q), describe(*v));
  LinearAttentionPlan p{};
  *plan = p;
  if (q->shape[0] == 0 || length == 0 || heads == 0 || value_size == 0) return FOVEA_OK;
  const int64_t wanted = params->chunk == 0 ? kLinearChunk : std::min<int64_t>(params->chunk, kLinearMaxChunk);
  p.chunk = std::min(wanted, length);
  p.heads_per_group = heads / groups;
  const int64_t tasks = std::min(q->shape[0], kLinearTasks) * std::min(groups, kLinearTasks);
  p.tasks_per_group = std::min(p.heads_per_group, (kLinearTasks + tasks - 1) / tasks);
  p.heads_per_task = (p.heads_per_group + p.tasks_per_group - 1) / p.tasks_per_group;
  p.tasks_per_group = (p.heads_per_group + p.heads_per_task - 1) / p.heads_per_task;
  p.key_columns = round_up(key_size, 16), p.value_columns = round_up(value_size, 16);
  p.chunk_columns = round_up(p.chunk, 32);
  if (length > 1) {
    // Key panels, rows of keys and queries; scores and weighted scores; values, weighted values, a tile of outputs; tables of
    // decays; states.
    const int64_t c = p.chunk_columns;
    p.scratch_floats = 3 * c * p.key_columns + 2 * c * c + (2 * c + 16) * p.value_columns + (p.heads_per_task * 3 + 4) * c +
                       p.heads_per_task * key_size * p.value_columns;
  }
  *plan = p;
  return FOVEA_OK;
}

fovea_status check_linear_inputs(const char* op, const fovea_tensor* q, const fovea_tensor* k, const fovea_tensor* v,
                                 const fovea_tensor* log_decay, const fovea_stream* stream) {
  FOVEA_TRY(check_float_tensor(op, "q", q, 4, stream));
  FOVEA_TRY(check_tensor(op, "k", k, 4, q->dtype, stream));
  FOVEA_TRY(check_tensor(op, "v", v, 4, q->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "q", *q, "k", *k));
  if (log_decay == nullptr) return FOVEA_OK;
  const int64_t batch = v->shape[0], length = v->shape[1], heads = v->shape[2];
  FOVEA_TRY(check_tensor(op, "log_decay", log_decay, log_decay->rank == 1 ? 1 : 3, kF32, stream));
  const bool fits = log_decay->rank == 1
                        ? log_decay->shape[0] == heads
                        : log_decay->shape[0] == batch && log_decay->shape[1] == length && log_decay->shape[2] == heads;
  FOVEA_CHECK(fits, "%s: log_decay is %s, expected [H] or [B][L][H] of v %s", op, describe(*log_decay), describe(*v));
  return FOVEA_OK;
}

fovea_status check_linear_state(const char* op, const char* name, const fovea_tensor* state, const fovea_tensor& q,
                                const fovea_tensor& v, const fovea_stream* stream) {
  if (state == nullptr) return FOVEA_OK;
  FOVEA_TRY(check_tensor(op, name, state, 4, kF32, stream));
  FOVEA_CHECK(state->shape[0] == v.shape[0] && state->shape[1] == v.shape[2] && state->shape[2] == q.shape[3] &&
                  state->shape[3] == v.shape[3],
              "%s: %s is %s, expected [B][H][D][P] of q %s and v %s", op, name, describe(*state), describe(q), describe(v));
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_linear_attention_workspace(const fovea_linear_attention_params* params, const fovea_tensor* q,
                                                         const fovea_tensor* v, int64_t* bytes) {
  constexpr const char* op = "linear_attention";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  LinearAttentionPlan plan{};
  FOVEA_TRY(linear_attention_plan(op, params, q, v, &plan));
  FOVEA_FORWARD_TENSOR(q, fovea_linear_attention_workspace, params, q, v, bytes);
  *bytes = bytes_per_thread(plan) * pool_threads();
  return FOVEA_OK;
}

extern "C" fovea_status fovea_linear_attention(const fovea_linear_attention_params* params, const fovea_tensor* q,
                                               const fovea_tensor* k, const fovea_tensor* v, const fovea_tensor* log_decay,
                                               const fovea_tensor* state, const fovea_tensor* o,
                                               const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "linear_attention";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_linear_inputs(op, q, k, v, log_decay, stream));
  FOVEA_TRY(check_tensor(op, "o", o, 4, q->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "v", *v, "o", *o));
  FOVEA_TRY(check_linear_state(op, "state", state, *q, *v, stream));
  const struct {
    const char* name;
    const fovea_tensor* tensor;
  } inputs[] = {{"state", state}, {"q", q}, {"k", k}, {"v", v}, {"log_decay", log_decay}};
  for (const auto& input : inputs) {
    if (input.tensor == nullptr) continue;
    FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, "o", *o, false));
    if (state != nullptr && input.tensor != state)
      FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, "state", *state, false));
  }
  LinearAttentionJob job{};
  FOVEA_TRY(linear_attention_plan(op, params, q, v, &job.plan));
  FOVEA_FORWARD(stream, fovea_linear_attention, params, q, k, v, log_decay, state, o, workspace, stream);
  if (elements(*o) == 0) return FOVEA_OK;
  // Scratch for one thread is enough to work; the pool may have grown since the size was asked for.
  const int64_t each = bytes_per_thread(job.plan);
  FOVEA_TRY(check_workspace(op, workspace, each));
  job.threads = static_cast<int32_t>(each == 0 ? pool_threads() : std::min<int64_t>(workspace->bytes / each, pool_threads()));
  job.scratch = each == 0 ? nullptr : static_cast<float*>(workspace->data);
  bind_linear_inputs(job, *params, *q, *k, *v, log_decay, state);
  job.o = static_cast<float*>(o->data), job.o_pitch = o->pitch;
  return enqueue(
      stream,
      select_isa(linear_attention_reference, scalar::linear_attention, avx2::linear_attention, avx512::linear_attention), job);
}
