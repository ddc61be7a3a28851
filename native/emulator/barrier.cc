// Barriers of a block, a cluster and a cooperative grid.
#include "internal.h"

namespace fovea::emulator {

static void pass(Barrier& b) {
  join(b.who);
  for (Fiber* f : b.waiting) worker.gang->make_ready(f);
  b.who.clear();
  b.waiting.clear();
  b.arrived = 0;
}

void barrier(unsigned id, unsigned count, bool wait, bool same_line, const char* file, int line) {
  Fiber& f = self();
  if (id > 15) fail("barrier %u does not exist", id);
  Barrier& b = f.block->bar[id];
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

int barrier_reduce(int predicate, int op, const char* file, int line) {
  Block& block = *self().block;
  Barrier& b = block.bar[0];
  const unsigned threads = unsigned(block.fibers.size());
  if (!b.arrived) b.count = 0;
  b.count += predicate != 0;
  if (b.arrived + 1 == threads) {
    block.reduced[0] = b.count;
    block.reduced[1] = b.count == int(threads);
    block.reduced[2] = b.count != 0;
  }
  barrier(0, threads, true, true, file, line);
  return block.reduced[op];
}

void group_barrier(bool whole_grid, const char* file, int line) {
  Gang& g = *worker.gang;
  Barrier& b = g.all;
  if (whole_grid && !g.launch->cooperative) fail("grid barrier in a launch that is not cooperative");
  b.who.push_back(worker.current);
  if (b.who.size() == g.blocks.size() * g.threads_per_block()) {
    pass(b);
    maybe_yield();
  } else {
    b.waiting.push_back(worker.current);
    park(whole_grid ? "the grid barrier" : "the cluster barrier", file, line);
  }
}

}  // namespace fovea::emulator
