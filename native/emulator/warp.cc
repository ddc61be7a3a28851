// Collectives of a warp: every lane deposits an argument, the last to arrive computes for all.
#include "internal.h"

namespace fovea::emulator {

Warp& my_warp(Fiber& f) { return f.block->warps[f.rank / 32]; }

// Exited lanes count as arrived.
bool try_finish(Warp& warp, size_t i, Fiber* me) {
  Collective& c = warp.open[i];
  if ((c.arrived | warp.exited) != (c.mask | warp.exited)) return false;
  c.fn(c.args, c.arrived);
  if (c.orders) {
    std::vector<Fiber*> who;
    lanes_of(c.arrived, [&](unsigned l) { who.push_back(c.who[l]); });
    join(who);
  }
  lanes_of(c.arrived, [&](unsigned l) {
    if (c.who[l] != me) worker.gang->make_ready(c.who[l]);
  });
  warp.open.erase(warp.open.begin() + long(i));
  return true;
}

void warp_op(unsigned mask, const char* what, void* arg, WarpFn fn, const char* file, int line, bool orders) {
  Fiber& f = self();
  Warp& warp = my_warp(f);
  if (!(mask >> f.lane & 1)) fail("%s at %s:%d: lane %u is not in its own mask %08x", what, file, line, f.lane, mask);
  if (mask & ~warp.exist && mask != ~0u)
    fail("%s at %s:%d: mask %08x names lanes that do not exist (%08x do)", what, file, line, mask, warp.exist);
  mask &= warp.exist;
  size_t i = 0;
  while (i < warp.open.size() && !(warp.open[i].mask & mask)) i++;
  if (i == warp.open.size()) warp.open.push_back({mask, 0, what, file, line, fn, orders, {}, {}});
  Collective& c = warp.open[i];
  if (c.mask != mask || c.fn != fn)
    fail("warp divergence: lane %u calls %s (mask %08x) at %s:%d while other lanes wait in %s (mask %08x) at %s:%d", f.lane,
         what, mask, file, line, c.what, c.mask, c.file, c.line);
  c.arrived |= 1u << f.lane;
  c.args[f.lane] = arg;
  c.who[f.lane] = &f;
  if (try_finish(warp, i, &f))
    maybe_yield();
  else
    park(what, file, line);
}

unsigned lane_id() { return self().lane; }

}  // namespace fovea::emulator
