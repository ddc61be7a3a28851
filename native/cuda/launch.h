// Launching a kernel: cudaLaunchKernelEx in both builds, so clusters and cooperative grids are options, not other calls.
#pragma once
#include "cuda/base.h"

namespace fovea::cuda {

struct LaunchOptions {
  dim3 cluster = 1;          // blocks that run together and see each other's shared memory
  bool cooperative = false;  // the whole grid is resident: grid_sync() is allowed
  bool overlap = false;      // may start before its predecessor ends: the kernel calls grid_dependency_wait() (sm_90)
};

template <class... Parameters, class... Arguments>
cudaError_t launch_with(LaunchOptions options, void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes,
                        cudaStream_t stream, Arguments&&... arguments) {
  if (shared_bytes > 48 << 10) {  // more than the default must be asked for; a graph does so once, when it is captured
    const cudaError_t e = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared_bytes));
    if (e != cudaSuccess) return e;
  }
  cudaLaunchAttribute attributes[3];
  unsigned count = 0;
  if (options.cooperative) {
    attributes[count].id = cudaLaunchAttributeCooperative;
    attributes[count++].val.cooperative = 1;
  }
  if (options.cluster.x * options.cluster.y * options.cluster.z > 1) {
    attributes[count].id = cudaLaunchAttributeClusterDimension;
    attributes[count].val.clusterDim.x = options.cluster.x;
    attributes[count].val.clusterDim.y = options.cluster.y;
    attributes[count++].val.clusterDim.z = options.cluster.z;
  }
  if (options.overlap) {
    attributes[count].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[count++].val.programmaticStreamSerializationAllowed = 1;
  }
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  config.attrs = attributes;
  config.numAttrs = count;
  return cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
}

template <class... Parameters, class... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
                   Arguments&&... arguments) {
  return launch_with({}, kernel, grid, block, shared_bytes, stream, std::forward<Arguments>(arguments)...);
}

}  // namespace fovea::cuda
