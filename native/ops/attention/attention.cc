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
void attend(const AttentionJob& j, int64_t batch, int64_t head, int64_t query) {
  const KeySpan span = visible_keys(j, keys_of(j, batch), query);
  const int64_t row = (batch * j.q_length + query) * j.heads + head, group = head / j.plan.heads_per_group;
  const auto key_row = [&](int64_t key) { return (batch * j.k_length + key) * j.groups + group; };
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
  if (j.lse != nullptr)
    j.lse[(batch * j.heads + head) * j.lse_pitch + query] =
        static_cast<float>(sees_nothing ? -INFINITY : shift + std::log(sum));
}

void attention_reference(const AttentionJob& j) {
  const int64_t batches = live_rows(j.live, j.batch);
  for (int64_t batch = 0; batch < batches; ++batch)
    for (int64_t head = 0; head < j.heads; ++head)
      for (int64_t query = 0; query < j.q_length; ++query) attend(j, batch, head, query);
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }

fovea_status check_params(const fovea_attention_params* p) {
  FOVEA_CHECK(p != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(std::isfinite(p->softmax_scale), "%s: softmax_scale is not finite", op);
  FOVEA_CHECK(std::isfinite(p->softcap) && p->softcap >= 0, "%s: softcap is %g, it must be finite and not negative", op,
              static_cast<double>(p->softcap));
  FOVEA_CHECK(p->window >= 0, "%s: window is %d, it must not be negative", op, p->window);
  FOVEA_CHECK(p->window == 0 || p->causal != 0, "%s: a window (%d) needs causal", op, p->window);
  return FOVEA_OK;
}

// Checks the shapes of q and k alone: the workspace query sees no stream.
fovea_status make_plan(const fovea_tensor* q, const fovea_tensor* k, AttentionPlan* plan) {
  FOVEA_CHECK(q != nullptr && k != nullptr, "%s: q or k is NULL", op);
  FOVEA_CHECK(q->rank == 4, "%s: q must be [B][Lq][H][D], it is %s", op, describe(*q));
  FOVEA_CHECK(k->rank == 4, "%s: k must be [B][Lk][G][D], it is %s", op, describe(*k));
  for (const fovea_tensor* t : {q, k}) {
    int64_t n = 1;
    for (int i = 0; i < 4; ++i) {
      FOVEA_CHECK(t->shape[i] >= 0, "%s: negative dimension in %s", op, describe(*t));
      FOVEA_CHECK(t->shape[i] == 0 || n <= (int64_t{1} << 46) / t->shape[i], "%s: too large: %s", op, describe(*t));
      n *= std::max<int64_t>(t->shape[i], 1);
    }
  }
  const int64_t batch = q->shape[0], q_length = q->shape[1], heads = q->shape[2], head_size = q->shape[3];
  const int64_t k_length = k->shape[1], groups = k->shape[2];
  FOVEA_CHECK(k->shape[0] == batch && k->shape[3] == head_size, "%s: q is %s but k is %s", op, describe(*q), describe(*k));
  FOVEA_CHECK(groups > 0 ? heads % groups == 0 : heads == 0, "%s: %lld heads are no multiple of %lld groups", op,
              static_cast<long long>(heads), static_cast<long long>(groups));
  FOVEA_CHECK(head_size <= kMaxHeadSize, "%s: head size %lld, at most %lld is possible", op, static_cast<long long>(head_size),
              static_cast<long long>(kMaxHeadSize));

  AttentionPlan p{};
  p.heads_per_group = groups == 0 ? 0 : heads / groups;
  if (batch == 0 || q_length == 0 || heads == 0 || head_size == 0) {
    *plan = p;
    return FOVEA_OK;
  }
  p.decode = q_length == 1 && p.heads_per_group <= kDecodeHeadsPerGroup;
  if (p.decode) {
    // A task reads a page of neighbouring groups per key; where that leaves too few tasks, keys are split.
    p.groups_per_task = std::min({groups, std::max<int64_t>(1024 / head_size, 1), kDecodeRows / p.heads_per_group});
    p.tasks_per_batch = divide_up(groups, p.groups_per_task);
    const int64_t wanted = divide_up(kDecodeTasks, std::min(batch, kDecodeTasks) * std::min(p.tasks_per_batch, kDecodeTasks));
    p.splits = std::clamp<int64_t>(std::min(wanted, k_length / kDecodeSplitKeys), 1, kDecodeSplits);
    p.partial_floats = batch * heads * p.splits * (head_size + 2);
  } else {
    const int64_t rows = q_length * p.heads_per_group;
    const int64_t large_tasks = std::min(batch, kChunkTasks) * std::min(groups, kChunkTasks) * divide_up(rows, kLargeChunkRows);
    const bool large = head_size <= 128 && large_tasks >= kChunkTasks;
    p.chunks = divide_up(rows, large ? kLargeChunkRows : kChunkRows);
    p.chunk_rows = divide_up(rows, p.chunks);
    p.tasks_per_batch = groups * p.chunks;
    p.key_block = std::min<int64_t>(head_size <= 128 ? 256 : 128, std::max(round_up(k_length, kKeyPanel), kKeyPanel));
    p.columns = round_up(head_size, 16);
    // Keys, values, scores, scaled queries and outputs, then (maximum, sum) and visible keys of each row.
    p.scratch_floats = 2 * p.key_block * p.columns + kScoreRows * p.key_block + 2 * p.chunk_rows * p.columns +
                       round_up(2 * p.chunk_rows, 16) + round_up(4 * p.chunk_rows, 16);
  }
  *plan = p;
  return FOVEA_OK;
}

int64_t bytes_per_thread(const AttentionPlan& p) { return p.scratch_floats * int64_t{sizeof(float)}; }
int64_t shared_bytes(const AttentionPlan& p) { return p.partial_floats * int64_t{sizeof(float)}; }

fovea_status check_shapes(const fovea_tensor* q, const fovea_tensor* k, const fovea_tensor* v, const fovea_tensor* key_lengths,
                          const fovea_tensor* o, const fovea_tensor* lse, const fovea_stream* stream) {
  FOVEA_TRY(check_tensor(op, "q", q, 4, kF32, stream));
  FOVEA_TRY(check_tensor(op, "k", k, 4, kF32, stream));
  FOVEA_TRY(check_tensor(op, "v", v, 4, kF32, stream));
  FOVEA_TRY(check_tensor(op, "o", o, 4, kF32, stream));
  FOVEA_TRY(check_same_shape(op, "k", *k, "v", *v));
  FOVEA_TRY(check_same_shape(op, "q", *q, "o", *o));
  if (key_lengths != nullptr) {
    FOVEA_TRY(check_tensor(op, "key_lengths", key_lengths, 1, kI32, stream));
    FOVEA_CHECK(key_lengths->shape[0] == q->shape[0], "%s: key_lengths is %s, q is %s", op, describe(*key_lengths),
                describe(*q));
  }
  if (lse != nullptr) {
    FOVEA_TRY(check_tensor(op, "lse", lse, 3, kF32, stream));
    FOVEA_CHECK(lse->shape[0] == q->shape[0] && lse->shape[1] == q->shape[2] && lse->shape[2] == q->shape[1],
                "%s: lse is %s, expected [B][H][Lq] of q %s", op, describe(*lse), describe(*q));
  }
  for (const fovea_tensor* output : {o, lse}) {
    if (output == nullptr) continue;
    const char* name = output == o ? "o" : "lse";
    FOVEA_TRY(check_no_overlap(op, "q", *q, name, *output, false));
    FOVEA_TRY(check_no_overlap(op, "k", *k, name, *output, false));
    FOVEA_TRY(check_no_overlap(op, "v", *v, name, *output, false));
    if (key_lengths != nullptr) FOVEA_TRY(check_no_overlap(op, "key_lengths", *key_lengths, name, *output, false));
  }
  if (lse != nullptr) FOVEA_TRY(check_no_overlap(op, "o", *o, "lse", *lse, false));
  return FOVEA_OK;
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_attention_workspace(const fovea_attention_params* params, const fovea_tensor* q,
                                                  const fovea_tensor* k, int64_t* bytes) {
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_params(params));
  AttentionPlan plan{};
  FOVEA_TRY(make_plan(q, k, &plan));
  *bytes = shared_bytes(plan) + bytes_per_thread(plan) * pool_threads();
  return FOVEA_OK;
}

extern "C" fovea_status fovea_attention(const fovea_attention_params* params, const fovea_tensor* q, const fovea_tensor* k,
                                        const fovea_tensor* v, const fovea_tensor* key_lengths, const fovea_tensor* o,
                                        const fovea_tensor* lse, const fovea_workspace* workspace, fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_FORWARD(stream, fovea_attention, params, q, k, v, key_lengths, o, lse, workspace, stream);
  FOVEA_TRY(check_params(params));
  FOVEA_TRY(check_shapes(q, k, v, key_lengths, o, lse, stream));
  AttentionPlan plan{};
  FOVEA_TRY(make_plan(q, k, &plan));
  if (elements(*o) == 0) return FOVEA_OK;
  // Scratch for one thread is enough to work; the pool may have grown since the size was asked for.
  FOVEA_TRY(check_workspace(op, workspace, shared_bytes(plan) + bytes_per_thread(plan)));
  const int64_t threads =
      plan.decode ? pool_threads() : std::min<int64_t>(workspace->bytes / bytes_per_thread(plan), pool_threads());
  const bool no_keys = elements(*k) == 0;  // their data may be NULL: no offset is ever added to it
  const auto head_size = static_cast<float>(q->shape[3]);
  const AttentionJob job{static_cast<const float*>(q->data),
                         static_cast<const float*>(k->data),
                         static_cast<const float*>(v->data),
                         static_cast<float*>(o->data),
                         lse == nullptr ? nullptr : static_cast<float*>(lse->data),
                         key_lengths == nullptr ? nullptr : static_cast<const int32_t*>(key_lengths->data),
                         static_cast<float*>(workspace->data),
                         q->live,
                         q->shape[0],
                         q->shape[1],
                         k->shape[1],
                         q->shape[2],
                         k->shape[2],
                         q->shape[3],
                         q->pitch,
                         no_keys ? 0 : k->pitch,
                         no_keys ? 0 : v->pitch,
                         o->pitch,
                         lse == nullptr ? 0 : lse->pitch,
                         params->window,
                         params->causal != 0,
                         params->softmax_scale == 0 ? 1.0f / std::sqrt(head_size) : params->softmax_scale,
                         params->softcap,
                         static_cast<int32_t>(threads),
                         plan};
  return enqueue(stream, select_isa(attention_reference, scalar::attention, avx2::attention, avx512::attention), job);
}
