// What every header of the device language layer builds on. One kernel source compiles under nvcc and, with
// native/emulator/include first on the include path, under g++: FOVEA_EMULATED tells which. Each wrapper shows its PTX
// and its emulated body side by side; kernels themselves contain neither asm nor #ifdef.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <utility>
#ifdef FOVEA_EMULATED
#include "emulated/tensor.h"
#else
#define FOVEA_EMULATED 0
#include <cuda.h>
#endif

// 1 where sm_90a bodies (wgmma, TMA, clusters) may be compiled: guard such a kernel's body with `#if FOVEA_CUDA_SM90A`.
#if FOVEA_EMULATED || !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define FOVEA_CUDA_SM90A 1
#else
#define FOVEA_CUDA_SM90A 0
#endif
// 1 where mbarriers and clusters exist (sm_90 and later).
#if FOVEA_EMULATED || !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
#define FOVEA_CUDA_SM90 1
#else
#define FOVEA_CUDA_SM90 0
#endif

#define FOVEA_DEVICE __device__ __forceinline__
// The caller's line, for the emulator's reports: the last parameter of what can block or fail.
#if FOVEA_EMULATED
#define FOVEA_CUDA_SITE , FOVEA_SITE
#define FOVEA_CUDA_ONLY_SITE FOVEA_SITE
#else
#define FOVEA_CUDA_SITE
#define FOVEA_CUDA_ONLY_SITE
#endif

namespace fovea::cuda {

// How sixteen-byte chunks of a tile in shared memory change places, for TMA and wgmma alike: chunk address bits 4.. ^=
// bits 7..; rows of a tile are 32, 64 or 128 bytes long, and the pattern needs tiles aligned to 256, 512 or 1024 bytes.
enum class Swizzle : unsigned { none, bytes32, bytes64, bytes128 };

// A generic pointer into shared memory as the 32-bit address that PTX wants.
FOVEA_DEVICE uint32_t shared_address(const void* p) {
#if FOVEA_EMULATED
  return emulator::smem_address(p);
#else
  return uint32_t(__cvta_generic_to_shared(p));
#endif
}

// The launch's dynamic shared memory, aligned to 1024 bytes; best with a struct. (`extern __shared__` cannot be emulated.)
template <class T>
FOVEA_DEVICE T* dynamic_shared() {
#if FOVEA_EMULATED
  return static_cast<T*>(emulator::dynamic_smem());
#else
  extern __shared__ __align__(1024) unsigned char fovea_dynamic_shared[];
  return reinterpret_cast<T*>(fovea_dynamic_shared);
#endif
}

}  // namespace fovea::cuda
