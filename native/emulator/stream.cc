// Streams. Nothing runs when it is enqueued: work runs when the host waits for it, in an order among independent streams that
// the seed chooses (seeds 2 and up also run some of it early). No worker threads, so every failure replays.
#include "runtime_internal.h"

namespace fovea::emulator {

std::recursive_mutex lock;
std::set<FoveaEmulatedStream*> streams;
unsigned seed = getenv("FOVEA_EMULATOR_SEED") ? unsigned(atoi(getenv("FOVEA_EMULATOR_SEED"))) : 0, serial;
Rng rng{88172645463325252u};
uint64_t order;

namespace {
thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

bool runnable(FoveaEmulatedStream* s) {
  if (s->q.empty()) return false;
  const Op& o = s->q.front();
  if (o.wait && o.wait->completed < o.version) return false;
  if (s->flags & cudaStreamNonBlocking) return true;
  for (FoveaEmulatedStream* t : streams)  // the legacy default stream and the blocking streams order each other
    if (t != s && t->device == s->device && !(t->flags & cudaStreamNonBlocking) && (t->is_null || s->is_null) &&
        !t->q.empty() && t->q.front().order < o.order)
      return false;
  return true;
}
}  // namespace

bool step() {
  std::vector<FoveaEmulatedStream*> can;
  for (FoveaEmulatedStream* s : streams)
    if (runnable(s)) can.push_back(s);
  if (can.empty()) return false;
  std::sort(can.begin(), can.end(), [](auto* a, auto* b) { return a->q.front().order < b->q.front().order; });
  FoveaEmulatedStream* s = can[seed == 0 ? 0 : seed == 1 ? can.size() - 1 : rng() % can.size()];
  const Op o = std::move(s->q.front());
  s->q.pop_front();
  cudaError_t& sticky = device_state(s->device).sticky;
  if (o.run && sticky == cudaSuccess) {
    open_window(s->device);
    try {
      o.run();
    } catch (cudaError_t e) {
      sticky = e;
    }
  }
  return true;
}

// Works until `done`; what the device has met on the way.
cudaError_t run_until(int device, const std::function<bool()>& done) {
  DeviceState& d = device_state(device);
  if (d.next) d.sticky = std::exchange(d.next, cudaSuccess);
  while (!done() && step()) {
  }
  check_tails();
  open_window(kNone);
  if (!done()) {
    report("the host waits for work that can never run");
    d.sticky = cudaErrorLaunchFailure;
  }
  return ret(d.sticky);
}

bool idle(int device) {
  for (FoveaEmulatedStream* s : streams)
    if (s->device == device && !s->q.empty()) return false;
  return true;
}

// Handles 1 and 2 are CUDA's names of the legacy and the per-thread default stream: one and the same here.
FoveaEmulatedStream* get(cudaStream_t s) {
  return reinterpret_cast<uintptr_t>(s) <= 2 ? &device_state(current_device()).null_stream : s;
}
bool known(cudaStream_t s) { return reinterpret_cast<uintptr_t>(s) <= 2 || streams.count(s); }

cudaError_t enqueue(cudaStream_t stream, NodeKind kind, std::function<void()> f) {
  if (!known(stream)) return ret(cudaErrorInvalidResourceHandle);
  FoveaEmulatedStream* s = get(stream);
  DeviceState& d = device_state(s->device);
  if (d.next) d.sticky = std::exchange(d.next, cudaSuccess);
  if (d.sticky) return ret(d.sticky);
  if (s->capture) {
    s->capture->nodes.push_back({std::move(f), s->tail, kind});
    s->tail = {int(s->capture->nodes.size()) - 1};
    return cudaSuccess;
  }
  s->q.push_back({std::move(f), nullptr, 0, ++order});
  if (seed > 1) {
    while (rng.one_in(4) && step()) {
    }
    check_tails();
    open_window(kNone);
  }
  return ret(d.sticky);
}

// Whether the calling thread may not make a call that waits or allocates: `only` is the stream it would wait for. Such a call
// breaks the capture.
bool capture_forbids(FoveaEmulatedStream* only) {
  for (FoveaEmulatedStream* s : streams) {
    const FoveaEmulatedGraph* c = s->capture;
    if (!c || (only && s != only)) continue;
    const bool lenient = thread_mode == cudaStreamCaptureModeRelaxed || c->mode == cudaStreamCaptureModeRelaxed ||
                         (c->mode == cudaStreamCaptureModeThreadLocal && c->thread != std::this_thread::get_id());
    if (!only && lenient) continue;
    s->capture->broken = true;
    return true;
  }
  return false;
}

}  // namespace fovea::emulator

using namespace fovea::emulator;

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(*mode, thread_mode);
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* s, unsigned flags, int priority) {
  LOCK;
  *s = nullptr;
  if (const cudaError_t lost = device_state(current_device()).sticky) return ret(lost);
  *s = new FoveaEmulatedStream;
  (*s)->flags = flags;
  (*s)->device = current_device();
  (*s)->priority = std::min(0, std::max(-5, priority));
  streams.insert(*s);
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned flags) { return cudaStreamCreateWithPriority(s, flags, 0); }
cudaError_t cudaStreamCreate(cudaStream_t* s) { return cudaStreamCreateWithFlags(s, 0); }
cudaError_t cudaStreamDestroy(cudaStream_t s) {
  LOCK;
  if (!streams.count(s) || s->is_null) return ret(cudaErrorInvalidResourceHandle);
  const cudaError_t e = run_until(s->device, [&] { return s->q.empty(); });
  streams.erase(s);
  delete s;
  return e;
}
cudaError_t cudaStreamSynchronize(cudaStream_t s) {
  LOCK;
  if (!known(s)) return ret(cudaErrorInvalidResourceHandle);
  FoveaEmulatedStream* q = get(s);
  if (capture_forbids(q)) return ret(cudaErrorStreamCaptureUnsupported);
  return run_until(q->device, [&] { return q->q.empty(); });
}
cudaError_t cudaStreamQuery(cudaStream_t s) {
  LOCK;
  if (!known(s)) return ret(cudaErrorInvalidResourceHandle);
  FoveaEmulatedStream* q = get(s);
  if (capture_forbids(q)) return ret(cudaErrorStreamCaptureUnsupported);
  if (!q->q.empty()) {
    step();
    check_tails();
    open_window(kNone);
  }
  const cudaError_t sticky = device_state(q->device).sticky;
  return ret(sticky ? sticky : q->q.empty() ? cudaSuccess : cudaErrorNotReady);
}
cudaError_t cudaStreamGetFlags(cudaStream_t s, unsigned* flags) {
  LOCK;
  if (!known(s)) return ret(cudaErrorInvalidResourceHandle);
  *flags = get(s)->flags;
  return cudaSuccess;
}
cudaError_t cudaStreamGetPriority(cudaStream_t s, int* priority) {
  LOCK;
  if (!known(s)) return ret(cudaErrorInvalidResourceHandle);
  *priority = get(s)->priority;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -5;
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  LOCK;
  if (capture_forbids()) return ret(cudaErrorStreamCaptureUnsupported);
  const int device = current_device();
  return run_until(device, [=] { return idle(device); });
}
cudaError_t cudaLaunchHostFunc(cudaStream_t s, void (*f)(void*), void* argument) {
  LOCK;
  return enqueue(s, NodeKind::host, [=] {
    open_window(kNone);
    f(argument);
  });
}
