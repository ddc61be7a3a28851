// mbarriers: the eight bytes hold the state.
#include "tensor_internal.h"

namespace fovea::emulator {
MBar& mbar(uint64_t* bar) {
  MBar& m = *(MBar*)bar;
  if (uintptr_t(bar) % 8 || m.tag != 0xB7) fail("%p is not an initialised mbarrier", (void*)bar);
  return m;
}
void check_phase(MBar& m) {
  if (m.pending || m.tx) return;
  m.phase ^= 1;
  m.pending = m.expected;
  auto& ws = w.gang->mbar_waiters;
  for (size_t i = 0; i < ws.size();)
    if (ws[i]->waits_for == &m) {
      w.gang->make_ready(ws[i]);
      ws.erase(ws.begin() + i);
    } else
      i++;
}
void mbar_init(uint64_t* bar, unsigned count) {
  access(bar, 8, Atomic, FOVEA_CALLER);
  MBar m{};
  m.tag = 0xB7;
  m.expected = m.pending = count;
  memcpy(bar, &m, 8);
  w.gang->clocks[bar].clear();
  self().pending().inits.push_back(bar);
}
void mbar_fence() {
  for (uint64_t* b : self().pending().inits) mbar(b).fenced = 1;
  self().pending().inits.clear();
}
void mbar_arrive(uint64_t* bar, unsigned tx) {
  MBar& m = mbar(bar);
  release(w.gang->clocks[bar]);
  if (!m.pending) fail("more arrivals at an mbarrier than the %u it was initialised with", unsigned(m.expected));
  m.tx += int(tx);
  m.pending--;
  check_phase(m);
  maybe_yield();
}
bool mbar_test(uint64_t* bar, unsigned parity, bool wait, const char* file, int line) {
  if (!wait) yield();
  while (mbar(bar).phase == (parity & 1)) {
    if (!wait) return false;
    w.gang->mbar_waiters.push_back(w.cur);
    park(parity & 1 ? "an mbarrier, parity 1" : "an mbarrier, parity 0", file, line, bar);
  }
  acquire(w.gang->clocks[bar]);
  return true;
}
void proxy_fence() { self().proxy_fence = self().now++; }

}  // namespace fovea::emulator
