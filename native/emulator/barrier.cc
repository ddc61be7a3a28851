// Barriers of a block, a cluster and a cooperative grid.
#include "internal.h"

namespace fovea::emulator {
static void pass(Barrier& b) {
  join(b.who);
  for (Fiber* f : b.waiting) w.gang->make_ready(f);
  b.who.clear();
  b.waiting.clear();
  b.arrived = 0;
}
void barrier(unsigned id, unsigned count, bool wait, bool same_line, const char* file, int line) {
  Fiber& f = self();
  if (id > 15) fail("barrier %u does not exist", id);
  Barrier& b = f.blk->bar[id];
  if (!b.arrived) {
    b.expected = count;
    b.file = file;
    b.line = line;
  }
  if (b.expected != count)
    fail("barrier %u at %s:%d expects %u threads, others at %s:%d expect %u", id, file, line, count, b.file, b.line,
         b.expected);
  if (same_line && (b.line != line || strcmp(b.file, file)))
    fail("divergent __syncthreads: this thread is at %s:%d, others wait at %s:%d", file, line, b.file, b.line);
  b.who.push_back(&f);
  if (++b.arrived == count) {
    pass(b);
    maybe_yield();
  } else if (wait) {
    b.waiting.push_back(&f);
    park(id ? "a named barrier" : "__syncthreads", file, line);
  }
}
int barrier_reduce(int pred, int op, const char* file, int line) {
  Block& b = *self().blk;
  unsigned n = blockDim.x * blockDim.y * blockDim.z;
  if (!b.bar[0].arrived) b.bar[0].count = 0;
  b.bar[0].count += pred != 0;
  if (b.bar[0].arrived + 1 == n) {
    int c = b.bar[0].count;
    b.reduced[0] = c;
    b.reduced[1] = c == int(n);
    b.reduced[2] = c != 0;
  }
  barrier(0, n, true, true, file, line);
  return b.reduced[op];
}
void group_barrier(bool whole_grid, const char* file, int line) {
  Gang& g = *w.gang;
  Barrier& b = g.all;
  if (whole_grid && !g.l->cooperative) fail("grid barrier in a launch that is not cooperative");
  b.who.push_back(w.cur);
  if (b.who.size() == g.blocks.size() * g.blocks[0].fibers.size()) {
    pass(b);
    maybe_yield();
  } else {
    b.waiting.push_back(w.cur);
    park(whole_grid ? "the grid barrier" : "the cluster barrier", file, line);
  }
}
}  // namespace fovea::emulator
