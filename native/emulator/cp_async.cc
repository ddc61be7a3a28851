// cp.async: the bytes land at the wait; until then the destination is poison.
#include "tensor_internal.h"

namespace fovea::emulator {

void cp_async(void* dst, const void* src, unsigned n, unsigned filled) {
  if (filled > n) fail("cp.async: %u bytes of %u", filled, n);
  if (uintptr_t(dst) % n || (filled && uintptr_t(src) % n)) fail("cp.async: %p <- %p is not %u-byte aligned", dst, src, n);
  if (!is_shared(dst)) fail("cp.async: the destination %p is not in shared memory", dst);
  if (filled) access(src, filled, Read, FOVEA_CALLER);
  access(dst, n, Write, FOVEA_CALLER);
  memset(dst, POISON, n);
  self().pending().open.push_back({static_cast<char*>(dst), static_cast<const char*>(src), n, filled, FOVEA_CALLER});
}

void cp_async_commit() {
  Pending& p = self().pending();
  p.groups.push_back(std::move(p.open));
  p.open.clear();
}

void cp_async_wait(int pending) {
  Pending& p = self().pending();
  for (; int(p.groups.size()) > pending; p.groups.pop_front())
    for (const Copy& c : p.groups.front()) {
      if (c.filled) memcpy(c.dst, c.src, c.filled);
      memset(c.dst + c.filled, 0, c.n - c.filled);
      access(c.dst, c.n, Write, c.pc);
    }
  maybe_yield();
}

}  // namespace fovea::emulator
