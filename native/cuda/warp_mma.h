// Tensor-core instructions of one warp: ldmatrix and mma.sync (sm_80), stmatrix (sm_90).
#pragma once
#include "cuda/convert.h"

namespace fovea::cuda {

// ---- ldmatrix: 8x8 matrices of 16-bit elements; lane l passes the 16-byte row l % 8 of matrix l / 8 (lanes beyond the last
// matrix pass anything). Lane l gets elements 2 (l % 4) and + 1 of row l / 4 of every matrix; of column l / 4 with _trans. ----
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
FOVEA_LDMATRIX(ldmatrix_x1, 1, false, "x1", "{%0}", "%1", "=r"(r[0]));
FOVEA_LDMATRIX(ldmatrix_x1_trans, 1, true, "x1.trans", "{%0}", "%1", "=r"(r[0]));
FOVEA_LDMATRIX(ldmatrix_x2, 2, false, "x2", "{%0,%1}", "%2", "=r"(r[0]), "=r"(r[1]));
FOVEA_LDMATRIX(ldmatrix_x2_trans, 2, true, "x2.trans", "{%0,%1}", "%2", "=r"(r[0]), "=r"(r[1]));
FOVEA_LDMATRIX(ldmatrix_x4, 4, false, "x4", "{%0,%1,%2,%3}", "%4", "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]));
FOVEA_LDMATRIX(ldmatrix_x4_trans, 4, true, "x4.trans", "{%0,%1,%2,%3}", "%4", "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]));
#undef FOVEA_LDMATRIX

#if FOVEA_CUDA_SM90
// ---- stmatrix: the reverse of ldmatrix ----
#if FOVEA_EMULATED
#define FOVEA_STMATRIX(name, count, transposed, ptx, inputs, ...)            \
  FOVEA_DEVICE void name(void* row, const uint32_t(&r)[count], FOVEA_SITE) { \
    emulator::stmatrix(r, count, transposed, row, FOVEA_AT);                 \
  }
#else
#define FOVEA_STMATRIX(name, count, transposed, ptx, inputs, ...)                                                          \
  FOVEA_DEVICE void name(void* row, const uint32_t(&r)[count]) {                                                           \
    asm volatile("stmatrix.sync.aligned.m8n8." ptx ".shared.b16 [%0], " inputs ";" ::"r"(shared_address(row)), __VA_ARGS__ \
                 : "memory");                                                                                              \
  }
#endif
FOVEA_STMATRIX(stmatrix_x1, 1, false, "x1", "{%1}", "r"(r[0]));
FOVEA_STMATRIX(stmatrix_x1_trans, 1, true, "x1.trans", "{%1}", "r"(r[0]));
FOVEA_STMATRIX(stmatrix_x2, 2, false, "x2", "{%1,%2}", "r"(r[0]), "r"(r[1]));
FOVEA_STMATRIX(stmatrix_x2_trans, 2, true, "x2.trans", "{%1,%2}", "r"(r[0]), "r"(r[1]));
FOVEA_STMATRIX(stmatrix_x4, 4, false, "x4", "{%1,%2,%3,%4}", "r"(r[0]), "r"(r[1]), "r"(r[2]), "r"(r[3]));
FOVEA_STMATRIX(stmatrix_x4_trans, 4, true, "x4.trans", "{%1,%2,%3,%4}", "r"(r[0]), "r"(r[1]), "r"(r[2]), "r"(r[3]));
#undef FOVEA_STMATRIX
#endif

// ---- mma.sync: d[16x8] += a[16xK] b[Kx8], A by rows, B by columns, fragments as PTX lays them out: lane 4 g + t holds rows g
// and g + 8, and 32 bits of K from t on. ----
#if FOVEA_EMULATED
#define FOVEA_MMA(name, D, na, nb, type, ptx, constraint, d_list, a_list, b_list, a_operands, b_operands) \
  FOVEA_DEVICE void name(D(&d)[4], const uint32_t(&a)[na], const uint32_t(&b)[nb], FOVEA_SITE) {          \
    emulator::mma(d, a, b, emulator::MmaType::type, na, FOVEA_AT);                                        \
  }
#else
#define FOVEA_UNPACK(...) __VA_ARGS__
#define FOVEA_MMA(name, D, na, nb, type, ptx, constraint, d_list, a_list, b_list, a_operands, b_operands) \
  FOVEA_DEVICE void name(D(&d)[4], const uint32_t(&a)[na], const uint32_t(&b)[nb]) {                      \
    asm volatile("mma.sync.aligned." ptx " " d_list ", " a_list ", " b_list ", " d_list ";"               \
                 : constraint(d[0]), constraint(d[1]), constraint(d[2]), constraint(d[3])                 \
                 : FOVEA_UNPACK a_operands, FOVEA_UNPACK b_operands);                                     \
  }
#endif
#define FOVEA_MMA_4_2(name, D, type, ptx, constraint)                                          \
  FOVEA_MMA(name, D, 4, 2, type, ptx, constraint, "{%0,%1,%2,%3}", "{%4,%5,%6,%7}", "{%8,%9}", \
            ("r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3])), ("r"(b[0]), "r"(b[1])))
#define FOVEA_MMA_2_1(name, D, type, ptx, constraint) \
  FOVEA_MMA(name, D, 2, 1, type, ptx, constraint, "{%0,%1,%2,%3}", "{%4,%5}", "{%6}", ("r"(a[0]), "r"(a[1])), ("r"(b[0])))
FOVEA_MMA_4_2(mma_bf16, float, bf16, "m16n8k16.row.col.f32.bf16.bf16.f32", "+f");
FOVEA_MMA_4_2(mma_f16, float, f16, "m16n8k16.row.col.f32.f16.f16.f32", "+f");
FOVEA_MMA_2_1(mma_bf16_k8, float, bf16, "m16n8k8.row.col.f32.bf16.bf16.f32", "+f");
FOVEA_MMA_2_1(mma_f16_k8, float, f16, "m16n8k8.row.col.f32.f16.f16.f32", "+f");
FOVEA_MMA_4_2(mma_tf32, float, tf32, "m16n8k8.row.col.f32.tf32.tf32.f32", "+f");     // K = 8; round with round_tf32 first
FOVEA_MMA_2_1(mma_tf32_k4, float, tf32, "m16n8k4.row.col.f32.tf32.tf32.f32", "+f");  // K = 4
FOVEA_MMA_4_2(mma_s8, int, s8, "m16n8k32.row.col.s32.s8.s8.s32", "+r");              // K = 32, sums wrap
FOVEA_MMA_4_2(mma_u8s8, int, u8s8, "m16n8k32.row.col.s32.u8.s8.s32", "+r");
FOVEA_MMA_2_1(mma_s8_k16, int, s8, "m16n8k16.row.col.s32.s8.s8.s32", "+r");
#undef FOVEA_MMA_4_2
#undef FOVEA_MMA_2_1
#undef FOVEA_MMA
#if !FOVEA_EMULATED
#undef FOVEA_UNPACK
#endif

}  // namespace fovea::cuda
