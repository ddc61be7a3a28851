// Streams, capture, replay and events of the CPU backend, with kernels made for the purpose.
#include <atomic>
#include <thread>

#include "core/stream.h"
#include "core/thread_pool.h"
#include "support.h"

using namespace fovea_test;
using fovea::enqueue;

namespace {

struct AppendJob {
  std::vector<int>* log;
  int value;
};
void append(const AppendJob& job) { job.log->push_back(job.value); }

struct GateJob {
  std::atomic<bool>*entered, *open;
};
void wait_at_gate(const GateJob& job) {
  *job.entered = true;
  while (!*job.open) std::this_thread::yield();
}

struct GraphDeleter {
  void operator()(fovea_graph* g) const { fovea_graph_destroy(g); }
};
using GraphPtr = std::unique_ptr<fovea_graph, GraphDeleter>;

// Captures what `body` enqueues on the stream.
template <class Body>
GraphPtr capture(fovea_stream* stream, const Body& body) {
  fovea_graph* graph = nullptr;
  EXPECT_EQ(fovea_capture_begin(stream), FOVEA_OK) << fovea_last_error();
  body();
  EXPECT_EQ(fovea_capture_end(stream, &graph), FOVEA_OK) << fovea_last_error();
  return GraphPtr(graph);
}

int64_t node_count(const GraphPtr& graph) {
  int64_t count = -1;
  EXPECT_EQ(fovea_graph_node_count(graph.get(), &count), FOVEA_OK);
  return count;
}

TEST(Stream, RunsInlineAndInOrder) {
  const StreamPtr stream = make_stream();
  std::vector<int> log;
  for (int i = 0; i < 4; ++i) ASSERT_EQ(enqueue(stream.get(), append, AppendJob{&log, i}), FOVEA_OK);
  EXPECT_EQ(log, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(fovea_stream_synchronize(stream.get()), FOVEA_OK);
}

TEST(Stream, ArgumentsAreChecked) {
  fovea_stream* stream = nullptr;
  const fovea_stream_options negative{-1, 0};
  EXPECT_EQ(fovea_stream_create(cpu(), &negative, &stream), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "stream_create: max_threads is -1, it must not be negative");
  EXPECT_EQ(fovea_stream_create(nullptr, nullptr, &stream), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_stream_create(cpu(), nullptr, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(stream, nullptr);
  EXPECT_EQ(fovea_stream_destroy(nullptr), FOVEA_OK);
  EXPECT_EQ(fovea_stream_synchronize(nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_capture_begin(nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_capture_end(nullptr, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_graph_replay(nullptr, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_graph_node_count(nullptr, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_graph_destroy(nullptr), FOVEA_OK);
}

TEST(Stream, ASecondThreadIsRefusedEverywhere) {
  const StreamPtr stream = make_stream(), other = make_stream();
  std::vector<int> log;
  const GraphPtr graph = capture(other.get(), [&] { enqueue(other.get(), append, AppendJob{&log, 1}); });
  std::atomic<bool> entered{false}, open{false};
  std::thread first([&] { EXPECT_EQ(enqueue(stream.get(), wait_at_gate, GateJob{&entered, &open}), FOVEA_OK); });
  while (!entered) std::this_thread::yield();

  fovea_graph* none = nullptr;
  EXPECT_EQ(enqueue(stream.get(), append, AppendJob{&log, 2}), FOVEA_INVALID_STATE);
  EXPECT_STREQ(fovea_last_error(), "the stream is in use by another thread; give each thread its own stream or session");
  EXPECT_EQ(fovea_stream_synchronize(stream.get()), FOVEA_INVALID_STATE);
  EXPECT_EQ(fovea_capture_begin(stream.get()), FOVEA_INVALID_STATE);
  EXPECT_EQ(fovea_capture_end(stream.get(), &none), FOVEA_INVALID_STATE);
  EXPECT_EQ(fovea_graph_replay(graph.get(), stream.get()), FOVEA_INVALID_STATE);
  EXPECT_EQ(fovea_stream_destroy(stream.get()), FOVEA_INVALID_STATE);
  open = true;
  first.join();
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(enqueue(stream.get(), append, AppendJob{&log, 3}), FOVEA_OK);
  EXPECT_EQ(log, std::vector<int>{3});
}

TEST(Stream, TwoThreadsOnOneStreamNeverCorruptIt) {
  const StreamPtr stream = make_stream();
  std::vector<int> log;  // unguarded: the stream's lease is what orders the writers
  std::atomic<int> accepted{0};
  ASSERT_EQ(fovea_capture_begin(stream.get()), FOVEA_OK);
  const auto hammer = [&] {
    for (int i = 0; i < 2000; ++i) {
      const fovea_status status = enqueue(stream.get(), append, AppendJob{&log, i});
      if (status == FOVEA_OK)
        ++accepted;
      else
        EXPECT_EQ(status, FOVEA_INVALID_STATE);
    }
  };
  std::thread a(hammer), b(hammer);
  a.join(), b.join();
  fovea_graph* graph = nullptr;
  ASSERT_EQ(fovea_capture_end(stream.get(), &graph), FOVEA_OK);
  const GraphPtr owner(graph);
  EXPECT_EQ(node_count(owner), accepted);
  ASSERT_EQ(fovea_graph_replay(graph, stream.get()), FOVEA_OK);
  EXPECT_EQ(static_cast<int>(log.size()), accepted);
}

TEST(Capture, RecordsWithoutRunningAndReplaysInOrder) {
  const StreamPtr stream = make_stream();
  std::vector<int> log;
  const GraphPtr graph = capture(stream.get(), [&] {
    for (int i = 0; i < 3; ++i) ASSERT_EQ(enqueue(stream.get(), append, AppendJob{&log, i}), FOVEA_OK);
    EXPECT_EQ(fovea_stream_synchronize(stream.get()), FOVEA_INVALID_STATE);
    EXPECT_EQ(fovea_capture_begin(stream.get()), FOVEA_INVALID_STATE);
  });
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(node_count(graph), 3);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(fovea_graph_replay(graph.get(), stream.get()), FOVEA_OK);
  EXPECT_EQ(log, (std::vector<int>{0, 1, 2, 0, 1, 2}));
}

TEST(Capture, AFailingCallLeavesItOpenAndUnchanged) {
  const StreamPtr stream = make_stream();
  uint8_t bytes[4] = {};
  const GraphPtr graph = capture(stream.get(), [&] {
    EXPECT_EQ(fovea_memory_fill(bytes, 7, 2, stream.get()), FOVEA_OK);
    EXPECT_EQ(fovea_memory_fill(bytes, 9, -1, stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_EQ(fovea_memory_copy(bytes, nullptr, 1, stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_EQ(fovea_memory_fill(bytes + 2, 8, 2, stream.get()), FOVEA_OK);
  });
  EXPECT_EQ(node_count(graph), 2);
  ASSERT_EQ(fovea_graph_replay(graph.get(), stream.get()), FOVEA_OK);
  EXPECT_EQ(bytes[1], 7);
  EXPECT_EQ(bytes[3], 8);
}

TEST(Capture, EndWithoutBeginIsRefused) {
  const StreamPtr stream = make_stream();
  fovea_graph* graph = nullptr;
  EXPECT_EQ(fovea_capture_end(stream.get(), &graph), FOVEA_INVALID_STATE);
  EXPECT_EQ(graph, nullptr);
}

TEST(Capture, CanBeAbandonedAndEmptyGraphsReplay) {
  const StreamPtr stream = make_stream();
  std::vector<int> log;
  ASSERT_EQ(fovea_capture_begin(stream.get()), FOVEA_OK);
  ASSERT_EQ(enqueue(stream.get(), append, AppendJob{&log, 1}), FOVEA_OK);
  ASSERT_EQ(fovea_capture_end(stream.get(), nullptr), FOVEA_OK);
  ASSERT_EQ(enqueue(stream.get(), append, AppendJob{&log, 2}), FOVEA_OK);  // runs again
  EXPECT_EQ(log, std::vector<int>{2});
  const GraphPtr empty = capture(stream.get(), [] {});
  EXPECT_EQ(node_count(empty), 0);
  EXPECT_EQ(fovea_graph_replay(empty.get(), stream.get()), FOVEA_OK);
}

TEST(Capture, StreamDestroyedInTheMiddleFreesIt) {  // AddressSanitizer looks for the leak
  fovea_stream* stream = make_stream().release();
  std::vector<int> log;
  ASSERT_EQ(fovea_capture_begin(stream), FOVEA_OK);
  ASSERT_EQ(enqueue(stream, append, AppendJob{&log, 1}), FOVEA_OK);
  EXPECT_EQ(fovea_stream_destroy(stream), FOVEA_OK);
  EXPECT_TRUE(log.empty());
}

TEST(Graph, OutlivesItsStreamAndReplaysOnAnother) {
  std::vector<int> log;
  GraphPtr graph;
  {
    const StreamPtr first = make_stream(1);
    graph = capture(first.get(), [&] { enqueue(first.get(), append, AppendJob{&log, 5}); });
  }
  const StreamPtr second = make_stream(2);
  ASSERT_EQ(fovea_graph_replay(graph.get(), second.get()), FOVEA_OK);
  EXPECT_EQ(log, std::vector<int>{5});
}

TEST(Graph, ComposesByValue) {
  const StreamPtr stream = make_stream(), inner_stream = make_stream();
  std::vector<int> log;
  GraphPtr outer;
  {
    const GraphPtr inner = capture(inner_stream.get(), [&] {
      enqueue(inner_stream.get(), append, AppendJob{&log, 2});
      enqueue(inner_stream.get(), append, AppendJob{&log, 3});
    });
    outer = capture(stream.get(), [&] {
      enqueue(stream.get(), append, AppendJob{&log, 1});
      EXPECT_EQ(fovea_graph_replay(inner.get(), stream.get()), FOVEA_OK);
      EXPECT_EQ(fovea_graph_replay(inner.get(), stream.get()), FOVEA_OK);
      enqueue(stream.get(), append, AppendJob{&log, 4});
    });
    EXPECT_TRUE(log.empty());
  }  // the inner graph is gone, its calls were copied
  EXPECT_EQ(node_count(outer), 6);
  ASSERT_EQ(fovea_graph_replay(outer.get(), stream.get()), FOVEA_OK);
  EXPECT_EQ(log, (std::vector<int>{1, 2, 3, 2, 3, 4}));
}

struct WideJob {
  double values[9];
  double* sum;
};
void add_up(const WideJob& job) {
  for (const double v : job.values) *job.sum += v;
}

TEST(Graph, KeepsCopiesOfArgumentsOfEverySize) {
  const StreamPtr stream = make_stream();
  std::vector<int> log;
  double sum = 0;
  GraphPtr graph = capture(stream.get(), [&] {
    WideJob wide{{1, 2, 3, 4, 5, 6, 7, 8, 9}, &sum};
    AppendJob narrow{&log, 1};
    for (int i = 0; i < 50; ++i) {  // enough for the storage to move several times
      ASSERT_EQ(enqueue(stream.get(), add_up, wide), FOVEA_OK);
      ASSERT_EQ(enqueue(stream.get(), append, narrow), FOVEA_OK);
    }
    wide = {}, narrow = {};  // the graph must not look at the originals
  });
  ASSERT_EQ(fovea_graph_replay(graph.get(), stream.get()), FOVEA_OK);
  EXPECT_EQ(sum, 50 * 45);
  EXPECT_EQ(log.size(), 50u);
}

TEST(Graph, IsNotReplayedOrDestroyedTwiceAtOnce) {
  const StreamPtr stream = make_stream(), other = make_stream();
  std::atomic<bool> entered{false}, open{false};
  const GraphPtr graph = capture(stream.get(), [&] { enqueue(stream.get(), wait_at_gate, GateJob{&entered, &open}); });
  std::thread first([&] { EXPECT_EQ(fovea_graph_replay(graph.get(), stream.get()), FOVEA_OK); });
  while (!entered) std::this_thread::yield();
  EXPECT_EQ(fovea_graph_replay(graph.get(), other.get()), FOVEA_INVALID_STATE);
  EXPECT_EQ(fovea_graph_destroy(graph.get()), FOVEA_INVALID_STATE);
  open = true;
  first.join();
  EXPECT_EQ(fovea_graph_replay(graph.get(), other.get()), FOVEA_OK);
}

struct LimitJob {
  std::atomic<int>* most;
};
void use_threads(const LimitJob& job) {
  fovea::parallel_for(32, 1, [&](int64_t, int64_t, int32_t worker) {
    for (int seen = *job.most; worker > seen && !job.most->compare_exchange_weak(seen, worker);) {
    }
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  });
}

TEST(Graph, UsesTheThreadLimitOfTheStreamThatReplaysIt) {
  const fovea_thread_options four{4, 50, 0, 0}, defaults{0, -1, 0, 0};
  ASSERT_EQ(fovea_threads_configure(&four), FOVEA_OK);
  const StreamPtr wide = make_stream(0), narrow = make_stream(1);
  std::atomic<int> most{0};
  const GraphPtr graph = capture(wide.get(), [&] { enqueue(wide.get(), use_threads, LimitJob{&most}); });
  ASSERT_EQ(fovea_graph_replay(graph.get(), narrow.get()), FOVEA_OK);
  EXPECT_EQ(most, 0);
  ASSERT_EQ(fovea_threads_configure(&defaults), FOVEA_OK);
}

struct EventDeleter {
  void operator()(fovea_event* e) const { fovea_event_destroy(e); }
};
using EventPtr = std::unique_ptr<fovea_event, EventDeleter>;
EventPtr make_event() {
  fovea_event* event = nullptr;
  EXPECT_EQ(fovea_event_create(cpu(), &event), FOVEA_OK);
  return EventPtr(event);
}

TEST(Event, MeasuresTimeBetweenTwoRecords) {
  const StreamPtr stream = make_stream();
  const EventPtr start = make_event(), end = make_event();
  double milliseconds = -1;
  EXPECT_EQ(fovea_event_elapsed(start.get(), end.get(), &milliseconds), FOVEA_INVALID_STATE);
  ASSERT_EQ(fovea_event_record(start.get(), stream.get()), FOVEA_OK);
  EXPECT_EQ(fovea_event_elapsed(start.get(), end.get(), &milliseconds), FOVEA_INVALID_STATE);
  EXPECT_STREQ(fovea_last_error(), "event_elapsed: an event was never recorded");
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  ASSERT_EQ(fovea_event_record(end.get(), stream.get()), FOVEA_OK);
  ASSERT_EQ(fovea_event_elapsed(start.get(), end.get(), &milliseconds), FOVEA_OK);
  EXPECT_GE(milliseconds, 2.0);
  EXPECT_EQ(fovea_event_synchronize(end.get()), FOVEA_OK);
  EXPECT_EQ(fovea_stream_wait(stream.get(), end.get()), FOVEA_OK);
}

TEST(Event, RecordedInAGraphIsStampedByEachReplay) {
  const StreamPtr stream = make_stream();
  const EventPtr start = make_event(), end = make_event();
  const GraphPtr graph = capture(stream.get(), [&] {
    EXPECT_EQ(fovea_event_record(start.get(), stream.get()), FOVEA_OK);
    EXPECT_EQ(fovea_event_record(end.get(), stream.get()), FOVEA_OK);
  });
  double milliseconds = -1;
  EXPECT_EQ(node_count(graph), 2);
  EXPECT_EQ(fovea_event_elapsed(start.get(), end.get(), &milliseconds), FOVEA_INVALID_STATE);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(fovea_graph_replay(graph.get(), stream.get()), FOVEA_OK);
    ASSERT_EQ(fovea_event_elapsed(start.get(), end.get(), &milliseconds), FOVEA_OK);
    EXPECT_GE(milliseconds, 0.0);
  }
}

TEST(Event, ArgumentsAreChecked) {
  const StreamPtr stream = make_stream();
  const EventPtr event = make_event();
  fovea_event* none = nullptr;
  double ms = 0;
  EXPECT_EQ(fovea_event_create(nullptr, &none), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_event_create(cpu(), nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_event_record(nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_event_record(event.get(), nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_event_synchronize(nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_event_elapsed(event.get(), nullptr, &ms), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_event_elapsed(event.get(), event.get(), nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_stream_wait(nullptr, event.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_event_destroy(nullptr), FOVEA_OK);
}

}  // namespace
