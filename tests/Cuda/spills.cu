// Breaks the budget twice: registers that a launch bound does not leave, and an array that only memory can index.

template <int Count>
__global__ void __launch_bounds__(1024, 2) spilling_kernel(const float *x, float *y) {
  float values[Count];
#pragma unroll
  for (int i = 0; i < Count; ++i) values[i] = x[i * 1024 + threadIdx.x];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < Count; ++i) y[i * 1024 + threadIdx.x] = values[i] * values[(i * 7 + 3) % Count];
}
template __global__ void spilling_kernel<64>(const float *, float *);

__global__ void local_memory_kernel(const int *index, float *y) {
  float values[64];
  for (int i = 0; i < 64; ++i) values[index[i] & 63] = y[i];
  y[threadIdx.x] = values[threadIdx.x & 63];
}
