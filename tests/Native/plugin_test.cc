// Loading plug-ins: what a good one is given, and the sentence that each bad one is refused with.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "support.h"

using namespace fovea_test;

namespace {

std::string plugin(const char* name) { return std::string(FOVEA_TEST_PLUGINS "/") + name + ".so"; }

// The list's entry for a file; device_count -1 when there is none. `times` counts the entries.
fovea_backend_info listed(const std::string& origin, int* times = nullptr) {
  int32_t count = 0, found = 0;
  EXPECT_EQ(fovea_backend_count(&count), FOVEA_OK);
  fovea_backend_info result{"", "", nullptr, -1, -1};
  for (int32_t i = 0; i < count; ++i) {
    fovea_backend_info info{};
    EXPECT_EQ(fovea_backend_get(i, &info), FOVEA_OK);
    if (origin == info.origin) result = info, ++found;
  }
  if (times != nullptr) *times = found;
  return result;
}

// Loads twice: the second refusal must read the same and not lengthen the list.
void expect_refusal(const std::string& path, const std::string& reason, int32_t abi_version) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(fovea_backend_load(path.c_str()), FOVEA_NOT_FOUND);
    EXPECT_EQ(fovea_last_error(), "backend_load: " + path + " refused: " + reason);
  }
  int times = 0;
  const fovea_backend_info info = listed(path, &times);
  EXPECT_EQ(times, 1);
  ASSERT_NE(info.reason, nullptr);
  EXPECT_EQ(info.reason, reason);
  EXPECT_EQ(info.device_count, 0);
  EXPECT_EQ(info.abi_version, abi_version);
}

fovea_device* fake_device() {
  EXPECT_EQ(fovea_backend_load(plugin("good").c_str()), FOVEA_OK) << fovea_last_error();
  fovea_device* device = nullptr;
  EXPECT_EQ(fovea_device_open("fake:0", &device), FOVEA_OK) << fovea_last_error();
  return device;
}

TEST(Plugin, TheCpuIsBuiltIn) {
  fovea_backend_info info{};
  ASSERT_EQ(fovea_backend_get(0, &info), FOVEA_OK);
  EXPECT_STREQ(info.name, "cpu");
  EXPECT_STREQ(info.origin, "built in");
  EXPECT_EQ(info.reason, nullptr);
  EXPECT_EQ(info.device_count, 1);
  EXPECT_EQ(info.abi_version, fovea_abi_version());
}

TEST(Plugin, GoodOneIsListedOnceHoweverItIsNamed) {
  const std::string link = testing::TempDir() + "fovea_link_" + std::to_string(getpid()) + ".so";
  ASSERT_EQ(symlink(plugin("good").c_str(), link.c_str()), 0);
  EXPECT_EQ(fovea_backend_load(plugin("good").c_str()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(fovea_backend_load(plugin("good").c_str()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(fovea_backend_load(link.c_str()), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(fovea_backend_load((FOVEA_TEST_PLUGINS "/../plugins/good.so")), FOVEA_OK) << fovea_last_error();
  std::remove(link.c_str());
  int times = 0;
  const fovea_backend_info info = listed(plugin("good"), &times);
  EXPECT_EQ(times, 1);
  EXPECT_STREQ(info.name, "fake");
  EXPECT_EQ(info.reason, nullptr);
  EXPECT_EQ(info.device_count, 1);
  EXPECT_EQ(info.abi_version, FOVEA_ABI_VERSION);
}

TEST(Plugin, CallsAreForwardedByHandle) {
  fovea_device* device = fake_device();
  ASSERT_NE(device, nullptr);
  fovea_stream* stream = nullptr;
  ASSERT_EQ(fovea_stream_create(device, nullptr, &stream), FOVEA_OK) << fovea_last_error();
  Array<float> x({1}), y({1});
  fovea_tensor xt = x.view(), yt = y.view();
  const fovea_activation_params params{FOVEA_ACTIVATION_SILU, 0, 0, 0};
  EXPECT_EQ(fovea_activate(&params, &xt, nullptr, &yt, stream), FOVEA_INVALID_ARGUMENT) << "validated before it is forwarded";
  xt.device_type = yt.device_type = 10;
  EXPECT_EQ(fovea_activate(&params, &xt, nullptr, &yt, stream), FOVEA_OK) << fovea_last_error();
  int32_t arrived = 0;
  std::memcpy(&arrived, y.data(), sizeof arrived);
  EXPECT_EQ(arrived, FOVEA_ACTIVATION_SILU);
  EXPECT_EQ(fovea_stream_destroy(stream), FOVEA_OK);
}

TEST(Plugin, WhatItLacksIsUnsupported) {
  fovea_device* device = fake_device();
  ASSERT_NE(device, nullptr);
  void* data = nullptr;
  EXPECT_EQ(fovea_memory_alloc(device, FOVEA_MEMORY_DEVICE, 64, &data), FOVEA_UNSUPPORTED);
  EXPECT_STREQ(fovea_last_error(), "backend fake has no fovea_memory_alloc");
  fovea_stream* stream = nullptr;
  ASSERT_EQ(fovea_stream_create(device, nullptr, &stream), FOVEA_OK);
  EXPECT_EQ(fovea_capture_begin(stream), FOVEA_UNSUPPORTED);
  EXPECT_EQ(fovea_stream_destroy(stream), FOVEA_OK);
}

TEST(Plugin, HandlesOfAnotherBackendAreRefusedUnread) {
  fovea_device* device = fake_device();
  ASSERT_NE(device, nullptr);
  fovea_event *foreign = nullptr, *own = nullptr;
  ASSERT_EQ(fovea_event_create(device, &foreign), FOVEA_OK);
  ASSERT_EQ(fovea_event_create(cpu(), &own), FOVEA_OK);
  const StreamPtr stream = make_stream();
  double milliseconds = 0;
  EXPECT_EQ(fovea_event_record(foreign, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "event_record: event and stream belong to different devices");
  EXPECT_EQ(fovea_stream_wait(stream.get(), foreign), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_event_elapsed(own, foreign, &milliseconds), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_event_elapsed(foreign, own, &milliseconds), FOVEA_INVALID_ARGUMENT);
  // A graph handle looks the same from here: the plug-in pointer and nothing behind it.
  EXPECT_EQ(fovea_graph_replay(reinterpret_cast<fovea_graph*>(foreign), stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_event_destroy(foreign), FOVEA_OK);
  EXPECT_EQ(fovea_event_destroy(own), FOVEA_OK);
}

TEST(Plugin, EveryRefusalHasItsReason) {
  ASSERT_NE(fake_device(), nullptr);
  constexpr int32_t kOther = FOVEA_ABI_VERSION + 41;  // what that plug-in claims
  expect_refusal(
      plugin("wrong_abi"),
      "it was built for ABI version " + std::to_string(kOther) + ", this library has " + std::to_string(FOVEA_ABI_VERSION),
      kOther);
  expect_refusal(plugin("no_entry"), "it exports no fovea_plugin_main, so it is not a Fovea plug-in", 0);
  expect_refusal(plugin("no_device"), "the driver says there is no GPU", FOVEA_ABI_VERSION);
  expect_refusal(plugin("no_device_no_reason"), "it found no device", FOVEA_ABI_VERSION);
  expect_refusal(plugin("failing"), "its fovea_plugin_main failed", 0);
  expect_refusal(plugin("no_name"), "its plug-in table has no name or no functions", FOVEA_ABI_VERSION);
  expect_refusal(plugin("named_cpu"), "a backend named 'cpu' is already in use: built in", FOVEA_ABI_VERSION);
  expect_refusal(plugin("second_fake"), "a backend named 'fake' is already in use: " + plugin("good"), FOVEA_ABI_VERSION);
}

TEST(Plugin, FilesThatAreNoLibraries) {
  const std::string missing = testing::TempDir() + "fovea_missing.so";
  EXPECT_EQ(fovea_backend_load(missing.c_str()), FOVEA_NOT_FOUND);
  EXPECT_NE(std::string(listed(missing).reason).find("No such file"), std::string::npos) << listed(missing).reason;

  const std::string text = testing::TempDir() + "fovea_text_" + std::to_string(getpid()) + ".so";
  std::ofstream(text) << std::string(200, 'x');
  EXPECT_EQ(fovea_backend_load(text.c_str()), FOVEA_NOT_FOUND);
  EXPECT_NE(std::string(listed(text).reason).find("ELF"), std::string::npos) << listed(text).reason;
  std::remove(text.c_str());

  EXPECT_EQ(fovea_backend_load(nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_backend_load(""), FOVEA_INVALID_ARGUMENT);
}

TEST(Plugin, DeviceOpenExplainsWhyNothingFits) {
  EXPECT_EQ(fovea_backend_load(plugin("no_device").c_str()), FOVEA_NOT_FOUND);
  fovea_device* device = nullptr;
  EXPECT_EQ(fovea_device_open("absent:0", &device), FOVEA_NOT_FOUND);
  EXPECT_EQ(device, nullptr);
  const std::string message = fovea_last_error();
  EXPECT_NE(message.find("no backend offers 'absent:0'"), std::string::npos) << message;
  EXPECT_EQ(fovea_device_open("cpu:1", &device), FOVEA_NOT_FOUND);
  EXPECT_EQ(fovea_device_open("", &device), FOVEA_NOT_FOUND);
  EXPECT_EQ(fovea_device_open(nullptr, &device), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_device_open("cpu", nullptr), FOVEA_INVALID_ARGUMENT);
}

TEST(Plugin, IndexOutsideTheListIsRefused) {
  int32_t count = 0;
  fovea_backend_info info{};
  ASSERT_EQ(fovea_backend_count(&count), FOVEA_OK);
  EXPECT_EQ(fovea_backend_get(-1, &info), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_backend_get(count, &info), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_backend_get(0, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_backend_count(nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
