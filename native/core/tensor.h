// Reading and validating tensor descriptors. Validation happens once, at the door, before anything is enqueued.
#pragma once

#include "core/status.h"
#include "fovea/device.h"

// Vector bodies include this header. A copy that was not inlined would be a weak symbol compiled for one instruction set, and
// the linker could keep it for the whole library (see simd.h).
#define FOVEA_ALWAYS_INLINE [[gnu::always_inline]] inline

namespace fovea {

inline constexpr fovea_dtype kF32{FOVEA_FLOAT, 32, 1};
inline constexpr fovea_dtype kF16{FOVEA_FLOAT, 16, 1};
inline constexpr fovea_dtype kBF16{FOVEA_BFLOAT, 16, 1};
inline constexpr fovea_dtype kU8{FOVEA_UINT, 8, 1};
inline constexpr fovea_dtype kI32{FOVEA_INT, 32, 1};
inline constexpr fovea_dtype kI64{FOVEA_INT, 64, 1};

FOVEA_ALWAYS_INLINE bool same(fovea_dtype a, fovea_dtype b) { return a.code == b.code && a.bits == b.bits; }
const char* dtype_name(fovea_dtype dtype);

// "[1, 192, 129, 3] f32" in a rotating thread-local buffer: up to four results may be used in one message.
const char* describe(const fovea_tensor& t);

FOVEA_ALWAYS_INLINE int64_t elements(const fovea_tensor& t) {
  int64_t n = 1;
  for (int i = 0; i < t.rank; ++i) n *= t.shape[i];
  return n;
}

// Product of all dimensions but the last: the number of pitch-spaced rows.
FOVEA_ALWAYS_INLINE int64_t rows(const fovea_tensor& t) {
  int64_t n = 1;
  for (int i = 0; i + 1 < t.rank; ++i) n *= t.shape[i];
  return n;
}

FOVEA_ALWAYS_INLINE int64_t last(const fovea_tensor& t) { return t.rank == 0 ? 1 : t.shape[t.rank - 1]; }
FOVEA_ALWAYS_INLINE bool contiguous(const fovea_tensor& t) { return t.pitch == last(t) || rows(t) <= 1; }

// Leading rows that carry data. Read inside kernels only: the number lives on the device.
FOVEA_ALWAYS_INLINE int64_t live_rows(const int32_t* live, int64_t capacity) {
  if (live == nullptr) return capacity;
  const int64_t n = *live;
  return n < 0 ? 0 : n > capacity ? capacity : n;
}

inline constexpr int kAnyRank = -1;

// Null pointers, rank, non-negative dimensions, element count without overflow, pitch, alignment, data type, device.
fovea_status check_tensor(const char* op, const char* name, const fovea_tensor* t, int rank, fovea_dtype dtype,
                          const fovea_stream* stream);
// As above for any of the ABI's data types.
fovea_status check_any_tensor(const char* op, const char* name, const fovea_tensor* t, int rank, const fovea_stream* stream);

// A tensor of floats in the data types that the stream's backend computes with: f32 on the CPU, f32, f16 and bf16 on others.
fovea_status check_float_tensor(const char* op, const char* name, const fovea_tensor* t, int rank, const fovea_stream* stream);

// A [channels] f32 vector that may be NULL (bias, slope).
fovea_status check_channel_vector(const char* op, const char* name, const fovea_tensor* t, int64_t channels,
                                  const fovea_stream* stream);

fovea_status check_same_shape(const char* op, const char* a_name, const fovea_tensor& a, const char* b_name,
                              const fovea_tensor& b);

// Refuses partial overlap. `in_place` permits the same data pointer with the same pitch.
fovea_status check_no_overlap(const char* op, const char* a_name, const fovea_tensor& a, const char* b_name,
                              const fovea_tensor& b, bool in_place);

fovea_status check_workspace(const char* op, const fovea_workspace* workspace, int64_t needed);

}  // namespace fovea
