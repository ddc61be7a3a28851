#include "core/tensor.h"

#include <cstdio>

#include "core/handles.h"

namespace fovea {
namespace {

constexpr int64_t kMaxElements = int64_t{1} << 46;  // keeps every byte offset far from overflow

bool known(fovea_dtype d) {
  return same(d, kF32) || same(d, kF16) || same(d, kBF16) || same(d, kU8) || same(d, kI32) || same(d, kI64) ||
         same(d, fovea_dtype{FOVEA_BOOL, 8, 1});
}

const char* device_name(int32_t type) {
  return type == FOVEA_CPU ? "cpu" : type == FOVEA_CUDA ? "cuda" : type == FOVEA_CUDA_EMULATED ? "cuda-emulated" : "unknown";
}

// Bytes from data to one past the last element that a view touches.
int64_t extent(const fovea_tensor& t) {
  const int64_t n = elements(t);
  if (n == 0) return 0;
  return ((rows(t) - 1) * t.pitch + last(t)) * (t.dtype.bits / 8);
}

}  // namespace

const char* dtype_name(fovea_dtype d) {
  if (same(d, kF32)) return "f32";
  if (same(d, kF16)) return "f16";
  if (same(d, kBF16)) return "bf16";
  if (same(d, kU8)) return "u8";
  if (same(d, kI32)) return "i32";
  if (same(d, kI64)) return "i64";
  return d.code == FOVEA_BOOL ? "bool" : "unknown dtype";
}

const char* describe(const fovea_tensor& t) {
  static thread_local char buffers[4][224];  // 8 dimensions of 20 characters, commas, and the data type
  static thread_local int next = 0;
  char* out = buffers[next++ % 4];
  int used = std::snprintf(out, sizeof buffers[0], "[");
  for (int i = 0; i < t.rank && i < FOVEA_MAX_RANK; ++i)
    used += std::snprintf(out + used, sizeof buffers[0] - static_cast<size_t>(used), i ? ", %lld" : "%lld",
                          static_cast<long long>(t.shape[i]));
  std::snprintf(out + used, sizeof buffers[0] - static_cast<size_t>(used), "] %s", dtype_name(t.dtype));
  return out;
}

fovea_status check_any_tensor(const char* op, const char* name, const fovea_tensor* t, int rank, const fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(t != nullptr, "%s: %s is NULL", op, name);
  FOVEA_CHECK(t->rank >= 0 && t->rank <= FOVEA_MAX_RANK, "%s: %s has rank %d, allowed are 0 to %d", op, name, t->rank,
              FOVEA_MAX_RANK);
  FOVEA_CHECK(known(t->dtype) && t->dtype.lanes == 1, "%s: %s has an unknown data type (code %d, %d bits, %d lanes)", op, name,
              t->dtype.code, t->dtype.bits, t->dtype.lanes);
  // Sizes are multiplied with empty dimensions counted as 1: then no product of any of the dimensions can overflow later,
  // also when a kernel multiplies the others before it meets the 0.
  int64_t n = 1, row_count = 1;
  bool empty = false;
  for (int i = 0; i < t->rank; ++i) {
    FOVEA_CHECK(t->shape[i] >= 0, "%s: %s has a negative dimension %d: %s", op, name, i, describe(*t));
    FOVEA_CHECK(t->shape[i] == 0 || n <= kMaxElements / t->shape[i], "%s: %s is too large: %s", op, name, describe(*t));
    if (t->shape[i] == 0)
      empty = true;
    else
      n *= t->shape[i];
    if (i + 2 == t->rank) row_count = n;
  }
  FOVEA_CHECK(t->pitch >= last(*t), "%s: %s has pitch %lld, smaller than its last dimension: %s", op, name,
              static_cast<long long>(t->pitch), describe(*t));
  FOVEA_CHECK(t->pitch <= kMaxElements / row_count, "%s: %s has too large a pitch (%lld)", op, name,
              static_cast<long long>(t->pitch));
  FOVEA_CHECK(empty || t->data != nullptr, "%s: %s has no data: %s", op, name, describe(*t));
  FOVEA_CHECK(reinterpret_cast<uintptr_t>(t->data) % (t->dtype.bits / 8u) == 0, "%s: %s is not aligned to its element size", op,
              name);
  FOVEA_CHECK(t->live == nullptr || t->rank > 0, "%s: %s has a live count but no leading dimension", op, name);
  FOVEA_CHECK(reinterpret_cast<uintptr_t>(t->live) % alignof(int32_t) == 0, "%s: the live count of %s is not aligned", op,
              name);
  FOVEA_CHECK(rank == kAnyRank || t->rank == rank, "%s: %s must have rank %d, it is %s", op, name, rank, describe(*t));
  const fovea_device& device = device_of(stream);
  FOVEA_CHECK(t->device_type == device.type && t->device_id == device.id, "%s: %s is on %s:%d, the stream on %s:%d", op, name,
              device_name(t->device_type), t->device_id, device_name(device.type), device.id);
  return FOVEA_OK;
}

fovea_status check_tensor(const char* op, const char* name, const fovea_tensor* t, int rank, fovea_dtype dtype,
                          const fovea_stream* stream) {
  FOVEA_TRY(check_any_tensor(op, name, t, rank, stream));
  FOVEA_CHECK(same(t->dtype, dtype), "%s: %s must be %s, it is %s", op, name, dtype_name(dtype), describe(*t));
  return FOVEA_OK;
}

fovea_status check_float_tensor(const char* op, const char* name, const fovea_tensor* t, int rank, const fovea_stream* stream) {
  FOVEA_TRY(check_any_tensor(op, name, t, rank, stream));
  if (device_of(stream).type == FOVEA_CPU) return check_tensor(op, name, t, rank, kF32, stream);
  FOVEA_CHECK(same(t->dtype, kF32) || same(t->dtype, kF16) || same(t->dtype, kBF16),
              "%s: %s must be f32, f16 or bf16, it is %s", op, name, describe(*t));
  return FOVEA_OK;
}

fovea_status check_channel_vector(const char* op, const char* name, const fovea_tensor* t, int64_t channels,
                                  const fovea_stream* stream) {
  if (t == nullptr) return FOVEA_OK;
  FOVEA_TRY(check_tensor(op, name, t, 1, kF32, stream));
  FOVEA_CHECK(t->shape[0] == channels, "%s: %s has %lld channels, expected %lld", op, name, static_cast<long long>(t->shape[0]),
              static_cast<long long>(channels));
  return FOVEA_OK;
}

fovea_status check_same_shape(const char* op, const char* a_name, const fovea_tensor& a, const char* b_name,
                              const fovea_tensor& b) {
  bool equal = a.rank == b.rank;
  for (int i = 0; equal && i < a.rank; ++i) equal = a.shape[i] == b.shape[i];
  FOVEA_CHECK(equal, "%s: %s is %s but %s is %s", op, a_name, describe(a), b_name, describe(b));
  return FOVEA_OK;
}

fovea_status check_no_overlap(const char* op, const char* a_name, const fovea_tensor& a, const char* b_name,
                              const fovea_tensor& b, bool in_place) {
  const auto a_begin = reinterpret_cast<uintptr_t>(a.data), b_begin = reinterpret_cast<uintptr_t>(b.data);
  const auto a_end = a_begin + static_cast<uintptr_t>(extent(a)), b_end = b_begin + static_cast<uintptr_t>(extent(b));
  if (a_begin == a_end || b_begin == b_end) return FOVEA_OK;  // empty, wherever it points
  if (a_begin >= b_end || b_begin >= a_end) return FOVEA_OK;
  if (in_place && a_begin == b_begin && a.pitch == b.pitch && a.dtype.bits == b.dtype.bits) return FOVEA_OK;
  // Interleaved channel slices of one buffer share an address range but no element.
  const int64_t size = a.dtype.bits / 8;
  if (a.pitch == b.pitch && a.dtype.bits == b.dtype.bits) {
    const int64_t row = a.pitch * size;
    const int64_t distance = static_cast<int64_t>(b_begin) - static_cast<int64_t>(a_begin);
    const int64_t offset = ((distance % row) + row) % row;
    if (offset >= last(a) * size && offset + last(b) * size <= row) return FOVEA_OK;
  }
  return fail(FOVEA_INVALID_ARGUMENT, "%s: %s and %s overlap in memory", op, a_name, b_name);
}

fovea_status check_workspace(const char* op, const fovea_workspace* workspace, int64_t needed) {
  if (needed <= 0) return FOVEA_OK;
  FOVEA_CHECK(workspace != nullptr && workspace->data != nullptr, "%s: needs a workspace of %lld bytes, got none", op,
              static_cast<long long>(needed));
  FOVEA_CHECK(workspace->bytes >= needed, "%s: workspace has %lld bytes, needs %lld", op,
              static_cast<long long>(workspace->bytes), static_cast<long long>(needed));
  FOVEA_CHECK(reinterpret_cast<uintptr_t>(workspace->data) % 64 == 0, "%s: workspace is not 64-byte aligned", op);
  return FOVEA_OK;
}

}  // namespace fovea
