// Who runs next: chosen by the seed.
#include "internal.h"

namespace fovea::emulator {
Fiber& pick() {
  Gang& g = *w.gang;
  for (;;) {
    if (!g.async.empty() && (!g.count || (g.seed > 1 && g.rng.one_in(16)))) {  // a TMA copy lands: late, or at a random moment
      size_t i = g.seed > 1 ? g.rng() % g.async.size() : 0;
      auto a = std::move(g.async[i]);
      g.async.erase(g.async.begin() + i);
      a.run();
      continue;
    }
    if (!g.count) fail("%s", deadlock_report().c_str());
    size_t n = g.ready.size(), at = 0;
    if (g.seed == 1)
      at = g.count - 1;
    else if (g.seed > 1) {
      at = g.rng() % g.count;
      if (g.seed & 1) {  // odd seeds starve warps: the best of a few candidates by a slowly changing priority
        auto pri = [&](size_t k) -> unsigned& {
          Fiber* f = g.ready[(g.head + k) % n];
          return f->blk->warps[f->rank / 32].priority;
        };
        for (int k = 0; k < 3; k++) {
          size_t c = g.rng() % g.count;
          if (pri(c) > pri(at)) at = c;
        }
        if (g.rng.one_in(256)) pri(at) = g.rng();
      }
    }
    std::swap(g.ready[g.head], g.ready[(g.head + at) % n]);
    Fiber* f = g.ready[g.head];
    g.head = (g.head + 1) % n;
    g.count--;
    return *f;
  }
}
void finish() {
  Fiber& f = self();
  Gang& g = *w.gang;
  Warp& wp = my_warp(f);
  if (f.pending_ && !f.pending_->empty()) fail("thread exits with a cp.async or a wgmma it never waited for");
  if (f.pending_) finish_bulk_stores(*f.pending_);
  g.spins = 0;
  wp.exited |= 1u << f.lane;
  for (size_t i = 0; i < wp.open.size();)
    if (!try_finish(wp, i, nullptr)) i++;
  f.state = Fiber::Done;
  if (!--f.blk->live && g.blocks.size() > 1)
    memset(f.blk->smem, POISON, g.l->smem);  // a neighbour in the cluster may no longer look
  if (--g.live) {
    f.seen.reset();
    resume(pick());
  }
  while (!g.async.empty()) {
    auto a = std::move(g.async.back());
    g.async.pop_back();
    a.run();
  }
  resume(w.main);
  abort();
}
}  // namespace fovea::emulator
