// ldmatrix and mma.sync.
#include "tensor_internal.h"

namespace fovea::emulator {
void ldmatrix(uint32_t* r, int n, bool trans, const void* row, const char* file, int line) {
  struct A {
    uint32_t* r;
    int n;
    bool trans;
    const char* row;
  } a{r, n, trans, (const char*)row};
  if (int(self().lane) < 8 * n) {
    if (uintptr_t(row) % 16) fail("ldmatrix at %s:%d: row address %p is not 16-byte aligned", file, line, row);
    access(row, 16, Read, FOVEA_CALLER);
  }
  warp_op(
      ~0u, trans ? "ldmatrix.trans" : "ldmatrix", &a,
      [](void* const* p, unsigned) {
        A& a0 = *(A*)p[0];
        for (int m = 0; m < a0.n; m++) {
          uint16_t tile[8][8];
          unsigned used = 0;
          for (int i = 0; i < 8; i++) {
            const char* q = ((A*)p[8 * m + i])->row;
            memcpy(tile[i], q, 16);
            used |= 1u << (uintptr_t(q) / 16 % 8);
          }
          __atomic_fetch_add(&stats().ldmatrix, 1, __ATOMIC_RELAXED);
          __atomic_fetch_add(&stats().ldmatrix_conflicts, 8 - __builtin_popcount(used), __ATOMIC_RELAXED);
          for (int l = 0; l < 32; l++) {
            int i = l / 4, j = l % 4 * 2;
            uint32_t lo = a0.trans ? tile[j][i] : tile[i][j], hi = a0.trans ? tile[j + 1][i] : tile[i][j + 1];
            ((A*)p[l])->r[m] = lo | hi << 16;
          }
        }
      },
      file, line);
}
// 16 rows x N columns x 16 deep; products of 16-bit floats are exact in float, so fused or not makes no difference
__attribute__((target_clones("arch=haswell", "default"))) void multiply(float* d, const float* a, const float* b, int n) {
  for (int i = 0; i < 16; i++)
    for (int k = 0; k < 16; k++)
      for (int j = 0; j < n; j++) d[i * n + j] += a[i * 16 + k] * b[k * n + j];
}
__attribute__((target_clones("arch=haswell", "default"))) static void multiply8(float* d, const float* a, const float* b) {
  for (int i = 0; i < 16; i++) {
    float r[8];
    for (int j = 0; j < 8; j++) r[j] = d[i * 8 + j];
    for (int k = 0; k < 16; k++)
      for (int j = 0; j < 8; j++) r[j] += a[i * 16 + k] * b[k * 8 + j];
    for (int j = 0; j < 8; j++) d[i * 8 + j] = r[j];
  }
}
struct MmaArg {
  float* d;
  const uint32_t *a, *b;
};
template <bool BF>
static void mma_body(void* const* p, unsigned) {
  alignas(32) float A[256], B[128], D[128];
  for (int l = 0; l < 32; l++) {
    MmaArg& x = *(MmaArg*)p[l];
    int g = l / 4, t = l % 4 * 2;
    for (int r = 0; r < 4; r++)
      for (int e = 0; e < 2; e++) A[(g + r % 2 * 8) * 16 + t + r / 2 * 8 + e] = value<BF>(uint16_t(x.a[r] >> 16 * e));
    for (int r = 0; r < 2; r++)
      for (int e = 0; e < 2; e++) B[(t + r * 8 + e) * 8 + g] = value<BF>(uint16_t(x.b[r] >> 16 * e));
    for (int r = 0; r < 4; r++) D[(g + r / 2 * 8) * 8 + t + r % 2] = x.d[r];
  }
  multiply8(D, A, B);
  for (int l = 0; l < 32; l++)
    for (int r = 0; r < 4; r++) ((MmaArg*)p[l])->d[r] = D[(l / 4 + r / 2 * 8) * 8 + l % 4 * 2 + r % 2];
}
void mma(float* d, const uint32_t* a, const uint32_t* b, bool bf16, const char* file, int line) {
  MmaArg x{d, a, b};
  warp_op(~0u, "mma.sync", &x, bf16 ? mma_body<true> : mma_body<false>, file, line);
}

}  // namespace fovea::emulator
