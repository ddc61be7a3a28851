// Host streams and captured graphs. A CPU stream runs each job inline; while capturing it records the job (function pointer
// and a bytewise copy of its arguments) and a graph replays the records.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <vector>

#include "core/handles.h"
#include "core/status.h"

namespace fovea {

// A recorded call. `job` is an offset into the graph's argument bytes.
struct Node {
  void (*invoke)(void (*run)(), const void* job);
  void (*run)();
  size_t job;
  size_t size;
};

inline constexpr size_t kJobAlignment = 16;

}  // namespace fovea

struct fovea_graph {
  const fovea_plugin* plugin;
  const fovea_device* device;
  std::vector<fovea::Node> nodes;
  std::vector<std::max_align_t> arguments;  // backing store of the job copies
  std::atomic<bool> replaying{false};
};

struct fovea_stream : fovea::StreamHead {
  int32_t max_threads;
  std::atomic<bool> busy{false};
  fovea_graph* capture = nullptr;
};

namespace fovea {

// Holds a stream for one call, so that two threads on one stream get an error instead of corruption.
class StreamLease {
 public:
  explicit StreamLease(fovea_stream* stream)
      : stream_(stream), held_(!stream->busy.exchange(true, std::memory_order_acquire)) {}
  ~StreamLease() {
    if (held_) stream_->busy.store(false, std::memory_order_release);
  }
  StreamLease(const StreamLease&) = delete;
  StreamLease& operator=(const StreamLease&) = delete;
  fovea_status status() const {
    return held_ ? FOVEA_OK
                 : fail(FOVEA_INVALID_STATE,
                        "the stream is in use by another thread; give each thread its own stream or session");
  }

 private:
  fovea_stream* stream_;
  bool held_;
};

fovea_status record(fovea_graph* graph, Node node, const void* job);
void run_with_thread_limit(const fovea_stream* stream, void (*invoke)(void (*)(), const void*), void (*run)(), const void* job);

// Runs or records `kernel(job)`. Kernels must not throw. Job is plain data: pointers in it must outlive the graph.
template <class Job>
fovea_status enqueue(fovea_stream* stream, void (*kernel)(const Job&), const Job& job) noexcept {
  static_assert(std::is_trivially_copyable_v<Job> && alignof(Job) <= kJobAlignment);
  const auto invoke = [](void (*run)(), const void* bytes) {
    reinterpret_cast<void (*)(const Job&)>(run)(*static_cast<const Job*>(bytes));
  };
  const auto run = reinterpret_cast<void (*)()>(kernel);
  const StreamLease lease(stream);
  FOVEA_TRY(lease.status());
  if (stream->capture != nullptr)
    return guarded([&] { return record(stream->capture, Node{invoke, run, 0, sizeof(Job)}, &job); });
  run_with_thread_limit(stream, invoke, run, &job);
  return FOVEA_OK;
}

}  // namespace fovea
