// Who runs next. Seed 0 takes the first ready thread and 1 the last; others draw: even seeds uniformly, odd seeds so that some
// warps starve, which finds what depends on all warps getting along alike.
#include "internal.h"

namespace fovea::emulator {
namespace {

// The threads that still wait, grouped by where.
std::string deadlock_report() {
  std::string s = "deadlock: no thread can run";
  std::map<std::string, std::vector<unsigned>> groups;
  size_t done = 0;
  for (const Block& b : worker.gang->blocks)
    for (const Fiber& f : b.fibers) {
      if (f.state == Fiber::Done) {
        done++;
        continue;
      }
      char at[300];
      snprintf(at, sizeof at, "block (%u,%u,%u) wait at %s, %s:%d", b.idx.x, b.idx.y, b.idx.z, f.what, f.file, f.line);
      groups[at].push_back(f.rank);
    }
  for (const auto& [at, ranks] : groups) {
    s += "\n      " + std::to_string(ranks.size()) + " threads of " + at + ": threads";
    for (size_t i = 0, j; i < ranks.size(); i = j + 1) {  // as ranges
      for (j = i; j + 1 < ranks.size() && ranks[j + 1] == ranks[j] + 1;) j++;
      s += " " + std::to_string(ranks[i]) + (j > i ? "-" + std::to_string(ranks[j]) : "");
    }
  }
  return s + "\n      " + std::to_string(done) + " threads have exited";
}

// Of a few candidates the one whose warp has the best priority; priorities change slowly.
size_t starving_choice(Gang& g, size_t first) {
  auto priority = [&](size_t k) -> unsigned& {
    Fiber* f = g.ready[(g.head + k) % g.ready.size()];
    return f->block->warps[f->rank / 32].priority;
  };
  size_t at = first;
  for (int k = 0; k < 3; k++)
    if (const size_t c = g.rng() % g.count; priority(c) > priority(at)) at = c;
  if (g.rng.one_in(256)) priority(at) = g.rng();
  return at;
}

// A copy lands: when nothing else can run, or at a random moment.
void land_one(Gang& g) {
  const size_t i = g.seed > 1 ? g.rng() % g.async.size() : 0;
  const std::function<void()> copy = std::move(g.async[i]);
  g.async.erase(g.async.begin() + long(i));
  g.spins = 0;
  copy();
}

}  // namespace

Fiber& pick() {
  Gang& g = *worker.gang;
  while (!g.async.empty() && (!g.count || (g.seed > 1 && g.rng.one_in(16)))) land_one(g);
  if (!g.count) fail("%s", deadlock_report().c_str());
  size_t at = 0;
  if (g.seed == 1) at = g.count - 1;
  if (g.seed > 1) at = g.rng() % g.count;
  if (g.seed > 1 && g.seed % 2) at = starving_choice(g, at);
  std::swap(g.ready[g.head], g.ready[(g.head + at) % g.ready.size()]);
  Fiber* f = g.ready[g.head];
  g.head = (g.head + 1) % g.ready.size();
  g.count--;
  return *f;
}

void finish() {
  Fiber& f = self();
  Gang& g = *worker.gang;
  if (f.pending_ && !f.pending_->empty()) fail("thread exits with a cp.async or a wgmma it never waited for");
  if (f.pending_) finish_bulk_stores(*f.pending_);
  g.spins = 0;
  Warp& warp = my_warp(f);
  warp.exited |= 1u << f.lane;
  for (size_t i = 0; i < warp.open.size();)
    if (!try_finish(warp, i, nullptr)) i++;
  f.state = Fiber::Done;
  // A neighbour in the cluster may no longer look at the shared memory of a block that has ended.
  if (!--f.block->live && g.blocks.size() > 1) memset(f.block->smem, POISON, g.launch->smem);
  if (--g.live) {
    f.seen.reset();
    resume(pick());
  }
  while (!g.async.empty()) land_one(g);
  resume(worker.main);
  abort();  // a finished thread is never resumed
}

}  // namespace fovea::emulator
