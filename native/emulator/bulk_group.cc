// Groups of bulk stores: shared memory is read at wait<.., read>, global memory written at the full wait or the thread's end.
#include "tensor_internal.h"

namespace fovea::emulator {

void bulk_commit() {
  Pending& p = self().pending();
  p.bulk_groups.push_back(std::move(p.bulk_open));
  p.bulk_open.clear();
}

void bulk_wait(int pending, bool only_read) {
  Pending& p = self().pending();
  const size_t done = p.bulk_groups.size() > size_t(pending) ? p.bulk_groups.size() - size_t(pending) : 0;
  for (size_t i = 0; i < done; i++)
    for (BulkStore& s : p.bulk_groups[i]) {
      if (!s.has_read) s.data = s.read();
      s.has_read = true;
      if (!only_read && !s.written) s.write(s.data);
      s.written |= !only_read;
    }
  if (!only_read) p.bulk_groups.erase(p.bulk_groups.begin(), p.bulk_groups.begin() + long(done));
  maybe_yield();
}

// At the thread's end: the writes land, but shared memory must have been read before it goes away.
void finish_bulk_stores(Pending& p) {
  if (!p.bulk_open.empty()) fail("thread exits with a bulk store it never committed");
  for (auto& group : p.bulk_groups)
    for (BulkStore& s : group) {
      if (!s.has_read) fail("thread exits with a bulk store whose source it never waited for");
      if (!s.written) s.write(s.data);
    }
  p.bulk_groups.clear();
}

namespace {
template <class T>
void add_elements(char* dst, const char* src, unsigned bytes) {
  for (unsigned i = 0; i < bytes; i += sizeof(T)) {
    T v;
    memcpy(&v, src + i, sizeof v);
    atomicAdd(reinterpret_cast<T*>(dst + i), v);
  }
}
}  // namespace

void reduce_add(char* dst, const char* src, unsigned bytes, unsigned type) {
  switch (type) {
    case 2:
    case 3:
      return add_elements<uint32_t>(dst, src, bytes);
    case 4:
    case 5:
      return add_elements<unsigned long long>(dst, src, bytes);
    case 6:
      return add_elements<__half>(dst, src, bytes);
    case 7:
    case 10:
      return add_elements<float>(dst, src, bytes);
    case 8:
      return add_elements<double>(dst, src, bytes);
    case 9:
      return add_elements<__nv_bfloat16>(dst, src, bytes);
    default:
      fail("tma_reduce_add: the tensor's element type cannot be added");
  }
}

}  // namespace fovea::emulator
