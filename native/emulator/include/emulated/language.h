// The CUDA C++ language as plain g++ reads it: keywords, built-in variables and vector types. Every CUDA thread is a fiber.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#define FOVEA_EMULATED 1
#define __host__
#define __device__
#define __global__
#define __grid_constant__
#define __launch_bounds__(...)
#define __cluster_dims__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(n) __attribute__((aligned(n)))
#define __constant__ static
// Static shared memory is thread-local to the OS thread that runs the block. Kernel files are linked between two markers
// (shared_begin.cc, shared_end.cc), so that the emulator finds, poisons and shadows it; they have no other thread-local data.
#define __shared__ static thread_local

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return {x, y, z}; }
};
extern __thread uint3 threadIdx, blockIdx;
extern __thread dim3 blockDim, gridDim;
constexpr int warpSize = 32;

#define FOVEA_VECTOR(T, N, A2, A4)                             \
  struct N##1 {                                                \
    T x;                                                       \
  };                                                           \
  struct __attribute__((aligned(A2))) N##2 {                   \
    T x, y;                                                    \
  };                                                           \
  struct N##3 {                                                \
    T x, y, z;                                                 \
  };                                                           \
  struct __attribute__((aligned(A4))) N##4 {                   \
    T x, y, z, w;                                              \
  };                                                           \
  inline N##1 make_##N##1(T x) { return {x}; }                 \
  inline N##2 make_##N##2(T x, T y) { return {x, y}; }         \
  inline N##3 make_##N##3(T x, T y, T z) { return {x, y, z}; } \
  inline N##4 make_##N##4(T x, T y, T z, T w) { return {x, y, z, w}; }
FOVEA_VECTOR(float, float, 8, 16)
FOVEA_VECTOR(int, int, 8, 16)
FOVEA_VECTOR(signed char, char, 2, 4)
FOVEA_VECTOR(unsigned char, uchar, 2, 4)
FOVEA_VECTOR(short, short, 4, 8)
FOVEA_VECTOR(unsigned short, ushort, 4, 8)
FOVEA_VECTOR(long long, longlong, 16, 16)
FOVEA_VECTOR(unsigned long long, ulonglong, 16, 16)
FOVEA_VECTOR(double, double, 16, 16)
#undef FOVEA_VECTOR
struct uint1 {
  unsigned x;
};
struct __attribute__((aligned(8))) uint2 {
  unsigned x, y;
};
struct __attribute__((aligned(16))) uint4 {
  unsigned x, y, z, w;
};
inline uint1 make_uint1(unsigned x) { return {x}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
