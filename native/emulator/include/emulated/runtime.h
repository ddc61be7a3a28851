// The host side: the part of the CUDA runtime API that Fovea uses.
#pragma once
#include "emulated/language.h"

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInvalidMemcpyDirection = 21,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorNotReady = 600,
  cudaErrorInsufficientDriver = 35,
  cudaErrorDevicesUnavailable = 46,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorECCUncorrectable = 214,
  cudaErrorNvlinkUncorrectable = 220,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchOutOfResources = 701,
  cudaErrorLaunchTimeout = 702,
  cudaErrorAssert = 710,
  cudaErrorHardwareStackError = 714,
  cudaErrorIllegalInstruction = 715,
  cudaErrorMisalignedAddress = 716,
  cudaErrorInvalidAddressSpace = 717,
  cudaErrorInvalidPc = 718,
  cudaErrorLaunchFailure = 719,
  cudaErrorCooperativeLaunchTooLarge = 720,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureInvalidated = 901,
  cudaErrorStreamCaptureUnjoined = 904,
  cudaErrorStreamCaptureWrongThread = 908
};
enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice,
  cudaMemcpyDefault
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8, cudaFuncAttributePreferredSharedMemoryCarveout = 9 };
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};
enum cudaStreamCaptureMode { cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed };
enum cudaStreamCaptureStatus { cudaStreamCaptureStatusNone, cudaStreamCaptureStatusActive, cudaStreamCaptureStatusInvalidated };
enum cudaStreamUpdateCaptureDependenciesFlags { cudaStreamAddCaptureDependencies, cudaStreamSetCaptureDependencies };
enum cudaLaunchAttributeID {
  cudaLaunchAttributeCooperative = 2,
  cudaLaunchAttributeClusterDimension = 4,
  cudaLaunchAttributeProgrammaticStreamSerialization = 6
};
constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2, cudaEventDefault = 0, cudaStreamDefault = 0,
                   cudaHostAllocDefault = 0, cudaHostAllocPortable = 1;
#define CUDART_VERSION 12040
typedef struct FoveaEmulatedStream* cudaStream_t;
typedef struct FoveaEmulatedEvent* cudaEvent_t;
typedef struct FoveaEmulatedGraph* cudaGraph_t;
typedef struct FoveaEmulatedGraphExec* cudaGraphExec_t;
typedef struct FoveaEmulatedGraphNode* cudaGraphNode_t;
struct cudaLaunchAttribute {
  cudaLaunchAttributeID id;
  struct {
    int cooperative;
    struct {
      unsigned x, y, z;
    } clusterDim;
    int programmaticStreamSerializationAllowed;
  } val;
};
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
  cudaLaunchAttribute* attrs;
  unsigned numAttrs;
};
struct cudaFuncAttributes {
  size_t sharedSizeBytes;
  int maxThreadsPerBlock, numRegs, maxDynamicSharedSizeBytes;
};
struct cudaDeviceProp {
  char name[256];
  size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor;
  int regsPerBlock, warpSize, maxThreadsPerBlock, multiProcessorCount, major, minor, maxThreadsPerMultiProcessor, l2CacheSize,
      cooperativeLaunch;
};

cudaError_t cudaMalloc(void**, size_t), cudaFree(void*), cudaMallocHost(void**, size_t), cudaFreeHost(void*),
    cudaMallocManaged(void**, size_t, unsigned = 1), cudaMallocAsync(void**, size_t, cudaStream_t),
    cudaFreeAsync(void*, cudaStream_t), cudaMemcpy(void*, const void*, size_t, cudaMemcpyKind),
    cudaMemcpyAsync(void*, const void*, size_t, cudaMemcpyKind, cudaStream_t = nullptr),
    cudaMemcpy2DAsync(void*, size_t, const void*, size_t, size_t, size_t, cudaMemcpyKind, cudaStream_t = nullptr),
    cudaMemset(void*, int, size_t), cudaMemsetAsync(void*, int, size_t, cudaStream_t = nullptr),
    cudaMemGetInfo(size_t*, size_t*), cudaStreamCreate(cudaStream_t*), cudaStreamCreateWithFlags(cudaStream_t*, unsigned),
    cudaStreamDestroy(cudaStream_t), cudaStreamSynchronize(cudaStream_t), cudaStreamQuery(cudaStream_t),
    cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned = 0), cudaEventCreate(cudaEvent_t*),
    cudaEventCreateWithFlags(cudaEvent_t*, unsigned), cudaEventDestroy(cudaEvent_t),
    cudaEventRecord(cudaEvent_t, cudaStream_t = nullptr), cudaEventSynchronize(cudaEvent_t), cudaEventQuery(cudaEvent_t),
    cudaEventElapsedTime(float*, cudaEvent_t, cudaEvent_t), cudaLaunchHostFunc(cudaStream_t, void (*)(void*), void*),
    cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode), cudaStreamEndCapture(cudaStream_t, cudaGraph_t*),
    cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus*),
    cudaGraphInstantiate(cudaGraphExec_t*, cudaGraph_t, unsigned long long = 0), cudaGraphLaunch(cudaGraphExec_t, cudaStream_t),
    cudaGraphGetNodes(cudaGraph_t, cudaGraphNode_t*, size_t*), cudaGraphUpload(cudaGraphExec_t, cudaStream_t),
    cudaStreamGetCaptureInfo_v2(cudaStream_t, cudaStreamCaptureStatus*, unsigned long long*, cudaGraph_t*, const cudaGraphNode_t**,
                                size_t*),
    cudaGraphAddChildGraphNode(cudaGraphNode_t*, cudaGraph_t, const cudaGraphNode_t*, size_t, cudaGraph_t),
    cudaStreamUpdateCaptureDependencies(cudaStream_t, cudaGraphNode_t*, size_t, unsigned), cudaHostAlloc(void**, size_t, unsigned),
    cudaDriverGetVersion(int*), cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode*),
    cudaGraphDestroy(cudaGraph_t), cudaGraphExecDestroy(cudaGraphExec_t), cudaDeviceSynchronize(), cudaGetDevice(int*),
    cudaSetDevice(int), cudaGetDeviceCount(int*), cudaGetDeviceProperties(cudaDeviceProp*, int),
    cudaDeviceGetAttribute(int*, cudaDeviceAttr, int), cudaGetLastError(), cudaPeekAtLastError();
const char *cudaGetErrorString(cudaError_t), *cudaGetErrorName(cudaError_t);
namespace fovea::emulator {
struct Launch {
  dim3 grid, block, cluster;
  size_t smem;
  bool cooperative;
  bool overlap;  // programmatic dependent launch
  const void* fn;
  std::function<void()> body;
};
cudaError_t launch(Launch, cudaStream_t);
cudaError_t func_smem(const void* fn, int bytes);
cudaError_t func_attributes(cudaFuncAttributes*, const void* fn);
cudaError_t occupancy(int* blocks, int threads, size_t smem);
void reset(unsigned seed);  // forget everything queued or failed; 0 and 1: first/last runnable thread, else random
const char* last_report();  // what the last device-side failure said, "" if none
struct Stats {
  uint64_t switches, ldmatrix, ldmatrix_conflicts;
};
Stats& stats();
}  // namespace fovea::emulator
template <class T>
cudaError_t cudaMalloc(T** p, size_t n) {
  return cudaMalloc((void**)p, n);
}
template <class T>
cudaError_t cudaMallocHost(T** p, size_t n) {
  return cudaMallocHost((void**)p, n);
}
template <class T>
cudaError_t cudaMallocAsync(T** p, size_t n, cudaStream_t s) {
  return cudaMallocAsync((void**)p, n, s);
}
template <class T>
cudaError_t cudaMemcpyToSymbol(T& sym, const void* src, size_t n, size_t off = 0, cudaMemcpyKind = cudaMemcpyHostToDevice) {
  cudaDeviceSynchronize();
  memcpy((char*)&sym + off, src, n);
  return cudaSuccess;
}
template <class F>
cudaError_t cudaFuncSetAttribute(F* f, cudaFuncAttribute a, int v) {
  return a == cudaFuncAttributeMaxDynamicSharedMemorySize ? fovea::emulator::func_smem((const void*)f, v) : cudaSuccess;
}
template <class F>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* a, F* f) {
  return fovea::emulator::func_attributes(a, (const void*)f);
}
template <class F>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* n, F*, int threads, size_t smem) {
  return fovea::emulator::occupancy(n, threads, smem);
}
template <class... P, class... A>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* c, void (*kernel)(P...), A&&... a) {
  fovea::emulator::Launch l{
      c->gridDim,
      c->blockDim,
      1,
      c->dynamicSmemBytes,
      false,
      false,
      (const void*)kernel,
      [kernel, args = std::tuple<std::decay_t<P>...>(std::forward<A>(a)...)] { std::apply(kernel, args); }};
  for (unsigned i = 0; i < c->numAttrs; i++) {
    const auto& value = c->attrs[i].val;
    switch (c->attrs[i].id) {
      case cudaLaunchAttributeCooperative: l.cooperative = value.cooperative; break;
      case cudaLaunchAttributeClusterDimension:
        l.cluster = dim3(value.clusterDim.x, value.clusterDim.y, value.clusterDim.z);
        break;
      case cudaLaunchAttributeProgrammaticStreamSerialization: l.overlap = value.programmaticStreamSerializationAllowed; break;
    }
  }
  return fovea::emulator::launch(std::move(l), c->stream);
}
