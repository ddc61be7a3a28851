#include "ops/gated_linear_attention/gated_linear_attention.h"

#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(gated_linear_attention, const GatedAttentionJob&)

namespace {

double widen(float x) { return static_cast<double>(x); }

// One column of the memory through time.
void attend_column(const GatedAttentionJob& j, int64_t b, int64_t head, int64_t p) {
  float* state = j.state == nullptr ? nullptr : j.state + (b * j.heads + head) * j.keys * j.state_pitch + p;
  double s[kMaxGatedKeys] = {};
  for (int64_t d = 0; state != nullptr && d < j.keys; ++d) s[d] = widen(state[d * j.state_pitch]);
  for (int64_t t = 0; t < j.length; ++t) {
    const int64_t row = j.row(b, t, head);
    const float *q = j.q + row * j.q_pitch, *k = j.k + row * j.k_pitch;
    const double v = widen(j.v[row * j.v_pitch + p]);
    double removed = 0, o = 0;
    for (int64_t d = 0; j.removal != nullptr && d < j.keys; ++d) removed += widen(j.removal[row * j.removal_pitch + d]) * s[d];
    for (int64_t d = 0; d < j.keys; ++d) {
      const double before = s[d];
      if (j.log_decay != nullptr) s[d] *= std::exp(widen(j.log_decay_of(row)[d]));
      if (j.removal != nullptr) s[d] += widen(j.replacement[row * j.replacement_pitch + d]) * removed;
      s[d] += widen(k[d]) * v;
      const double read = j.bonus == nullptr ? s[d] : before + widen(j.bonus[head * j.bonus_pitch + d]) * widen(k[d]) * v;
      o += widen(q[d]) * read;
    }
    j.o[row * j.o_pitch + p] = static_cast<float>(o);
  }
  for (int64_t d = 0; state != nullptr && d < j.keys; ++d) state[d * j.state_pitch] = static_cast<float>(s[d]);
}

void gated_linear_attention_reference(const GatedAttentionJob& j) {
  const int64_t batch = live_rows(j.live, j.batch);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t head = 0; head < j.heads; ++head)
      for (int64_t p = 0; p < j.values; ++p) attend_column(j, b, head, p);
}

fovea_status check_like_q(const char* op, const char* name, const fovea_tensor* t, const fovea_tensor& q,
                          const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, name, t, 4, kF32, stream));
  return check_same_shape(op, "q", q, name, *t);
}

// [H][D].
fovea_status check_by_head(const char* op, const char* name, const fovea_tensor* t, const fovea_tensor& q,
                           const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, name, t, 2, kF32, stream));
  FOVEA_CHECK(t->shape[0] == q.shape[2] && t->shape[1] == q.shape[3], "%s: %s is %s, expected [H][D] of q %s", op, name,
              describe(*t), describe(q));
  return FOVEA_OK;
}

}  // namespace

fovea_status check_gated_inputs(const char* op, const fovea_gated_linear_attention_inputs* inputs, const fovea_stream* stream,
                                GatedAttentionJob* job) {
  FOVEA_CHECK(inputs != nullptr, "%s: inputs is NULL", op);
  const fovea_gated_linear_attention_inputs& in = *inputs;
  FOVEA_TRY(check_tensor(op, "q", in.q, 4, kF32, stream));
  FOVEA_TRY(check_like_q(op, "k", in.k, *in.q, stream));
  FOVEA_TRY(check_tensor(op, "v", in.v, 4, kF32, stream));
  for (int i = 0; i < 3; ++i)
    FOVEA_CHECK(in.v->shape[i] == in.q->shape[i], "%s: q is %s but v is %s", op, describe(*in.q), describe(*in.v));
  FOVEA_CHECK(in.q->shape[3] <= kMaxGatedKeys, "%s: q has %lld keys, allowed are 0 to %lld", op,
              static_cast<long long>(in.q->shape[3]), static_cast<long long>(kMaxGatedKeys));
  if (in.log_decay != nullptr && in.log_decay->rank == 2)
    FOVEA_TRY(check_by_head(op, "log_decay", in.log_decay, *in.q, stream));
  else if (in.log_decay != nullptr)
    FOVEA_TRY(check_like_q(op, "log_decay", in.log_decay, *in.q, stream));
  if (in.bonus != nullptr) FOVEA_TRY(check_by_head(op, "bonus", in.bonus, *in.q, stream));
  FOVEA_CHECK((in.removal == nullptr) == (in.replacement == nullptr), "%s: removal and replacement go together", op);
  if (in.removal != nullptr) {
    FOVEA_TRY(check_like_q(op, "removal", in.removal, *in.q, stream));
    FOVEA_TRY(check_like_q(op, "replacement", in.replacement, *in.q, stream));
  }
  *job = gated_attention_job(in);
  return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_gated_linear_attention(const fovea_gated_linear_attention_inputs* inputs,
                                                     const fovea_tensor* state, const fovea_tensor* o, fovea_stream* stream) {
  constexpr const char* op = "gated_linear_attention";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  GatedAttentionJob job{};
  FOVEA_TRY(check_gated_inputs(op, inputs, stream, &job));
  FOVEA_TRY(check_tensor(op, "o", o, 4, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "v", *inputs->v, "o", *o));
  if (state != nullptr) {
    FOVEA_TRY(check_tensor(op, "state", state, 4, kF32, stream));
    FOVEA_CHECK(state->shape[0] == job.batch && state->shape[1] == job.heads && state->shape[2] == job.keys &&
                    state->shape[3] == job.values,
                "%s: state is %s, expected [B][H][D][P] of q %s and v %s", op, describe(*state), describe(*inputs->q),
                describe(*inputs->v));
  }
  const struct {
    const char* name;
    const fovea_tensor* tensor;
  } read[] = {{"state", state},
              {"q", inputs->q},
              {"k", inputs->k},
              {"v", inputs->v},
              {"log_decay", inputs->log_decay},
              {"bonus", inputs->bonus},
              {"removal", inputs->removal},
              {"replacement", inputs->replacement}};
  for (const auto& input : read) {
    if (input.tensor == nullptr) continue;
    FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, "o", *o, false));
    if (state != nullptr && input.tensor != state)
      FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, "state", *state, false));
  }
  FOVEA_FORWARD(stream, fovea_gated_linear_attention, inputs, state, o, stream);
  if (elements(*o) == 0) return FOVEA_OK;
  if (state != nullptr) job.state = static_cast<float*>(state->data), job.state_pitch = state->pitch;
  job.o = static_cast<float*>(o->data), job.o_pitch = o->pitch;
  return enqueue(stream,
                 select_isa(gated_linear_attention_reference, scalar::gated_linear_attention, avx2::gated_linear_attention,
                            avx512::gated_linear_attention),
                 job);
}
