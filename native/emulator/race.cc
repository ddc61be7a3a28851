// Race, bounds and uninitialised-read checks without touching kernel sources (race_hooks.cc is called for every access).
// Happens-before is tracked with vector clocks within a gang (copy-on-write, one per group of threads that synchronised
// together), and between blocks by stamps of fences and atomics, which is an approximation that can miss.
#include "internal.h"

#if FOVEA_EMULATOR_RACE
#include <sys/mman.h>

namespace fovea::emulator {
namespace {

// One earlier access to some of eight bytes.
struct Slot {
  uint32_t now, who;      // the thread's time, its rank in the gang
  uint32_t block, stamp;  // of the launch
  uint32_t pc;            // offset in the image
  uint8_t mask, kind;     // which bytes; 0: empty slot
};
struct Cell {  // eight bytes of memory
  Slot slots[4];
  uint8_t initialised;  // by byte
  uint32_t epoch;       // shared memory: the block that it was last used by
};
constexpr size_t kGlobalSpan = size_t(1) << 36;
constexpr size_t kWriterGrain = 64;  // bytes

std::vector<std::vector<Cell>> shared_cells;  // by block of the gang: the dynamic part, then the static variables
Cell* global_cells;
std::vector<uint32_t> epochs;  // by block of the gang
uint32_t epoch;
uint32_t *writers, launches;  // by which launch every grain of device memory was last written
uint32_t stamp;
std::vector<uint32_t> released, acquired;  // by block of the launch: the stamp up to which it has published, and seen

std::string source_line(uint32_t pc) { return pc ? symbol(image_base() + pc - 1, false) : "?"; }
unsigned gang_rank(const Fiber& f) { return f.block->rank * unsigned(f.block->fibers.size()) + f.rank; }
unsigned block_id(const Block& b) { return (b.idx.z * gridDim.y + b.idx.y) * gridDim.x + b.idx.x; }
Fiber& fiber_at(unsigned rank) {
  const size_t n = worker.gang->threads_per_block();
  return worker.gang->blocks[rank / n].fibers[rank % n];
}
bool only_reads(unsigned kind) { return kind == Read || kind == AsyncRead; }

template <class T>
T* shadow(size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    report("out of address space for the race detector");
    throw cudaErrorMemoryAllocation;
  }
  return static_cast<T*>(p);
}

// Is the earlier access ordered before what `f` does now?
bool before(const Slot& s, const Fiber& f, unsigned my_rank, unsigned my_block) {
  for (const Block& b : worker.gang->blocks)
    if (block_id(b) == s.block) return s.who == my_rank || (f.seen && s.now <= (*f.seen)[s.who]);
  // Another gang's block: it has published something since, and we have looked since.
  return s.stamp < released[s.block] && s.stamp < acquired[my_block];
}

// Programmatic dependent launch: before grid_dependency_wait() the kernel before may still run, so nothing that it wrote may be
// read and nothing may be written.
void check_dependency(size_t offset, size_t n, Kind kind, uint32_t at) {
  const bool early = worker.gang->launch->overlap && !self().dependency_met;
  if (early && !only_reads(kind)) fail("global memory is written at %s before grid_dependency_wait()", source_line(at).c_str());
  for (size_t i = offset / kWriterGrain; i <= (offset + n - 1) / kWriterGrain; i++) {
    if (early && writers[i] && writers[i] + 1 == launches)
      fail("what the kernel before wrote is read at %s before grid_dependency_wait()", source_line(at).c_str());
    if (!only_reads(kind)) writers[i] = launches;
  }
}

const char* verb(unsigned kind) {
  static const char* const verbs[] = {"read", "write", "atomic", "read by the async proxy", "TMA write"};
  return verbs[kind];
}

// Fails unless the bytes lie in a live allocation.
void check_bounds(const char* p, size_t n, Kind kind, uint32_t at) {
  static Alloc hit{};  // mostly the same as last time
  size_t in = size_t(p - hit.p);
  if (!hit.p || in >= hit.n) {
    const Alloc* a = find_alloc(p);
    hit = a ? *a : Alloc{};
    in = size_t(p - hit.p);
  }
  if (hit.p && hit.live && in + n <= hit.n) return;
  const Alloc a = hit;
  hit = {};
  fail("%s of %zu bytes at %s: offset %zd of a%s allocation of %zu bytes", verb(kind), n, source_line(at).c_str(),
       ssize_t(p - a.p), a.live ? "n" : " freed", a.n);
}

// The shadow of p, or null for what is not tracked: registers, that is the thread's own stack, and constants. `first`: which of
// the cell's bytes p is.
Cell* cell_of(const char* p, size_t n, Kind kind, uint32_t at, uint32_t* shared, size_t* first) {
  Gang& g = *worker.gang;
  const size_t in_arena = size_t(p - g.arena), in_statics = size_t(p - statics().p), in_device = size_t(p - device_base);
  *shared = epochs[self().block->rank];
  *first = (in_statics < statics().n ? in_statics : uintptr_t(p)) % 8;
  if (in_arena < ARENA * g.blocks.size()) {
    const size_t offset = in_arena % ARENA;
    if (offset + n > g.launch->smem)
      fail("%s of %zu bytes at %s: %zu bytes past the end of dynamic shared memory (%zu bytes)", verb(kind), n,
           source_line(at).c_str(), offset + n - g.launch->smem, g.launch->smem);
    *shared = epochs[in_arena / ARENA];
    return &shared_cells[in_arena / ARENA][offset / 8];
  }
  if (in_statics < statics().n) return &shared_cells[self().block->rank][(g.launch->smem + 7) / 8 + in_statics / 8];
  *shared = 0;
  if (in_device >= device_used) return nullptr;
  check_bounds(p, n, kind, at);
  check_dependency(in_device, n, kind, at);
  return &global_cells[in_device / 8];
}

// Compares with the earlier accesses of a cell and takes a place among them.
void visit(Cell& cell, uint8_t mask, Kind kind, uint32_t at, uint32_t shared) {
  if (shared && cell.epoch != shared) {
    cell = {};
    cell.epoch = shared;
  }
  Fiber& f = self();
  const unsigned me = gang_rank(f), block = block_id(*f.block);
  const bool reads = only_reads(kind);
  if (shared && reads && (cell.initialised & mask) != mask)
    fail("%s of uninitialised shared memory at %s", verb(kind), source_line(at).c_str());
  if (!reads) cell.initialised |= mask;
  Slot* place = nullptr;
  for (Slot& s : cell.slots) {
    if (!s.mask) {
      if (!place) place = &s;
      continue;
    }
    const bool ordered = before(s, f, me, block);
    const bool conflict = s.mask & mask && !(reads && only_reads(s.kind)) && !(kind == Atomic && s.kind == Atomic);
    if (conflict && !ordered)
      fail("data race on %s memory: %s at %s, after an unordered %s by block %u thread %u at %s", shared ? "shared" : "global",
           verb(kind), source_line(at).c_str(), verb(s.kind), s.block, s.who % unsigned(f.block->fibers.size()),
           source_line(s.pc).c_str());
    if (kind == AsyncRead && s.mask & mask && s.kind == Write && fiber_at(s.who).proxy_fence < s.now)
      fail("the async proxy (wgmma, TMA) at %s reads shared memory written at %s without fence_proxy_async() between",
           source_line(at).c_str(), source_line(s.pc).c_str());
    if (ordered && (s.mask & ~mask) == 0 && (!reads || only_reads(s.kind))) place = &s;  // superseded
  }
  if (!place) place = &cell.slots[worker.gang->rng() % 4];
  *place = {f.now, me, block, stamp, at, mask, uint8_t(kind)};
}

}  // namespace

void merge_into(Clock& c, const Known& known, unsigned rank, uint32_t now) {
  const size_t n = worker.gang->blocks.size() * worker.gang->threads_per_block();
  if (c.size() < n) c.resize(n);
  if (known)
    for (size_t i = 0; i < n; i++) c[i] = std::max(c[i], (*known)[i]);
  c[rank] = std::max(c[rank], now);
}
void join(const std::vector<Fiber*>& who) {
  auto c = std::make_shared<Clock>();
  const void* previous = nullptr;  // neighbours mostly know the same
  for (Fiber* f : who) {
    merge_into(*c, f->seen.get() == previous ? nullptr : f->seen, gang_rank(*f), f->now);
    previous = f->seen.get();
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
  auto known = std::make_shared<Clock>(c);
  Fiber& f = self();
  merge_into(*known, f.seen, gang_rank(f), f.now);
  f.seen = known;
}

void race_block_start(Block& b) {
  if (shared_cells.size() <= b.rank) {
    shared_cells.resize(b.rank + 1);
    epochs.resize(b.rank + 1);
  }
  std::vector<Cell>& cells = shared_cells[b.rank];
  const size_t n = (b.gang->launch->smem + 7) / 8 + (statics().n + 7) / 8;
  if (cells.size() < n) cells.resize(n);
  epochs[b.rank] = ++epoch;  // empties them all
}
void race_launch_start(const Launch& l) {
  if (!writers) writers = shadow<uint32_t>(kGlobalSpan / kWriterGrain * sizeof(uint32_t));
  if (!global_cells) global_cells = shadow<Cell>(kGlobalSpan / 8 * sizeof(Cell));
  madvise(global_cells, (device_used / 8 + 1) * sizeof(Cell), MADV_DONTNEED);  // launches of a stream are ordered
  launches++;
  stamp = 1;
  const size_t blocks = size_t(l.grid.x) * l.grid.y * l.grid.z;
  released.assign(blocks, 0);
  acquired.assign(blocks, 0);
}

void access(const void* p, size_t n, Kind kind, void* pc) {
  if (!on_device() || !n) return;
  const uint32_t at = pc ? uint32_t(static_cast<char*>(pc) - image_base()) : 0;
  uint32_t shared = 0;  // the block's epoch
  size_t first = 0;
  Cell* cell = cell_of(static_cast<const char*>(p), n, kind, at, &shared, &first);
  if (!cell) return;
  if (worker.gang->seed > 1 && worker.gang->rng.one_in(32)) yield();  // every access may be pre-empted
  for (size_t done = 0; done < n; cell++, first = 0) {
    const size_t length = std::min(n - done, 8 - first);
    visit(*cell, uint8_t(((1u << length) - 1) << first), kind, at, shared);
    done += length;
  }
}

// A __threadfence before it publishes what its block wrote before that fence.
void atomic_begin(const void* p, size_t n) {
  if (!on_device()) return;
  access(p, n, Atomic, __builtin_return_address(0));
  Fiber& f = self();
  const unsigned b = block_id(*f.block);
  acquired[b] = ++stamp;
  released[b] = std::max(released[b], f.fence_stamp);
  poll_atomic();
}
void fence(bool device_wide) {
  if (device_wide && on_device()) self().fence_stamp = ++stamp;
}
// st.release: publishes what this thread's block has written, to other blocks and within its own.
void before_release(const void* p, size_t n) {
  access(p, n, Atomic, __builtin_return_address(0));
  release(worker.gang->clocks[p]);
  released[block_id(*self().block)] = ++stamp;
  ++stamp;
}
void after_acquire(const void* p, size_t n) {
  spin();
  access(p, n, Atomic, __builtin_return_address(0));
  acquire(worker.gang->clocks[p]);
  acquired[block_id(*self().block)] = ++stamp;
}
void dependency_wait() { self().dependency_met = true; }

}  // namespace fovea::emulator

#else

namespace fovea::emulator {

#if FOVEA_EMULATOR_ASAN
void access(const void* p, size_t n, Kind, void* pc) {
  if (!on_device() || !__asan_region_is_poisoned(const_cast<void*>(p), n)) return;
  fail("%zu bytes at %p, used at %s, are out of bounds", n, p, symbol(static_cast<char*>(pc) - 1, false).c_str());
}
#endif
void atomic_begin(const void* p, size_t n) {
  if (!on_device()) return;
  access(p, n, Atomic, __builtin_return_address(0));
  poll_atomic();
}
void fence(bool) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void before_release(const void* p, size_t n) { access(p, n, Atomic, __builtin_return_address(0)); }
void after_acquire(const void* p, size_t n) {
  spin();
  access(p, n, Atomic, __builtin_return_address(0));
}
void dependency_wait() {}

}  // namespace fovea::emulator
#endif
