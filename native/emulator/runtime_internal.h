// Shared by the sources of the host runtime. Everything below is guarded by `lock`.
#pragma once
#include <set>
#include <thread>

#include "internal.h"

struct FoveaEmulatedEvent {
  uint64_t recorded = 0, completed = 0;  // versions: an event may be recorded again before its work is done
  double when = 0;                       // milliseconds
  unsigned flags = 0;
  int device = 0;
  FoveaEmulatedGraph* graph = nullptr;  // recorded while capturing: the nodes it stands for
  std::vector<int> nodes;
};
enum class NodeKind { kernel, copy, fill, host, graph, empty };
struct FoveaEmulatedGraph {
  struct Node {
    std::function<void()> run;
    std::vector<int> after;
    NodeKind kind = NodeKind::empty;
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
  FoveaEmulatedEvent* wait = nullptr;  // instead of run: until the event reaches this version
  uint64_t version = 0, order = 0;
};
struct FoveaEmulatedStream {
  std::deque<Op> q;
  unsigned flags = 0;
  int device = 0, priority = 0;
  bool is_null = false;
  FoveaEmulatedGraph* capture = nullptr;
  std::vector<int> tail;  // the captured nodes that the next one comes after
};

namespace fovea::emulator {

constexpr size_t PAGE = 4096;
constexpr int kMaxDevices = 8;

// One emulated GPU.
struct DeviceState {
  FoveaEmulatedStream null_stream;
  cudaError_t sticky = cudaSuccess;  // a failure that the device does not recover from
  cudaError_t next = cudaSuccess;    // injected by a test: what the next call on the device fails with
  size_t used = 0;
  unsigned peers = 0;  // devices whose memory its kernels may touch
};
DeviceState& device_state(int device);
int device_count();
int current_device();
size_t memory_budget();  // bytes of a device

extern std::recursive_mutex lock;
extern std::map<char*, Alloc> allocs;           // live ones
extern std::set<FoveaEmulatedStream*> streams;  // the null streams too
extern std::set<FoveaEmulatedEvent*> events;
extern unsigned seed, serial;
extern Rng rng;
extern uint64_t order;

cudaError_t ret(cudaError_t e);  // remembers it for cudaGetLastError
bool is_device(const void* p);
bool is_pinned(const void* p);
bool in_bounds(const void* p, size_t n);

// Which device memory may be touched right now: none by the host, its own (and its peers') by a device, all by a copy.
constexpr int kNone = -2, kAll = -1;
void open_window(int device);
void catch_faults();
void check_tails();

bool step();
cudaError_t run_until(int device, const std::function<bool()>& done);
bool idle(int device);
FoveaEmulatedStream* get(cudaStream_t s);
bool known(cudaStream_t s);
cudaError_t enqueue(cudaStream_t s, NodeKind kind, std::function<void()> f);
bool capture_forbids(FoveaEmulatedStream* only = nullptr);

}  // namespace fovea::emulator

#define LOCK std::lock_guard<std::recursive_mutex> guard(lock)
