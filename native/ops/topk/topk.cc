#include "ops/topk/topk.h"

#include <algorithm>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"

namespace fovea {

FOVEA_DECLARE_BODIES(topk, const TopkJob&)

void topk_select(uint64_t* keys, int64_t count, int64_t k) {
  if (k < count) std::nth_element(keys, keys + k - 1, keys + count);
}

void topk_finish(const TopkJob& j, int64_t row, uint64_t* keys, int64_t k) {
  std::sort(keys, keys + k);
  for (int64_t i = 0; i < k; ++i) {
    const auto index = static_cast<int64_t>(keys[i] & UINT32_MAX);
    if (j.values != nullptr) j.values[row * j.values_pitch + i] = j.x[row * j.x_pitch + index];
    if (j.indices == nullptr) continue;
    if (j.wide)
      static_cast<int64_t*>(j.indices)[row * j.indices_pitch + i] = index;
    else
      static_cast<int32_t*>(j.indices)[row * j.indices_pitch + i] = static_cast<int32_t>(index);
  }
}

namespace {

// k rounds of "find the best that is worse than the last": no buffer, k * n work.
void topk_reference(const TopkJob& j) {
  const int64_t rows = j.row_is_leading || j.leading == 0 ? j.rows : j.rows / j.leading * live_rows(j.live, j.leading);
  const int64_t columns = j.row_is_leading ? live_rows(j.live, j.columns) : j.columns, k = std::min(j.k, columns);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < k; ++i) {
      uint64_t best = UINT64_MAX;
      for (int64_t c = 0; c < columns; ++c) {
        const uint64_t key = topk_key(j.x[r * j.x_pitch + c], c, j.smallest);
        if ((i == 0 || key > j.keys[i - 1]) && key < best) best = key;
      }
      j.keys[i] = best;
    }
    topk_finish(j, r, j.keys, k);
  }
}

// Room for k survivors and as many newcomers again, so that selecting costs a constant per newcomer.
int64_t key_capacity(int64_t columns, int64_t k) { return std::min(columns, 2 * k + 64); }
int64_t key_stride(int64_t columns, int64_t k) { return (key_capacity(columns, k) + 7) / 8 * 8; }

fovea_status workspace_bytes(const char* op, const fovea_topk_params* params, const fovea_tensor* x, int64_t* bytes) {
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(x != nullptr, "%s: x is NULL", op);
  FOVEA_CHECK(x->rank >= 1 && x->rank <= FOVEA_MAX_RANK, "%s: x has rank %d, allowed are 1 to %d", op, x->rank, FOVEA_MAX_RANK);
  for (int i = 0; i < x->rank; ++i) FOVEA_CHECK(x->shape[i] >= 0, "%s: x has a negative dimension: %s", op, describe(*x));
  FOVEA_CHECK(params->k >= 0 && params->k <= last(*x), "%s: k is %d, allowed are 0 to %lld", op, params->k,
              static_cast<long long>(last(*x)));
  FOVEA_CHECK(last(*x) <= INT32_MAX, "%s: rows of %s are longer than 2^31-1", op, describe(*x));
  // Rows count up to the workers only, which also keeps the product small.
  int64_t workers = 1;
  for (int i = 0; i + 1 < x->rank; ++i)
    workers = x->shape[i] == 0 ? 0 : std::min<int64_t>(kTopkWorkers, workers * std::min<int64_t>(kTopkWorkers, x->shape[i]));
  *bytes = params->k == 0 ? 0 : workers * key_stride(last(*x), params->k) * static_cast<int64_t>(sizeof(uint64_t));
  return FOVEA_OK;
}

fovea_status check_output(const char* op, const char* name, const fovea_tensor& x, const fovea_tensor& output, int32_t k) {
  bool matches = output.rank == x.rank && last(output) == k;
  for (int i = 0; matches && i + 1 < x.rank; ++i) matches = output.shape[i] == x.shape[i];
  FOVEA_CHECK(matches, "%s: %s is %s, but x is %s and k is %d", op, name, describe(output), describe(x), k);
  return check_no_overlap(op, "x", x, name, output, false);
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_topk_workspace(const fovea_topk_params* params, const fovea_tensor* x, int64_t* bytes) {
  FOVEA_CHECK(bytes != nullptr, "topk_workspace: bytes is NULL");
  FOVEA_TRY(workspace_bytes("topk_workspace", params, x, bytes));
  FOVEA_FORWARD_TENSOR(x, fovea_topk_workspace, params, x, bytes);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_topk(const fovea_topk_params* params, const fovea_tensor* x, const fovea_tensor* values,
                                   const fovea_tensor* indices, const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "topk";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_TRY(check_float_tensor(op, "x", x, kAnyRank, stream));
  int64_t bytes = 0;
  FOVEA_TRY(workspace_bytes(op, params, x, &bytes));
  FOVEA_CHECK(values != nullptr || indices != nullptr, "%s: values and indices are both NULL", op);
  if (values != nullptr) {
    FOVEA_TRY(check_tensor(op, "values", values, kAnyRank, x->dtype, stream));
    FOVEA_TRY(check_output(op, "values", *x, *values, params->k));
  }
  if (indices != nullptr) {
    FOVEA_TRY(check_any_tensor(op, "indices", indices, kAnyRank, stream));
    FOVEA_CHECK(same(indices->dtype, kI32) || same(indices->dtype, kI64), "%s: indices must be i32 or i64, they are %s", op,
                describe(*indices));
    FOVEA_TRY(check_output(op, "indices", *x, *indices, params->k));
  }
  if (values != nullptr && indices != nullptr) FOVEA_TRY(check_no_overlap(op, "values", *values, "indices", *indices, false));
  FOVEA_FORWARD(stream, fovea_topk, params, x, values, indices, workspace, stream);
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  if (bytes == 0) return FOVEA_OK;
  const TopkJob job{static_cast<const float*>(x->data),
                    values == nullptr ? nullptr : static_cast<float*>(values->data),
                    indices == nullptr ? nullptr : indices->data,
                    static_cast<uint64_t*>(workspace->data),
                    rows(*x),
                    last(*x),
                    params->k,
                    key_capacity(last(*x), params->k),
                    key_stride(last(*x), params->k),
                    x->pitch,
                    values == nullptr ? 0 : values->pitch,
                    indices == nullptr ? 0 : indices->pitch,
                    x->live,
                    x->shape[0],
                    x->rank == 1,
                    indices != nullptr && same(indices->dtype, kI64),
                    params->smallest != 0};
  return enqueue(stream, select_isa(topk_reference, scalar::topk, avx2::topk, avx512::topk), job);
}
