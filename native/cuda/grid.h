// The grid barrier of cooperative launches. Not part of cuda/kernel.h: CUDA's header for it brings hundreds of others, which
// took a third of nvcc's time for every kernel file.
#pragma once
#include "cuda/base.h"
#if !FOVEA_EMULATED
#include <cooperative_groups.h>
#endif

namespace fovea::cuda {

// Every thread of the grid; only in launches with LaunchOptions::cooperative.
FOVEA_DEVICE void grid_sync(FOVEA_CUDA_ONLY_SITE) {
#if FOVEA_EMULATED
  emulator::group_barrier(true, FOVEA_AT);
#else
  cooperative_groups::this_grid().sync();
#endif
}

}  // namespace fovea::cuda
