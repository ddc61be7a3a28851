// Conformance: stmatrix and every mma.sync shape.
#include "conformance.h"

using namespace fovea::cuda;
namespace {
__global__ void matrix_case(uint32_t* out, int kind) {
#if FOVEA_CUDA_SM90
  uint16_t* s = dynamic_shared<uint16_t>();
  const uint32_t l = threadIdx.x;
  for (int i = int(l); i < 512; i += 32) s[i] = uint16_t(i);
  __syncthreads();
  uint16_t* row = s + l * 8;
  uint32_t r4[4], r2[2], r1[1];
  for (uint32_t i = 0; i < 4; i++) r4[i] = (l * 8 + i * 2) | (l * 8 + i * 2 + 1) << 16;
  for (uint32_t i = 0; i < 2; i++) r2[i] = r4[i];
  r1[0] = r4[0];
  if (kind == 0) stmatrix_x1(row, r1);
  if (kind == 1) stmatrix_x1_trans(row, r1);
  if (kind == 2) stmatrix_x2(row, r2);
  if (kind == 3) stmatrix_x2_trans(row, r2);
  if (kind == 4) stmatrix_x4(row, r4);
  if (kind == 5) stmatrix_x4_trans(row, r4);
  if (kind == 6) ldmatrix_x1(r1, row);
  if (kind == 7) ldmatrix_x1_trans(r1, row);
  __syncthreads();
  if (kind >= 6)
    out[l] = r1[0];
  else
    for (int i = int(l); i < 256; i += 32) out[i] = uint32_t(s[i * 2]) | uint32_t(s[i * 2 + 1]) << 16;
#endif
}

enum Shape { Bf16K8, F16K8, Tf32K8, Tf32K4, S8K32, U8S8K32, S8K16 };
__global__ void shape_case(uint32_t* out, int shape) {
  const uint32_t l = threadIdx.x;
  auto word = [&](uint32_t i) -> uint32_t {
    if (shape == Bf16K8) return pack_bf16(small_number(i), small_number(i + 777));
    if (shape == F16K8) return pack_f16(small_number(i), small_number(i + 777));
    if (shape == Tf32K8 || shape == Tf32K4) return __float_as_uint(small_number(i)) | (i & 0xfff);  // low bits are ignored
    return mix(i);
  };
  uint32_t a4[4], a2[2], b2[2], b1[1];
  for (uint32_t i = 0; i < 4; i++) a4[i] = word(l * 8 + i);
  for (uint32_t i = 0; i < 2; i++) b2[i] = word(l * 8 + 4 + i);
  a2[0] = a4[0];
  a2[1] = a4[1];
  b1[0] = b2[0];
  float d[4];
  int n[4];
  for (uint32_t i = 0; i < 4; i++) {
    d[i] = small_number(l * 4 + i + 5000);
    n[i] = int(mix(l * 4 + i + 5000));
  }
  if (shape == Bf16K8) mma_bf16_k8(d, a2, b1);
  if (shape == F16K8) mma_f16_k8(d, a2, b1);
  if (shape == Tf32K8) mma_tf32(d, a4, b2);
  if (shape == Tf32K4) mma_tf32_k4(d, a2, b1);
  if (shape == S8K32) mma_s8(n, a4, b2);
  if (shape == U8S8K32) mma_u8s8(n, a4, b2);
  if (shape == S8K16) mma_s8_k16(n, a2, b1);
  for (int i = 0; i < 4; i++) out[l * 4 + uint32_t(i)] = shape < S8K32 ? __float_as_uint(d[i]) : uint32_t(n[i]);
}
}  // namespace

void conformance_mma(const Conformance& c) {
  const char* matrices[] = {"stmatrix.x1", "stmatrix.x1.trans", "stmatrix.x2", "stmatrix.x2.trans",
                            "stmatrix.x4", "stmatrix.x4.trans", "ldmatrix.x1", "ldmatrix.x1.trans"};
  for (int k = 0; k < 8; k++) c.record(matrices[k], [&] { launch(matrix_case, 1, 32, 1024, nullptr, c.out, k); });
  const char* shapes[] = {"mma.m16n8k8.bf16", "mma.m16n8k8.f16",    "mma.m16n8k8.tf32", "mma.m16n8k4.tf32",
                          "mma.m16n8k32.s8",  "mma.m16n8k32.u8.s8", "mma.m16n8k16.s8"};
  for (int k = 0; k < 7; k++) c.record(shapes[k], [&] { launch(shape_case, 1, 32, 0, nullptr, c.out, k); });
}
