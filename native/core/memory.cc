// Raw host memory, copies and fills. Large blocks are mapped with huge pages: fewer TLB misses for weights and activations.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "core/plugin_call.h"
#include "core/stream.h"

namespace {

constexpr int64_t kHugePage = 2 << 20;
constexpr int64_t kLargest = int64_t{1} << 46;

int64_t rounded(int64_t bytes, int64_t unit) { return (bytes + unit - 1) / unit * unit; }

void* map_huge(int64_t bytes) {
  // Over-map by one huge page and give the unaligned ends back.
  const auto size = static_cast<size_t>(rounded(bytes, kHugePage));
  void* raw = mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  const auto begin = reinterpret_cast<uintptr_t>(raw);
  const uintptr_t aligned = (begin + kHugePage - 1) / kHugePage * kHugePage;
  if (aligned > begin) munmap(raw, aligned - begin);
  const uintptr_t tail = begin + kHugePage - aligned;
  if (tail > 0) munmap(reinterpret_cast<void*>(aligned + size), tail);
  madvise(reinterpret_cast<void*>(aligned), size, MADV_HUGEPAGE);
  return reinterpret_cast<void*>(aligned);
}

struct CopyJob {
  void* destination;
  const void* source;
  int64_t bytes;
};

struct FillJob {
  void* destination;
  int64_t bytes;
  uint8_t value;
};

void run_copy(const CopyJob& job) { std::memmove(job.destination, job.source, static_cast<size_t>(job.bytes)); }
void run_fill(const FillJob& job) { std::memset(job.destination, job.value, static_cast<size_t>(job.bytes)); }

}  // namespace

using namespace fovea;

extern "C" fovea_status fovea_memory_alloc(fovea_device* device, int32_t kind, int64_t bytes, void** data) {
  FOVEA_CHECK(device != nullptr && data != nullptr, "memory_alloc: device or result pointer is NULL");
  FOVEA_CHECK(bytes >= 0, "memory_alloc: size is negative (%lld)", static_cast<long long>(bytes));
  FOVEA_CHECK(kind == FOVEA_MEMORY_DEVICE || kind == FOVEA_MEMORY_PINNED, "memory_alloc: unknown kind %d", kind);
  FOVEA_FORWARD(device, fovea_memory_alloc, device, kind, bytes, data);
  *data = nullptr;
  if (bytes == 0) return FOVEA_OK;
  if (bytes <= kLargest)
    *data = bytes >= kHugePage ? map_huge(bytes) : std::aligned_alloc(64, static_cast<size_t>(rounded(bytes, 64)));
  if (*data == nullptr)
    return fail(FOVEA_OUT_OF_MEMORY, "memory_alloc: the system has no %lld bytes for the CPU device",
                static_cast<long long>(bytes));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_memory_free(fovea_device* device, int32_t kind, void* data, int64_t bytes) {
  if (data == nullptr) return FOVEA_OK;
  FOVEA_CHECK(device != nullptr, "memory_free: device is NULL");
  FOVEA_FORWARD(device, fovea_memory_free, device, kind, data, bytes);
  FOVEA_CHECK(bytes > 0 && bytes <= kLargest, "memory_free: size %lld is not that of an allocation",
              static_cast<long long>(bytes));
  if (bytes >= kHugePage)
    munmap(data, static_cast<size_t>(rounded(bytes, kHugePage)));
  else
    std::free(data);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_memory_copy(void* destination, const void* source, int64_t bytes, fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "memory_copy: stream is NULL");
  FOVEA_CHECK(bytes >= 0, "memory_copy: size is negative (%lld)", static_cast<long long>(bytes));
  if (bytes == 0) return FOVEA_OK;
  FOVEA_CHECK(destination != nullptr && source != nullptr, "memory_copy: source or destination is NULL");
  FOVEA_FORWARD(stream, fovea_memory_copy, destination, source, bytes, stream);
  return enqueue(stream, run_copy, CopyJob{destination, source, bytes});
}

extern "C" fovea_status fovea_memory_fill(void* destination, uint8_t value, int64_t bytes, fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "memory_fill: stream is NULL");
  FOVEA_CHECK(bytes >= 0, "memory_fill: size is negative (%lld)", static_cast<long long>(bytes));
  if (bytes == 0) return FOVEA_OK;
  FOVEA_CHECK(destination != nullptr, "memory_fill: destination is NULL");
  FOVEA_FORWARD(stream, fovea_memory_fill, destination, value, bytes, stream);
  return enqueue(stream, run_fill, FillJob{destination, bytes, value});
}
