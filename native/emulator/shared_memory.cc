// Where shared memory lies: the dynamic part in an arena, static variables in a section of thread-local storage. The linker
// marks the section's bounds within the image of that storage; the loader says where this OS thread's copy lies, in a program
// and in a library that was loaded later alike.
#include <link.h>

#include "internal.h"

extern "C" __attribute__((visibility("hidden"), weak)) char __start_fovea_shared[], __stop_fovea_shared[];

namespace fovea::emulator {

Statics statics() {
  static thread_local const Statics mine = [] {
    worker.switches += 0;  // touches the storage: it is made at its first use
    Statics found{nullptr, 0};
    dl_iterate_phdr(
        [](dl_phdr_info* module, size_t, void* out) {
          for (int k = 0; k < module->dlpi_phnum; k++) {
            const auto& header = module->dlpi_phdr[k];
            char* image = reinterpret_cast<char*>(module->dlpi_addr + header.p_vaddr);
            if (header.p_type == PT_TLS && module->dlpi_tls_data && __start_fovea_shared >= image &&
                __start_fovea_shared <= image + header.p_memsz)
              *static_cast<Statics*>(out) = {static_cast<char*>(module->dlpi_tls_data) + (__start_fovea_shared - image),
                                             size_t(__stop_fovea_shared - __start_fovea_shared)};
          }
          return 0;
        },
        &found);
    return found;
  }();
  return mine;
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
