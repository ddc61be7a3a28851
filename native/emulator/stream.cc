// Streams and events. Nothing runs when it is enqueued: work runs when the host waits for it, in an order among
// independent streams that the seed chooses (seeds 2 and up also run some of it early).
#include "runtime_internal.h"

namespace fovea::emulator {
std::recursive_mutex lock;
FoveaEmulatedStream null_stream;
std::set<FoveaEmulatedStream*> streams{&null_stream};
unsigned seed = getenv("FOVEA_EMULATOR_SEED") ? unsigned(atoi(getenv("FOVEA_EMULATOR_SEED"))) : 0, serial;
Rng rng{88172645463325252u};
uint64_t order;
cudaError_t sticky = cudaSuccess;
thread_local cudaError_t recent = cudaSuccess;
void clear_report();
cudaError_t ret(cudaError_t e) {
  if (e != cudaSuccess && e != cudaErrorNotReady) recent = e;
  return e;
}
static bool runnable(FoveaEmulatedStream* s) {
  if (s->q.empty()) return false;
  Op& o = s->q.front();
  if (o.wait && o.wait->completed < o.version) return false;
  if (!(s->flags & cudaStreamNonBlocking))  // the legacy default stream and the blocking streams order each other
    for (FoveaEmulatedStream* t : streams)
      if (t != s && !(t->flags & cudaStreamNonBlocking) && (t == &null_stream || s == &null_stream) && !t->q.empty() &&
          t->q.front().order < o.order)
        return false;
  return true;
}
bool step() {
  std::vector<FoveaEmulatedStream*> can;
  for (FoveaEmulatedStream* s : streams)
    if (runnable(s)) can.push_back(s);
  if (can.empty()) return false;
  std::sort(can.begin(), can.end(), [](auto* a, auto* b) { return a->q.front().order < b->q.front().order; });
  FoveaEmulatedStream* s = can[seed == 0 ? 0 : seed == 1 ? can.size() - 1 : rng() % can.size()];
  Op o = std::move(s->q.front());
  s->q.pop_front();
  if (o.run && sticky == cudaSuccess) {
    open_window(true);
    try {
      o.run();
    } catch (cudaError_t e) {
      sticky = e;
    }
  }
  return true;
}
cudaError_t run_until(const std::function<bool()>& done) {
  while (!done() && step()) {
  }
  for (auto& a : allocs)
    if (a.second.live && window) check_tail(a.second);
  open_window(false);
  if (!done()) {
    report("the host waits for work that can never run");
    sticky = cudaErrorLaunchFailure;
  }
  return ret(sticky);
}
bool idle() {
  for (FoveaEmulatedStream* s : streams)
    if (!s->q.empty()) return false;
  return true;
}
FoveaEmulatedStream* get(cudaStream_t s) { return s ? s : &null_stream; }
cudaError_t enqueue(cudaStream_t st, std::function<void()> f) {
  FoveaEmulatedStream* s = get(st);
  if (s->capture) {
    s->capture->nodes.push_back({std::move(f), s->tail});
    s->tail = {int(s->capture->nodes.size()) - 1};
    return cudaSuccess;
  }
  s->q.push_back({std::move(f), nullptr, 0, ++order});
  if (seed > 1) {
    while (rng.one_in(4) && step()) {
    }
    open_window(false);
  }
  return ret(sticky);
}
static thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

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

void reset(unsigned s) {
  LOCK;
  for (auto* t : streams) {
    t->q.clear();
    t->capture = nullptr;
  }
  seed = s;
  serial = 0;
  rng.s = 88172645463325252u ^ (uint64_t(s) << 20);
  sticky = recent = cudaSuccess;
  clear_report();
  open_window(false);
  stats() = {};
}
}  // namespace fovea::emulator
using namespace fovea::emulator;
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned f) {
  LOCK;
  *s = new FoveaEmulatedStream;
  (*s)->flags = f;
  streams.insert(*s);
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* s) { return cudaStreamCreateWithFlags(s, 0); }
cudaError_t cudaStreamDestroy(cudaStream_t s) {
  LOCK;
  if (!streams.count(s)) return ret(cudaErrorInvalidResourceHandle);
  cudaError_t e = run_until([&] { return s->q.empty(); });
  streams.erase(s);
  delete s;
  return e;
}
cudaError_t cudaStreamSynchronize(cudaStream_t s) {
  LOCK;
  FoveaEmulatedStream* q = get(s);
  if (capture_forbids(q)) return ret(cudaErrorStreamCaptureUnsupported);
  return run_until([&] { return q->q.empty(); });
}
cudaError_t cudaStreamQuery(cudaStream_t s) {
  LOCK;
  FoveaEmulatedStream* q = get(s);
  if (!q->q.empty()) {
    step();
    open_window(false);
  }
  return ret(sticky ? sticky : q->q.empty() ? cudaSuccess : cudaErrorNotReady);
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(*mode, thread_mode);
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  LOCK;
  if (capture_forbids()) return ret(cudaErrorStreamCaptureUnsupported);
  return run_until(idle);
}
cudaError_t cudaLaunchHostFunc(cudaStream_t s, void (*f)(void*), void* a) {
  LOCK;
  return enqueue(s, [=] { f(a); });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned) {
  *e = new FoveaEmulatedEvent;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* e) { return cudaEventCreateWithFlags(e, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t e) {
  LOCK;
  cudaError_t r = run_until([&] { return e->completed >= e->recorded; });
  delete e;
  return r;
}
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t st) {
  LOCK;
  FoveaEmulatedStream* s = get(st);
  if (s->capture) {
    e->graph = s->capture;
    e->nodes = s->tail;
    return cudaSuccess;
  }
  e->graph = nullptr;
  uint64_t v = ++e->recorded;
  return enqueue(st, [=] {
    e->completed = v;
    e->when = double(clock()) / CLOCKS_PER_SEC * 1e3;
  });
}
cudaError_t cudaStreamWaitEvent(cudaStream_t st, cudaEvent_t e, unsigned) {
  LOCK;
  FoveaEmulatedStream* s = get(st);
  if (e->graph) {
    s->capture = e->graph;
    s->tail.insert(s->tail.end(), e->nodes.begin(), e->nodes.end());
    return cudaSuccess;
  }
  if (e->recorded) s->q.push_back({nullptr, e, e->recorded, ++order});
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t e) {
  LOCK;
  if (capture_forbids()) return ret(cudaErrorStreamCaptureUnsupported);
  return run_until([&] { return e->completed >= e->recorded; });
}
cudaError_t cudaEventQuery(cudaEvent_t e) {
  LOCK;
  if (e->completed < e->recorded) {
    step();
    open_window(false);
  }
  return ret(e->completed >= e->recorded ? cudaSuccess : cudaErrorNotReady);
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t a, cudaEvent_t b) {
  LOCK;
  if (!a->completed || !b->completed || a->completed < a->recorded || b->completed < b->recorded) return ret(cudaErrorNotReady);
  *ms = float(b->when - a->when);
  return cudaSuccess;
}
