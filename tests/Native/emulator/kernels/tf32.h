#pragma once
#include "cuda/kernel.h"
// big[i], small[i]: the parts of floats[i]; n is a multiple of 32.
cudaError_t run_split_tf32(const float* floats, uint32_t* big, uint32_t* small, int n, cudaStream_t s);
// d[16][8] += a[16][8] b[8][8] by one mma.sync.
cudaError_t run_mma_tf32(const uint32_t* a, const uint32_t* b, float* d, cudaStream_t s);
