// The one include of a kernel source. Rules: launches through fovea::cuda::launch, dynamic shared memory through
// dynamic_shared<T>(), kernels in an anonymous namespace, no asm, no __device__ variables.
#pragma once
#include "cuda/async_copy.h"
#include "cuda/base.h"
#include "cuda/cluster.h"
#include "cuda/convert.h"
#include "cuda/launch.h"
#include "cuda/mbarrier.h"
#include "cuda/memory_order.h"
#include "cuda/tma.h"
#include "cuda/warp_mma.h"
#include "cuda/wgmma.h"
