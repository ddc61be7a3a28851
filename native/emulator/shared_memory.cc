// Where shared memory lies: the dynamic part in an arena, static variables in thread-local storage between the two markers
// around the kernels' object files.
#include "internal.h"

extern __thread uint64_t fovea_shared_begin, fovea_shared_end;

namespace fovea::emulator {

Statics statics() {
  static thread_local const Statics mine = [] {
    char* begin = reinterpret_cast<char*>(&fovea_shared_begin + 1);
    char* end = reinterpret_cast<char*>(&fovea_shared_end);
    return end > begin ? Statics{begin, size_t(end - begin)} : Statics{begin, 0};
  }();
  return mine;
}

namespace {
// Which part of the static variables a kernel uses, learnt from its first block, so that not all of them need be poisoned for
// every block. Between launches everything is poison.
struct Range {
  size_t low, high;
};
thread_local std::map<const void*, Range> used_by;
thread_local bool poisoned = false;

void poison(Range r) {
  if (r.high > r.low) memset(statics().p + r.low, POISON, r.high - r.low);
}
// The part that is not poison.
Range touched() {
  const Statics s = statics();
  size_t low = 0, high = s.n;
  uint64_t word;
  auto clean = [&](size_t at) { return memcpy(&word, s.p + at, 8), word == ~uint64_t(0); };
  while (low + 8 <= high && clean(low)) low += 8;
  while (high >= low + 8 && clean(high - 8)) high -= 8;
  return {low, high};
}
}  // namespace

void poison_statics(const void* kernel, bool first_or_last) {
  if (!poisoned) {
    poison({0, statics().n});
    poisoned = true;
    return;
  }
  Range& used = used_by.try_emplace(kernel, Range{statics().n, 0}).first->second;
  if (first_or_last) {
    const Range now = touched();
    if (now.high > now.low) used = {std::min(used.low, now.low), std::max(used.high, now.high)};
  }
  poison(used);
}
void forget_statics() { poisoned = false; }

long long clock_ticks() {
  static thread_local long long ticks;
  return ++ticks;
}

bool is_shared(const void* p) {
  return size_t(static_cast<const char*>(p) - worker.gang->arena) < ARENA * worker.gang->blocks.size() ||
         size_t(static_cast<const char*>(p) - statics().p) < statics().n;
}

unsigned cluster_rank() { return self().block->rank; }
unsigned cluster_blocks() { return unsigned(worker.gang->blocks.size()); }
void* dynamic_smem() { return self().block->smem; }

uint32_t smem_address(const void* p) {
  const size_t offset = size_t(static_cast<const char*>(p) - worker.gang->arena);
  if (offset >= ARENA * worker.gang->blocks.size()) fail("%p is not in dynamic shared memory", p);
  return uint32_t(offset);
}
void* map_to_rank(const void* p, unsigned rank) {
  if (rank >= worker.gang->blocks.size()) fail("cluster has no block %u", rank);
  return worker.gang->arena + rank * ARENA + smem_address(p) % ARENA;
}

}  // namespace fovea::emulator
