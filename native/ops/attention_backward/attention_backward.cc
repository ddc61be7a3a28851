#include "ops/attention_backward/attention_backward.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"

namespace fovea {

FOVEA_DECLARE_BODIES(attention_backward, const AttentionBackwardJob&)

namespace {

constexpr const char* op = "attention_backward";

double dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t d = 0; d < n; ++d) sum += static_cast<double>(a[d]) * static_cast<double>(b[d]);
  return sum;
}

// Of one (query, head, key): its probability, and the gradient of the loss by q . k.
struct Pair {
  double p, d_score;
};

Pair pair(const AttentionBackwardJob& j, const AttentionSequence& s, int64_t head, int64_t query, int64_t key) {
  const AttentionJob& f = j.forward;
  const int64_t row = (s.q_begin + query) * f.heads + head;
  const int64_t key_row = (s.k_begin + key) * f.groups + head / f.plan.heads_per_group;
  const auto scale = static_cast<double>(f.scale), cap = static_cast<double>(f.softcap);
  double score = scale * dot(f.q + row * f.q_pitch, f.k + key_row * f.k_pitch, f.head_size), slope = scale;
  if (cap > 0) {
    const double t = std::tanh(score / cap);
    score = cap * t;
    slope *= 1 - t * t;
  }
  const double p = std::exp(score - static_cast<double>(*lse_at(f, s, head, query)));
  const float* d_o = j.d_o + row * j.d_o_pitch;
  const double delta = dot(d_o, f.o + row * f.o_pitch, f.head_size);
  return {p, p * (dot(d_o, f.v + key_row * f.v_pitch, f.head_size) - delta) * slope};
}

void query_gradient(const AttentionBackwardJob& j, const AttentionSequence& s, int64_t head, int64_t query) {
  const AttentionJob& f = j.forward;
  const KeySpan span = visible_keys(f, s, query);
  double sum[kMaxHeadSize] = {};
  for (int64_t key = span.begin; key < span.end; ++key) {
    const double d_score = pair(j, s, head, query, key).d_score;
    const float* k = f.k + ((s.k_begin + key) * f.groups + head / f.plan.heads_per_group) * f.k_pitch;
    for (int64_t d = 0; d < f.head_size; ++d) sum[d] += d_score * static_cast<double>(k[d]);
  }
  float* dq = j.dq + ((s.q_begin + query) * f.heads + head) * j.dq_pitch;
  for (int64_t d = 0; d < f.head_size; ++d) dq[d] = static_cast<float>(sum[d]);
}

void key_gradients(const AttentionBackwardJob& j, const AttentionSequence& s, int64_t group, int64_t key) {
  const AttentionJob& f = j.forward;
  double dk_sum[kMaxHeadSize] = {}, dv_sum[kMaxHeadSize] = {};
  for (int64_t query = 0; query < s.q_length; ++query) {
    const KeySpan span = visible_keys(f, s, query);
    if (key < span.begin || key >= span.end) continue;
    for (int64_t i = 0; i < f.plan.heads_per_group; ++i) {
      const int64_t head = group * f.plan.heads_per_group + i, row = (s.q_begin + query) * f.heads + head;
      const Pair x = pair(j, s, head, query, key);
      for (int64_t d = 0; d < f.head_size; ++d) {
        dk_sum[d] += x.d_score * static_cast<double>(f.q[row * f.q_pitch + d]);
        dv_sum[d] += x.p * static_cast<double>(j.d_o[row * j.d_o_pitch + d]);
      }
    }
  }
  const int64_t row = (s.k_begin + key) * f.groups + group;
  for (int64_t d = 0; d < f.head_size; ++d) {
    j.dk[row * j.dk_pitch + d] = static_cast<float>(dk_sum[d]);
    j.dv[row * j.dv_pitch + d] = static_cast<float>(dv_sum[d]);
  }
}

void attention_backward_reference(const AttentionBackwardJob& j) {
  const AttentionJob& f = j.forward;
  const int64_t batches = live_rows(f.live, f.batch);
  for (int64_t batch = 0; batch < batches; ++batch) {
    const AttentionSequence s = dense_sequence(f, batch);
    for (int64_t head = 0; head < f.heads; ++head)
      for (int64_t query = 0; query < f.q_length; ++query) query_gradient(j, s, head, query);
    for (int64_t group = 0; group < f.groups; ++group)
      for (int64_t key = 0; key < f.k_length; ++key) key_gradients(j, s, group, key);  // 0 behind key_lengths
  }
}

// After make_attention_plan has checked the shapes.
AttentionBackwardPlan make_plan(const fovea_tensor& q, const fovea_tensor& k) {
  AttentionBackwardPlan p{};
  const int64_t rows = q.shape[0] * q.shape[1] * q.shape[2];
  if (rows == 0 || q.shape[3] == 0) return p;
  const int64_t tasks = std::min(q.shape[0], kBackwardTasks) * std::min(k.shape[2], kBackwardTasks);
  const int64_t blocks = std::max<int64_t>(divide_up(k.shape[1], kBackwardKeys), 1);
  p.columns = divide_up(q.shape[3], 16) * 16;
  p.blocks_per_split = divide_up(blocks, std::min(divide_up(kBackwardTasks, tasks), blocks));
  p.splits = divide_up(blocks, p.blocks_per_split);
  p.packed_floats = rows * p.columns;
  p.row_floats = divide_up(rows, 16) * 16;
  // Panels of keys and values, rows of keys, dk and dv, then probabilities and gradients of scores.
  p.scratch_floats = 5 * kBackwardKeys * p.columns + 2 * kBackwardRows * kBackwardPitch;
  return p;
}

int64_t shared_bytes(const AttentionBackwardPlan& p) {
  return ((2 + p.splits) * p.packed_floats + 2 * p.row_floats) * int64_t{sizeof(float)};
}
int64_t bytes_per_thread(const AttentionBackwardPlan& p) { return p.scratch_floats * int64_t{sizeof(float)}; }

struct Named {
  const char* name;
  const fovea_tensor* tensor;
};

fovea_status check_tensors(const fovea_tensor* q, const fovea_tensor* k, const fovea_tensor* v, const fovea_tensor* key_lengths,
                           const fovea_tensor* o, const fovea_tensor* lse, const fovea_tensor* d_o, const fovea_tensor* dq,
                           const fovea_tensor* dk, const fovea_tensor* dv, const fovea_stream* stream) {
  FOVEA_CHECK(lse != nullptr, "%s: lse is NULL", op);
  FOVEA_TRY(check_attention_tensors(op, q, k, v, o, lse, false, stream));
  const Named like_q[] = {{"dO", d_o}, {"dq", dq}}, like_k[] = {{"dk", dk}, {"dv", dv}};
  for (const Named& t : like_q) {
    FOVEA_TRY(check_tensor(op, t.name, t.tensor, 4, q->dtype, stream));
    FOVEA_TRY(check_same_shape(op, "q", *q, t.name, *t.tensor));
  }
  for (const Named& t : like_k) {
    FOVEA_TRY(check_tensor(op, t.name, t.tensor, 4, q->dtype, stream));
    FOVEA_TRY(check_same_shape(op, "k", *k, t.name, *t.tensor));
  }
  if (key_lengths != nullptr) {
    FOVEA_TRY(check_tensor(op, "key_lengths", key_lengths, 1, kI32, stream));
    FOVEA_CHECK(key_lengths->shape[0] == q->shape[0], "%s: key_lengths is %s, expected %lld entries", op,
                describe(*key_lengths), static_cast<long long>(q->shape[0]));
  }
  const Named inputs[] = {{"q", q}, {"k", k}, {"v", v}, {"key_lengths", key_lengths}, {"o", o}, {"lse", lse}, {"dO", d_o}};
  const Named outputs[] = {{"dq", dq}, {"dk", dk}, {"dv", dv}};
  for (const Named& output : outputs)
    for (const Named& input : inputs)
      if (input.tensor != nullptr)
        FOVEA_TRY(check_no_overlap(op, input.name, *input.tensor, output.name, *output.tensor, false));
  FOVEA_TRY(check_no_overlap(op, "dq", *dq, "dk", *dk, false));
  FOVEA_TRY(check_no_overlap(op, "dq", *dq, "dv", *dv, false));
  FOVEA_TRY(check_no_overlap(op, "dk", *dk, "dv", *dv, false));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_attention_backward_workspace(const fovea_attention_params* params, const fovea_tensor* q,
                                                           const fovea_tensor* k, int64_t* bytes) {
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_attention_params(op, params));
  AttentionPlan shapes{};
  FOVEA_TRY(make_attention_plan(op, q, k, false, 0, &shapes));
  FOVEA_FORWARD_TENSOR(q, fovea_attention_backward_workspace, params, q, k, bytes);
  const AttentionBackwardPlan plan = make_plan(*q, *k);
  *bytes = shared_bytes(plan) + bytes_per_thread(plan) * pool_threads();
  return FOVEA_OK;
}

extern "C" fovea_status fovea_attention_backward(const fovea_attention_params* params, const fovea_tensor* q,
                                                 const fovea_tensor* k, const fovea_tensor* v, const fovea_tensor* key_lengths,
                                                 const fovea_tensor* o, const fovea_tensor* lse, const fovea_tensor* d_o,
                                                 const fovea_tensor* dq, const fovea_tensor* dk, const fovea_tensor* dv,
                                                 const fovea_workspace* workspace, fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_attention_params(op, params));
  FOVEA_TRY(check_tensors(q, k, v, key_lengths, o, lse, d_o, dq, dk, dv, stream));
  AttentionPlan shapes{};
  FOVEA_TRY(make_attention_plan(op, q, k, false, 0, &shapes));
  FOVEA_FORWARD(stream, fovea_attention_backward, params, q, k, v, key_lengths, o, lse, d_o, dq, dk, dv, workspace, stream);
  if (elements(*dq) == 0 && elements(*dk) == 0) return FOVEA_OK;
  AttentionBackwardJob job{};
  job.forward = make_attention_job(*params, *q, *k, *v, *o, lse, shapes);
  AttentionJob& f = job.forward;
  f.plan.heads_per_group = f.groups == 0 ? 0 : f.heads / f.groups;
  if (key_lengths != nullptr) f.key_lengths = static_cast<const int32_t*>(key_lengths->data);
  job.plan = make_plan(*q, *k);
  const int64_t shared = shared_bytes(job.plan), each = bytes_per_thread(job.plan);
  // Scratch for one thread is enough to work; the pool may have grown since the size was asked for.
  FOVEA_TRY(check_workspace(op, workspace, shared + each));
  if (each > 0) {
    f.threads = static_cast<int32_t>(std::min<int64_t>((workspace->bytes - shared) / each, pool_threads()));
    job.q = static_cast<float*>(workspace->data);
    job.d_o_packed = job.q + job.plan.packed_floats;
    job.partial_dq = job.d_o_packed + job.plan.packed_floats;
    job.delta = job.partial_dq + job.plan.splits * job.plan.packed_floats;
    job.log_sums = job.delta + job.plan.row_floats;
    job.scratch = job.log_sums + job.plan.row_floats;
  }
  job.d_o = static_cast<const float*>(d_o->data), job.d_o_pitch = d_o->pitch;
  job.dq = static_cast<float*>(dq->data), job.dq_pitch = dq->pitch;
  job.dk = static_cast<float*>(dk->data), job.dk_pitch = dk->pitch;
  job.dv = static_cast<float*>(dv->data), job.dv_pitch = dv->pitch;
  return enqueue(stream,
                 select_isa(attention_backward_reference, scalar::attention_backward, avx2::attention_backward,
                            avx512::attention_backward),
                 job);
}
