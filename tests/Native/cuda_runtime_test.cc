// Devices, memory, streams, events and graphs of the backend under test (FOVEA_TEST_PLUGIN): what works, and that a mistake is
// a sentence after which the device goes on.
#include <thread>

#include "support.h"

using namespace fovea_test;

namespace {

class CudaRuntime : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test_device() == nullptr) GTEST_SKIP() << "needs FOVEA_TEST_PLUGIN";
    set_schedule(0);
    current_device() = test_device();
  }
  void TearDown() override { current_device() = nullptr; }

  static std::string message() { return fovea_last_error(); }

  // A copy to the device and back still works.
  static void expect_usable() {
    const OnDevice scope(test_device());
    const StreamPtr stream = make_stream();
    Array<float> from({100}), to({100});
    from.fill(7);
    void* data = nullptr;
    ASSERT_EQ(fovea_memory_alloc(test_device(), FOVEA_MEMORY_DEVICE, 400, &data), FOVEA_OK) << message();
    EXPECT_EQ(fovea_memory_copy(data, from.data(), 400, stream.get()), FOVEA_OK) << message();
    EXPECT_EQ(fovea_memory_copy(to.data(), data, 400, stream.get()), FOVEA_OK) << message();
    EXPECT_EQ(fovea_stream_synchronize(stream.get()), FOVEA_OK) << message();
    EXPECT_EQ(to.values(), from.values());
    EXPECT_EQ(fovea_memory_free(test_device(), FOVEA_MEMORY_DEVICE, data, 400), FOVEA_OK) << message();
    EXPECT_EQ(fovea_device_check(test_device()), FOVEA_OK) << message();
  }
};

// Device memory of a scope.
struct DeviceBytes {
  explicit DeviceBytes(int64_t n) : bytes(n) {
    EXPECT_EQ(fovea_memory_alloc(test_device(), FOVEA_MEMORY_DEVICE, n, &data), FOVEA_OK) << fovea_last_error();
  }
  ~DeviceBytes() { EXPECT_EQ(fovea_memory_free(test_device(), FOVEA_MEMORY_DEVICE, data, bytes), FOVEA_OK); }
  void* data = nullptr;
  int64_t bytes;
};

TEST_F(CudaRuntime, DescribesItself) {
  fovea_device_info info{};
  ASSERT_EQ(fovea_device_describe(test_device(), &info), FOVEA_OK) << message();
  EXPECT_TRUE(info.type == FOVEA_CUDA || info.type == FOVEA_CUDA_EMULATED);
  EXPECT_GT(std::strlen(info.name), 0u);
  EXPECT_NE(std::string(info.detail).find("compute capability"), std::string::npos) << info.detail;
  EXPECT_GT(info.memory_bytes, 0);
  EXPECT_GT(info.compute_units, 0);
}

TEST_F(CudaRuntime, DevicesAreOpenedByNumber) {
  fovea_device_info info{};
  ASSERT_EQ(fovea_device_describe(test_device(), &info), FOVEA_OK);
  const std::string name = info.type == FOVEA_CUDA ? "cuda" : "cuda-emulated";
  fovea_device* device = nullptr;
  EXPECT_EQ(fovea_device_open(name.c_str(), &device), FOVEA_OK) << message();
  EXPECT_EQ(device, test_device());
  for (const char* bad : {":77", ":-1", ":", ":0x", ":1 "})
    EXPECT_EQ(fovea_device_open((name + bad).c_str(), &device), FOVEA_NOT_FOUND) << bad;
  EXPECT_EQ(fovea_device_open((name + ":77").c_str(), &device), FOVEA_NOT_FOUND);
  EXPECT_NE(message().find("there is no '" + name + ":77'"), std::string::npos) << message();
}

TEST_F(CudaRuntime, CopiesAndFills) {
  const StreamPtr stream = make_stream();
  DeviceBytes a(1000), b(1000);
  Array<uint8_t> from({1000}), to({1000});
  from.fill(3, 0, 255);
  EXPECT_EQ(fovea_memory_copy(a.data, from.data(), 1000, stream.get()), FOVEA_OK);
  EXPECT_EQ(fovea_memory_copy(b.data, a.data, 1000, stream.get()), FOVEA_OK);
  EXPECT_EQ(fovea_memory_fill(static_cast<char*>(b.data) + 10, 0x5A, 20, stream.get()), FOVEA_OK);
  EXPECT_EQ(fovea_memory_copy(to.data(), b.data, 1000, stream.get()), FOVEA_OK);
  ASSERT_EQ(fovea_stream_synchronize(stream.get()), FOVEA_OK) << message();
  for (int64_t i = 0; i < 1000; ++i) EXPECT_EQ(to[i], i >= 10 && i < 30 ? 0x5A : from[i]) << i;
}

TEST_F(CudaRuntime, OutOfMemoryIsAnAnswer) {
  void* data = reinterpret_cast<void*>(1);
  EXPECT_EQ(fovea_memory_alloc(test_device(), FOVEA_MEMORY_DEVICE, int64_t{1} << 45, &data), FOVEA_OUT_OF_MEMORY);
  EXPECT_EQ(data, nullptr);
  EXPECT_NE(message().find("are free"), std::string::npos) << message();
  expect_usable();
}

TEST_F(CudaRuntime, GraphsReplayAndCompose) {
  const StreamPtr stream = make_stream(), other = make_stream();
  DeviceBytes a(4), b(4);
  Array<int32_t> in({1}), out({1});
  fovea_graph *inner = nullptr, *outer = nullptr;
  ASSERT_EQ(fovea_capture_begin(stream.get()), FOVEA_OK) << message();
  ASSERT_EQ(fovea_memory_copy(a.data, in.data(), 4, stream.get()), FOVEA_OK) << message();
  DeviceBytes grown(1 << 20);  // an arena may grow while its stream captures
  ASSERT_EQ(fovea_memory_copy(b.data, a.data, 4, stream.get()), FOVEA_OK) << message();
  ASSERT_EQ(fovea_capture_end(stream.get(), &inner), FOVEA_OK) << message();
  ASSERT_EQ(fovea_capture_begin(stream.get()), FOVEA_OK) << message();
  ASSERT_EQ(fovea_graph_replay(inner, stream.get()), FOVEA_OK) << message();
  ASSERT_EQ(fovea_memory_copy(out.data(), b.data, 4, stream.get()), FOVEA_OK) << message();
  ASSERT_EQ(fovea_capture_end(stream.get(), &outer), FOVEA_OK) << message();
  int64_t nodes = 0;
  EXPECT_EQ(fovea_graph_node_count(inner, &nodes), FOVEA_OK);
  EXPECT_EQ(nodes, 2);
  EXPECT_EQ(fovea_graph_destroy(inner), FOVEA_OK);
  for (const int32_t value : {41, -7}) {
    in[0] = value;
    ASSERT_EQ(fovea_graph_replay(outer, other.get()), FOVEA_OK) << message();
    ASSERT_EQ(fovea_stream_synchronize(other.get()), FOVEA_OK) << message();
    EXPECT_EQ(out[0], value);
  }
  EXPECT_EQ(fovea_graph_destroy(outer), FOVEA_OK);
}

TEST_F(CudaRuntime, MisusedCapturesAreSentences) {
  const StreamPtr stream = make_stream();
  fovea_graph* graph = nullptr;
  EXPECT_EQ(fovea_capture_end(stream.get(), &graph), FOVEA_INVALID_STATE);
  EXPECT_EQ(message(), "capture_end: the stream is not capturing");
  ASSERT_EQ(fovea_capture_begin(stream.get()), FOVEA_OK);
  EXPECT_EQ(fovea_capture_begin(stream.get()), FOVEA_INVALID_STATE);
  EXPECT_EQ(message(), "capture_begin: the stream is capturing already");
  EXPECT_EQ(fovea_stream_synchronize(stream.get()), FOVEA_INVALID_STATE);
  EXPECT_EQ(message(), "stream_synchronize: the stream is capturing");
  EXPECT_EQ(fovea_capture_end(stream.get(), nullptr), FOVEA_OK) << "abandoned: " << message();
  ASSERT_EQ(fovea_capture_begin(stream.get()), FOVEA_OK);  // left open: destroying the stream ends it
  expect_usable();
}

TEST_F(CudaRuntime, EventsOrderStreamsAndMeasure) {
  const StreamPtr first = make_stream(), second = make_stream();
  fovea_event *start = nullptr, *done = nullptr;
  ASSERT_EQ(fovea_event_create(test_device(), &start), FOVEA_OK);
  ASSERT_EQ(fovea_event_create(test_device(), &done), FOVEA_OK);
  double milliseconds = -1;
  EXPECT_EQ(fovea_event_elapsed(start, done, &milliseconds), FOVEA_INVALID_STATE);
  EXPECT_EQ(message(), "event_elapsed: an event was never recorded");
  DeviceBytes buffer(4);
  Array<int32_t> in({1}), out({1});
  in[0] = 12;
  EXPECT_EQ(fovea_event_record(start, first.get()), FOVEA_OK);
  EXPECT_EQ(fovea_memory_copy(buffer.data, in.data(), 4, first.get()), FOVEA_OK);
  EXPECT_EQ(fovea_event_record(done, first.get()), FOVEA_OK);
  EXPECT_EQ(fovea_stream_wait(second.get(), done), FOVEA_OK);
  EXPECT_EQ(fovea_memory_copy(out.data(), buffer.data, 4, second.get()), FOVEA_OK);
  EXPECT_EQ(fovea_stream_synchronize(second.get()), FOVEA_OK);
  EXPECT_EQ(out[0], 12);
  EXPECT_EQ(fovea_event_synchronize(done), FOVEA_OK);
  EXPECT_EQ(fovea_event_elapsed(start, done, &milliseconds), FOVEA_OK) << message();
  EXPECT_GE(milliseconds, 0);
  EXPECT_EQ(fovea_event_destroy(start), FOVEA_OK);
  EXPECT_EQ(fovea_event_destroy(done), FOVEA_OK);
}

TEST_F(CudaRuntime, HandlesOfAnotherBackendAreRefused) {
  const StreamPtr here = make_stream();
  current_device() = nullptr;
  const StreamPtr there = make_stream();
  fovea_event *own = nullptr, *foreign = nullptr;
  ASSERT_EQ(fovea_event_create(cpu(), &foreign), FOVEA_OK);
  ASSERT_EQ(fovea_event_create(test_device(), &own), FOVEA_OK);
  EXPECT_EQ(fovea_event_record(foreign, here.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_event_record(own, there.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_stream_wait(here.get(), foreign), FOVEA_INVALID_ARGUMENT);
  fovea_graph* graph = nullptr;
  ASSERT_EQ(fovea_capture_begin(there.get()), FOVEA_OK);
  ASSERT_EQ(fovea_capture_end(there.get(), &graph), FOVEA_OK);
  EXPECT_EQ(fovea_graph_replay(graph, here.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(message(), "graph_replay: graph and stream belong to different devices");
  EXPECT_EQ(fovea_graph_destroy(graph), FOVEA_OK);
  EXPECT_EQ(fovea_event_destroy(own), FOVEA_OK);
  EXPECT_EQ(fovea_event_destroy(foreign), FOVEA_OK);
  expect_usable();
}

TEST_F(CudaRuntime, TensorsOfTheWrongDeviceAreRefused) {
  const StreamPtr stream = make_stream();
  Array<float> x({4}), y({4});
  x.fill(1);
  fovea_tensor xt = x.view(), yt = y.view();
  const fovea_activation_params relu{FOVEA_ACTIVATION_RELU, 0, 0, 0};
  xt.device_type = FOVEA_CPU;
  EXPECT_EQ(fovea_activate(&relu, &xt, nullptr, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_NE(message().find("activate: x is on cpu:0, the stream on cuda"), std::string::npos) << message();
  xt = x.view();
  xt.data = static_cast<char*>(xt.data) + 2;
  EXPECT_EQ(fovea_activate(&relu, &xt, nullptr, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(message(), "activate: x is not aligned to its element size");
  xt.data = nullptr;
  EXPECT_EQ(fovea_activate(&relu, &xt, nullptr, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  expect_usable();
}

// A stream in use by one thread is refused to another; which of the two loses the race is open.
TEST_F(CudaRuntime, StreamsServeOneThreadAtATime) {
  const StreamPtr stream = make_stream();
  DeviceBytes buffer(1 << 16);
  std::atomic<int> bad{0};
  const auto work = [&] {
    for (int i = 0; i < 200; ++i) {
      const fovea_status status = fovea_memory_fill(buffer.data, 1, 1 << 16, stream.get());
      if (status != FOVEA_OK && status != FOVEA_INVALID_STATE) ++bad;
    }
  };
  std::thread a(work), b(work);
  a.join(), b.join();
  EXPECT_EQ(bad, 0);
  EXPECT_EQ(fovea_stream_synchronize(stream.get()), FOVEA_OK) << message();
  expect_usable();
}

TEST_F(CudaRuntime, StreamsOfOtherLibrariesComeInByHandle) {
  const StreamPtr owner = make_stream();
  void* native = nullptr;
  ASSERT_EQ(fovea_stream_native(owner.get(), &native), FOVEA_OK);
  ASSERT_NE(native, nullptr);
  fovea_stream* wrapper = nullptr;
  ASSERT_EQ(fovea_stream_from_native(test_device(), native, &wrapper), FOVEA_OK) << message();
  DeviceBytes buffer(4);
  Array<int32_t> out({1});
  EXPECT_EQ(fovea_memory_fill(buffer.data, 1, 4, wrapper), FOVEA_OK);
  EXPECT_EQ(fovea_memory_copy(out.data(), buffer.data, 4, owner.get()), FOVEA_OK) << "one order of work";
  EXPECT_EQ(fovea_stream_destroy(wrapper), FOVEA_OK) << "leaves the other library's stream alone";
  EXPECT_EQ(fovea_stream_synchronize(owner.get()), FOVEA_OK);
  EXPECT_EQ(out[0], 0x01010101);
  fovea_stream* none = nullptr;
  EXPECT_EQ(fovea_stream_from_native(cpu(), native, &none), FOVEA_UNSUPPORTED);
}

}  // namespace
