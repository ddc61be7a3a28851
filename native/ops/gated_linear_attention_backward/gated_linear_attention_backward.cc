#include "ops/gated_linear_attention_backward/gated_linear_attention_backward.h"

#include <algorithm>
#include <cmath>

#include "core/gradients.h"
#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"
#include "ops/gated_linear_attention_backward/scratch.h"

namespace fovea {

FOVEA_DECLARE_BODIES(gated_linear_attention_backward, const GatedAttentionBackwardJob&)

namespace {

using Job = GatedAttentionBackwardJob;

double widen(float x) { return static_cast<double>(x); }

// Doubles of the reference loops for one head: outputs are rounded once.
struct Doubles {
  double* memory;  // [length + 1][keys] of one column: before every position, and at the end
  double *dq, *dk, *d_log_decay, *d_removal, *d_replacement;  // [length][keys]
  double *decay_sum, *bonus_sum;                              // [keys]
};
constexpr int64_t reference_doubles(int64_t length, int64_t keys) { return (6 * length + 3) * keys; }

// One column: adds to the gradients that are sums over columns, and writes dv.
void column_backward(const Job& j, const Doubles& to, int64_t b, int64_t head, int64_t p) {
  const GatedAttentionJob& f = j.forward;
  const int64_t keys = f.keys;
  const auto decay = [&](int64_t row, int64_t d) {
    return f.log_decay == nullptr ? 1.0 : std::exp(widen(f.log_decay_of(row)[d]));
  };
  const auto removal = [&](int64_t row, int64_t d) {
    return f.removal == nullptr ? 0.0 : widen(f.removal[row * f.removal_pitch + d]);
  };
  const auto replacement = [&](int64_t row, int64_t d) {
    return f.removal == nullptr ? 0.0 : widen(f.replacement[row * f.replacement_pitch + d]);
  };
  const auto removed = [&](int64_t row, const double* s) {
    double sum = 0;
    for (int64_t d = 0; d < keys; ++d) sum += removal(row, d) * s[d];
    return sum;
  };
  for (int64_t d = 0; d < keys; ++d) to.memory[d] = 0;
  for (int64_t t = 0; t < f.length; ++t) {
    const int64_t row = f.row(b, t, head);
    const double *s = to.memory + t * keys, r = removed(row, s), v = widen(f.v[row * f.v_pitch + p]);
    for (int64_t d = 0; d < keys; ++d)
      to.memory[(t + 1) * keys + d] = decay(row, d) * s[d] + replacement(row, d) * r + widen(f.k[row * f.k_pitch + d]) * v;
  }
  double g[kMaxGatedKeys] = {};
  for (int64_t t = f.length - 1; t >= 0; --t) {
    const int64_t row = f.row(b, t, head), at = t * keys;
    const float *q = f.q + row * f.q_pitch, *k = f.k + row * f.k_pitch;
    const double v = widen(f.v[row * f.v_pitch + p]), d_o = widen(j.d_o[row * j.d_o_pitch + p]);
    const double *s = to.memory + at, *after = s + keys, r = removed(row, s);
    double dv = 0, dr = 0;
    for (int64_t d = 0; d < keys; ++d) {
      if (f.bonus == nullptr) {
        g[d] += widen(q[d]) * d_o;
        to.dq[at + d] += after[d] * d_o;
      } else {
        const double bonus = widen(f.bonus[head * f.bonus_pitch + d]);
        to.dq[at + d] += (s[d] + bonus * widen(k[d]) * v) * d_o;
        to.dk[at + d] += bonus * widen(q[d]) * v * d_o;
        to.bonus_sum[d] += widen(q[d]) * widen(k[d]) * v * d_o;
        dv += widen(q[d]) * bonus * widen(k[d]) * d_o;
      }
      to.dk[at + d] += g[d] * v;
      dv += g[d] * widen(k[d]);
      to.d_replacement[at + d] += g[d] * r;
      dr += g[d] * replacement(row, d);
      const double slope = decay(row, d) * g[d] * s[d];
      to.d_log_decay[at + d] += slope;
      to.decay_sum[d] += slope;
    }
    for (int64_t d = 0; d < keys; ++d) {
      to.d_removal[at + d] += s[d] * dr;
      g[d] = decay(row, d) * g[d] + removal(row, d) * dr;
      if (f.bonus != nullptr) g[d] += widen(q[d]) * d_o;
    }
    if (j.dv != nullptr) j.dv[row * j.dv_pitch + p] = static_cast<float>(dv);
  }
}

void gated_linear_attention_backward_reference(const Job& j) {
  const GatedAttentionJob& f = j.forward;
  const int64_t batch = live_rows(f.live, f.batch), steps = f.length * f.keys;
  auto* const x = static_cast<double*>(j.scratch);
  const Doubles to{x,
                   x + steps + f.keys,
                   x + 2 * steps + f.keys,
                   x + 3 * steps + f.keys,
                   x + 4 * steps + f.keys,
                   x + 5 * steps + f.keys,
                   x + 6 * steps + f.keys,
                   x + 6 * steps + 2 * f.keys};
  for (int64_t head = 0; head < f.heads; ++head) {
    std::fill(to.decay_sum, to.decay_sum + 2 * f.keys, 0.0);
    for (int64_t b = 0; b < batch; ++b) {
      std::fill(to.dq, to.decay_sum, 0.0);
      for (int64_t p = 0; p < f.values; ++p) column_backward(j, to, b, head, p);
      const struct {
        const double* from;
        float* data;
        int64_t pitch;
      } outputs[] = {{to.dq, j.dq, j.dq_pitch},
                     {to.dk, j.dk, j.dk_pitch},
                     {to.d_log_decay, f.constant_decay ? nullptr : j.d_log_decay, j.d_log_decay_pitch},
                     {to.d_removal, j.d_removal, j.d_removal_pitch},
                     {to.d_replacement, j.d_replacement, j.d_replacement_pitch}};
      for (const auto& output : outputs)
        for (int64_t i = 0; output.data != nullptr && i < steps; ++i)
          output.data[f.row(b, i / f.keys, head) * output.pitch + i % f.keys] = static_cast<float>(output.from[i]);
    }
    for (int64_t d = 0; d < f.keys; ++d) {
      if (j.d_log_decay != nullptr && f.constant_decay)
        j.d_log_decay[head * j.d_log_decay_pitch + d] = static_cast<float>(to.decay_sum[d]);
      if (j.d_bonus != nullptr) j.d_bonus[head * j.d_bonus_pitch + d] = static_cast<float>(to.bonus_sum[d]);
    }
  }
}

// Bytes for `threads` threads or the reference loops, whichever is more.
fovea_status workspace_bytes(const char* op, const fovea_tensor* q, const fovea_tensor* v, int32_t threads, int64_t* bytes) {
  FOVEA_CHECK(q != nullptr && v != nullptr, "%s: q or v is NULL", op);
  FOVEA_CHECK(q->rank == 4 && v->rank == 4, "%s: q and v must have rank 4", op);
  for (const fovea_tensor* t : {q, v})
    for (int i = 0; i < 4; ++i) FOVEA_CHECK(t->shape[i] >= 0, "%s: negative dimension in %s", op, describe(*t));
  FOVEA_CHECK(q->shape[3] <= kMaxGatedKeys, "%s: q has %lld keys, allowed are 0 to %lld", op,
              static_cast<long long>(q->shape[3]), static_cast<long long>(kMaxGatedKeys));
  const int64_t batch = q->shape[0], length = q->shape[1], heads = q->shape[2], keys = q->shape[3], values = v->shape[3];
  const auto wide = [](int64_t n) { return static_cast<double>(n); };
  // In floating point the test cannot overflow; the product is above every size asked for, on every backend.
  FOVEA_CHECK(
      (wide(batch) + wide(threads)) * (wide(heads) + 1) * (wide(length) + 64) * (wide(keys) + 16) * (wide(values) + 64) <
          1125899906842624.0,
      "%s: too large (q is %s, v is %s)", op, describe(*q), describe(*v));
  const int64_t fast = gated_thread_floats(length, keys, values) * threads * int64_t{sizeof(float)};
  const int64_t slow = reference_doubles(length, keys) * int64_t{sizeof(double)};
  *bytes = gated_sums(batch, heads, keys) * int64_t{sizeof(float)} + std::max(fast, slow);
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_gated_linear_attention_backward_workspace(const fovea_tensor* q, const fovea_tensor* v,
                                                                        int64_t* bytes) {
  constexpr const char* op = "gated_linear_attention_backward_workspace";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(workspace_bytes(op, q, v, pool_threads(), bytes));
  FOVEA_FORWARD_TENSOR(q, fovea_gated_linear_attention_backward_workspace, q, v, bytes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_gated_linear_attention_backward(const fovea_gated_linear_attention_inputs* inputs,
                                                              const fovea_tensor* d_o,
                                                              const fovea_gated_linear_attention_gradients* gradients,
                                                              const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "gated_linear_attention_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(gradients != nullptr, "%s: gradients is NULL", op);
  GatedAttentionJob forward{};
  FOVEA_TRY(check_gated_inputs(op, inputs, stream, &forward));
  FOVEA_TRY(check_tensor(op, "d_o", d_o, 4, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "v", *inputs->v, "d_o", *d_o));
  const fovea_gated_linear_attention_inputs& in = *inputs;
  const fovea_gated_linear_attention_gradients& g = *gradients;
  const NamedTensor read[] = {{"q", in.q},
                              {"k", in.k},
                              {"v", in.v},
                              {"log_decay", in.log_decay},
                              {"bonus", in.bonus},
                              {"removal", in.removal},
                              {"replacement", in.replacement},
                              {"d_o", d_o}};
  const NamedTensor outputs[] = {{"dq", g.dq},
                                 {"dk", g.dk},
                                 {"dv", g.dv},
                                 {"d_log_decay", g.d_log_decay},
                                 {"d_bonus", g.d_bonus},
                                 {"d_removal", g.d_removal},
                                 {"d_replacement", g.d_replacement}};
  FOVEA_TRY(check_gradients(op, read, outputs, stream));
  const int32_t threads = pool_threads();
  int64_t bytes = 0;
  FOVEA_TRY(workspace_bytes(op, in.q, in.v, threads, &bytes));
  FOVEA_FORWARD(stream, fovea_gated_linear_attention_backward, inputs, d_o, gradients, workspace, stream);
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  if (forward.heads == 0) return FOVEA_OK;
  GatedAttentionBackwardJob job = gated_backward_job(forward, *d_o, g, *workspace);
  job.threads = threads;
  return enqueue(stream,
                 select_isa(gated_linear_attention_backward_reference, scalar::gated_linear_attention_backward,
                            avx2::gated_linear_attention_backward, avx512::gated_linear_attention_backward),
                 job);
}
