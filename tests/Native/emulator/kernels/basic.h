#pragma once
#include "cuda/kernel.h"
cudaError_t run_block_sum(const float* in, float* out, int n, cudaStream_t s);
cudaError_t run_transpose(const float* in, float* out, int r, int c, cudaStream_t s);
cudaError_t run_histogram(const unsigned char* in, unsigned* bins, int n, const int* map, cudaStream_t s);
cudaError_t run_last_block_sum(const float* in, float* partial, unsigned* count, float* out, int n, cudaStream_t s);
cudaError_t run_grid_scan(int* data, int* sums, int blocks, cudaStream_t s);
cudaError_t run_cluster_rotate(int* out, cudaStream_t s);
cudaError_t run_grid_static(int* out, cudaStream_t s);
