// A launch: blocks that must run together form a gang; gangs are spread over OS threads (FOVEA_EMULATOR_THREADS, 1 by default).
#include <pthread.h>
#include <sys/mman.h>

#include <thread>

#include "internal.h"

__thread uint3 threadIdx, blockIdx;
__thread dim3 blockDim(1), gridDim(1);

namespace fovea::emulator {

thread_local Worker worker;

static Stats totals;
Stats& stats() { return totals; }

namespace {

// The dynamic shared memory of `blocks` blocks, kept from launch to launch.
char* arena_for(unsigned blocks) {
  static thread_local char* arena = nullptr;
  static thread_local size_t bytes = 0;
  if (bytes >= blocks * ARENA) return arena;
  if (arena) munmap(arena, bytes);
  bytes = blocks * ARENA;
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  arena = p == MAP_FAILED ? nullptr : static_cast<char*>(p);
  if (!arena) bytes = 0;
  return arena;
}

dim3 gang_shape(const Launch& l) { return l.cooperative ? l.grid : l.cluster; }

void start_block(Gang& g, unsigned rank, uint3 idx) {
  const Launch& l = *g.launch;
  const unsigned threads = l.block.x * l.block.y * l.block.z;
  Block& b = g.blocks[rank];
  b.idx = idx;
  b.rank = rank;
  b.gang = &g;
  b.live = threads;
  b.smem = g.arena + rank * ARENA;
  b.warps.resize((threads + 31) / 32);
  b.fibers.resize(threads);
  if (g.blocks.size() > 1) b.statics.assign(statics().n, char(POISON));
  ASAN_UNPOISON_MEMORY_REGION(b.smem, ARENA);
  memset(b.smem, POISON, l.smem);
  ASAN_POISON_MEMORY_REGION(b.smem + l.smem, ARENA - l.smem);
  for (unsigned t = 0; t < threads; t++) {
    Fiber& f = b.fibers[t];
    f.rank = t;
    f.lane = t % 32;
    f.block = &b;
    f.tid = {t % l.block.x, t / l.block.x % l.block.y, t / l.block.x / l.block.y};
    b.warps[t / 32].exist |= 1u << f.lane;
    g.make_ready(&f);
    f.state = Fiber::New;
  }
  for (Warp& warp : b.warps) warp.priority = g.rng();
  race_block_start(b);
}

void run_gang(const Launch& l, unsigned id, unsigned seed, unsigned serial, bool first, std::atomic<bool>& failed) {
  const dim3 c = gang_shape(l), gangs(l.grid.x / c.x, l.grid.y / c.y, l.grid.z / c.z);
  const unsigned blocks = c.x * c.y * c.z;
  Gang g;
  g.launch = &l;
  g.arena = arena_for(blocks);
  if (!g.arena) {
    report("out of memory for the shared memory of " + std::to_string(blocks) + " blocks");
    failed = true;
    return;
  }
  g.seed = seed;
  g.rng.s = (uint64_t(seed) * 0x9E3779B97F4A7C15u) ^ (uint64_t(serial) << 32) ^ (id * 2654435761u) ^ 0x1234567;
  g.blocks.resize(blocks);
  g.live = blocks * l.block.x * l.block.y * l.block.z;
  g.ready.resize(g.live);
  worker.gang = &g;
  worker.statics_of = nullptr;
  blockDim = l.block;
  gridDim = l.grid;
  if (blocks > 1) forget_statics();
  poison_statics(l.fn, false);
  const uint3 corner{id % gangs.x * c.x, id / gangs.x % gangs.y * c.y, id / gangs.x / gangs.y * c.z};
  for (unsigned r = 0; r < blocks; r++)
    start_block(g, r, {corner.x + r % c.x, corner.y + r / c.x % c.y, corner.z + r / c.x / c.y});
  worker.main.state = Fiber::Running;
  worker.current = &worker.main;
  resume(pick());  // comes back when every thread has ended, or one has failed
  failed = failed || g.failed;
  for (Block& b : g.blocks) {
    for (Fiber& f : b.fibers)
      if (f.stack) {
        ASAN_UNPOISON_MEMORY_REGION(f.stack, STACK);
        give_stack(f);
      }
    ASAN_UNPOISON_MEMORY_REGION(b.smem, ARENA);
  }
  if (g.failed || blocks > 1)
    forget_statics();
  else if (first)
    poison_statics(l.fn, true);
  worker.current = nullptr;
  worker.gang = nullptr;
}

// AddressSanitizer wants to know the stack that we come back to.
void note_own_stack() {
#if FOVEA_EMULATOR_ASAN
  static thread_local void* base = nullptr;
  static thread_local size_t size;
  if (!base) {
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &base, &size);
    pthread_attr_destroy(&attributes);
  }
  worker.main.stack = static_cast<char*>(base);
  worker.main.stack_size = size;
#endif
}

}  // namespace

void run_launch(const Launch& l, unsigned seed, unsigned serial) {
  const dim3 c = gang_shape(l);
  const unsigned n = l.grid.x / c.x * (l.grid.y / c.y) * (l.grid.z / c.z);
  race_launch_start(l);
  std::vector<unsigned> order(n);
  for (unsigned i = 0; i < n; i++) order[i] = seed == 1 ? n - 1 - i : i;
  Rng rng{seed * 0x9E3779B97F4A7C15u + serial + 1};
  if (seed > 1)
    for (unsigned i = n; i-- > 1;) std::swap(order[i], order[rng() % (i + 1)]);
  std::atomic<unsigned> next{0};
  std::atomic<bool> failed{false};
  auto work = [&] {
    note_own_stack();
    bool first = true;
    for (unsigned i; !failed && (i = next++) < n; first = false) run_gang(l, order[i], seed, serial, first, failed);
    if (!failed) poison_statics(l.fn, true);
    worker.main.stack = nullptr;
    __atomic_fetch_add(&totals.switches, worker.switches, __ATOMIC_RELAXED);
    worker.switches = 0;
  };
  const char* asked = getenv("FOVEA_EMULATOR_THREADS");
  const unsigned threads = FOVEA_EMULATOR_RACE || !asked ? 1 : std::min(n, unsigned(std::max(1, atoi(asked))));
  std::vector<std::thread> helpers;
  for (unsigned i = 1; i < threads; i++) helpers.emplace_back(work);
  work();
  for (std::thread& t : helpers) t.join();
  if (failed) throw cudaErrorLaunchFailure;
}

}  // namespace fovea::emulator
