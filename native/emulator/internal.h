// Shared between the emulator's own sources only: threads, warps, blocks and the gang of blocks that run together.
#pragma once
#include <cuda_runtime.h>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "emulated/tensor.h"

#ifndef FOVEA_EMULATOR_ASAN
#define FOVEA_EMULATOR_ASAN 0  // 1: kernel sources and tests are compiled with -fsanitize=address; these files need not be
#endif
#ifndef FOVEA_EMULATOR_RACE
#define FOVEA_EMULATOR_RACE 0  // 1: kernel sources are compiled with -fsanitize=thread: race.cc gets every access
#endif
#if FOVEA_EMULATOR_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#undef ASAN_POISON_MEMORY_REGION
#undef ASAN_UNPOISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(p, n) __asan_poison_memory_region(p, n)
#define ASAN_UNPOISON_MEMORY_REGION(p, n) __asan_unpoison_memory_region(p, n)
#else
#define ASAN_POISON_MEMORY_REGION(p, n)
#define ASAN_UNPOISON_MEMORY_REGION(p, n)
#endif

namespace fovea::emulator {

constexpr size_t STACK = 256 << 10;     // bytes of a thread's stack, touched lazily
constexpr size_t ARENA = 256 << 10;     // bytes between the dynamic shared memory of two blocks of a gang
constexpr size_t SMEM_MAX = 227 << 10;  // what a block may ask for
constexpr unsigned char POISON = 0xFF;  // NaN as float, half and bf16; -1 as an index

struct Rng {
  uint64_t s;
  uint32_t operator()() {
    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    return uint32_t(s >> 32);
  }
  bool one_in(unsigned n) { return (*this)() % n == 0; }
};

// ---- what a thread has in flight; few kernels need it ----
struct Copy {  // one cp.async
  char* dst;
  const char* src;
  unsigned n, filled;
  void* pc;
};
struct Wgmma {
  float* d;
  int n;
  WgmmaOperands operands;
  uint32_t a[4];             // A in registers, as they were at issue
  std::vector<float> start;  // the accumulators before the first product of a chain
  void* pc;
};
struct BulkStore {
  std::function<std::vector<char>()> read;
  std::function<void(const std::vector<char>&)> write;
  std::vector<char> data;
  bool has_read = false, written = false;
};
struct Pending {
  std::vector<Copy> open;
  std::deque<std::vector<Copy>> groups;
  std::vector<Wgmma> wopen;
  std::deque<std::vector<Wgmma>> wgroups;
  bool wfenced = false;
  std::vector<BulkStore> bulk_open;
  std::deque<std::vector<BulkStore>> bulk_groups;
  std::vector<uint64_t*> inits;  // mbarriers initialised, not yet fenced
  bool empty() const { return open.empty() && groups.empty() && wopen.empty() && wgroups.empty(); }
};

// ---- the hierarchy ----
using Clock = std::vector<uint32_t>;  // what is known of every thread of the gang
using Known = std::shared_ptr<const Clock>;
struct Block;

struct Fiber {                          // a CUDA thread
  void *sp = nullptr, *fake = nullptr;  // saved stack pointer; AddressSanitizer's fake stack
  char* stack = nullptr;
  size_t stack_size = STACK;
  uint3 tid{};
  unsigned rank = 0, lane = 0;  // in the block, in the warp
  Block* block = nullptr;
  enum { New, Ready, Running, Blocked, Done } state = New;
  const char *what = "", *file = "";  // what it waits at, for the deadlock report
  int line = 0;
  const void* waits_for = nullptr;  // an mbarrier
  unsigned atomics = 0;             // in a row, without having waited
  bool dependency_met = false;      // grid_dependency_wait() was called
  std::unique_ptr<Pending> pending_;
  // Race detection: this thread's time, its time at the last proxy fence, the stamp of its last __threadfence, what it knows.
  uint32_t now = 1, proxy_fence = 0, fence_stamp = 0;
  Known seen;

  Pending& pending() {
    if (!pending_) pending_.reset(new Pending);
    return *pending_;
  }
};
struct Collective {  // a warp operation that lanes are arriving at
  unsigned mask, arrived;
  const char *what, *file;
  int line;
  WarpFn fn;
  bool orders;  // memory, as __syncwarp does and shuffles do not
  void* args[32];
  Fiber* who[32];
};
struct Warp {
  unsigned exist = 0, exited = 0, priority = 0;
  std::vector<Collective> open;
};
struct Barrier {
  unsigned arrived = 0, expected = 0;
  const char* file = "";
  int line = 0;
  std::vector<Fiber*> who, waiting;
  int count = 0;  // of __syncthreads_count and its kin
};
struct Gang;
struct Block {
  uint3 idx;
  unsigned rank, live;
  char* smem;
  Gang* gang;
  Barrier bar[16];
  std::vector<Warp> warps;
  std::vector<Fiber> fibers;
  int reduced[3];
  std::vector<char> statics;  // its static shared memory while another block of the gang runs
};
struct Gang {  // the blocks that must run together: one, a cluster, or a cooperative grid
  const Launch* launch;
  char* arena;
  std::vector<Block> blocks;
  unsigned live = 0;
  bool failed = false;
  std::vector<Fiber*> ready;  // a ring
  size_t head = 0, count = 0;
  uint64_t spins = 0;  // polls since something last moved
  Rng rng{1};
  unsigned seed = 0;
  std::vector<std::function<void()>> async;  // copies that have yet to land
  std::vector<Fiber*> mbar_waiters;
  std::map<const void*, Clock> clocks;  // of mbarriers and release flags
  Barrier all;

  void make_ready(Fiber* f) {
    f->state = Fiber::Ready;
    ready[(head + count++) % ready.size()] = f;
  }
  size_t threads_per_block() const { return blocks[0].fibers.size(); }
};
struct Worker {  // an OS thread
  Fiber main;
  Fiber* current = nullptr;
  Gang* gang = nullptr;
  Block* statics_of = nullptr;  // whose static shared memory lies in the section now
  uint64_t switches = 0;
};
extern thread_local Worker worker;
inline Fiber& self() { return *worker.current; }
inline bool on_device() { return worker.current && worker.current != &worker.main; }

// ---- scheduling ----
void park(const char* what, FOVEA_SITE, const void* on = nullptr);  // until somebody calls make_ready
void maybe_yield();
void spin();         // a yield by a thread that polls: too many in a row without progress are reported
void poll_atomic();  // an atomic that may be part of a polling loop
void resume(Fiber& to);
Fiber& pick();               // the next one to run
[[noreturn]] void finish();  // the running thread has returned from the kernel
void give_stack(Fiber& f);
void run_launch(const Launch&, unsigned seed, unsigned serial);  // throws cudaError_t

Warp& my_warp(Fiber& f);
bool try_finish(Warp& warp, size_t i, Fiber* me);
void finish_bulk_stores(Pending&);
void reduce_add(char* dst, const char* src, unsigned bytes, unsigned type);

// ---- shared memory ----
struct Statics {
  char* p;
  size_t n;
};
Statics statics();  // this OS thread's static __shared__ variables
// Before and after a block: what `kernel` uses is poison again. The first and the last block of a launch are looked at closely.
void poison_statics(const void* kernel, bool first_or_last);
void forget_statics();  // after a failure or several blocks at once: poison all before the next block
bool is_shared(const void*);

// ---- reports ----
void report(const std::string&);
void clear_report();
std::string describe_fiber(const Fiber&);
char* image_base();
std::string symbol(const void* code, bool function);  // by addr2line: the function's name or file:line
inline std::string kernel_name(const void* fn) { return symbol(fn, true); }

// ---- device memory ----
struct Alloc {
  char* p;
  size_t n;
  bool live;
  int device;
  bool pinned;
};
extern char* device_base;
extern size_t device_used;
const Alloc* find_alloc(const void*);

// ---- race.cc; all but access (bounds only, with AddressSanitizer) are no-ops unless FOVEA_EMULATOR_RACE ----
enum Kind : uint8_t { Read, Write, Atomic, AsyncRead, AsyncWrite };
#if FOVEA_EMULATOR_RACE || FOVEA_EMULATOR_ASAN
void access(const void* p, size_t n, Kind, void* pc);
#else
inline void access(const void*, size_t, Kind, void*) {}
#endif
#if FOVEA_EMULATOR_RACE
void race_block_start(Block&);
void race_launch_start(const Launch&);
void join(const std::vector<Fiber*>&);  // all arrivers know what all arrivers knew
void release(Clock&);
void acquire(const Clock&);  // by the running thread
void merge_into(Clock&, const Known&, unsigned rank, uint32_t now);
#else
inline void race_block_start(Block&) {}
inline void race_launch_start(const Launch&) {}
inline void join(const std::vector<Fiber*>&) {}
inline void release(Clock&) {}
inline void acquire(const Clock&) {}
inline void merge_into(Clock&, const Known&, unsigned, uint32_t) {}
#endif

}  // namespace fovea::emulator
