// Device and pinned memory. Device memory is unreadable to the host outside a run, never reused, and poison until written.
#include <sys/mman.h>

#include "runtime_internal.h"

namespace fovea::emulator {

char* device_base;
size_t device_used;
std::map<char*, Alloc> allocs;

namespace {
// Address space only. The race detector's shadow is thirteen times as large.
constexpr size_t kDeviceSpan = size_t(1) << (FOVEA_EMULATOR_RACE ? 36 : 40);
std::map<char*, Alloc> freed;
std::map<char*, size_t> registered;  // the caller's own memory, by cudaHostRegister
int window = kNone;

size_t pages(size_t n) { return (n + PAGE - 1) & ~(PAGE - 1); }

bool visible(const Alloc& a, int device) {
  return a.pinned || device == kAll || device == a.device || (device >= 0 && device_state(device).peers >> a.device & 1);
}
bool start() {
  if (device_base) return true;
  void* p = mmap(nullptr, kDeviceSpan, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return false;
  device_base = static_cast<char*>(p);
  if (!FOVEA_EMULATOR_ASAN) catch_faults();
  return true;
}
// Guards the rest of an allocation's last page.
char tail_byte(const char* q) { return char((uintptr_t(q) * 2654435761u) >> 13 | 1); }

void check_tail(const Alloc& a) {
  if (FOVEA_EMULATOR_ASAN) return;
  for (char* q = a.p + a.n; q < a.p + pages(a.n); q++)
    if (*q != tail_byte(q)) {
      report("something wrote " + std::to_string(q - a.p - long(a.n)) + " bytes past the end of an allocation of " +
             std::to_string(a.n) + " bytes");
      device_state(a.device).sticky = cudaErrorIllegalAddress;
      *q = tail_byte(q);
      return;
    }
}
// Pinned memory lies in the same span, so that the race detector and the guards see what kernels do to it; the host may always
// touch it, and it does not count against the device's budget.
void* allocate(size_t n, int device, bool pinned) {
  DeviceState& d = device_state(device);
  if (!start() || n > memory_budget() - (pinned ? 0 : std::min(d.used, memory_budget()))) return nullptr;
  char* p = device_base + device_used;
  const size_t room = pages(n);
  if (device_used + room + PAGE > kDeviceSpan) return nullptr;
  device_used += room + PAGE;  // a page of nothing after each
  if (!pinned) d.used += n;
  const Alloc a{p, n, true, device, pinned};
  mprotect(p, room, PROT_READ | PROT_WRITE);
  memset(p, POISON, n);
  for (char* q = p + n; q < p + room; q++) *q = tail_byte(q);
  ASAN_POISON_MEMORY_REGION(p + n, room + PAGE - n);
  if (!visible(a, window)) mprotect(p, room, PROT_NONE);
  allocs[p] = a;
  return p;
}
void release_memory(void* p) {
  Alloc a = allocs[static_cast<char*>(p)];
  const size_t room = pages(a.n);
  mprotect(p, room, PROT_READ | PROT_WRITE);
  check_tail(a);
  ASAN_POISON_MEMORY_REGION(p, room);
  madvise(p, room, MADV_DONTNEED);
  mprotect(p, room, PROT_NONE);
  if (!a.pinned) device_state(a.device).used -= a.n;
  a.live = false;
  allocs.erase(a.p);
  freed[a.p] = a;
}
const Alloc* exact(void* p, bool pinned = false) {
  auto it = allocs.find(static_cast<char*>(p));
  return it == allocs.end() || it->second.pinned != pinned ? nullptr : &it->second;
}
bool in_span(const void* p) { return size_t(static_cast<const char*>(p) - device_base) < device_used; }
const Alloc* below(const std::map<char*, Alloc>& in, const void* p) {
  auto it = in.upper_bound(static_cast<char*>(const_cast<void*>(p)));
  return it == in.begin() ? nullptr : &(--it)->second;
}
}  // namespace

// The allocation, live or freed, that p lies in or behind.
const Alloc* find_alloc(const void* p) {
  const Alloc *live = below(allocs, p), *dead = below(freed, p);
  return !live || (dead && dead->p > live->p) ? dead : live;
}
bool is_device(const void* p) {
  if (!in_span(p)) return false;
  const Alloc* a = find_alloc(p);
  return a && !a->pinned;
}
bool is_pinned(const void* p) {
  if (in_span(p)) return !is_device(p);
  auto it = registered.upper_bound(static_cast<char*>(const_cast<void*>(p)));
  return it != registered.begin() && (--it, static_cast<const char*>(p) < it->first + it->second);
}
bool in_bounds(const void* p, size_t n) {
  if (!in_span(p)) return p != nullptr;
  const Alloc* a = find_alloc(p);
  return a && a->live && static_cast<const char*>(p) + n <= a->p + a->n;
}
void open_window(int device) {
  if (window == device) return;
  for (auto& [p, a] : allocs)
    if (visible(a, device) != visible(a, window))
      mprotect(p, pages(a.n), visible(a, device) ? PROT_READ | PROT_WRITE : PROT_NONE);
  window = device;
}
void check_tails() {
  if (window == kNone) return;
  open_window(kAll);
  for (auto& entry : allocs) check_tail(entry.second);
}

}  // namespace fovea::emulator

using namespace fovea::emulator;

cudaError_t cudaMalloc(void** p, size_t n) {
  LOCK;
  *p = nullptr;
  if (!n) return cudaSuccess;
  if (capture_forbids()) return ret(cudaErrorStreamCaptureUnsupported);
  if (const cudaError_t lost = device_state(current_device()).sticky) return ret(lost);
  *p = allocate(n, current_device(), false);
  return ret(*p ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t cudaFree(void* p) {
  LOCK;
  if (!p) return cudaSuccess;
  const Alloc* a = exact(p);
  if (!a) return ret(cudaErrorInvalidValue);
  if (capture_forbids()) return ret(cudaErrorStreamCaptureUnsupported);
  const int device = a->device;
  const cudaError_t e = run_until(device, [=] { return idle(device); });
  if (exact(p)) release_memory(p);
  return e;
}
// The contents are void from the moment the stream gets there.
cudaError_t cudaMallocAsync(void** p, size_t n, cudaStream_t s) {
  LOCK;
  *p = nullptr;
  if (!n) return cudaSuccess;
  if (!known(s)) return ret(cudaErrorInvalidResourceHandle);
  char* q = static_cast<char*>(allocate(n, get(s)->device, false));
  if (!q) return ret(cudaErrorMemoryAllocation);
  *p = q;
  return enqueue(s, NodeKind::empty, [q, n] {
    if (exact(q)) memset(q, POISON, n);
  });
}
cudaError_t cudaFreeAsync(void* p, cudaStream_t s) {
  LOCK;
  if (!p) return cudaSuccess;
  if (!exact(p)) return ret(cudaErrorInvalidValue);
  return enqueue(s, NodeKind::empty, [p] {
    if (exact(p)) release_memory(p);
  });
}
cudaError_t cudaHostAlloc(void** p, size_t n, unsigned) {
  LOCK;
  *p = nullptr;
  if (capture_forbids()) return ret(cudaErrorStreamCaptureUnsupported);
  if (const cudaError_t lost = device_state(current_device()).sticky) return ret(lost);
  *p = allocate(n ? n : 1, current_device(), true);
  return ret(*p ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t cudaMallocHost(void** p, size_t n) { return cudaHostAlloc(p, n, 0); }
cudaError_t cudaMallocManaged(void** p, size_t n, unsigned) { return cudaHostAlloc(p, n, 0); }
cudaError_t cudaFreeHost(void* p) {
  LOCK;
  if (!p) return cudaSuccess;
  if (!exact(p, true)) return ret(cudaErrorInvalidValue);
  if (capture_forbids()) return ret(cudaErrorStreamCaptureUnsupported);
  cudaError_t e = cudaSuccess;
  for (int d = 0; d < device_count(); d++)
    if (const cudaError_t r = run_until(d, [=] { return idle(d); })) e = r;
  release_memory(p);
  return e;
}
cudaError_t cudaHostRegister(void* p, size_t n, unsigned) {
  LOCK;
  if (!p || !n) return ret(cudaErrorInvalidValue);
  if (is_pinned(p)) return ret(cudaErrorHostMemoryAlreadyRegistered);
  registered[static_cast<char*>(p)] = n;
  return cudaSuccess;
}
cudaError_t cudaHostUnregister(void* p) {
  LOCK;
  return registered.erase(static_cast<char*>(p)) ? cudaSuccess : ret(cudaErrorHostMemoryNotRegistered);
}
cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned) {
  LOCK;
  *device = host;
  return ret(is_pinned(host) ? cudaSuccess : cudaErrorInvalidValue);
}
cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total) {
  LOCK;
  *total = memory_budget();
  *free_bytes = *total - device_state(current_device()).used;
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* p) {
  LOCK;
  *attributes = {};
  if (is_device(p)) {
    const Alloc* a = find_alloc(p);
    if (!a || !a->live) return ret(cudaErrorInvalidValue);
    *attributes = {cudaMemoryTypeDevice, a->device, const_cast<void*>(p), nullptr};
  } else if (is_pinned(p)) {
    *attributes = {cudaMemoryTypeHost, current_device(), const_cast<void*>(p), const_cast<void*>(p)};
  } else {
    *attributes = {cudaMemoryTypeUnregistered, -2, nullptr, const_cast<void*>(p)};
  }
  return cudaSuccess;
}
