// Choosing the instruction set: by force, and by the environment in a process of its own.
#include <unistd.h>

#include <cstdio>

#include "support.h"

using namespace fovea_test;

namespace {

int32_t active() {
  int32_t isa = -1;
  EXPECT_EQ(fovea_isa_active(&isa), FOVEA_OK);
  return isa;
}

int32_t detected() {
  int32_t isa = -1;
  EXPECT_EQ(fovea_isa_detected(&isa), FOVEA_OK);
  return isa;
}

TEST(Isa, ForcingHoldsUntilTakenBack) {
  for (int32_t isa = FOVEA_ISA_REFERENCE; isa <= detected(); ++isa) {
    const ForcedIsa forced(isa);
    EXPECT_EQ(active(), isa);
  }
  ASSERT_EQ(fovea_isa_force(-1), FOVEA_OK);
  EXPECT_EQ(active(), detected());
}

TEST(Isa, WhatDoesNotExistIsRefused) {
  const ForcedIsa scalar(FOVEA_ISA_SCALAR);
  for (const int32_t isa : {-2, 4, INT32_MIN, INT32_MAX}) EXPECT_EQ(fovea_isa_force(isa), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(active(), FOVEA_ISA_SCALAR);
  for (int32_t isa = detected() + 1; isa <= FOVEA_ISA_AVX512; ++isa) {
    EXPECT_EQ(fovea_isa_force(isa), FOVEA_UNSUPPORTED);
    EXPECT_EQ(fovea_last_error(),
              std::string("isa_force: this processor has ") + isa_name(detected()) + ", not " + isa_name(isa));
  }
  EXPECT_EQ(active(), FOVEA_ISA_SCALAR);
  EXPECT_EQ(fovea_isa_active(nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_isa_detected(nullptr), FOVEA_INVALID_ARGUMENT);
}

// What the tests below start; on its own it only prints.
TEST(IsaChild, PrintsTheActiveSet) {
  fovea_device_info info{};
  ASSERT_EQ(fovea_device_describe(cpu(), &info), FOVEA_OK);
  std::printf("active=%d detail=%s\n", active(), info.detail);
}

std::string child(const std::string& environment) {
  char self[4096];
  const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return "no /proc/self/exe";
  self[n] = '\0';
  const std::string command = "env -u FOVEA_ISA -u GTEST_TOTAL_SHARDS -u GTEST_SHARD_INDEX -u GTEST_OUTPUT " + environment +
                              " '" + self + "' --gtest_filter=IsaChild.*";
  std::FILE* pipe = popen(command.c_str(), "r");
  std::string output;
  for (char line[512]; pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr;)
    if (std::strncmp(line, "active=", 7) == 0) output = line;
  if (pipe != nullptr) pclose(pipe);
  return output;
}

TEST(Isa, TheEnvironmentChooses) {
  EXPECT_EQ(child("FOVEA_ISA=reference"), "active=0 detail=reference loops\n");
  EXPECT_EQ(child("FOVEA_ISA=scalar"), "active=1 detail=scalar\n");
  if (detected() >= FOVEA_ISA_AVX2) {
    EXPECT_EQ(child("FOVEA_ISA=avx2"), "active=2 detail=AVX2 + FMA\n");
  }
  if (detected() >= FOVEA_ISA_AVX512) {
    EXPECT_EQ(child("FOVEA_ISA=avx512"), "active=3 detail=AVX-512\n");
  }
}

TEST(Isa, AnUnknownNameInTheEnvironmentIsIgnored) {
  const std::string usual = child("");
  EXPECT_EQ(usual.substr(0, 9), "active=" + std::to_string(detected()) + " ");
  for (const char* name : {"FOVEA_ISA=sse9", "FOVEA_ISA=", "FOVEA_ISA=AVX2"}) EXPECT_EQ(child(name), usual) << name;
}

TEST(Isa, AGraphKeepsTheSetItWasCapturedWith) {
  // exp differs by rounding between sets, so sigmoid shows which body ran.
  if (detected() < FOVEA_ISA_AVX2) GTEST_SKIP() << "this processor has no vector set to tell apart";
  Array<float> x({1000}), y({1000});
  x.fill(5, -20, 20);
  const fovea_tensor xt = x.view(), yt = y.view();
  const fovea_activation_params p{FOVEA_ACTIVATION_SIGMOID, 0, 0, 0};
  const StreamPtr stream = make_stream();
  const auto run = [&](int32_t isa) {
    const ForcedIsa forced(isa);
    EXPECT_EQ(fovea_activate(&p, &xt, nullptr, &yt, stream.get()), FOVEA_OK);
    return y.values();
  };
  const std::vector<float> scalar = run(FOVEA_ISA_SCALAR), vector = run(detected());
  ASSERT_NE(scalar, vector);
  fovea_graph* graph = nullptr;
  {
    const ForcedIsa forced(FOVEA_ISA_SCALAR);
    ASSERT_EQ(fovea_capture_begin(stream.get()), FOVEA_OK);
    ASSERT_EQ(fovea_activate(&p, &xt, nullptr, &yt, stream.get()), FOVEA_OK);
    ASSERT_EQ(fovea_capture_end(stream.get(), &graph), FOVEA_OK);
  }
  const ForcedIsa forced(detected());
  ASSERT_EQ(fovea_graph_replay(graph, stream.get()), FOVEA_OK);
  EXPECT_EQ(y.values(), scalar);
  EXPECT_EQ(fovea_graph_destroy(graph), FOVEA_OK);
}

}  // namespace
