#include <algorithm>
#include <cmath>

#include "ops/attention/attention.h"

namespace fovea {

fovea_status check_attention_params(const char* op, const fovea_attention_params* p) {
  FOVEA_CHECK(p != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(std::isfinite(p->softmax_scale), "%s: softmax_scale is not finite", op);
  FOVEA_CHECK(std::isfinite(p->softcap) && p->softcap >= 0, "%s: softcap is %g, it must be finite and not negative", op,
              static_cast<double>(p->softcap));
  FOVEA_CHECK(p->window >= 0, "%s: window is %d, it must not be negative", op, p->window);
  FOVEA_CHECK(p->window == 0 || p->causal != 0, "%s: a window (%d) needs causal", op, p->window);
  return FOVEA_OK;
}

// Checks the shapes of q and k alone: the workspace query sees no stream.
fovea_status make_attention_plan(const char* op, const fovea_tensor* q, const fovea_tensor* k, bool ragged, int64_t sequences,
                                 AttentionPlan* plan) {
  FOVEA_CHECK(q != nullptr && k != nullptr, "%s: q or k is NULL", op);
  const int rank = ragged ? 3 : 4;
  FOVEA_CHECK(q->rank == rank, "%s: q must be %s, it is %s", op, ragged ? "[Tq][H][D]" : "[B][Lq][H][D]", describe(*q));
  FOVEA_CHECK(k->rank == rank, "%s: k must be %s, it is %s", op, ragged ? "[Tk][G][D]" : "[B][Lk][G][D]", describe(*k));
  for (const fovea_tensor* t : {q, k}) {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) {
      FOVEA_CHECK(t->shape[i] >= 0, "%s: negative dimension in %s", op, describe(*t));
      FOVEA_CHECK(t->shape[i] == 0 || n <= (int64_t{1} << 46) / t->shape[i], "%s: too large: %s", op, describe(*t));
      n *= std::max<int64_t>(t->shape[i], 1);
    }
  }
  const int64_t *qs = q->shape + (ragged ? 0 : 1), *ks = k->shape + (ragged ? 0 : 1);
  const int64_t batch = ragged ? sequences : q->shape[0], q_length = qs[0], heads = qs[1], head_size = qs[2];
  const int64_t k_length = ks[0], groups = ks[1];
  FOVEA_CHECK((ragged || k->shape[0] == batch) && ks[2] == head_size, "%s: q is %s but k is %s", op, describe(*q),
              describe(*k));
  FOVEA_CHECK(groups > 0 ? heads % groups == 0 : heads == 0, "%s: %lld heads are no multiple of %lld groups", op,
              static_cast<long long>(heads), static_cast<long long>(groups));
  FOVEA_CHECK(head_size <= kMaxHeadSize, "%s: head size %lld, at most %lld is possible", op, static_cast<long long>(head_size),
              static_cast<long long>(kMaxHeadSize));

  AttentionPlan p{};
  *plan = p;
  if (batch == 0 || q_length == 0 || heads == 0 || head_size == 0) return FOVEA_OK;
  p.heads_per_group = heads / groups;
  p.splits = 1;
  // A ragged batch may hold both kinds of sequences.
  const bool some_few = ragged ? has_few_rows(1, p.heads_per_group) : has_few_rows(q_length, p.heads_per_group);
  if (some_few) {
    p.decode_queries = ragged ? std::min(q_length, kDecodeRowsPerGroup / p.heads_per_group) : q_length;
    const int64_t tasks = divide_up(groups, decode_groups_per_task(groups, head_size, p.decode_queries * p.heads_per_group));
    // Where sequences and groups leave too few tasks, keys are split.
    const int64_t wanted = divide_up(kDecodeTasks, std::min(batch, kDecodeTasks) * std::min(tasks, kDecodeTasks));
    const int64_t piece = std::clamp<int64_t>(kDecodeSplitFloats / (groups * head_size), 64, kDecodeSplitKeys);
    p.splits = std::clamp<int64_t>(std::min(wanted, k_length / piece), 1, kDecodeSplits);
    FOVEA_CHECK(batch <= (int64_t{1} << 46) / (p.decode_queries * heads * p.splits * (head_size + 2)), "%s: too large: %s", op,
                describe(*q));
    p.partial_floats = batch * p.decode_queries * heads * p.splits * (head_size + 2);
  }
  const int64_t rows = q_length * p.heads_per_group;
  if (ragged ? rows > kDecodeRowsPerGroup : !some_few) {
    const int64_t large_tasks =
        std::min(ragged ? 1 : batch, kChunkTasks) * std::min(groups, kChunkTasks) * divide_up(rows, kLargeChunkRows);
    const bool large = head_size <= 128 && large_tasks >= kChunkTasks;
    p.chunk_rows = std::min(rows, large ? kLargeChunkRows : kChunkRows);
    p.key_block =
        std::min<int64_t>(head_size <= 128 ? 256 : 128, std::max(divide_up(k_length, kKeyPanel) * kKeyPanel, kKeyPanel));
    p.columns = divide_up(head_size, 16) * 16;
    // Keys, values, scores, scaled queries and outputs, then RowSum and visible keys of each row.
    p.scratch_floats = 2 * p.key_block * p.columns + kScoreRows * p.key_block + 2 * p.chunk_rows * p.columns +
                       divide_up(2 * p.chunk_rows, 16) * 16 + divide_up(4 * p.chunk_rows, 16) * 16;
  }
  p.tasks_per_sequence = tasks_of(p, groups, head_size, q_length);
  *plan = p;
  return FOVEA_OK;
}

fovea_status check_attention_tensors(const char* op, const fovea_tensor* q, const fovea_tensor* k, const fovea_tensor* v,
                                     const fovea_tensor* o, const fovea_tensor* lse, bool ragged, const fovea_stream* stream) {
  const int rank = ragged ? 3 : 4;
  FOVEA_TRY(check_float_tensor(op, "q", q, rank, stream));
  FOVEA_TRY(check_tensor(op, "k", k, rank, q->dtype, stream));
  FOVEA_TRY(check_tensor(op, "v", v, rank, q->dtype, stream));
  FOVEA_TRY(check_tensor(op, "o", o, rank, q->dtype, stream));
  FOVEA_TRY(check_same_shape(op, "k", *k, "v", *v));
  FOVEA_TRY(check_same_shape(op, "q", *q, "o", *o));
  if (lse != nullptr) {
    FOVEA_TRY(check_tensor(op, "lse", lse, rank - 1, kF32, stream));
    const bool fits = ragged ? lse->shape[0] == q->shape[1] && lse->shape[1] == q->shape[0]
                             : lse->shape[0] == q->shape[0] && lse->shape[1] == q->shape[2] && lse->shape[2] == q->shape[1];
    FOVEA_CHECK(fits, "%s: lse is %s, expected %s of q %s", op, describe(*lse), ragged ? "[H][Tq]" : "[B][H][Lq]",
                describe(*q));
    FOVEA_TRY(check_no_overlap(op, "o", *o, "lse", *lse, false));
  }
  for (const fovea_tensor* output : {o, lse}) {
    if (output == nullptr) continue;
    const char* name = output == o ? "o" : "lse";
    FOVEA_TRY(check_no_overlap(op, "q", *q, name, *output, false));
    FOVEA_TRY(check_no_overlap(op, "k", *k, name, *output, false));
    FOVEA_TRY(check_no_overlap(op, "v", *v, name, *output, false));
  }
  return FOVEA_OK;
}

AttentionJob make_attention_job(const fovea_attention_params& params, const fovea_tensor& q, const fovea_tensor& k,
                                const fovea_tensor& v, const fovea_tensor& o, const fovea_tensor* lse,
                                const AttentionPlan& plan) {
  const bool no_keys = elements(k) == 0;  // their data may be NULL: no offset is ever added to it
  const int64_t *qs = q.shape + q.rank - 3, *ks = k.shape + k.rank - 3;
  AttentionJob j{};
  j.q = static_cast<const float*>(q.data), j.q_pitch = q.pitch;
  j.k = static_cast<const float*>(k.data), j.k_pitch = no_keys ? 0 : k.pitch;
  j.v = static_cast<const float*>(v.data), j.v_pitch = no_keys ? 0 : v.pitch;
  j.o = static_cast<float*>(o.data), j.o_pitch = o.pitch;
  if (lse != nullptr) j.lse = static_cast<float*>(lse->data), j.lse_pitch = lse->pitch;
  j.live = q.live;
  j.batch = q.shape[0];
  j.q_length = qs[0], j.heads = qs[1], j.head_size = qs[2];
  j.k_length = ks[0], j.groups = ks[1];
  j.window = params.window;
  j.causal = params.causal != 0;
  j.scale = params.softmax_scale == 0 ? 1.0f / std::sqrt(static_cast<float>(qs[2])) : params.softmax_scale;
  j.softcap = params.softcap;
  j.plan = plan;
  return j;
}

}  // namespace fovea
