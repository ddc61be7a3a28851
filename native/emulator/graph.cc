// Capture and replay.
#include "runtime_internal.h"

using namespace fovea::emulator;
cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode) {
  LOCK;
  if (!s) return ret(cudaErrorStreamCaptureUnsupported);
  s->capture = new FoveaEmulatedGraph;
  s->capture->origin = s;
  s->tail.clear();
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t s, cudaStreamCaptureStatus* st) {
  LOCK;
  FoveaEmulatedStream* q = get(s);
  *st = !q->capture          ? cudaStreamCaptureStatusNone
        : q->capture->broken ? cudaStreamCaptureStatusInvalidated
                             : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t* g) {
  LOCK;
  *g = nullptr;
  FoveaEmulatedGraph* c = s->capture;
  if (!c || c->origin != s) return ret(cudaErrorStreamCaptureInvalidated);
  std::set<int> reach(s->tail.begin(), s->tail.end());  // every side stream must have been joined back
  for (int i = int(c->nodes.size()); i-- > 0;)
    if (reach.count(i)) reach.insert(c->nodes[i].after.begin(), c->nodes[i].after.end());
  bool joined = reach.size() == c->nodes.size(), broken = c->broken;
  for (FoveaEmulatedStream* t : streams)
    if (t->capture == c) {
      t->capture = nullptr;
      t->tail.clear();
    }
  if (broken || !joined) {
    delete c;
    return ret(broken ? cudaErrorStreamCaptureInvalidated : cudaErrorStreamCaptureUnjoined);
  }
  *g = c;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* e, cudaGraph_t g, unsigned long long) {
  LOCK;
  *e = new FoveaEmulatedGraphExec{g->nodes};
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t e, cudaStream_t s) {
  LOCK;
  return enqueue(s, [nodes = e->nodes] {  // any order that the edges allow
    std::vector<char> done(nodes.size());
    for (size_t left = nodes.size(); left; left--) {
      std::vector<int> can;
      for (size_t i = 0; i < nodes.size(); i++)
        if (!done[i] && std::all_of(nodes[i].after.begin(), nodes[i].after.end(), [&](int d) { return done[d]; }))
          can.push_back(int(i));
      int i = can[seed == 0 ? 0 : seed == 1 ? can.size() - 1 : rng() % can.size()];
      nodes[i].run();
      done[i] = 1;
    }
  });
}
cudaError_t cudaGraphDestroy(cudaGraph_t g) {
  delete g;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t e) {
  delete e;
  return cudaSuccess;
}
