#pragma once
#include "cuda/kernel.h"
using bf16 = __nv_bfloat16;
cudaError_t gemm_mma(const bf16* a, const bf16* b, float* c, int m, int n, int k, cudaStream_t s);    // b is k x n
cudaError_t gemm_wgmma(const bf16* a, const bf16* b, float* c, int m, int n, int k, cudaStream_t s);  // b is n x k
cudaError_t conv3x3(const bf16* in, const bf16* w, float* out, int h, int wd, cudaStream_t s);        // NHWC, 64 -> 64
cudaError_t attention(const bf16* q, const bf16* k, const bf16* v, bf16* o, int heads, int len,
                      cudaStream_t s);  // head size 64
cudaError_t selective_scan(const float* x, const float* dt, const float* A, const float* B, const float* C, float* y, int len,
                           int dim, cudaStream_t s);
