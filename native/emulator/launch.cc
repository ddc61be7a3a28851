// A launch: blocks that must run together form a gang; gangs are spread over OS threads.
#include <pthread.h>
#include <sys/mman.h>
#include <thread>
#include "internal.h"

__thread uint3 threadIdx, blockIdx;
__thread dim3 blockDim(1), gridDim(1);

namespace fovea::emulator {
thread_local Worker w;
static Stats totals;
Stats& stats() { return totals; }
static void run_gang(const Launch& l, unsigned id, unsigned seed, unsigned serial, std::atomic<bool>& failed) {
  dim3 c = l.cooperative ? l.grid : l.cluster, gc(l.grid.x / c.x, l.grid.y / c.y, l.grid.z / c.z);
  unsigned nb = c.x * c.y * c.z, nt = l.block.x * l.block.y * l.block.z;
  static thread_local char* arena = nullptr;
  static thread_local size_t arena_n = 0;
  if (arena_n < nb * ARENA) {
    if (arena) munmap(arena, arena_n);
    arena =
        (char*)mmap(nullptr, arena_n = nb * ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  }
  Gang g;
  g.l = &l;
  g.arena = arena;
  g.seed = seed;
  g.rng.s = (uint64_t(seed) * 0x9E3779B97F4A7C15u) ^ (uint64_t(serial) << 32) ^ (id * 2654435761u) ^ 0x1234567;
  g.blocks.resize(nb);
  g.ready.resize(size_t(nb) * nt);
  g.live = nb * nt;
  w.gang = &g;
  w.statics_of = nullptr;
  blockDim = l.block;
  gridDim = l.grid;
  Statics st = statics();
  memset(st.p, POISON, st.n);
  unsigned bx = id % gc.x * c.x, by = id / gc.x % gc.y * c.y, bz = id / gc.x / gc.y * c.z;
  for (unsigned r = 0; r < nb; r++) {
    Block& b = g.blocks[r];
    b.idx = {bx + r % c.x, by + r / c.x % c.y, bz + r / c.x / c.y};
    b.rank = r;
    b.gang = &g;
    b.live = nt;
    b.smem = arena + r * ARENA;
    b.warps.resize((nt + 31) / 32);
    b.fibers.resize(nt);
    if (nb > 1) b.statics.assign(st.n, char(POISON));
    ASAN_UNPOISON_MEMORY_REGION(b.smem, ARENA);
    memset(b.smem, POISON, l.smem);
    ASAN_POISON_MEMORY_REGION(b.smem + l.smem, ARENA - l.smem);
    for (unsigned t = 0; t < nt; t++) {
      Fiber& f = b.fibers[t];
      f.rank = t;
      f.lane = t % 32;
      f.blk = &b;
      f.tid = {t % l.block.x, t / l.block.x % l.block.y, t / l.block.x / l.block.y};
      b.warps[t / 32].exist |= 1u << f.lane;
      g.make_ready(&f);
      f.state = Fiber::New;
    }
    for (auto& wp : b.warps) wp.priority = g.rng();
    race_block_start(b);
  }
  w.main.state = Fiber::Running;
  w.cur = &w.main;
  resume(pick());
  if (g.failed) {
    failed = true;
    for (auto& b : g.blocks)
      for (auto& f : b.fibers)
        if (f.stack) {
          ASAN_UNPOISON_MEMORY_REGION(f.stack, STACK);
          give_stack(f);
        }
  }
  for (unsigned r = 0; r < nb; r++) ASAN_UNPOISON_MEMORY_REGION(g.blocks[r].smem, ARENA);
  w.cur = nullptr;
  w.gang = nullptr;
}
void run_launch(const Launch& l, unsigned seed, unsigned serial) {
  dim3 c = l.cooperative ? l.grid : l.cluster;
  unsigned n = l.grid.x / c.x * (l.grid.y / c.y) * (l.grid.z / c.z);
  race_launch_start(l);
  std::atomic<unsigned> next{0};
  std::atomic<bool> failed{false};
  std::vector<unsigned> order(n);
  for (unsigned i = 0; i < n; i++) order[i] = seed == 1 ? n - 1 - i : i;
  Rng rng{seed * 0x9E3779B97F4A7C15u + serial + 1};
  if (seed > 1)
    for (unsigned i = n; i-- > 1;) std::swap(order[i], order[rng() % (i + 1)]);
  auto work = [&] {
#if FOVEA_EMULATOR_ASAN
    static thread_local void* base = nullptr;
    static thread_local size_t size;
    if (!base) {
      pthread_attr_t a;
      pthread_getattr_np(pthread_self(), &a);
      pthread_attr_getstack(&a, &base, &size);
      pthread_attr_destroy(&a);
    }
    w.main.stack = (char*)base;
    w.main.stack_size = size;
#endif
    for (unsigned i; !failed && (i = next++) < n;) run_gang(l, order[i], seed, serial, failed);
    w.main.stack = nullptr;
    __atomic_fetch_add(&totals.switches, w.switches, __ATOMIC_RELAXED);
    w.switches = 0;
  };
  const char* e = getenv("FOVEA_EMULATOR_THREADS");
  unsigned k = FOVEA_EMULATOR_RACE ? 1 : std::min(n, e ? unsigned(std::max(1, atoi(e))) : 1u);
  std::vector<std::thread> pool;
  for (unsigned i = 1; i < k; i++) pool.emplace_back(work);
  work();
  for (auto& t : pool) t.join();
  if (failed) throw cudaErrorLaunchFailure;
}
}  // namespace fovea::emulator
