// Threads as fibers: stacks and the context switch (System V x86-64, callee-saved registers only: ten nanoseconds, where
// swapcontext makes a system call).
#include <sys/mman.h>

#include "internal.h"

extern "C" void fovea_emulator_switch(void** save, void* load);
asm(R"(
.text
.p2align 4
.globl fovea_emulator_switch
.hidden fovea_emulator_switch
.type fovea_emulator_switch,@function
fovea_emulator_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size fovea_emulator_switch,.-fovea_emulator_switch
)");

namespace fovea::emulator {
namespace {

constexpr size_t kStacksAtOnce = 64;
std::mutex pool_mutex;
std::vector<char*> pool;  // stacks that no OS thread holds
thread_local struct Cache {
  std::vector<char*> free;
  ~Cache() {
    std::lock_guard<std::mutex> guard(pool_mutex);
    pool.insert(pool.end(), free.begin(), free.end());
  }
} cache;
// A finished thread's stack is free for the next one only once we are off it.
thread_local Fiber* leaving = nullptr;

char* take_stack() {
  std::vector<char*>& free = cache.free;
  if (free.empty()) {
    std::lock_guard<std::mutex> guard(pool_mutex);
    const size_t n = std::min(pool.size(), kStacksAtOnce);
    free.assign(pool.end() - long(n), pool.end());
    pool.resize(pool.size() - n);
  }
  if (free.empty()) {
    void* p = mmap(nullptr, kStacksAtOnce * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return nullptr;
    for (size_t i = 0; i < kStacksAtOnce; i++) free.push_back(static_cast<char*>(p) + i * STACK);
  }
  char* s = free.back();
  free.pop_back();
  return s;
}

// First thing on the other side of a switch.
void arrived() {
#if FOVEA_EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(worker.current->fake, nullptr, nullptr);
#endif
  if (leaving) {
    give_stack(*leaving);
    leaving = nullptr;
  }
}
void entry() {
  arrived();
  worker.gang->launch->body();
  finish();
}

bool start(Fiber& f) {
  f.stack = take_stack();
  if (!f.stack) return false;
  // Staggered, or all threads' frames would share a few cache sets.
  void** sp = reinterpret_cast<void**>(f.stack + STACK - (f.rank * 832u & 16320));
  *--sp = nullptr;  // keeps the entry's stack 16-byte aligned after its "return address"
  *--sp = reinterpret_cast<void*>(entry);
  sp -= 6;
  memset(sp, 0, 6 * sizeof *sp);
  f.sp = sp;
  return true;
}

// Blocks that are resident together take turns in the section of static shared memory.
void swap_statics(Block* block) {
  const Statics s = statics();
  if (worker.gang->blocks.size() == 1 || !s.n || worker.statics_of == block) return;
  if (worker.statics_of) worker.statics_of->statics.assign(s.p, s.p + s.n);
  memcpy(s.p, block->statics.data(), s.n);
  worker.statics_of = block;
}

}  // namespace

void give_stack(Fiber& f) {
  if (!f.stack) return;
  cache.free.push_back(f.stack);
  f.stack = nullptr;
}

void resume(Fiber& to) {
  Fiber& from = *worker.current;
  if (&to == &from) {
    from.state = Fiber::Running;
    return;
  }
  if (to.state == Fiber::New && !start(to)) {
    constexpr const char* message = "out of memory for the stacks of the emulated threads";
    if (on_device()) fail(message);
    report(message);
    worker.gang->failed = true;
    return;
  }
  if (to.block) {
    threadIdx = to.tid;
    blockIdx = to.block->idx;
    swap_statics(to.block);
  }
  to.state = Fiber::Running;
  worker.current = &to;
  worker.switches++;
  if (from.state == Fiber::Done) leaving = &from;
#if FOVEA_EMULATOR_ASAN
  __sanitizer_start_switch_fiber(from.state == Fiber::Done ? nullptr : &from.fake, to.stack, to.stack_size);
#endif
  fovea_emulator_switch(&from.sp, to.sp);
  arrived();
}

void park(const char* what, const char* file, int line, const void* on) {
  Fiber& f = self();
  if (static_cast<char*>(__builtin_frame_address(0)) < f.stack + 4096)
    fail("stack overflow of the emulated thread (%zu KB)", STACK >> 10);
  f.state = Fiber::Blocked;
  f.atomics = 0;
  f.what = what;
  f.file = file;
  f.line = line;
  f.waits_for = on;
  worker.gang->spins = 0;
  resume(pick());
}

void yield() {
  if (!on_device()) return;
  worker.gang->make_ready(worker.current);
  resume(pick());
}
void spin() {
  if (!on_device()) return;
  if (++worker.gang->spins > 1 << 22) fail("livelock: threads poll and nothing moves");
  yield();
}
void poll_atomic() {
  if (++self().atomics % 64 == 0) spin();
  maybe_yield();
}
void maybe_yield() {
  if (worker.gang->seed > 1 && worker.gang->rng.one_in(8)) yield();
}

}  // namespace fovea::emulator
