// The host side: streams, events, graphs, pools, errors; the same expectations hold on a GPU.
#include "support.h"
using namespace fovea::cuda;
namespace {
__global__ void axpy(float* y, const float* x, float a, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] += a * x[i];
}
__global__ void set(float* y, float v, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = v;
}
void once() {
  const int n = 1000;
  cudaStream_t a, b;
  EXPECT_CUDA(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking));
  EXPECT_CUDA(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking));
  cudaEvent_t e, f;
  EXPECT_CUDA(cudaEventCreate(&e));
  EXPECT_CUDA(cudaEventCreateWithFlags(&f, cudaEventDisableTiming));
  auto all = [&](float* p, float v) {
    std::vector<float> h(n);
    EXPECT_CUDA(cudaMemcpy(h.data(), p, n * 4, cudaMemcpyDeviceToHost));
    for (float x : h)
      if (x != v) return false;
    return true;
  };
  {  // fork, join, and a pooled temporary
    Device<float> x(n), y(n);
    float* t;
    EXPECT_CUDA(launch(set, 4, 256, 0, a, x.p, 1.f, n));
    EXPECT_CUDA(cudaEventRecord(e, a));
    EXPECT_CUDA(cudaStreamWaitEvent(b, e, 0));
    EXPECT_CUDA(cudaMallocAsync(&t, n * 4, b));
    EXPECT_CUDA(launch(set, 4, 256, 0, b, t, 2.f, n));
    EXPECT_CUDA(launch(axpy, 4, 256, 0, b, t, x.p, 3.f, n));
    EXPECT_CUDA(cudaMemcpyAsync(y.p, t, n * 4, cudaMemcpyDeviceToDevice, b));
    EXPECT_CUDA(cudaFreeAsync(t, b));
    EXPECT_CUDA(cudaEventRecord(f, b));
    EXPECT_CUDA(cudaStreamWaitEvent(a, f, 0));
    EXPECT_CUDA(launch(axpy, 4, 256, 0, a, y.p, x.p, 1.f, n));
    EXPECT_CUDA(cudaStreamSynchronize(a));
    EXPECT_TRUE(all(y.p, 6.f));
    EXPECT_TRUE(cudaStreamQuery(a) == cudaSuccess);
    while (cudaEventQuery(f) != cudaSuccess) {
    }
  }
  {  // captured fork and join, replayed with changing input
    Device<float> x(std::vector<float>(n, 1.f)), y(std::vector<float>(n, 0.f)), z(std::vector<float>(n, 0.f));
    cudaGraph_t g;
    cudaGraphExec_t ge;
    cudaStreamCaptureStatus st;
    EXPECT_CUDA(cudaStreamBeginCapture(a, cudaStreamCaptureModeThreadLocal));
    EXPECT_CUDA(cudaStreamIsCapturing(a, &st));
    EXPECT_TRUE(st == cudaStreamCaptureStatusActive);
    EXPECT_CUDA(launch(axpy, 4, 256, 0, a, y.p, x.p, 1.f, n));
    EXPECT_CUDA(cudaEventRecord(e, a));
    EXPECT_CUDA(cudaStreamWaitEvent(b, e, 0));
    EXPECT_CUDA(launch(axpy, 4, 256, 0, b, z.p, y.p, 2.f, n));
    EXPECT_CUDA(launch(axpy, 4, 256, 0, a, x.p, x.p, 1.f, n));
    EXPECT_CUDA(cudaEventRecord(f, b));
    EXPECT_CUDA(cudaStreamWaitEvent(a, f, 0));
    EXPECT_CUDA(cudaStreamEndCapture(a, &g));
    EXPECT_CUDA(cudaGraphInstantiate(&ge, g, 0));
    EXPECT_CUDA(cudaGraphDestroy(g));
    EXPECT_TRUE(all(y.p, 0.f));  // capturing runs nothing
    for (int i = 0; i < 3; i++) EXPECT_CUDA(cudaGraphLaunch(ge, a));
    EXPECT_CUDA(cudaStreamSynchronize(a));
    EXPECT_TRUE(all(x.p, 8.f));
    EXPECT_TRUE(all(y.p, 7.f));
    EXPECT_TRUE(all(z.p, 2.f * (1 + 3 + 7)));
    EXPECT_CUDA(cudaGraphExecDestroy(ge));
  }
  {  // the legacy default stream waits for blocking streams and they for it
    cudaStream_t c;
    EXPECT_CUDA(cudaStreamCreate(&c));
    Device<float> y(n);
    EXPECT_CUDA(launch(set, 4, 256, 0, c, y.p, 1.f, n));
    EXPECT_CUDA(launch(axpy, 4, 256, 0, nullptr, y.p, y.p, 1.f, n));
    EXPECT_CUDA(launch(axpy, 4, 256, 0, c, y.p, y.p, 1.f, n));
    EXPECT_CUDA(cudaDeviceSynchronize());
    EXPECT_TRUE(all(y.p, 4.f));
    EXPECT_CUDA(cudaStreamDestroy(c));
  }
  {  // errors that the runtime reports
    Device<float> y(n);
    EXPECT_TRUE(launch(set, 1, 2048, 0, a, y.p, 1.f, n) == cudaErrorInvalidConfiguration);
    EXPECT_TRUE(cudaGetLastError() == cudaErrorInvalidConfiguration);
    EXPECT_TRUE(cudaGetLastError() == cudaSuccess);
    EXPECT_TRUE(launch(set, 1, 32, 300 << 10, a, y.p, 1.f, n) == cudaErrorInvalidValue);
    cudaGetLastError();
    std::vector<float> h(2 * n);
    EXPECT_TRUE(cudaMemcpy(h.data(), y.p, 2 * n * 4, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
    EXPECT_TRUE(cudaMemcpy(y.p, h.data(), 4, cudaMemcpyDeviceToHost) != cudaSuccess);
    cudaGetLastError();
    cudaDeviceProp p;
    EXPECT_CUDA(cudaGetDeviceProperties(&p, 0));
    EXPECT_TRUE(p.warpSize == 32 && p.sharedMemPerBlockOptin == 232448);
    int nb;
    EXPECT_CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&nb, set, 256, 0));
    EXPECT_TRUE(nb >= 1);
  }
  {
    static int hits;
    hits = 0;
    EXPECT_CUDA(cudaLaunchHostFunc(
        a, [](void* p) { ++*static_cast<int*>(p); }, &hits));
    EXPECT_CUDA(cudaStreamSynchronize(a));
    EXPECT_TRUE(hits == 1);
  }
  EXPECT_CUDA(cudaEventDestroy(e));
  EXPECT_CUDA(cudaEventDestroy(f));
  EXPECT_CUDA(cudaStreamDestroy(a));
  EXPECT_CUDA(cudaStreamDestroy(b));
}
}  // namespace
TEST(Emulator, RuntimeApi) {
  for (unsigned seed = 0; seed < 40; seed++) {
    fovea::emulator::reset(seed);
    once();
  }
}
