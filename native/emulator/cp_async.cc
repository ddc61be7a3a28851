// cp.async: copied at the wait.
#include "tensor_internal.h"

namespace fovea::emulator {
void cp_async(void* dst, const void* src, unsigned n, bool valid) {
  if (uintptr_t(dst) % n || (valid && uintptr_t(src) % n)) fail("cp.async: %p <- %p is not %u-byte aligned", dst, src, n);
  if (valid) access(src, n, Read, FOVEA_CALLER);
  access(dst, n, Write, FOVEA_CALLER);
  memset(dst, POISON, n);
  self().pending().open.push_back({(char*)dst, (const char*)src, n, valid ? n : 0, FOVEA_CALLER});
}
void cp_async_commit() {
  Pending& p = self().pending();
  p.groups.push_back(std::move(p.open));
  p.open.clear();
}
void cp_async_wait(int pending) {
  Pending& f = self().pending();
  for (; int(f.groups.size()) > pending; f.groups.pop_front())
    for (Copy& c : f.groups.front()) {
      memcpy(c.dst, c.src, c.filled);
      memset(c.dst + c.filled, 0, c.n - c.filled);
      access(c.dst, c.n, Write, c.pc);
    }
  maybe_yield();
}

}  // namespace fovea::emulator
