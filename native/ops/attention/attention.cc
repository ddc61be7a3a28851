#include "ops/attention/attention.h"

#include <algorithm>
#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "core/thread_pool.h"

namespace fovea {

FOVEA_DECLARE_BODIES(attention, const AttentionJob&)

namespace {

constexpr const char* op = "attention";

double score(const AttentionJob& j, const float* q, const float* k) {
  double sum = 0;
  for (int64_t d = 0; d < j.head_size; ++d) sum += static_cast<double>(q[d]) * static_cast<double>(k[d]);
  sum *= static_cast<double>(j.scale);
  const auto cap = static_cast<double>(j.softcap);
  return cap > 0 ? cap * std::tanh(sum / cap) : sum;
}

// One query of one head. The scores are computed twice instead of stored.
void attend(const AttentionJob& j, const AttentionSequence& s, int64_t head, int64_t query) {
  const KeySpan span = visible_keys(j, s, query);
  const int64_t row = (s.q_begin + query) * j.heads + head, group = head / j.plan.heads_per_group;
  const auto key_row = [&](int64_t key) { return (s.k_begin + key) * j.groups + group; };
  const float* q = j.q + row * j.q_pitch;
  double max = -INFINITY, sum = 0, weighted[kMaxHeadSize] = {};
  for (int64_t key = span.begin; key < span.end; ++key) max = std::fmax(max, score(j, q, j.k + key_row(key) * j.k_pitch));
  const double shift = std::isinf(max) && max < 0 ? 0 : max;  // -inf - -inf would be NaN
  for (int64_t key = span.begin; key < span.end; ++key) {
    const double p = std::exp(score(j, q, j.k + key_row(key) * j.k_pitch) - shift);
    const float* v = j.v + key_row(key) * j.v_pitch;
    sum += p;
    for (int64_t d = 0; d < j.head_size; ++d) weighted[d] += p * static_cast<double>(v[d]);
  }
  const bool sees_nothing = span.begin >= span.end;
  for (int64_t d = 0; d < j.head_size; ++d)
    j.o[row * j.o_pitch + d] = sees_nothing ? 0.0f : static_cast<float>(weighted[d] / sum);
  if (j.lse != nullptr) *lse_at(j, s, head, query) = static_cast<float>(sees_nothing ? -INFINITY : shift + std::log(sum));
}

void attention_reference(const AttentionJob& j) {
  const bool ragged = j.query_offsets != nullptr;
  const int64_t batches = ragged ? j.batch : live_rows(j.live, j.batch);
  AttentionSequence s{};
  for (int64_t batch = 0; batch < batches; ++batch) {
    s = ragged ? ragged_sequence(j, batch, s) : dense_sequence(j, batch);
    for (int64_t head = 0; head < j.heads; ++head)
      for (int64_t query = 0; query < s.q_length; ++query) attend(j, s, head, query);
  }
}

int64_t bytes_per_thread(const AttentionPlan& p) { return p.scratch_floats * int64_t{sizeof(float)}; }
int64_t shared_bytes(const AttentionPlan& p) { return divide_up(p.partial_floats * int64_t{sizeof(float)}, 64) * 64; }
int64_t list_bytes(int64_t sequences) { return divide_up((sequences + 1) * int64_t{sizeof(AttentionSequence)}, 64) * 64; }

// Scratch for one thread is enough to work; the pool may have grown since the size was asked for.
fovea_status share_workspace(const char* name, const fovea_workspace* workspace, int64_t sequences, AttentionJob* j) {
  const int64_t list = sequences < 0 ? 0 : list_bytes(sequences), partials = shared_bytes(j->plan);
  const int64_t each = bytes_per_thread(j->plan);
  FOVEA_TRY(check_workspace(name, workspace, list + partials + each));
  auto* bytes = static_cast<char*>(workspace->data);
  j->list = reinterpret_cast<AttentionSequence*>(bytes);
  j->partials = reinterpret_cast<float*>(bytes + list);
  j->scratch = reinterpret_cast<float*>(bytes + list + partials);
  const int64_t fitting = each == 0 ? pool_threads() : (workspace->bytes - list - partials) / each;
  j->threads = static_cast<int32_t>(std::min<int64_t>(fitting, pool_threads()));
  return FOVEA_OK;
}

fovea_status check_index_vector(const char* name, const char* field, const fovea_tensor* t, int64_t size, const fovea_tensor& o,
                                const fovea_tensor* lse, const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(name, field, t, 1, kI32, stream));
  FOVEA_CHECK(t->shape[0] == size, "%s: %s is %s, expected %lld entries", name, field, describe(*t),
              static_cast<long long>(size));
  FOVEA_TRY(check_no_overlap(name, field, *t, "o", o, false));
  if (lse != nullptr) FOVEA_TRY(check_no_overlap(name, field, *t, "lse", *lse, false));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_attention_workspace(const fovea_attention_params* params, const fovea_tensor* q,
                                                  const fovea_tensor* k, int64_t* bytes) {
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_attention_params(op, params));
  AttentionPlan plan{};
  FOVEA_TRY(make_attention_plan(op, q, k, false, 0, &plan));
  FOVEA_FORWARD_TENSOR(q, fovea_attention_workspace, params, q, k, bytes);
  *bytes = shared_bytes(plan) + bytes_per_thread(plan) * pool_threads();
  return FOVEA_OK;
}

extern "C" fovea_status fovea_attention(const fovea_attention_params* params, const fovea_tensor* q, const fovea_tensor* k,
                                        const fovea_tensor* v, const fovea_tensor* key_lengths, const fovea_tensor* o,
                                        const fovea_tensor* lse, const fovea_workspace* workspace, fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_attention_params(op, params));
  FOVEA_TRY(check_attention_tensors(op, q, k, v, o, lse, false, stream));
  if (key_lengths != nullptr) FOVEA_TRY(check_index_vector(op, "key_lengths", key_lengths, q->shape[0], *o, lse, stream));
  AttentionPlan plan{};
  FOVEA_TRY(make_attention_plan(op, q, k, false, 0, &plan));
  FOVEA_FORWARD(stream, fovea_attention, params, q, k, v, key_lengths, o, lse, workspace, stream);
  if (elements(*o) == 0) return FOVEA_OK;
  AttentionJob job = make_attention_job(*params, *q, *k, *v, *o, lse, plan);
  if (key_lengths != nullptr) job.key_lengths = static_cast<const int32_t*>(key_lengths->data);
  FOVEA_TRY(share_workspace(op, workspace, -1, &job));
  return enqueue(stream, select_isa(attention_reference, scalar::attention, avx2::attention, avx512::attention), job);
}

extern "C" fovea_status fovea_attention_ragged_workspace(const fovea_attention_params* params, const fovea_tensor* q,
                                                         const fovea_tensor* k, int64_t sequences, int64_t* bytes) {
  constexpr const char* name = "attention_ragged";
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", name);
  FOVEA_CHECK(sequences >= 0 && sequences <= INT32_MAX, "%s: %lld sequences", name, static_cast<long long>(sequences));
  FOVEA_TRY(check_attention_params(name, params));
  AttentionPlan plan{};
  FOVEA_TRY(make_attention_plan(name, q, k, true, sequences, &plan));
  FOVEA_FORWARD_TENSOR(q, fovea_attention_ragged_workspace, params, q, k, sequences, bytes);
  *bytes = list_bytes(sequences) + shared_bytes(plan) + bytes_per_thread(plan) * pool_threads();
  return FOVEA_OK;
}

extern "C" fovea_status fovea_attention_ragged(const fovea_attention_params* params, const fovea_tensor* q,
                                               const fovea_tensor* k, const fovea_tensor* v, const fovea_tensor* query_offsets,
                                               const fovea_tensor* key_offsets, const fovea_tensor* o, const fovea_tensor* lse,
                                               const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* name = "attention_ragged";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", name);
  FOVEA_TRY(check_attention_params(name, params));
  FOVEA_TRY(check_attention_tensors(name, q, k, v, o, lse, true, stream));
  FOVEA_CHECK(query_offsets != nullptr && key_offsets != nullptr, "%s: query_offsets or key_offsets is NULL", name);
  const int64_t entries = query_offsets->rank == 1 ? query_offsets->shape[0] : 0;
  FOVEA_CHECK(entries >= 1 && entries <= INT32_MAX, "%s: query_offsets must be [B+1], it is %s", name,
              describe(*query_offsets));
  FOVEA_TRY(check_index_vector(name, "query_offsets", query_offsets, entries, *o, lse, stream));
  FOVEA_TRY(check_index_vector(name, "key_offsets", key_offsets, entries, *o, lse, stream));
  AttentionPlan plan{};
  FOVEA_TRY(make_attention_plan(name, q, k, true, entries - 1, &plan));
  FOVEA_FORWARD(stream, fovea_attention_ragged, params, q, k, v, query_offsets, key_offsets, o, lse, workspace, stream);
  if (elements(*o) == 0 || entries == 1) return FOVEA_OK;
  AttentionJob job = make_attention_job(*params, *q, *k, *v, *o, lse, plan);
  job.batch = entries - 1;
  job.query_offsets = static_cast<const int32_t*>(query_offsets->data);
  job.key_offsets = static_cast<const int32_t*>(key_offsets->data);
  FOVEA_TRY(share_workspace(name, workspace, entries - 1, &job));
  return enqueue(stream, select_isa(attention_reference, scalar::attention, avx2::attention, avx512::attention), job);
}
