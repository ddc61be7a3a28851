// mbarriers: the eight bytes in shared memory hold the whole state, so that what a real barrier loses is lost here too.
#include "tensor_internal.h"

namespace fovea::emulator {

MBar& mbar(uint64_t* bar) {
  MBar& m = *reinterpret_cast<MBar*>(bar);
  if (uintptr_t(bar) % 8 || m.tag != MBar::kTag) fail("%p is not an initialised mbarrier", static_cast<void*>(bar));
  return m;
}

// When all have arrived and all bytes have landed the phase flips.
void check_phase(MBar& m) {
  if (m.pending || m.bytes) return;
  m.phase ^= 1;
  m.pending = m.expected;
  auto& waiters = worker.gang->mbar_waiters;
  for (size_t i = 0; i < waiters.size();) {
    if (waiters[i]->waits_for == &m) {
      worker.gang->make_ready(waiters[i]);
      waiters.erase(waiters.begin() + long(i));
    } else {
      i++;
    }
  }
}

void mbar_init(uint64_t* bar, unsigned count) {
  access(bar, 8, Atomic, FOVEA_CALLER);
  MBar m{};
  m.tag = MBar::kTag;
  m.expected = m.pending = count;
  memcpy(bar, &m, 8);
  worker.gang->clocks[bar].clear();
  self().pending().inits.push_back(bar);
}

void mbar_fence() {
  for (uint64_t* bar : self().pending().inits) mbar(bar).fenced = 1;
  self().pending().inits.clear();
}

void mbar_arrive(uint64_t* bar, unsigned bytes, bool arrives) {
  MBar& m = mbar(bar);
  release(worker.gang->clocks[bar]);
  m.bytes += int(bytes);
  if (arrives) {
    if (!m.pending) fail("more arrivals at an mbarrier than the %u it was initialised with", unsigned(m.expected));
    m.pending--;
  }
  check_phase(m);
  maybe_yield();
}

bool mbar_test(uint64_t* bar, unsigned parity, bool wait, const char* file, int line) {
  if (!wait) spin();
  while (mbar(bar).phase == (parity & 1)) {
    if (!wait) return false;
    worker.gang->mbar_waiters.push_back(worker.current);
    park(parity & 1 ? "an mbarrier, parity 1" : "an mbarrier, parity 0", file, line, bar);
  }
  acquire(worker.gang->clocks[bar]);
  return true;
}

void proxy_fence() { self().proxy_fence = self().now++; }

}  // namespace fovea::emulator
