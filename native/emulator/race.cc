// Race, bounds and uninitialised-read checks without touching kernel sources (race_hooks.cc is called for every access).
// Happens-before is tracked with vector clocks (copy-on-write, one per group of threads that synchronised together).
#include "internal.h"
#if FOVEA_EMULATOR_RACE
#include <sys/mman.h>
namespace fovea::emulator {
struct Slot {
  uint32_t now, pc, block, stamp;
  uint16_t who;
  uint8_t mask, kind;
};  // mask 0: empty
struct Cell {
  Slot s[4];
  uint8_t init;
};                                                   // for 8 bytes
static std::vector<std::vector<Cell>> shared_cells;  // [block in gang]: the arena, then the statics
static Cell* global_cells;
static uint32_t stamp;
static std::vector<uint32_t> released, acquired;  // per block of the launch
constexpr size_t kWriterGrain = 64;               // bytes
static uint32_t *writers, launches;               // by which launch every grain of device memory was last written
constexpr size_t GLOBAL_SPAN = size_t(1) << 36;
static std::string source_line(uint32_t pc) { return pc ? symbol(image_base() + pc - 1, false) : "?"; }
static unsigned gang_rank(const Fiber& f) { return f.blk->rank * unsigned(f.blk->fibers.size()) + f.rank; }
static unsigned block_id(const Block& b) { return (b.idx.z * gridDim.y + b.idx.y) * gridDim.x + b.idx.x; }
static Fiber& fiber_at(unsigned r) {
  auto& bl = w.gang->blocks;
  size_t n = bl[0].fibers.size();
  return bl[r / n].fibers[r % n];
}

void merge_into(Clock& c, const Known& k, unsigned rank, uint32_t now) {
  size_t n = w.gang->blocks.size() * w.gang->blocks[0].fibers.size();
  if (c.size() < n) c.resize(n);
  if (k)
    for (size_t i = 0; i < n; i++) c[i] = std::max(c[i], (*k)[i]);
  c[rank] = std::max(c[rank], now);
}
void join(const std::vector<Fiber*>& who) {
  auto c = std::make_shared<Clock>();
  const void* prev = nullptr;
  for (Fiber* f : who) {
    merge_into(*c, f->seen.get() == prev ? nullptr : f->seen, gang_rank(*f), f->now);
    prev = f->seen.get();
    f->now++;
  }
  for (Fiber* f : who) f->seen = c;
}
void release(Clock& c) {
  Fiber& f = self();
  merge_into(c, f.seen, gang_rank(f), f.now);
  f.now++;
}
void acquire(const Clock& c) {
  if (c.empty()) return;
  auto k = std::make_shared<Clock>(c);
  Fiber& f = self();
  merge_into(*k, f.seen, gang_rank(f), f.now);
  f.seen = k;
}
void race_block_start(Block& b) {
  if (shared_cells.size() <= b.rank) shared_cells.resize(b.rank + 1);
  shared_cells[b.rank].assign((b.gang->l->smem + 7) / 8 + (statics().n + 7) / 8, Cell{});
}
void race_launch_start(const Launch& l) {
  launches++;
  if (!writers)
    writers = (uint32_t*)mmap(nullptr, GLOBAL_SPAN / kWriterGrain * sizeof(uint32_t), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (!global_cells)
    global_cells = (Cell*)mmap(nullptr, GLOBAL_SPAN / 8 * sizeof(Cell), PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  madvise(global_cells, (device_used / 8 + 1) * sizeof(Cell), MADV_DONTNEED);
  stamp = 1;
  size_t n = size_t(l.grid.x) * l.grid.y * l.grid.z;
  released.assign(n, 0);
  acquired.assign(n, 0);
}
static bool before(const Slot& s, const Fiber& f, unsigned my_rank, unsigned my_block) {
  bool same_gang = false;
  for (auto& b : w.gang->blocks) same_gang |= block_id(b) == s.block;
  if (same_gang) return s.who == my_rank || (f.seen && s.now <= (*f.seen)[s.who]);
  return s.stamp < released[s.block] &&
         s.stamp < acquired[my_block];  // it has published something since, and we have looked since
}
// Programmatic dependent launch: before grid_dependency_wait() the kernel before may still run, so nothing that it wrote may be
// read and nothing may be written.
static void check_dependency(size_t offset, size_t n, Kind kind, uint32_t at) {
  const bool reads = kind == Read || kind == AsyncRead, early = w.gang->l->overlap && !self().dependency_met;
  if (early && !reads) fail("global memory is written at %s before grid_dependency_wait()", source_line(at).c_str());
  for (size_t i = offset / kWriterGrain; i <= (offset + n - 1) / kWriterGrain; i++) {
    if (early && writers[i] + 1 == launches && writers[i])
      fail("what the kernel before wrote is read at %s before grid_dependency_wait()", source_line(at).c_str());
    if (!reads) writers[i] = launches;
  }
}
void access(const void* p, size_t n, Kind kind, void* pc) {
  if (!on_device() || !n) return;
  Fiber& f = self();
  Gang& g = *w.gang;
  Cell* cell;
  size_t off;
  bool shared = true;
  static const char* verb[] = {"read", "write", "atomic", "read by the async proxy", "TMA write"};
  uint32_t at = pc ? uint32_t((char*)pc - image_base()) : 0;
  if ((off = size_t((const char*)p - g.arena)) < ARENA * g.blocks.size()) {
    if (off % ARENA + n > g.l->smem)
      fail("%s of %zu bytes at %s: %zu bytes past the end of dynamic shared memory (%zu bytes)", verb[kind], n,
           source_line(at).c_str(), off % ARENA + n - g.l->smem, g.l->smem);
    cell = &shared_cells[off / ARENA][off % ARENA / 8];
  } else if ((off = size_t((const char*)p - statics().p)) < statics().n)
    cell = &shared_cells[f.blk->rank][(g.l->smem + 7) / 8 + off / 8];
  else if ((off = size_t((const char*)p - device_base)) < device_used) {
    static Alloc hit{};
    size_t in = size_t((const char*)p - hit.p);
    if (!hit.p || in >= hit.n) {
      const Alloc* a = find_alloc(p);
      hit = a ? *a : Alloc{};
      in = size_t((const char*)p - hit.p);
    }
    if (!hit.p || !hit.live || in + n > hit.n) {
      Alloc a = hit;
      hit = {};
      fail("%s of %zu bytes at %s: offset %zd of a%s allocation of %zu bytes", verb[kind], n, source_line(at).c_str(),
           ssize_t((const char*)p - a.p), a.live ? "n" : " freed", a.n);
    }
    check_dependency(off, n, kind, at);
    cell = &global_cells[off / 8];
    shared = false;
  } else
    return;  // registers, that is the thread's own stack, and constants
  if (g.seed > 1 && g.rng.one_in(32)) yield();
  unsigned me = gang_rank(f), blk = block_id(*f.blk);
  for (size_t done = 0; done < n; cell++) {
    size_t lo = (off + done) % 8, len = std::min(n - done, 8 - lo);
    uint8_t mask = uint8_t(((1u << len) - 1) << lo);
    bool reads = kind == Read || kind == AsyncRead;
    if (shared && reads && (cell->init & mask) != mask)
      fail("%s of uninitialised shared memory at %s", verb[kind], source_line(at).c_str());
    if (!reads || kind == Atomic) cell->init |= mask;
    Slot* to = nullptr;
    for (Slot& s : cell->s) {
      if (!s.mask) {
        if (!to) to = &s;
        continue;
      }
      bool s_reads = s.kind == Read || s.kind == AsyncRead, ordered = before(s, f, me, blk);
      if (s.mask & mask && !(reads && s_reads) && !(kind == Atomic && s.kind == Atomic) && !ordered) {
        Slot o = s;
        fail("data race on %s memory: %s at %s, after an unordered %s by block %u thread %u at %s",
             shared ? "shared" : "global", verb[kind], source_line(at).c_str(), verb[o.kind], o.block,
             o.who % unsigned(f.blk->fibers.size()), source_line(o.pc).c_str());
      }
      if (kind == AsyncRead && s.mask & mask && s.kind == Write && fiber_at(s.who).proxy_fence < s.now) {
        Slot o = s;
        fail("the async proxy (wgmma, TMA) at %s reads shared memory written at %s without fence_proxy_async() between",
             source_line(at).c_str(), source_line(o.pc).c_str());
      }
      if (ordered && (s.mask & ~mask) == 0 && (!reads || s_reads)) to = &s;  // superseded
    }
    if (!to) to = &cell->s[g.rng() % 4];
    *to = {f.now, at, blk, stamp, uint16_t(me), mask, uint8_t(kind)};
    done += len;
  }
}
// A __threadfence before it publishes what its block wrote before that fence.
void atomic_begin(const void* p, size_t n) {
  if (!on_device()) return;
  access(p, n, Atomic, __builtin_return_address(0));
  Fiber& f = self();
  const unsigned b = block_id(*f.blk);
  acquired[b] = ++stamp;
  released[b] = std::max(released[b], f.fence_stamp);
  poll_atomic();
}
void dependency_wait() { self().dependency_met = true; }
void fence(bool device_wide) {
  if (device_wide && on_device()) self().fence_stamp = ++stamp;
}
// st.release: publishes what this thread's block has written, to other blocks and within its own.
void before_release(const void* p, size_t n) {
  access(p, n, Atomic, __builtin_return_address(0));
  release(w.gang->clocks[p]);
  const unsigned b = block_id(*self().blk);
  released[b] = std::max(released[b], ++stamp);
  ++stamp;
}
void after_acquire(const void* p, size_t n) {
  spin();
  access(p, n, Atomic, __builtin_return_address(0));
  acquire(w.gang->clocks[p]);
  acquired[block_id(*self().blk)] = ++stamp;
}
}  // namespace fovea::emulator
#else
namespace fovea::emulator {
#if FOVEA_EMULATOR_ASAN
void access(const void* p, size_t n, Kind, void* pc) {
  if (!on_device() || !__asan_region_is_poisoned(const_cast<void*>(p), n)) return;
  fail("%zu bytes at %p, used at %s, are out of bounds", n, p, symbol((char*)pc - 1, false).c_str());
}
#endif
void atomic_begin(const void* p, size_t n) {
  if (!on_device()) return;
  access(p, n, Atomic, __builtin_return_address(0));
  poll_atomic();
}
void dependency_wait() {}
void fence(bool) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void before_release(const void* p, size_t n) { access(p, n, Atomic, __builtin_return_address(0)); }
void after_acquire(const void* p, size_t n) {
  spin();
  access(p, n, Atomic, __builtin_return_address(0));
}
}  // namespace fovea::emulator
#endif
