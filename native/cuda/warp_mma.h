// Tensor-core instructions of one warp: ldmatrix and mma.sync (sm_80 and later).
#pragma once
#include "cuda/base.h"

namespace fovea::cuda {

// Loads 8x8 matrices of 16-bit elements; lane l passes the 16-byte row l % 8 of matrix l / 8 (lanes beyond the last matrix
// pass any valid address).
#if FOVEA_EMULATED
#define FOVEA_LDMATRIX(name, count, transposed, ptx, outputs, address, ...)  \
  FOVEA_DEVICE void name(uint32_t(&r)[count], const void* row, FOVEA_SITE) { \
    emulator::ldmatrix(r, count, transposed, row, FOVEA_AT);                 \
  }
#else
#define FOVEA_LDMATRIX(name, count, transposed, ptx, outputs, address, ...)                  \
  FOVEA_DEVICE void name(uint32_t(&r)[count], const void* row) {                             \
    asm volatile("ldmatrix.sync.aligned.m8n8." ptx ".shared.b16 " outputs ", [" address "];" \
                 : __VA_ARGS__                                                               \
                 : "r"(shared_address(row))                                                  \
                 : "memory");                                                                \
  }
#endif
FOVEA_LDMATRIX(ldmatrix_x1, 1, false, "x1", "{%0}", "%1", "=r"(r[0]))
FOVEA_LDMATRIX(ldmatrix_x1_trans, 1, true, "x1.trans", "{%0}", "%1", "=r"(r[0]))
FOVEA_LDMATRIX(ldmatrix_x2, 2, false, "x2", "{%0,%1}", "%2", "=r"(r[0]), "=r"(r[1]))
FOVEA_LDMATRIX(ldmatrix_x2_trans, 2, true, "x2.trans", "{%0,%1}", "%2", "=r"(r[0]), "=r"(r[1]))
FOVEA_LDMATRIX(ldmatrix_x4, 4, false, "x4", "{%0,%1,%2,%3}", "%4", "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]))
FOVEA_LDMATRIX(ldmatrix_x4_trans, 4, true, "x4.trans", "{%0,%1,%2,%3}", "%4", "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]))
#undef FOVEA_LDMATRIX

// d[16x8] += a[16x16] b[16x8], 16-bit floats with float accumulators, fragments as PTX lays them out.
#if FOVEA_EMULATED
#define FOVEA_MMA(name, type)                                                                      \
  FOVEA_DEVICE void name(float(&d)[4], const uint32_t(&a)[4], const uint32_t(&b)[2], FOVEA_SITE) { \
    emulator::mma(d, a, b, type[0] == 'b', FOVEA_AT);                                              \
  }
#else
#define FOVEA_MMA(name, type)                                                          \
  FOVEA_DEVICE void name(float(&d)[4], const uint32_t(&a)[4], const uint32_t(&b)[2]) { \
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." type "." type                \
                 ".f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"          \
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                      \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));  \
  }
#endif
FOVEA_MMA(mma_bf16, "bf16")
FOVEA_MMA(mma_f16, "f16")
#undef FOVEA_MMA

// Two floats rounded to nearest even into one register, `low` in the low half.
FOVEA_DEVICE uint32_t pack_bf16(float low, float high) {
#if FOVEA_EMULATED
  return __nv_bfloat16(low).bits | uint32_t(__nv_bfloat16(high).bits) << 16;
#else
  uint32_t r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
#endif
}
FOVEA_DEVICE uint32_t pack_f16(float low, float high) {
#if FOVEA_EMULATED
  return __half(low).bits | uint32_t(__half(high).bits) << 16;
#else
  uint32_t r;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
#endif
}

}  // namespace fovea::cuda
