// Capture and replay.
#include "runtime_internal.h"

using namespace fovea::emulator;

// A node is known by its place in its graph, from 1 on.
static cudaGraphNode_t node_handle(int index) { return reinterpret_cast<cudaGraphNode_t>(uintptr_t(index) + 1); }
static int node_index(cudaGraphNode_t node) { return int(reinterpret_cast<uintptr_t>(node)) - 1; }

cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode mode) {
  LOCK;
  if (!known(s)) return ret(cudaErrorInvalidResourceHandle);
  if (get(s)->is_null) return ret(cudaErrorStreamCaptureUnsupported);
  if (s->capture) return ret(cudaErrorIllegalState);
  if (const cudaError_t lost = device_state(s->device).sticky) return ret(lost);
  s->capture = new FoveaEmulatedGraph;
  s->capture->origin = s;
  s->capture->mode = mode;
  s->capture->thread = std::this_thread::get_id();
  s->tail.clear();
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t s, cudaStreamCaptureStatus* status) {
  LOCK;
  if (!known(s)) return ret(cudaErrorInvalidResourceHandle);
  FoveaEmulatedStream* q = get(s);
  *status = !q->capture          ? cudaStreamCaptureStatusNone
            : q->capture->broken ? cudaStreamCaptureStatusInvalidated
                                 : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t* g) {
  LOCK;
  *g = nullptr;
  if (!known(s)) return ret(cudaErrorInvalidResourceHandle);
  FoveaEmulatedGraph* c = get(s)->capture;
  if (!c) return ret(cudaErrorIllegalState);
  if (c->origin != s) return ret(cudaErrorStreamCaptureUnmatched);
  if (c->mode != cudaStreamCaptureModeRelaxed && c->thread != std::this_thread::get_id())
    return ret(cudaErrorStreamCaptureWrongThread);
  std::set<int> reach(s->tail.begin(), s->tail.end());  // every side stream must have been joined back
  for (int i = int(c->nodes.size()); i-- > 0;)
    if (reach.count(i)) reach.insert(c->nodes[size_t(i)].after.begin(), c->nodes[size_t(i)].after.end());
  const bool joined = reach.size() == c->nodes.size(), broken = c->broken;
  for (FoveaEmulatedStream* t : streams)
    if (t->capture == c) {
      t->capture = nullptr;
      t->tail.clear();
    }
  for (FoveaEmulatedEvent* e : events)
    if (e->graph == c) {
      e->graph = nullptr;
      e->nodes.clear();
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
  *e = nullptr;
  if (!g) return ret(cudaErrorInvalidValue);
  if (const cudaError_t lost = device_state(current_device()).sticky) return ret(lost);
  *e = new FoveaEmulatedGraphExec{g->nodes};
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* e, cudaGraph_t g, unsigned long long flags) {
  return cudaGraphInstantiate(e, g, flags);
}
// Runs recorded nodes in any order that their edges allow.
static void run_nodes(const std::vector<FoveaEmulatedGraph::Node>& nodes) {
  std::vector<char> done(nodes.size());
  for (size_t left = nodes.size(); left; left--) {
    std::vector<int> can;
    for (size_t i = 0; i < nodes.size(); i++)
      if (!done[i] && std::all_of(nodes[i].after.begin(), nodes[i].after.end(), [&](int d) { return done[size_t(d)]; }))
        can.push_back(int(i));
    const int i = can[seed == 0 ? 0 : seed == 1 ? can.size() - 1 : rng() % can.size()];
    nodes[size_t(i)].run();
    done[size_t(i)] = 1;
  }
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t e, cudaStream_t s) {
  LOCK;
  if (!e) return ret(cudaErrorInvalidValue);
  if (known(s) && get(s)->capture) return ret(cudaErrorStreamCaptureUnsupported);  // recorded by adding a child graph
  return enqueue(s, NodeKind::graph, [nodes = e->nodes] { run_nodes(nodes); });
}
cudaError_t cudaGraphUpload(cudaGraphExec_t e, cudaStream_t s) {
  LOCK;
  if (!e) return ret(cudaErrorInvalidValue);
  return known(s) ? ret(device_state(get(s)->device).sticky) : ret(cudaErrorInvalidResourceHandle);
}
// A node's handle is its place, which says nothing about its graph: the kinds that are asked for come from the graph itself.
size_t fovea::emulator::kernel_nodes(cudaGraph_t g) {
  LOCK;
  return size_t(std::count_if(g->nodes.begin(), g->nodes.end(), [](auto& n) { return n.kind == NodeKind::kernel; }));
}
cudaError_t cudaGraphGetNodes(cudaGraph_t g, cudaGraphNode_t* nodes, size_t* count) {
  LOCK;
  for (size_t i = 0; nodes && i < *count && i < g->nodes.size(); i++) nodes[i] = node_handle(int(i));
  *count = g->nodes.size();
  return cudaSuccess;
}
cudaError_t cudaStreamGetCaptureInfo_v2(cudaStream_t s, cudaStreamCaptureStatus* status, unsigned long long*,
                                        cudaGraph_t* graph, const cudaGraphNode_t** dependencies, size_t* count) {
  LOCK;
  static thread_local std::vector<cudaGraphNode_t> handles;
  FoveaEmulatedStream* q = get(s);
  cudaStreamIsCapturing(s, status);
  handles.clear();
  for (int i : q->tail) handles.push_back(node_handle(i));
  if (graph) *graph = q->capture;
  if (dependencies) *dependencies = handles.data();
  if (count) *count = handles.size();
  return cudaSuccess;
}
cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t* node, cudaGraph_t g, const cudaGraphNode_t* dependencies, size_t count,
                                       cudaGraph_t child) {
  LOCK;
  FoveaEmulatedGraph::Node n{[nodes = child->nodes] { run_nodes(nodes); }, {}, NodeKind::graph};
  for (size_t i = 0; i < count; i++) n.after.push_back(node_index(dependencies[i]));
  g->nodes.push_back(std::move(n));
  *node = node_handle(int(g->nodes.size()) - 1);
  return cudaSuccess;
}
cudaError_t cudaStreamUpdateCaptureDependencies(cudaStream_t s, cudaGraphNode_t* nodes, size_t count, unsigned flags) {
  LOCK;
  FoveaEmulatedStream* q = get(s);
  if (!q->capture) return ret(cudaErrorStreamCaptureInvalidated);
  if (flags == cudaStreamSetCaptureDependencies) q->tail.clear();
  for (size_t i = 0; i < count; i++) q->tail.push_back(node_index(nodes[i]));
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t g) {
  delete g;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t e) {
  delete e;
  return cudaSuccess;
}
