// Events: a point in a stream's order, in a capture a set of nodes.
#include <chrono>

#include "runtime_internal.h"

namespace fovea::emulator {
std::set<FoveaEmulatedEvent*> events;
}
using namespace fovea::emulator;

namespace {
double milliseconds() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
}  // namespace

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned flags) {
  LOCK;
  *e = nullptr;
  if (const cudaError_t lost = device_state(current_device()).sticky) return ret(lost);
  *e = new FoveaEmulatedEvent;
  (*e)->flags = flags;
  (*e)->device = current_device();
  events.insert(*e);
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* e) { return cudaEventCreateWithFlags(e, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t e) {
  LOCK;
  if (!events.count(e)) return ret(cudaErrorInvalidResourceHandle);
  const cudaError_t r = run_until(e->device, [&] { return e->completed >= e->recorded; });
  for (FoveaEmulatedStream* s : streams)  // waits that are met already
    for (Op& o : s->q)
      if (o.wait == e) o.wait = nullptr;
  events.erase(e);
  delete e;
  return r;
}
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t stream) {
  LOCK;
  if (!events.count(e) || !known(stream) || get(stream)->device != e->device) return ret(cudaErrorInvalidResourceHandle);
  FoveaEmulatedStream* s = get(stream);
  if (s->capture) {
    e->graph = s->capture;
    e->nodes = s->tail;
    return cudaSuccess;
  }
  e->graph = nullptr;
  const uint64_t version = ++e->recorded;
  return enqueue(stream, NodeKind::empty, [=] {
    e->completed = version;
    e->when = milliseconds();
  });
}
cudaError_t cudaEventRecordWithFlags(cudaEvent_t e, cudaStream_t s, unsigned) { return cudaEventRecord(e, s); }
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t e, unsigned) {
  LOCK;
  if (!events.count(e) || !known(stream)) return ret(cudaErrorInvalidResourceHandle);
  FoveaEmulatedStream* s = get(stream);
  if (e->graph) {  // joins the capture, or orders within it
    if (s->capture && s->capture != e->graph) return ret(cudaErrorStreamCaptureMerge);
    s->capture = e->graph;
    s->tail.insert(s->tail.end(), e->nodes.begin(), e->nodes.end());
    return cudaSuccess;
  }
  if (s->capture) {  // work outside the graph cannot be waited for from inside
    s->capture->broken = true;
    return ret(cudaErrorStreamCaptureIsolation);
  }
  if (e->recorded) s->q.push_back({nullptr, e, e->recorded, ++order});
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t e) {
  LOCK;
  if (!events.count(e)) return ret(cudaErrorInvalidResourceHandle);
  if (e->graph) return ret(cudaErrorCapturedEvent);
  if (capture_forbids()) return ret(cudaErrorStreamCaptureUnsupported);
  return run_until(e->device, [&] { return e->completed >= e->recorded; });
}
cudaError_t cudaEventQuery(cudaEvent_t e) {
  LOCK;
  if (!events.count(e)) return ret(cudaErrorInvalidResourceHandle);
  if (e->graph) return ret(cudaErrorCapturedEvent);
  if (capture_forbids()) return ret(cudaErrorStreamCaptureUnsupported);
  if (e->completed < e->recorded) {
    step();
    check_tails();
    open_window(kNone);
  }
  return ret(e->completed >= e->recorded ? cudaSuccess : cudaErrorNotReady);
}
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t a, cudaEvent_t b) {
  LOCK;
  if (!events.count(a) || !events.count(b) || !a->recorded || !b->recorded || (a->flags | b->flags) & cudaEventDisableTiming)
    return ret(cudaErrorInvalidResourceHandle);
  if (a->completed < a->recorded || b->completed < b->recorded) return ret(cudaErrorNotReady);
  *ms = float(b->when - a->when);
  return cudaSuccess;
}
