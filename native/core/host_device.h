// Functions that host code and kernels of a GPU both call.
#pragma once

#ifdef __CUDACC__
#define FOVEA_HOST_DEVICE __host__ __device__
#else
#define FOVEA_HOST_DEVICE
#endif
