#include "core/stream.h"

#include "core/plugin_call.h"
#include "core/thread_pool.h"

namespace fovea {

fovea_status record(fovea_graph* graph, Node node, const void* job) {
  constexpr size_t unit = sizeof(std::max_align_t);
  const size_t at = graph->arguments.size();
  graph->arguments.resize(at + (node.size + unit - 1) / unit);
  std::memcpy(graph->arguments.data() + at, job, node.size);
  node.job = at * unit;
  graph->nodes.push_back(node);
  return FOVEA_OK;
}

void run_with_thread_limit(const fovea_stream* stream, void (*invoke)(void (*)(), const void*), void (*run)(),
                           const void* job) {
  const ThreadLimit limit(stream->max_threads);
  invoke(run, job);
}

}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_stream_create(fovea_device* device, const fovea_stream_options* options, fovea_stream** stream) {
  FOVEA_CHECK(device != nullptr && stream != nullptr, "stream_create: device or result pointer is NULL");
  const int32_t products = options == nullptr ? FOVEA_F32_EXACT : options->f32_products;
  FOVEA_CHECK(products >= FOVEA_F32_EXACT && products <= FOVEA_F32_THREE_TF32,
              "stream_create: f32_products is %d, known are 0 (exact), 1 (tf32) and 2 (three tf32)", products);
  FOVEA_FORWARD(device, fovea_stream_create, device, options, stream);
  const int32_t threads = options == nullptr ? 0 : options->max_threads;  // f32_products: the CPU is exact always
  FOVEA_CHECK(threads >= 0, "stream_create: max_threads is %d, it must not be negative", threads);
  return guarded([&] {
    *stream = new fovea_stream{{nullptr, device}, threads};
    return FOVEA_OK;
  });
}

extern "C" fovea_status fovea_stream_destroy(fovea_stream* stream) {
  if (stream == nullptr) return FOVEA_OK;
  FOVEA_FORWARD(stream, fovea_stream_destroy, stream);
  {
    const StreamLease lease(stream);
    FOVEA_TRY(lease.status());
    delete stream->capture;
    stream->capture = nullptr;
  }
  delete stream;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_stream_synchronize(fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "stream_synchronize: stream is NULL");
  FOVEA_FORWARD(stream, fovea_stream_synchronize, stream);
  const StreamLease lease(stream);
  FOVEA_TRY(lease.status());
  if (stream->capture != nullptr) return fail(FOVEA_INVALID_STATE, "stream_synchronize: the stream is capturing");
  return FOVEA_OK;  // inline streams are always up to date
}

extern "C" fovea_status fovea_stream_from_native(fovea_device* device, void* native, fovea_stream** stream) {
  FOVEA_CHECK(device != nullptr && stream != nullptr, "stream_from_native: device or result pointer is NULL");
  FOVEA_FORWARD(device, fovea_stream_from_native, device, native, stream);
  return fail(FOVEA_UNSUPPORTED, "stream_from_native: the CPU has no streams of its own");
}

extern "C" fovea_status fovea_stream_native(const fovea_stream* stream, void** native) {
  FOVEA_CHECK(stream != nullptr && native != nullptr, "stream_native: stream or result pointer is NULL");
  FOVEA_FORWARD(stream, fovea_stream_native, stream, native);
  return fail(FOVEA_UNSUPPORTED, "stream_native: there is nothing behind a CPU stream");
}

extern "C" fovea_status fovea_capture_begin(fovea_stream* stream) {
  FOVEA_CHECK(stream != nullptr, "capture_begin: stream is NULL");
  FOVEA_FORWARD(stream, fovea_capture_begin, stream);
  const StreamLease lease(stream);
  FOVEA_TRY(lease.status());
  if (stream->capture != nullptr) return fail(FOVEA_INVALID_STATE, "capture_begin: the stream is capturing already");
  return guarded([&] {
    stream->capture = new fovea_graph{nullptr, stream->device, {}, {}};
    return FOVEA_OK;
  });
}

extern "C" fovea_status fovea_capture_end(fovea_stream* stream, fovea_graph** graph) {
  FOVEA_CHECK(stream != nullptr, "capture_end: stream is NULL");
  FOVEA_FORWARD(stream, fovea_capture_end, stream, graph);
  const StreamLease lease(stream);
  FOVEA_TRY(lease.status());
  if (stream->capture == nullptr) return fail(FOVEA_INVALID_STATE, "capture_end: the stream is not capturing");
  if (graph != nullptr)
    *graph = stream->capture;
  else
    delete stream->capture;
  stream->capture = nullptr;
  return FOVEA_OK;
}

extern "C" fovea_status fovea_graph_replay(fovea_graph* graph, fovea_stream* stream) {
  FOVEA_CHECK(graph != nullptr && stream != nullptr, "graph_replay: graph or stream is NULL");
  FOVEA_FORWARD(stream, fovea_graph_replay, graph, stream);
  // Only the plug-in pointer may be read of a foreign handle: what follows is the plug-in's own.
  FOVEA_CHECK(graph->plugin == nullptr && graph->device == stream->device,
              "graph_replay: graph and stream belong to different devices");
  const StreamLease lease(stream);
  FOVEA_TRY(lease.status());
  const auto* bytes = reinterpret_cast<const char*>(graph->arguments.data());
  if (fovea_graph* capture = stream->capture; capture != nullptr) {
    const size_t nodes = capture->nodes.size(), arguments = capture->arguments.size();
    const fovea_status status = guarded([&] {
      for (const Node& node : graph->nodes) FOVEA_TRY(record(capture, node, bytes + node.job));
      return FOVEA_OK;
    });
    if (status != FOVEA_OK) {  // a failing call leaves the capture unchanged: all of the graph or none of it
      capture->nodes.resize(nodes);
      capture->arguments.resize(arguments);
    }
    return status;
  }
  // The graph's buffers belong to it, so two streams must not replay it at once.
  if (graph->replaying.exchange(true, std::memory_order_acquire))
    return fail(FOVEA_INVALID_STATE, "graph_replay: the graph is being replayed by another thread");
  const ThreadLimit limit(stream->max_threads);
  for (const Node& node : graph->nodes) node.invoke(node.run, bytes + node.job);
  graph->replaying.store(false, std::memory_order_release);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_graph_node_count(const fovea_graph* graph, int64_t* count) {
  FOVEA_CHECK(graph != nullptr && count != nullptr, "graph_node_count: graph or result pointer is NULL");
  FOVEA_FORWARD(graph, fovea_graph_node_count, graph, count);
  *count = static_cast<int64_t>(graph->nodes.size());
  return FOVEA_OK;
}

extern "C" fovea_status fovea_graph_destroy(fovea_graph* graph) {
  if (graph == nullptr) return FOVEA_OK;
  FOVEA_FORWARD(graph, fovea_graph_destroy, graph);
  if (graph->replaying.load(std::memory_order_acquire))
    return fail(FOVEA_INVALID_STATE, "graph_destroy: the graph is being replayed by another thread");
  delete graph;
  return FOVEA_OK;
}
