// The ABI's self-description: version, build, layout table and the CPU device.
#include <set>

#include "support.h"

using namespace fovea_test;

namespace {

TEST(Abi, SaysWhatItIs) {
  EXPECT_EQ(fovea_abi_version(), FOVEA_ABI_VERSION);
  const std::string info = fovea_build_info();
  EXPECT_NE(info.find("fovea "), std::string::npos);
  EXPECT_NE(info.find("abi " + std::to_string(FOVEA_ABI_VERSION)), std::string::npos) << info;
  EXPECT_NE(fovea_last_error(), nullptr);
}

TEST(Abi, LayoutTableIsConsistent) {
  const fovea_layout_entry* entries = nullptr;
  int64_t count = 0;
  ASSERT_EQ(fovea_layout(&entries, &count), FOVEA_OK);
  ASSERT_GT(count, 0);
  std::set<std::string> seen;
  std::string type;
  int64_t size = 0;
  for (int64_t i = 0; i < count; ++i) {
    const fovea_layout_entry& e = entries[i];
    const std::string name = std::string(e.type_name) + "." + (e.field_name == nullptr ? "" : e.field_name);
    EXPECT_TRUE(seen.insert(name).second) << name << " is there twice";
    EXPECT_GT(e.size, 0) << name;
    if (e.field_name == nullptr) {
      type = e.type_name, size = e.size;
      EXPECT_EQ(e.offset, 0) << name;
    } else {
      EXPECT_EQ(e.type_name, type) << name << " stands outside its struct";
      EXPECT_LE(e.offset + e.size, size) << name;
    }
  }
  EXPECT_TRUE(seen.count("fovea_tensor.pitch"));
  EXPECT_EQ(fovea_layout(nullptr, &count), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_layout(&entries, nullptr), FOVEA_INVALID_ARGUMENT);
}

// Bindings in other languages rely on these; a change needs a new FOVEA_ABI_VERSION.
TEST(Abi, StructsKeepTheirSizes) {
  EXPECT_EQ(sizeof(fovea_dtype), 4u);
  EXPECT_EQ(sizeof(fovea_tensor), 104u);
  EXPECT_EQ(sizeof(fovea_workspace), 16u);
  EXPECT_EQ(sizeof(fovea_device_info), 280u);
  EXPECT_EQ(sizeof(fovea_thread_options), 16u);
}

TEST(Abi, DescribesTheCpu) {
  fovea_device_info info{};
  ASSERT_EQ(fovea_device_describe(cpu(), &info), FOVEA_OK);
  EXPECT_EQ(info.type, FOVEA_CPU);
  EXPECT_EQ(info.id, 0);
  EXPECT_GT(std::strlen(info.name), 0u);
  EXPECT_GT(std::strlen(info.detail), 0u);
  EXPECT_GT(info.memory_bytes, 0);
  EXPECT_GE(info.compute_units, 1);
  EXPECT_EQ(fovea_device_describe(nullptr, &info), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_device_describe(cpu(), nullptr), FOVEA_INVALID_ARGUMENT);
  fovea_device* again = nullptr;
  ASSERT_EQ(fovea_device_open("cpu:0", &again), FOVEA_OK);
  EXPECT_EQ(again, cpu());
}

}  // namespace
