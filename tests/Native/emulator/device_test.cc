// Several devices, memory budgets, lost devices, and which calls a capture forbids to whom.
#include <thread>

#include "support.h"

using namespace fovea::cuda;

namespace {
// Read once, when the first device is asked for.
const int kDevices = setenv("FOVEA_EMULATOR_DEVICES", "2", 1);

__global__ void set(float* y, float v, int n) {
  const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] = v;
}
__global__ void trap_kernel() { __trap(); }

struct OnDevice {
  explicit OnDevice(int d) { cudaSetDevice(d); }
  ~OnDevice() { cudaSetDevice(0); }
};
class EmulatedDevice : public testing::Test {
 protected:
  void SetUp() override {
    setenv("FOVEA_EMULATOR_QUIET", "1", 1);
    fovea::emulator::reset(2);
  }
  void TearDown() override {
    unsetenv("FOVEA_EMULATOR_MEMORY");
    unsetenv("FOVEA_EMULATOR_QUIET");
    fovea::emulator::reset(0);
  }
};
}  // namespace

TEST_F(EmulatedDevice, TwoDevicesOwnTheirMemory) {
  int n = 0;
  EXPECT_CUDA(cudaGetDeviceCount(&n));
  ASSERT_EQ(n, 2);
  Device<float> here(100);
  float* there = nullptr;
  {
    const OnDevice one(1);
    EXPECT_CUDA(cudaMalloc(&there, 400));
    EXPECT_CUDA(launch(set, 1, 128, 0, nullptr, there, 5.f, 100));
    EXPECT_CUDA(cudaDeviceSynchronize());
  }
  cudaPointerAttributes attributes{};
  EXPECT_CUDA(cudaPointerGetAttributes(&attributes, there + 3));
  EXPECT_EQ(attributes.device, 1);
  EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
  EXPECT_CUDA(cudaMemcpyAsync(here.p, there, 400, cudaMemcpyDefault, nullptr));  // a peer copy
  EXPECT_EQ(here.get()[99], 5.f);
  EXPECT_CUDA(cudaFree(there));
}
TEST_F(EmulatedDevice, StreamOfAnotherDeviceIsRefused) {
  cudaStream_t s = nullptr;
  {
    const OnDevice one(1);
    EXPECT_CUDA(cudaStreamCreate(&s));
  }
  Device<float> y(10);
  EXPECT_EQ(launch(set, 1, 32, 0, s, y.p, 1.f, 10), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaSetDevice(2), cudaErrorInvalidDevice);
  const OnDevice one(1);
  EXPECT_CUDA(cudaStreamDestroy(s));
  EXPECT_EQ(cudaStreamDestroy(s), cudaErrorInvalidResourceHandle);
}
#if !defined(FOVEA_TEST_SANITIZED)  // there the access ends the process
TEST_F(EmulatedDevice, KernelOnAnotherDevicesMemoryFails) {
  Device<float> here(100);
  {
    const OnDevice one(1);
    EXPECT_CUDA(launch(set, 1, 128, 0, nullptr, here.p, 5.f, 100));
    EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
    EXPECT_NE(std::string(fovea::emulator::last_report()).find("memory it may not"), std::string::npos);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);  // it does not recover
  }
  EXPECT_CUDA(cudaDeviceSynchronize());  // the other one goes on
}
#endif
TEST_F(EmulatedDevice, BudgetRunsOut) {
  setenv("FOVEA_EMULATOR_MEMORY", "1M", 1);
  size_t available = 0, total = 0;
  EXPECT_CUDA(cudaMemGetInfo(&available, &total));
  EXPECT_EQ(total, size_t(1) << 20);
  void *p = nullptr, *q = nullptr;
  EXPECT_CUDA(cudaMalloc(&p, available - 1000));
  EXPECT_EQ(cudaMalloc(&q, 2000), cudaErrorMemoryAllocation);
  EXPECT_EQ(q, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_CUDA(cudaGetLastError());  // not sticky
  EXPECT_CUDA(cudaFree(p));
  EXPECT_CUDA(cudaMalloc(&q, 2000));
  EXPECT_CUDA(cudaFree(q));
}
TEST_F(EmulatedDevice, TrapIsAStickyErrorWithAReport) {
  EXPECT_CUDA(launch(trap_kernel, 1, 32, 0, nullptr));
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  EXPECT_NE(std::string(fovea::emulator::last_report()).find("trap_kernel"), std::string::npos)
      << fovea::emulator::last_report();
  EXPECT_EQ(launch(set, 1, 32, 0, nullptr, static_cast<float*>(nullptr), 1.f, 0), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorLaunchFailure);
}
TEST_F(EmulatedDevice, InjectedErrorIsSticky) {
  fovea::emulator::fail_next(0, cudaErrorECCUncorrectable);
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaErrorECCUncorrectable);
  void* p = nullptr;
  EXPECT_EQ(cudaMalloc(&p, 16), cudaErrorECCUncorrectable);
  fovea::emulator::reset(0);
  EXPECT_CUDA(cudaDeviceSynchronize());
}
TEST_F(EmulatedDevice, CaptureForbidsAllocationOnItsOwnThreadOnly) {
  cudaStream_t s = nullptr;
  EXPECT_CUDA(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
  EXPECT_CUDA(cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal));
  std::thread([] {
    void* p = nullptr;
    EXPECT_CUDA(cudaMalloc(&p, 16));
    EXPECT_CUDA(cudaFree(p));
  }).join();
  cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  void* p = nullptr;
  EXPECT_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  EXPECT_CUDA(cudaMalloc(&p, 16));  // said to be meant
  EXPECT_CUDA(cudaThreadExchangeStreamCaptureMode(&mode));
  cudaStreamCaptureStatus status{};
  EXPECT_CUDA(cudaStreamIsCapturing(s, &status));
  EXPECT_EQ(status, cudaStreamCaptureStatusActive);
  void* q = nullptr;
  EXPECT_EQ(cudaMalloc(&q, 16), cudaErrorStreamCaptureUnsupported);
  EXPECT_CUDA(cudaStreamIsCapturing(s, &status));
  EXPECT_EQ(status, cudaStreamCaptureStatusInvalidated);
  cudaGraph_t g = nullptr;
  EXPECT_EQ(cudaStreamEndCapture(s, &g), cudaErrorStreamCaptureInvalidated);
  cudaGetLastError();
  EXPECT_CUDA(cudaFree(p));
  EXPECT_CUDA(cudaStreamDestroy(s));
}
TEST_F(EmulatedDevice, GraphCountsItsKernels) {
  cudaStream_t s = nullptr;
  cudaGraph_t g = nullptr;
  Device<float> y(10);
  EXPECT_CUDA(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
  EXPECT_CUDA(cudaStreamBeginCapture(s, cudaStreamCaptureModeGlobal));
  EXPECT_CUDA(launch(set, 1, 32, 0, s, y.p, 1.f, 10));
  EXPECT_CUDA(cudaMemsetAsync(y.p, 0, 8, s));
  EXPECT_CUDA(launch(set, 1, 32, 0, s, y.p, 2.f, 1));
  EXPECT_CUDA(cudaStreamEndCapture(s, &g));
  size_t nodes = 0;
  EXPECT_CUDA(cudaGraphGetNodes(g, nullptr, &nodes));
  EXPECT_EQ(nodes, 3u);
  EXPECT_EQ(fovea::emulator::kernel_nodes(g), 2u);
  EXPECT_CUDA(cudaGraphDestroy(g));
  EXPECT_CUDA(cudaStreamDestroy(s));
}
TEST_F(EmulatedDevice, RegisteredHostMemoryIsPinned) {
  std::vector<float> h(1000, 1.f);
  EXPECT_CUDA(cudaHostRegister(h.data(), 4000, cudaHostRegisterDefault));
  EXPECT_EQ(cudaHostRegister(h.data(), 4000, cudaHostRegisterDefault), cudaErrorHostMemoryAlreadyRegistered);
  cudaPointerAttributes attributes{};
  EXPECT_CUDA(cudaPointerGetAttributes(&attributes, h.data()));
  EXPECT_EQ(attributes.type, cudaMemoryTypeHost);
  EXPECT_CUDA(cudaHostUnregister(h.data()));
  EXPECT_CUDA(cudaPointerGetAttributes(&attributes, h.data()));
  EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
}
TEST_F(EmulatedDevice, PoolKeepsItsAttributes) {
  cudaMemPool_t pool = nullptr;
  EXPECT_CUDA(cudaDeviceGetDefaultMemPool(&pool, 0));
  uint64_t threshold = 1 << 20, read = 0;
  EXPECT_CUDA(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold));
  EXPECT_CUDA(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &read));
  EXPECT_EQ(read, threshold);
  void* p = nullptr;
  EXPECT_CUDA(cudaMallocFromPoolAsync(&p, 1000, pool, nullptr));
  EXPECT_CUDA(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &read));
  EXPECT_GE(read, 1000u);
  EXPECT_CUDA(cudaFreeAsync(p, nullptr));
  EXPECT_CUDA(cudaDeviceSynchronize());
}
