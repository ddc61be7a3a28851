// Raw memory of the CPU device: alignment, the sizes at the edges, and copies and fills through a stream.
#include "support.h"

using namespace fovea_test;

namespace {

constexpr int64_t kMiB = 1 << 20;

TEST(Memory, IsAlignedAndWritableAtEverySize) {
  for (const int32_t kind : {FOVEA_MEMORY_DEVICE, FOVEA_MEMORY_PINNED})
    for (const int64_t bytes : {int64_t{1}, int64_t{63}, int64_t{64}, int64_t{65}, int64_t{4097}, 2 * kMiB - 1, 2 * kMiB,
                                2 * kMiB + 1, 5 * kMiB + 77}) {
      void* data = nullptr;
      ASSERT_EQ(fovea_memory_alloc(cpu(), kind, bytes, &data), FOVEA_OK) << fovea_last_error();
      ASSERT_NE(data, nullptr);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(bytes >= 2 * kMiB ? 2 * kMiB : 64), 0u) << bytes;
      std::memset(data, 0x5A, static_cast<size_t>(bytes));
      EXPECT_EQ(fovea_memory_free(cpu(), kind, data, bytes), FOVEA_OK);
    }
}

TEST(Memory, LargeBlocksGoBackToTheSystem) {
  // 256 blocks of 1 GiB of address space: they would not fit if free lost them.
  for (int i = 0; i < 256; ++i) {
    void* data = nullptr;
    ASSERT_EQ(fovea_memory_alloc(cpu(), FOVEA_MEMORY_DEVICE, 1024 * kMiB, &data), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(fovea_memory_free(cpu(), FOVEA_MEMORY_DEVICE, data, 1024 * kMiB), FOVEA_OK);
  }
}

TEST(Memory, NothingIsAPointerToNothing) {
  void* data = &data;
  EXPECT_EQ(fovea_memory_alloc(cpu(), FOVEA_MEMORY_DEVICE, 0, &data), FOVEA_OK);
  EXPECT_EQ(data, nullptr);
  EXPECT_EQ(fovea_memory_free(cpu(), FOVEA_MEMORY_DEVICE, nullptr, 0), FOVEA_OK);
}

TEST(Memory, ImpossibleSizesAreAStatus) {
  for (const int64_t bytes : {INT64_MAX, INT64_MAX - 63, int64_t{1} << 62, (int64_t{1} << 46) + 1}) {
    void* data = &data;
    EXPECT_EQ(fovea_memory_alloc(cpu(), FOVEA_MEMORY_DEVICE, bytes, &data), FOVEA_OUT_OF_MEMORY);
    EXPECT_EQ(data, nullptr);
    EXPECT_EQ(fovea_last_error(), "memory_alloc: the system has no " + std::to_string(bytes) + " bytes for the CPU device");
  }
}

TEST(Memory, ArgumentsAreChecked) {
  void* data = nullptr;
  char bytes[4];
  EXPECT_EQ(fovea_memory_alloc(cpu(), FOVEA_MEMORY_DEVICE, -1, &data), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "memory_alloc: size is negative (-1)");
  EXPECT_EQ(fovea_memory_alloc(cpu(), FOVEA_MEMORY_DEVICE, INT64_MIN, &data), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_memory_alloc(cpu(), 7, 64, &data), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "memory_alloc: unknown kind 7");
  EXPECT_EQ(fovea_memory_alloc(nullptr, FOVEA_MEMORY_DEVICE, 64, &data), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_memory_alloc(cpu(), FOVEA_MEMORY_DEVICE, 64, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_memory_free(nullptr, FOVEA_MEMORY_DEVICE, bytes, 4), FOVEA_INVALID_ARGUMENT);
  for (const int64_t size : {int64_t{0}, int64_t{-4}, INT64_MAX})
    EXPECT_EQ(fovea_memory_free(cpu(), FOVEA_MEMORY_DEVICE, bytes, size), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(data, nullptr);
}

TEST(MemoryCopy, CopiesFillsAndMovesOverlapping) {
  const StreamPtr stream = make_stream();
  Array<uint8_t> a({100}), b({100});
  ASSERT_EQ(fovea_memory_fill(a.data(), 0x11, 100, stream.get()), FOVEA_OK);
  for (int i = 0; i < 100; ++i) a[i] = static_cast<uint8_t>(a[i] + i);
  ASSERT_EQ(fovea_memory_copy(b.data(), a.data(), 100, stream.get()), FOVEA_OK);
  EXPECT_EQ(a.values(), b.values());
  ASSERT_EQ(fovea_memory_copy(b.data() + 1, b.data(), 99, stream.get()), FOVEA_OK);
  for (int i = 1; i < 100; ++i) ASSERT_EQ(b[i], a[i - 1]);
  EXPECT_TRUE(a.guards_intact() && b.guards_intact());
}

TEST(MemoryCopy, ArgumentsAreChecked) {
  const StreamPtr stream = make_stream();
  char bytes[8] = {};
  EXPECT_EQ(fovea_memory_copy(nullptr, nullptr, 0, stream.get()), FOVEA_OK);
  EXPECT_EQ(fovea_memory_fill(nullptr, 0, 0, stream.get()), FOVEA_OK);
  EXPECT_EQ(fovea_memory_copy(bytes, bytes + 4, 4, nullptr), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_memory_copy(bytes, nullptr, 4, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_memory_copy(nullptr, bytes, 4, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_memory_copy(bytes, bytes + 4, -1, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_memory_fill(nullptr, 0, 4, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_memory_fill(bytes, 0, -1, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_memory_fill(bytes, 0, 1, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
