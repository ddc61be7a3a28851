// Shared by the sources of the host runtime. Everything below is guarded by `lock`.
#pragma once
#include <set>
#include <thread>

#include "internal.h"

struct FoveaEmulatedEvent {
  uint64_t recorded = 0, completed = 0;
  double when = 0;
  FoveaEmulatedGraph* graph = nullptr;
  std::vector<int> nodes;
};
struct FoveaEmulatedGraph {
  struct Node {
    std::function<void()> run;
    std::vector<int> after;
  };
  std::vector<Node> nodes;
  cudaStream_t origin = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  bool broken = false;
};
struct FoveaEmulatedGraphExec {
  std::vector<FoveaEmulatedGraph::Node> nodes;
};
struct Op {
  std::function<void()> run;
  FoveaEmulatedEvent* wait = nullptr;
  uint64_t version = 0, order = 0;
};
struct FoveaEmulatedStream {
  std::deque<Op> q;
  unsigned flags = 0;
  FoveaEmulatedGraph* capture = nullptr;
  std::vector<int> tail;
};

namespace fovea::emulator {
constexpr size_t PAGE = 4096;
extern std::recursive_mutex lock;
extern std::map<char*, Alloc> allocs;
extern std::set<FoveaEmulatedStream*> streams;
extern FoveaEmulatedStream null_stream;
extern unsigned seed, serial;
extern Rng rng;
extern uint64_t order;
extern cudaError_t sticky;
extern thread_local cudaError_t recent;
extern bool window;
cudaError_t ret(cudaError_t e);
bool is_device(const void* p);
bool is_pinned(const void* p);
bool in_bounds(const void* p, size_t n);
void open_window(bool on);
void catch_faults();
void check_tail(const Alloc& a);
bool step();
cudaError_t run_until(const std::function<bool()>& done);
bool idle();
FoveaEmulatedStream* get(cudaStream_t s);
cudaError_t enqueue(cudaStream_t st, std::function<void()> f);
bool capture_forbids(FoveaEmulatedStream* only = nullptr);
}  // namespace fovea::emulator
#define LOCK std::lock_guard<std::recursive_mutex> guard(lock)
