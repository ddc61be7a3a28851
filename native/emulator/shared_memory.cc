// Where shared memory lies: the dynamic part in an arena, static variables in a section of thread-local storage.
#include <link.h>
#include "internal.h"

extern "C" __attribute__((visibility("hidden"), weak)) char __start_fovea_shared[], __stop_fovea_shared[];

namespace fovea::emulator {
Statics statics() {
  static thread_local Statics s = [] {
    Statics r{nullptr, 0};
    dl_iterate_phdr(
        [](dl_phdr_info* i, size_t, void* out) {
          for (int k = 0; k < i->dlpi_phnum; k++) {
            auto& ph = i->dlpi_phdr[k];
            char* v = (char*)i->dlpi_addr + ph.p_vaddr;
            if (ph.p_type == PT_TLS && i->dlpi_tls_data && __start_fovea_shared >= v && __start_fovea_shared <= v + ph.p_memsz)
              *(Statics*)out = {(char*)i->dlpi_tls_data + (__start_fovea_shared - v),
                                size_t(__stop_fovea_shared - __start_fovea_shared)};
          }
          return 0;
        },
        &r);
    return r;
  }();
  return s;
}
unsigned cluster_rank() { return self().blk->rank; }
unsigned cluster_blocks() { return unsigned(w.gang->blocks.size()); }
void* dynamic_smem() { return self().blk->smem; }
bool is_shared(const void* p) {
  return size_t((const char*)p - w.gang->arena) < ARENA * w.gang->blocks.size() ||
         size_t((const char*)p - statics().p) < statics().n;
}
uint32_t smem_address(const void* p) {
  size_t off = size_t((const char*)p - w.gang->arena);
  if (off >= ARENA * w.gang->blocks.size()) fail("%p is not in dynamic shared memory", p);
  return uint32_t(off);
}
void* map_to_rank(const void* p, unsigned rank) {
  if (rank >= w.gang->blocks.size()) fail("cluster has no block %u", rank);
  return w.gang->arena + rank * ARENA + smem_address(p) % ARENA;
}
}  // namespace fovea::emulator
