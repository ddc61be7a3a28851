// The host side: the part of the CUDA runtime API that Fovea uses, with CUDA's names and numbers.
#pragma once
#include "emulated/language.h"

#define CUDART_VERSION 12040

// X(name, number)
#define FOVEA_CUDA_ERRORS(X)                   \
  X(cudaSuccess, 0)                            \
  X(cudaErrorInvalidValue, 1)                  \
  X(cudaErrorMemoryAllocation, 2)              \
  X(cudaErrorInitializationError, 3)           \
  X(cudaErrorInvalidConfiguration, 9)          \
  X(cudaErrorInvalidMemcpyDirection, 21)       \
  X(cudaErrorInsufficientDriver, 35)           \
  X(cudaErrorDevicesUnavailable, 46)           \
  X(cudaErrorInvalidDeviceFunction, 98)        \
  X(cudaErrorNoDevice, 100)                    \
  X(cudaErrorInvalidDevice, 101)               \
  X(cudaErrorNoKernelImageForDevice, 209)      \
  X(cudaErrorECCUncorrectable, 214)            \
  X(cudaErrorNvlinkUncorrectable, 220)         \
  X(cudaErrorInvalidResourceHandle, 400)       \
  X(cudaErrorIllegalState, 401)                \
  X(cudaErrorNotReady, 600)                    \
  X(cudaErrorIllegalAddress, 700)              \
  X(cudaErrorLaunchOutOfResources, 701)        \
  X(cudaErrorLaunchTimeout, 702)               \
  X(cudaErrorPeerAccessAlreadyEnabled, 704)    \
  X(cudaErrorAssert, 710)                      \
  X(cudaErrorHostMemoryAlreadyRegistered, 712) \
  X(cudaErrorHostMemoryNotRegistered, 713)     \
  X(cudaErrorHardwareStackError, 714)          \
  X(cudaErrorIllegalInstruction, 715)          \
  X(cudaErrorMisalignedAddress, 716)           \
  X(cudaErrorInvalidAddressSpace, 717)         \
  X(cudaErrorInvalidPc, 718)                   \
  X(cudaErrorLaunchFailure, 719)               \
  X(cudaErrorCooperativeLaunchTooLarge, 720)   \
  X(cudaErrorNotSupported, 801)                \
  X(cudaErrorStreamCaptureUnsupported, 900)    \
  X(cudaErrorStreamCaptureInvalidated, 901)    \
  X(cudaErrorStreamCaptureMerge, 902)          \
  X(cudaErrorStreamCaptureUnmatched, 903)      \
  X(cudaErrorStreamCaptureUnjoined, 904)       \
  X(cudaErrorStreamCaptureIsolation, 905)      \
  X(cudaErrorCapturedEvent, 907)               \
  X(cudaErrorStreamCaptureWrongThread, 908)    \
  X(cudaErrorUnknown, 999)
enum cudaError_t {
#define FOVEA_ERROR(name, number) name = number,
  FOVEA_CUDA_ERRORS(FOVEA_ERROR)
#undef FOVEA_ERROR
};
enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice,
  cudaMemcpyDefault
};
enum cudaMemoryType { cudaMemoryTypeUnregistered, cudaMemoryTypeHost, cudaMemoryTypeDevice, cudaMemoryTypeManaged };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8, cudaFuncAttributePreferredSharedMemoryCarveout = 9 };
enum cudaDeviceAttr {
  cudaDevAttrMaxThreadsPerBlock = 1,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrL2CacheSize = 38,
  cudaDevAttrMaxThreadsPerMultiProcessor = 39,
  cudaDevAttrUnifiedAddressing = 41,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
  cudaDevAttrCooperativeLaunch = 95,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
  cudaDevAttrMemoryPoolsSupported = 115
};
enum cudaStreamCaptureMode { cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed };
enum cudaStreamCaptureStatus { cudaStreamCaptureStatusNone, cudaStreamCaptureStatusActive, cudaStreamCaptureStatusInvalidated };
enum cudaStreamUpdateCaptureDependenciesFlags { cudaStreamAddCaptureDependencies, cudaStreamSetCaptureDependencies };
enum cudaLaunchAttributeID {
  cudaLaunchAttributeCooperative = 2,
  cudaLaunchAttributeClusterDimension = 4,
  cudaLaunchAttributeProgrammaticStreamSerialization = 6
};
enum cudaMemPoolAttr {
  cudaMemPoolReuseFollowEventDependencies = 1,
  cudaMemPoolReuseAllowOpportunistic,
  cudaMemPoolReuseAllowInternalDependencies,
  cudaMemPoolAttrReleaseThreshold,
  cudaMemPoolAttrReservedMemCurrent,
  cudaMemPoolAttrReservedMemHigh,
  cudaMemPoolAttrUsedMemCurrent,
  cudaMemPoolAttrUsedMemHigh
};
enum cudaDriverEntryPointQueryResult {
  cudaDriverEntryPointSuccess,
  cudaDriverEntryPointSymbolNotFound,
  cudaDriverEntryPointVersionNotSufficent
};
constexpr unsigned cudaStreamDefault = 0, cudaStreamNonBlocking = 1, cudaEventDefault = 0, cudaEventBlockingSync = 1,
                   cudaEventDisableTiming = 2, cudaHostAllocDefault = 0, cudaHostAllocPortable = 1, cudaHostAllocMapped = 2,
                   cudaHostRegisterDefault = 0, cudaHostRegisterPortable = 1, cudaEnableDefault = 0, cudaMemAttachGlobal = 1;

typedef struct FoveaEmulatedStream* cudaStream_t;
typedef struct FoveaEmulatedEvent* cudaEvent_t;
typedef struct FoveaEmulatedGraph* cudaGraph_t;
typedef struct FoveaEmulatedGraphExec* cudaGraphExec_t;
typedef struct FoveaEmulatedGraphNode* cudaGraphNode_t;
typedef struct FoveaEmulatedPool* cudaMemPool_t;
#define cudaStreamLegacy (reinterpret_cast<cudaStream_t>(1))
#define cudaStreamPerThread (reinterpret_cast<cudaStream_t>(2))

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
struct cudaPointerAttributes {
  cudaMemoryType type;
  int device;
  void *devicePointer, *hostPointer;
};
struct cudaDeviceProp {
  char name[256];
  size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor;
  int regsPerBlock, warpSize, maxThreadsPerBlock, multiProcessorCount, major, minor, maxThreadsPerMultiProcessor, l2CacheSize,
      cooperativeLaunch;
};

// ---- memory ----
cudaError_t cudaMalloc(void**, size_t);
cudaError_t cudaFree(void*);
cudaError_t cudaMallocAsync(void**, size_t, cudaStream_t);
cudaError_t cudaFreeAsync(void*, cudaStream_t);
cudaError_t cudaMallocHost(void**, size_t);
cudaError_t cudaHostAlloc(void**, size_t, unsigned);
cudaError_t cudaFreeHost(void*);
cudaError_t cudaHostRegister(void*, size_t, unsigned);
cudaError_t cudaHostUnregister(void*);
cudaError_t cudaHostGetDevicePointer(void**, void*, unsigned);
cudaError_t cudaMallocManaged(void**, size_t, unsigned = cudaMemAttachGlobal);
cudaError_t cudaMemGetInfo(size_t*, size_t*);
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes*, const void*);
cudaError_t cudaMemcpy(void*, const void*, size_t, cudaMemcpyKind);
cudaError_t cudaMemcpyAsync(void*, const void*, size_t, cudaMemcpyKind, cudaStream_t = nullptr);
cudaError_t cudaMemcpyPeerAsync(void*, int, const void*, int, size_t, cudaStream_t = nullptr);
cudaError_t cudaMemcpy2D(void*, size_t, const void*, size_t, size_t, size_t, cudaMemcpyKind);
cudaError_t cudaMemcpy2DAsync(void*, size_t, const void*, size_t, size_t, size_t, cudaMemcpyKind, cudaStream_t = nullptr);
cudaError_t cudaMemset(void*, int, size_t);
cudaError_t cudaMemsetAsync(void*, int, size_t, cudaStream_t = nullptr);
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t*, int);
cudaError_t cudaDeviceGetMemPool(cudaMemPool_t*, int);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*);
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*);
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t);
cudaError_t cudaMallocFromPoolAsync(void**, size_t, cudaMemPool_t, cudaStream_t);

// ---- streams and events ----
cudaError_t cudaStreamCreate(cudaStream_t*);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t*, unsigned);
cudaError_t cudaStreamCreateWithPriority(cudaStream_t*, unsigned, int);
cudaError_t cudaStreamDestroy(cudaStream_t);
cudaError_t cudaStreamSynchronize(cudaStream_t);
cudaError_t cudaStreamQuery(cudaStream_t);
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned = 0);
cudaError_t cudaStreamGetFlags(cudaStream_t, unsigned*);
cudaError_t cudaStreamGetPriority(cudaStream_t, int*);
cudaError_t cudaDeviceGetStreamPriorityRange(int*, int*);
cudaError_t cudaLaunchHostFunc(cudaStream_t, void (*)(void*), void*);
cudaError_t cudaEventCreate(cudaEvent_t*);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t*, unsigned);
cudaError_t cudaEventDestroy(cudaEvent_t);
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t = nullptr);
cudaError_t cudaEventRecordWithFlags(cudaEvent_t, cudaStream_t = nullptr, unsigned = 0);
cudaError_t cudaEventSynchronize(cudaEvent_t);
cudaError_t cudaEventQuery(cudaEvent_t);
cudaError_t cudaEventElapsedTime(float*, cudaEvent_t, cudaEvent_t);

// ---- capture and graphs ----
cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode);
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t*);
cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus*);
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode*);
cudaError_t cudaStreamGetCaptureInfo_v2(cudaStream_t, cudaStreamCaptureStatus*, unsigned long long*, cudaGraph_t* = nullptr,
                                        const cudaGraphNode_t** = nullptr, size_t* = nullptr);
cudaError_t cudaStreamUpdateCaptureDependencies(cudaStream_t, cudaGraphNode_t*, size_t, unsigned = 0);
cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t*, cudaGraph_t, const cudaGraphNode_t*, size_t, cudaGraph_t);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t*, cudaGraph_t, unsigned long long = 0);
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t*, cudaGraph_t, unsigned long long = 0);
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t);
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t);
cudaError_t cudaGraphGetNodes(cudaGraph_t, cudaGraphNode_t*, size_t*);
cudaError_t cudaGraphDestroy(cudaGraph_t);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t);

// ---- devices and errors ----
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaGetDevice(int*);
cudaError_t cudaSetDevice(int);
cudaError_t cudaInitDevice(int, unsigned, unsigned);
cudaError_t cudaGetDeviceCount(int*);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp*, int);
cudaError_t cudaDeviceGetAttribute(int*, cudaDeviceAttr, int);
cudaError_t cudaDeviceCanAccessPeer(int*, int, int);
cudaError_t cudaDeviceEnablePeerAccess(int, unsigned);
cudaError_t cudaDriverGetVersion(int*);
cudaError_t cudaRuntimeGetVersion(int*);
cudaError_t cudaGetDriverEntryPoint(const char*, void**, unsigned long long, cudaDriverEntryPointQueryResult* = nullptr);
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
const char* cudaGetErrorString(cudaError_t);
const char* cudaGetErrorName(cudaError_t);

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

// ---- for tests ----
// Forgets everything queued or failed; later schedules come from `seed`: 0 first and 1 last runnable thread, else random.
void reset(unsigned seed);
const char* last_report();                // what the last failure said, "" if there was none
void fail_next(int device, cudaError_t);  // the next call that reaches the device fails so, and all later ones
size_t kernel_nodes(cudaGraph_t);         // kernels among a graph's nodes
struct Stats {
  uint64_t switches, ldmatrix, ldmatrix_conflicts;
};
Stats& stats();

}  // namespace fovea::emulator

// ---- what NVIDIA's header has as templates ----
template <class T>
cudaError_t cudaMalloc(T** p, size_t n) {
  return cudaMalloc(reinterpret_cast<void**>(p), n);
}
template <class T>
cudaError_t cudaMallocHost(T** p, size_t n) {
  return cudaMallocHost(reinterpret_cast<void**>(p), n);
}
template <class T>
cudaError_t cudaHostAlloc(T** p, size_t n, unsigned flags) {
  return cudaHostAlloc(reinterpret_cast<void**>(p), n, flags);
}
template <class T>
cudaError_t cudaMallocAsync(T** p, size_t n, cudaStream_t s) {
  return cudaMallocAsync(reinterpret_cast<void**>(p), n, s);
}
template <class T>
cudaError_t cudaMemcpyToSymbol(T& symbol, const void* src, size_t n, size_t offset = 0,
                               cudaMemcpyKind = cudaMemcpyHostToDevice) {
  const cudaError_t e = cudaDeviceSynchronize();
  memcpy(reinterpret_cast<char*>(&symbol) + offset, src, n);
  return e;
}
template <class F>
cudaError_t cudaFuncSetAttribute(F* f, cudaFuncAttribute a, int v) {
  return a == cudaFuncAttributeMaxDynamicSharedMemorySize ? fovea::emulator::func_smem(reinterpret_cast<const void*>(f), v)
                                                          : cudaSuccess;
}
template <class F>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* a, F* f) {
  return fovea::emulator::func_attributes(a, reinterpret_cast<const void*>(f));
}
template <class F>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* n, F*, int threads, size_t smem) {
  return fovea::emulator::occupancy(n, threads, smem);
}
template <class... P, class... A>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* c, void (*kernel)(P...), A&&... arguments) {
  fovea::emulator::Launch l{
      c->gridDim,
      c->blockDim,
      1,
      c->dynamicSmemBytes,
      false,
      false,
      reinterpret_cast<const void*>(kernel),
      [kernel, copied = std::tuple<std::decay_t<P>...>(std::forward<A>(arguments)...)] { std::apply(kernel, copied); }};
  for (unsigned i = 0; i < c->numAttrs; i++) {
    const auto& value = c->attrs[i].val;
    switch (c->attrs[i].id) {
      case cudaLaunchAttributeCooperative:
        l.cooperative = value.cooperative;
        break;
      case cudaLaunchAttributeClusterDimension:
        l.cluster = dim3(value.clusterDim.x, value.clusterDim.y, value.clusterDim.z);
        break;
      case cudaLaunchAttributeProgrammaticStreamSerialization:
        l.overlap = value.programmaticStreamSerializationAllowed;
        break;
    }
  }
  return fovea::emulator::launch(std::move(l), c->stream);
}
