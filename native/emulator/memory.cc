// Device and pinned memory. Device memory is unreadable to the host outside a run, never reused, and poison until written.
#include <sys/mman.h>
#include "runtime_internal.h"

namespace fovea::emulator {
char* device_base;
size_t device_used;
constexpr size_t DEVICE_SPAN = size_t(1) << 36;
std::map<char*, Alloc> allocs;
static std::map<char*, size_t> pinned;
bool window;
const Alloc* find_alloc(const void* p) {
  auto it = allocs.upper_bound((char*)p);
  return it == allocs.begin() ? nullptr : &(--it)->second;
}
bool is_device(const void* p) { return size_t((const char*)p - device_base) < device_used; }
bool is_pinned(const void* p) {
  auto it = pinned.upper_bound((char*)p);
  return it != pinned.begin() && (--it, (const char*)p < it->first + it->second);
}
void open_window(bool on) {  // the host may not touch device memory; the emulated device may
  if (window == on) return;
  window = on;
  for (auto& a : allocs)
    if (a.second.live) mprotect(a.first, (a.second.n + PAGE - 1) & -PAGE, on ? PROT_READ | PROT_WRITE : PROT_NONE);
}
static bool start() {
  if (device_base) return true;
  void* p = mmap(nullptr, DEVICE_SPAN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return false;
  device_base = (char*)p;
  if (!FOVEA_EMULATOR_ASAN) catch_faults();
  return true;
}
static char tail_byte(const char* q) {
  return char((uintptr_t(q) * 2654435761u) >> 13 | 1);
}  // guards the rest of an allocation's last page
static char* allocate(size_t n) {
  if (!start()) return nullptr;
  char* p = device_base + device_used;
  size_t room = (n + PAGE - 1) & -PAGE;
  if (device_used + room + PAGE > DEVICE_SPAN) return nullptr;
  device_used += room + PAGE;  // a page of nothing after each
  mprotect(p, room, PROT_READ | PROT_WRITE);
  memset(p, POISON, n);
  for (char* q = p + n; q < p + room; q++) *q = tail_byte(q);
  ASAN_POISON_MEMORY_REGION(p + n, room + PAGE - n);
  if (!window) mprotect(p, room, PROT_NONE);
  allocs[p] = {p, n, true};
  return p;
}
void check_tail(const Alloc& a) {
  if (FOVEA_EMULATOR_ASAN) return;
  for (char* q = a.p + a.n; q < a.p + ((a.n + PAGE - 1) & -PAGE); q++)
    if (*q != tail_byte(q)) {
      report("something wrote " + std::to_string(q - a.p - a.n) + " bytes past the end of an allocation of " +
             std::to_string(a.n) + " bytes");
      sticky = cudaErrorLaunchFailure;
      *q = tail_byte(q);
      return;
    }
}
static void release_memory(void* p) {
  Alloc& a = allocs[(char*)p];
  size_t room = (a.n + PAGE - 1) & -PAGE;
  bool was = window;
  open_window(true);
  check_tail(a);
  a.live = false;
  ASAN_POISON_MEMORY_REGION(p, room);
  madvise(p, room, MADV_DONTNEED);
  mprotect(p, room, PROT_NONE);
  open_window(was);
}
bool in_bounds(const void* p, size_t n) {
  if (!is_device(p)) return p != nullptr;
  const Alloc* a = find_alloc(p);
  return a && a->live && (const char*)p + n <= a->p + a->n;
}

}  // namespace fovea::emulator
using namespace fovea::emulator;
cudaError_t cudaMalloc(void** p, size_t n) {
  LOCK;
  if (!n) {
    *p = nullptr;
    return cudaSuccess;
  }
  if (capture_forbids()) return ret(cudaErrorStreamCaptureUnsupported);
  *p = allocate(n);
  return ret(*p ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t cudaFree(void* p) {
  LOCK;
  if (!p) return cudaSuccess;
  const Alloc* a = is_device(p) ? find_alloc(p) : nullptr;
  if (!a || a->p != p || !a->live) return ret(cudaErrorInvalidValue);
  cudaError_t e = run_until(idle);
  release_memory(p);
  return e;
}
cudaError_t cudaMallocAsync(void** p, size_t n, cudaStream_t s) {  // contents are void from the moment the stream gets there
  LOCK;
  char* q = allocate(n);
  *p = q;
  if (!q) return ret(cudaErrorMemoryAllocation);
  return enqueue(s, [q, n] { memset(q, POISON, n); });
}
cudaError_t cudaFreeAsync(void* p, cudaStream_t s) {
  LOCK;
  const Alloc* a = is_device(p) ? find_alloc(p) : nullptr;
  if (!a || a->p != p || !a->live) return ret(cudaErrorInvalidValue);
  return enqueue(s, [p] { release_memory(p); });
}
cudaError_t cudaMallocHost(void** p, size_t n) {
  LOCK;
  *p = malloc(n);
  pinned[(char*)*p] = n;
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** p, size_t n, unsigned) { return cudaMallocHost(p, n); }
cudaError_t cudaFreeHost(void* p) {
  LOCK;
  if (!pinned.erase((char*)p)) return ret(cudaErrorInvalidValue);
  cudaError_t e = run_until(idle);
  free(p);
  return e;
}
cudaError_t cudaMallocManaged(void** p, size_t n, unsigned) { return cudaMallocHost(p, n); }
static cudaError_t copy(void* d, const void* s, size_t n, cudaMemcpyKind k, cudaStream_t st, bool wait) {
  LOCK;
  if (!n) return cudaSuccess;
  bool to = is_device(d), from = is_device(s);
  if (k != cudaMemcpyDefault &&
      (to != (k == cudaMemcpyHostToDevice || k == cudaMemcpyDeviceToDevice) ||
       from != (k == cudaMemcpyDeviceToHost || k == cudaMemcpyDeviceToDevice)) &&
      !is_pinned(d) && !is_pinned(s))
    return ret(cudaErrorInvalidMemcpyDirection);
  if (!in_bounds(d, n) || !in_bounds(s, n)) return ret(cudaErrorInvalidValue);
  FoveaEmulatedStream* q = get(st);
  cudaError_t e;
  if (wait && capture_forbids()) return ret(cudaErrorStreamCaptureUnsupported);
  if (!from && !is_pinned(s) && !q->capture)
    e = enqueue(st, [d, n, v = std::vector<char>((const char*)s, (const char*)s + n)] {
      if (!in_bounds(d, n)) {
        report("a queued copy touches device memory that has been freed since");
        throw cudaErrorIllegalAddress;
      }
      memcpy(d, v.data(), v.size());
    });  // pageable: staged now
  else {
    e = enqueue(st, [=] {
      if (!in_bounds(d, n) || !in_bounds(s, n)) {
        report("a queued copy touches device memory that has been freed since");
        throw cudaErrorIllegalAddress;
      }
      memcpy(d, s, n);
    });
    if (!to && !is_pinned(d) && !q->capture) wait = true;  // pageable destination: the call itself waits
  }
  return wait && e == cudaSuccess ? run_until([&] { return q->q.empty(); }) : e;
}
cudaError_t cudaMemcpy(void* d, const void* s, size_t n, cudaMemcpyKind k) { return copy(d, s, n, k, nullptr, true); }
cudaError_t cudaMemcpyAsync(void* d, const void* s, size_t n, cudaMemcpyKind k, cudaStream_t st) {
  return copy(d, s, n, k, st, false);
}
cudaError_t cudaMemcpy2DAsync(void* d, size_t dp, const void* s, size_t sp, size_t wd, size_t h, cudaMemcpyKind k,
                              cudaStream_t st) {
  cudaError_t e = cudaSuccess;
  for (size_t i = 0; i < h && e == cudaSuccess; i++) e = copy((char*)d + i * dp, (const char*)s + i * sp, wd, k, st, false);
  return e;
}
cudaError_t cudaMemsetAsync(void* d, int v, size_t n, cudaStream_t s) {
  LOCK;
  return in_bounds(d, n) ? enqueue(s, [=] { memset(d, v, n); }) : ret(cudaErrorInvalidValue);
}
cudaError_t cudaMemset(void* d, int v, size_t n) { return cudaMemsetAsync(d, v, n, nullptr); }
cudaError_t cudaMemGetInfo(size_t* f, size_t* t) {
  *t = size_t(80) << 30;
  *f = *t;
  for (auto& a : allocs)
    if (a.second.live) *f -= a.second.n;
  return cudaSuccess;
}
