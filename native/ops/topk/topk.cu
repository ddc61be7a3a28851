// The k best of a row, by keys that hold value and index. Rows of up to kBuffer elements are sorted by a block in shared
// memory. Longer ones pass through that buffer when k fits it: a full buffer is cut to its best k, whose worst is the bar for
// what comes. Still larger k: all keys of a few rows at a time are sorted in the workspace.
#include "ops/topk/topk.h"

#include "cuda/elements.h"
#include "cuda/kernel.h"
#include "cuda/rank_sort.h"
#include "cuda/runtime.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int32_t kBuffer = 4096;               // keys, 32 KB of shared memory
constexpr int64_t kMostInBuffer = kBuffer / 2;  // k of a long row: half of the buffer is for newcomers
constexpr int64_t kSortedRows = 4;              // at a time

struct Topk {
  const void* x;
  void *values, *indices;  // either may be NULL
  int64_t rows, columns, k;
  int64_t x_pitch, values_pitch, indices_pitch;
  const int32_t* live;
  int64_t leading;
  bool row_is_leading, wide, smallest;
};

FOVEA_DEVICE int64_t live_rows(const Topk& j) {
  return j.row_is_leading || j.leading == 0 ? j.rows : j.rows / j.leading * live_count(j.live, j.leading);
}
FOVEA_DEVICE int64_t live_columns(const Topk& j) { return j.row_is_leading ? live_count(j.live, j.columns) : j.columns; }

template <class T>
FOVEA_DEVICE uint64_t key_of(const Topk& j, int64_t row, int64_t column) {
  const float value = to_float(static_cast<const T*>(j.x)[row * j.x_pitch + column]);
  return j.smallest ? ascending_key(value, column) : descending_key(value, column);
}

// Place i of a row's outputs. Values are copies.
template <class T>
FOVEA_DEVICE void write_place(const Topk& j, int64_t row, int64_t i, uint64_t key) {
  const int64_t index = key_index(key);
  if (j.values != nullptr)
    static_cast<T*>(j.values)[row * j.values_pitch + i] = static_cast<const T*>(j.x)[row * j.x_pitch + index];
  if (j.indices == nullptr) return;
  if (j.wide)
    static_cast<int64_t*>(j.indices)[row * j.indices_pitch + i] = index;
  else
    static_cast<int32_t*>(j.indices)[row * j.indices_pitch + i] = static_cast<int32_t>(index);
}

// One block per row, of fewer threads when rows are short.
template <class T>
__global__ void __launch_bounds__(kThreads, 1) topk_kernel(Topk j) {
  __shared__ uint64_t keys[kBuffer];
  __shared__ int32_t used;
  const int64_t rows = live_rows(j), columns = live_columns(j), k = j.k < columns ? j.k : columns;
  const int32_t tid = static_cast<int32_t>(threadIdx.x), threads = static_cast<int32_t>(blockDim.x);
  const auto sort = [&](int32_t count) {
    const auto size = static_cast<int32_t>(next_power(count));
    for (int32_t i = count + tid; i < size; i += threads) keys[i] = kNoKey;
    block_sort(keys, size);
  };
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    uint64_t bar = kNoKey;
    if (tid == 0) used = 0;
    __syncthreads();
    for (int64_t first = 0; first < columns; first += threads) {
      const int64_t column = first + tid;
      const uint64_t key = column < columns ? key_of<T>(j, row, column) : kNoKey;
      append_key(key < bar, key, keys, &used);
      __syncthreads();
      if (used > kBuffer - threads && first + threads < columns) {
        sort(used);
        bar = keys[k - 1];  // more than k are there
        if (tid == 0) used = static_cast<int32_t>(k);
      }
      __syncthreads();
    }
    sort(used);
    for (int64_t i = tid; i < k; i += threads) write_place<T>(j, row, i, keys[i]);
    __syncthreads();
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    row_keys_kernel(Topk j, int64_t first_row, int64_t rows, uint64_t* keys, int64_t stride, int32_t* counts) {
  const int64_t columns = live_columns(j);
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < rows * columns; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = i / columns, column = i - row * columns;
    keys[row * stride + column] = key_of<T>(j, first_row + row, column);
  }
  if (blockIdx.x == 0 && threadIdx.x < rows) counts[threadIdx.x] = static_cast<int32_t>(columns);
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    write_rows_kernel(Topk j, int64_t first_row, int64_t rows, const uint64_t* keys, int64_t stride) {
  const int64_t columns = live_columns(j), k = j.k < columns ? j.k : columns, left = live_rows(j) - first_row;
  const int64_t n = k * (left < 0 ? 0 : left < rows ? left : rows);
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = i / k, place = i - row * k;
    write_place<T>(j, first_row + row, place, keys[row * stride + place]);
  }
}

bool fits_buffer(int64_t columns, int64_t k) { return columns <= kBuffer || k <= kMostInBuffer; }

// Rows count up to kSortedRows only, which also keeps the product small.
int64_t sorted_rows(const fovea_tensor& x) {
  int64_t n = 1;
  for (int i = 0; i + 1 < x.rank; ++i) {
    n *= x.shape[i] < kSortedRows ? x.shape[i] : kSortedRows;
    if (n > kSortedRows) n = kSortedRows;
  }
  return n;
}

int64_t workspace_bytes(const fovea_topk_params& p, const fovea_tensor& x) {
  return fits_buffer(last(x), p.k) ? 0 : sorted_rows(x) * key_stride(last(x)) * 8 + 64;
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_topk_workspace(const fovea_topk_params* params, const fovea_tensor* x, int64_t* bytes) {
  *bytes = workspace_bytes(*params, *x);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_topk(const fovea_topk_params* params, const fovea_tensor* x, const fovea_tensor* values,
                                   const fovea_tensor* indices, const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "topk";
  FOVEA_TRY(check_workspace(op, workspace, workspace_bytes(*params, *x)));
  if (params->k == 0 || elements(*x) == 0) return FOVEA_OK;
  const Topk job{x->data,
                 values == nullptr ? nullptr : values->data,
                 indices == nullptr ? nullptr : indices->data,
                 rows(*x),
                 last(*x),
                 params->k,
                 x->pitch,
                 values == nullptr ? 0 : values->pitch,
                 indices == nullptr ? 0 : indices->pitch,
                 x->live,
                 x->shape[0],
                 x->rank == 1,
                 indices != nullptr && same(indices->dtype, kI64),
                 params->smallest != 0};
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, op, [&](cudaStream_t s) {
      const unsigned threads = job.columns <= 128 ? 64 : job.columns <= 1024 ? 128 : kThreads;
      if (fits_buffer(job.columns, job.k)) return launch(topk_kernel<T>, grid_for(job.rows, 1), threads, 0, s, job);
      auto* const keys = static_cast<uint64_t*>(workspace->data);
      const int64_t stride = key_stride(job.columns), most = sorted_rows(*x);
      auto* const counts = reinterpret_cast<int32_t*>(keys + most * stride);
      cudaError_t error = cudaSuccess;
      for (int64_t first = 0; first < job.rows && error == cudaSuccess; first += most) {
        const int64_t here = job.rows - first < most ? job.rows - first : most;
        error = launch(row_keys_kernel<T>, grid_for(here * job.columns, kThreads), kThreads, 0, s, job, first, here, keys,
                       stride, counts);
        if (error == cudaSuccess) error = sort_keys({keys, counts, here, job.columns, stride}, s);
        if (error == cudaSuccess)
          error = launch(write_rows_kernel<T>, grid_for(here * job.k, kThreads), kThreads, 0, s, job, first, here,
                         static_cast<const uint64_t*>(keys), stride);
      }
      return error;
    });
  });
}
