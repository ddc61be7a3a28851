// Threads as fibers: stacks and the context switch (System V x86-64, callee-saved registers only).
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
static std::mutex pool_mutex;
static std::vector<char*> stacks;
static thread_local struct Mine {
  std::vector<char*> free;
  ~Mine() {
    std::lock_guard<std::mutex> g(pool_mutex);
    stacks.insert(stacks.end(), free.begin(), free.end());
  }
} mine;
static char* take_stack() {
  if (mine.free.empty()) {
    std::lock_guard<std::mutex> g(pool_mutex);
    size_t n = std::min<size_t>(stacks.size(), 64);
    mine.free.assign(stacks.end() - n, stacks.end());
    stacks.resize(stacks.size() - n);
  }
  if (mine.free.empty()) {
    constexpr size_t N = 64;
    char* p = (char*)mmap(nullptr, N * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return nullptr;
    for (size_t i = 0; i < N; i++) mine.free.push_back(p + i * STACK);
  }
  char* s = mine.free.back();
  mine.free.pop_back();
  return s;
}
void give_stack(Fiber& f) {
  if (!f.stack) return;
  mine.free.push_back(f.stack);
  f.stack = nullptr;
}
static thread_local Fiber* leaving = nullptr;  // a finished thread's stack is free for the next one only once we are off it
static void arrived_fiber() {
#if FOVEA_EMULATOR_ASAN
  __sanitizer_finish_switch_fiber(w.cur->fake, nullptr, nullptr);
#endif
  if (leaving) {
    give_stack(*leaving);
    leaving = nullptr;
  }
}
static void entry() {
  arrived_fiber();
  w.gang->l->body();
  finish();
}
void resume(Fiber& to) {
  Fiber& from = *w.cur;
  if (&to == &from) {
    from.state = Fiber::Running;
    return;
  }
  if (to.state == Fiber::New) {
    to.stack = take_stack();
    if (!to.stack) {
      if (on_device()) fail("out of memory for the stacks of the emulated threads");
      report("out of memory for the stacks of the emulated threads");
      w.gang->failed = true;
      return;
    }
    void** sp =
        (void**)(to.stack + STACK - (to.rank * 832u & 16320));  // staggered, or all threads' frames share a few cache sets
    *--sp = nullptr;  // keeps the entry's stack 16-byte aligned after its "return address"
    *--sp = (void*)entry;
    sp -= 6;
    memset(sp, 0, 6 * sizeof *sp);
    to.sp = sp;
  }
  if (to.blk) {
    threadIdx = to.tid;
    blockIdx = to.blk->idx;
    if (w.gang->blocks.size() > 1 && statics().n &&
        w.statics_of != to.blk) {  // co-resident blocks: swap their static shared memory
      if (w.statics_of) w.statics_of->statics.assign(statics().p, statics().p + statics().n);
      memcpy(statics().p, to.blk->statics.data(), statics().n);
      w.statics_of = to.blk;
    }
  }
  to.state = Fiber::Running;
  w.cur = &to;
  w.switches++;
  if (from.state == Fiber::Done) leaving = &from;
#if FOVEA_EMULATOR_ASAN
  __sanitizer_start_switch_fiber(from.state == Fiber::Done ? nullptr : &from.fake, to.stack, to.stack_size);
#endif
  fovea_emulator_switch(&from.sp, to.sp);
  arrived_fiber();
}
void park(const char* what, const char* file, int line, const void* on) {
  Fiber& f = self();
  if ((char*)__builtin_frame_address(0) < f.stack + 4096) fail("stack overflow of the emulated thread (%zu KB)", STACK >> 10);
  f.state = Fiber::Blocked;
  f.atomics = 0;
  w.gang->spins = 0;
  f.what = what;
  f.file = file;
  f.line = line;
  f.waits_for = on;
  resume(pick());
}
void yield() {
  if (!on_device()) return;
  w.gang->make_ready(w.cur);
  resume(pick());
}
void spin() {
  if (!on_device()) return;
  if (++w.gang->spins > 1 << 22) fail("livelock: threads poll and nothing moves");
  yield();
}
void poll_atomic() {
  if (++self().atomics % 64 == 0) spin();
  maybe_yield();
}
void maybe_yield() {
  if (w.gang->seed > 1 && w.gang->rng.one_in(8)) yield();
}
}  // namespace fovea::emulator
