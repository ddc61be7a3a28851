// What every native test shares: tensors with guard bytes, deterministic data, and one call that runs a kernel on every
// instruction set and thread count, eagerly and through a captured graph, and compares it with the reference loops.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fovea/fovea.h"

namespace fovea_test {

inline constexpr int kGuard = 64;  // bytes before and after every buffer
inline constexpr uint8_t kGuardByte = 0xA5;

inline fovea_device* cpu() {
  fovea_device* device = nullptr;
  EXPECT_EQ(fovea_device_open("cpu", &device), FOVEA_OK);
  return device;
}

// ---- a second backend under test ------------------------------------------------------------------------------------------
//
// FOVEA_TEST_PLUGIN=<file> runs the kernels of a plug-in instead of the CPU's vector bodies: check_kernel compares it with the
// reference loops. All arrays then live in pinned memory, which host code and kernels both reach, so a test needs no copies.

inline fovea_device* test_device() {
  static fovea_device* const device = [] {
    fovea_device* d = nullptr;
    const char* path = std::getenv("FOVEA_TEST_PLUGIN");
    if (path == nullptr) return d;
    if (fovea_backend_load(path) != FOVEA_OK ||
        (fovea_device_open("cuda-emulated:0", &d) != FOVEA_OK && fovea_device_open("cuda:0", &d) != FOVEA_OK)) {
      std::fprintf(stderr, "FOVEA_TEST_PLUGIN: %s\n", fovea_last_error());
      std::exit(1);
    }
    return d;
  }();
  return device;
}

// Where views and streams made now belong: NULL is the CPU.
inline fovea_device*& current_device() {
  static fovea_device* device = nullptr;
  return device;
}

class OnDevice {
 public:
  explicit OnDevice(fovea_device* device) : previous_(current_device()) { current_device() = device; }
  ~OnDevice() { current_device() = previous_; }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

 private:
  fovea_device* previous_;
};

// The emulator runs the threads, blocks and asynchronous copies of a kernel in an order drawn from a seed; a GPU has no such
// order to set. FOVEA_TEST_SCHEDULES=1 takes the first alone, which is enough for a race detector that knows what is ordered.
inline std::vector<uint32_t> schedules() {
  const bool emulated =
      dlsym(dlopen(std::getenv("FOVEA_TEST_PLUGIN"), RTLD_NOW | RTLD_NOLOAD), "fovea_emulator_seed") != nullptr;
  const char* count = std::getenv("FOVEA_TEST_SCHEDULES");
  if (!emulated || (count != nullptr && std::strcmp(count, "1") == 0)) return {0};
  return {0, 2, 3};
}
inline void set_schedule(uint32_t seed) {
  void* function = dlsym(dlopen(std::getenv("FOVEA_TEST_PLUGIN"), RTLD_NOW | RTLD_NOLOAD), "fovea_emulator_seed");
  if (function != nullptr) reinterpret_cast<void (*)(uint32_t)>(function)(seed);
}

struct StreamDeleter {
  void operator()(fovea_stream* s) const { fovea_stream_destroy(s); }
};
using StreamPtr = std::unique_ptr<fovea_stream, StreamDeleter>;
inline StreamPtr make_stream(int32_t threads = 0, int32_t f32_products = FOVEA_F32_EXACT) {
  fovea_stream* stream = nullptr;
  const fovea_stream_options options{threads, f32_products};
  fovea_device* device = current_device() != nullptr ? current_device() : cpu();
  EXPECT_EQ(fovea_stream_create(device, &options, &stream), FOVEA_OK) << fovea_last_error();
  return StreamPtr(stream);
}

// Bytes that the CPU and the backend under test can both reach.
class Storage {
 public:
  explicit Storage(size_t bytes) : bytes_(bytes), pinned_(test_device() != nullptr) {
    if (!pinned_) {
      own_.resize(bytes);
    } else {
      EXPECT_EQ(fovea_memory_alloc(test_device(), FOVEA_MEMORY_PINNED, static_cast<int64_t>(bytes), &data_), FOVEA_OK)
          << fovea_last_error();
    }
    std::memset(data(), kGuardByte, bytes);
  }
  ~Storage() {
    if (pinned_) fovea_memory_free(test_device(), FOVEA_MEMORY_PINNED, data_, static_cast<int64_t>(bytes_));
  }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  uint8_t* data() { return pinned_ ? static_cast<uint8_t*>(data_) : own_.data(); }
  const uint8_t* data() const { return pinned_ ? static_cast<const uint8_t*>(data_) : own_.data(); }
  size_t size() const { return bytes_; }

 private:
  size_t bytes_;
  bool pinned_;
  std::vector<uint8_t> own_;
  void* data_ = nullptr;
};

template <class T>
constexpr fovea_dtype dtype_of();
template <>
constexpr fovea_dtype dtype_of<float>() {
  return {FOVEA_FLOAT, 32, 1};
}
template <>
constexpr fovea_dtype dtype_of<uint8_t>() {
  return {FOVEA_UINT, 8, 1};
}
template <>
constexpr fovea_dtype dtype_of<int32_t>() {
  return {FOVEA_INT, 32, 1};
}
template <>
constexpr fovea_dtype dtype_of<int64_t>() {
  return {FOVEA_INT, 64, 1};
}

// The 16-bit types of other backends, as storage: rounded to nearest even, computed with as float.
struct Half {
  _Float16 value;
  Half() = default;
  explicit Half(double v) : value(static_cast<_Float16>(v)) {}
  explicit operator double() const { return static_cast<double>(value); }
  explicit operator float() const { return static_cast<float>(value); }
};
struct BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  explicit BFloat16(double v) {
    const auto f = static_cast<float>(v);
    uint32_t u;
    std::memcpy(&u, &f, sizeof u);
    bits = (u & 0x7fffffff) > 0x7f800000 ? uint16_t{0x7fff} : static_cast<uint16_t>((u + 0x7fff + (u >> 16 & 1)) >> 16);
  }
  explicit operator float() const {
    const uint32_t u = static_cast<uint32_t>(bits) << 16;
    float f;
    std::memcpy(&f, &u, sizeof f);
    return f;
  }
  explicit operator double() const { return static_cast<double>(static_cast<float>(*this)); }
};
template <>
constexpr fovea_dtype dtype_of<Half>() {
  return {FOVEA_FLOAT, 16, 1};
}
template <>
constexpr fovea_dtype dtype_of<BFloat16>() {
  return {FOVEA_BFLOAT, 16, 1};
}

// Owned storage with guard bytes on both sides; gaps between pitched rows are guard bytes too.
template <class T>
class Array {
 public:
  explicit Array(std::vector<int64_t> shape, int64_t pitch = 0) : shape_(std::move(shape)) {
    const int64_t last = shape_.empty() ? 1 : shape_.back();
    pitch_ = pitch == 0 ? last : pitch;
    rows_ = 1;
    for (size_t i = 0; i + 1 < shape_.size(); ++i) rows_ *= shape_[i];
    bytes_ = std::make_unique<Storage>(static_cast<size_t>(rows_ * pitch_) * sizeof(T) + 2 * kGuard + 64);
    const auto raw = reinterpret_cast<uintptr_t>(bytes_->data()) + kGuard;
    offset_ = (raw + 63) / 64 * 64 - reinterpret_cast<uintptr_t>(bytes_->data());
  }
  Array(const Array& o) : Array(o.shape_, o.pitch_) {
    std::memcpy(data(), o.data(), static_cast<size_t>(rows_ * pitch_) * sizeof(T));
  }
  Array& operator=(const Array&) = delete;

  T* data() { return reinterpret_cast<T*>(bytes_->data() + offset_); }
  const T* data() const { return reinterpret_cast<const T*>(bytes_->data() + offset_); }
  const std::vector<int64_t>& shape() const { return shape_; }
  int64_t pitch() const { return pitch_; }
  int64_t rows() const { return rows_; }
  int64_t last() const { return shape_.empty() ? 1 : shape_.back(); }
  int64_t size() const { return rows_ * last(); }
  T& operator[](int64_t i) { return data()[i / last() * pitch_ + i % last()]; }
  const T& operator[](int64_t i) const { return data()[i / last() * pitch_ + i % last()]; }

  fovea_tensor view() {
    fovea_tensor t{};
    t.data = data();
    for (size_t i = 0; i < shape_.size(); ++i) t.shape[i] = shape_[i];
    t.rank = static_cast<int32_t>(shape_.size());
    t.pitch = pitch_;
    t.dtype = dtype_of<T>();
    t.device_type = FOVEA_CPU;
    if (current_device() != nullptr) {
      fovea_device_info info{};
      EXPECT_EQ(fovea_device_describe(current_device(), &info), FOVEA_OK);
      t.device_type = info.type;
      t.device_id = info.id;
    }
    return t;
  }

  // By rows: sanitized programs spend most of their time in loops of the tests.
  std::vector<T> values() const {
    std::vector<T> v(static_cast<size_t>(size()));
    for (int64_t r = 0; r < rows_ && last() > 0; ++r) std::memcpy(v.data() + r * last(), row(r), row_bytes());
    return v;
  }
  void assign(const std::vector<T>& v) {
    ASSERT_EQ(static_cast<int64_t>(v.size()), size());
    for (int64_t r = 0; r < rows_ && last() > 0; ++r) std::memcpy(row(r), v.data() + r * last(), row_bytes());
  }
  // Uniform in [low, high), the same for the same seed on every machine.
  void fill(uint32_t seed, double low = -1, double high = 1) {
    uint64_t state = seed * 0x9E3779B97F4A7C15ull + 1;
    for (int64_t i = 0; i < size(); ++i) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      (*this)[i] = static_cast<T>(low + (high - low) * (static_cast<double>(state >> 11) / 9007199254740992.0));
    }
  }
  void poison() {
    for (int64_t r = 0; r < rows_; ++r) std::memset(row(r), 0xFF, row_bytes());  // NaN for floats
  }
  // True when nothing outside the tensor's elements was written.
  bool guards_intact() const {
    const uint8_t *at = std::as_const(*bytes_).data(), *end = at + bytes_->size();
    for (int64_t r = 0; r < rows_; ++r) {
      const auto* elements = reinterpret_cast<const uint8_t*>(row(r));
      if (!all_guard(at, elements)) return false;
      at = elements + row_bytes();
    }
    return all_guard(at, end);
  }

 private:
  T* row(int64_t r) { return data() + r * pitch_; }
  const T* row(int64_t r) const { return data() + r * pitch_; }
  size_t row_bytes() const { return static_cast<size_t>(last()) * sizeof(T); }
  // Each byte equals the one before it, and the first is right.
  static bool all_guard(const uint8_t* begin, const uint8_t* end) {
    return begin == end || (*begin == kGuardByte && std::memcmp(begin, begin + 1, static_cast<size_t>(end - begin) - 1) == 0);
  }

  std::vector<int64_t> shape_;
  int64_t pitch_ = 0, rows_ = 0;
  std::unique_ptr<Storage> bytes_;
  size_t offset_ = 0;
};

// A workspace of exactly `bytes`, poisoned and guarded.
class Workspace {
 public:
  explicit Workspace(int64_t bytes) : storage_({bytes == 0 ? 1 : bytes}) {
    storage_.poison();
    value_ = {bytes == 0 ? nullptr : storage_.data(), bytes};
  }
  const fovea_workspace* get() const { return &value_; }
  bool guards_intact() const { return storage_.guards_intact(); }

 private:
  Array<uint8_t> storage_;
  fovea_workspace value_{};
};

inline std::vector<int32_t> available_isas() {
  int32_t best = 0;
  EXPECT_EQ(fovea_isa_detected(&best), FOVEA_OK);
  std::vector<int32_t> isas;
  for (int32_t i = FOVEA_ISA_SCALAR; i <= best; ++i) isas.push_back(i);
  return isas;
}

inline const char* isa_name(int32_t isa) {
  constexpr const char* names[] = {"reference", "scalar", "avx2", "avx512"};
  return names[isa];
}

// Forces an instruction set for a scope; afterwards the one before holds again, which FOVEA_ISA may have chosen.
class ForcedIsa {
 public:
  explicit ForcedIsa(int32_t isa) {
    EXPECT_EQ(fovea_isa_active(&previous_), FOVEA_OK);
    EXPECT_EQ(fovea_isa_force(isa), FOVEA_OK) << fovea_last_error();
  }
  ~ForcedIsa() { fovea_isa_force(previous_); }
  ForcedIsa(const ForcedIsa&) = delete;
  ForcedIsa& operator=(const ForcedIsa&) = delete;

 private:
  int32_t previous_ = -1;
};

inline bool is_near(double actual, double expected, double relative, double absolute) {
  return (std::isnan(expected) ? std::isnan(actual) : actual == expected) ||
         std::fabs(actual - expected) <= absolute + relative * std::fabs(expected);
}

inline ::testing::AssertionResult near(double actual, double expected, double relative, double absolute) {
  if (is_near(actual, expected, relative, absolute)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << actual << " is not " << expected << " (rel " << relative << ", abs " << absolute
                                       << ")";
}

struct Tolerance {
  double relative = 0, absolute = 0;
  // Of an op that makes f32 products in the stream's way: the most that sum |a b| over the products of an element can be. 0: it
  // is not run in the other ways.
  double products = 0;
};

// How far a sum of products may be off because factors were rounded, as a part of sum |a b|. tf32 rounds to nearest with 10
// bits after the binary point, so a factor is off by 2^-11 of itself at most. As big + small, what is left of it is 2^-22,
// twice a product, and the product of two small parts is left out: another 2^-22. Both with room for the second order.
inline double product_error(int32_t f32_products) {
  return f32_products == FOVEA_F32_TF32 ? 1.001 * 0x1p-10 : f32_products == FOVEA_F32_THREE_TF32 ? 0x1p-20 : 0;
}

// Runs `call` on `stream`, as it is or through a captured graph.
inline void run_call(fovea_stream* stream, bool captured, const std::function<fovea_status(fovea_stream*)>& call) {
  fovea_graph* graph = nullptr;
  if (captured) {
    ASSERT_EQ(fovea_capture_begin(stream), FOVEA_OK) << fovea_last_error();
  }
  ASSERT_EQ(call(stream), FOVEA_OK) << fovea_last_error();
  if (captured) {
    ASSERT_EQ(fovea_capture_end(stream, &graph), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(fovea_graph_replay(graph, stream), FOVEA_OK) << fovea_last_error();
  }
  ASSERT_EQ(fovea_stream_synchronize(stream), FOVEA_OK) << fovea_last_error();
  ASSERT_EQ(fovea_graph_destroy(graph), FOVEA_OK);
}

template <class T>
void expect_near(const std::vector<T>& actual, const std::vector<T>& expected, Tolerance tolerance) {
  const T *values = actual.data(), *wanted = expected.data();
  for (size_t i = 0; i < actual.size(); ++i) {
    const double value = static_cast<double>(values[i]), want = static_cast<double>(wanted[i]);
    if (!is_near(value, want, tolerance.relative, tolerance.absolute))
      FAIL() << "element " << i << ": " << near(value, want, tolerance.relative, tolerance.absolute).message();
  }
}

// The part of check_kernel for the backend under test: every schedule, eagerly and captured, bitwise the same; then, where
// products may be rounded, once with either rounding. `call` must make its views, workspace and prepared weights itself, since
// they belong to the current device. A kernel that the backend lacks skips the test.
template <class T>
void check_on_test_device(Array<T>& output, const std::vector<T>& expected, Tolerance tolerance,
                          const std::function<fovea_status(fovea_stream*)>& call) {
  const OnDevice scope(test_device());
  std::vector<T> first;
  for (const uint32_t seed : schedules())
    for (const bool captured : {false, true}) {
      if (captured && seed != 0) continue;  // the order inside a kernel is the same thing there
      SCOPED_TRACE("seed " + std::to_string(seed) + (captured ? ", captured" : ""));
      set_schedule(seed);
      const StreamPtr stream = make_stream();
      output.poison();
      if (first.empty() && !captured) {
        const fovea_status status = call(stream.get());
        if (status == FOVEA_UNSUPPORTED) GTEST_SKIP() << fovea_last_error();
        ASSERT_EQ(status, FOVEA_OK) << fovea_last_error();
        ASSERT_EQ(fovea_stream_synchronize(stream.get()), FOVEA_OK) << fovea_last_error();
      } else {
        ASSERT_NO_FATAL_FAILURE(run_call(stream.get(), captured, call));
      }
      ASSERT_TRUE(output.guards_intact()) << "wrote outside its output";
      const std::vector<T> actual = output.values();
      if (first.empty()) {
        ASSERT_NO_FATAL_FAILURE(expect_near(actual, expected, tolerance));
        first = actual;
      }
      ASSERT_TRUE(actual.empty() || std::memcmp(actual.data(), first.data(), actual.size() * sizeof(T)) == 0)
          << "not bitwise equal";
    }
  if (tolerance.products == 0) return;
  set_schedule(3);
  for (const int32_t products : {FOVEA_F32_TF32, FOVEA_F32_THREE_TF32}) {
    if (products == FOVEA_F32_TF32 && schedules().size() == 1)
      continue;  // one order of threads is enough: so is one of the two
    SCOPED_TRACE("f32 products " + std::to_string(products));
    const StreamPtr stream = make_stream(0, products);
    output.poison();
    ASSERT_NO_FATAL_FAILURE(run_call(stream.get(), false, call));
    ASSERT_TRUE(output.guards_intact()) << "wrote outside its output";
    const double rounding = tolerance.products * product_error(products);
    ASSERT_NO_FATAL_FAILURE(expect_near(output.values(), expected, {tolerance.relative, tolerance.absolute + rounding}));
  }
}

// `call` enqueues the kernel on a stream, writing `output`. It is run by the reference loops, then by every instruction set
// with 1 and 2 threads, eagerly and captured; results must be within `tolerance` of the reference, bitwise equal within an
// instruction set, and leave the guard bytes alone. The output is poisoned before each run.
template <class T>
void check_kernel(Array<T>& output, Tolerance tolerance, const std::function<fovea_status(fovea_stream*)>& call) {
  std::vector<T> expected;
  {
    const ForcedIsa isa(FOVEA_ISA_REFERENCE);
    const StreamPtr stream = make_stream();
    output.poison();
    ASSERT_EQ(call(stream.get()), FOVEA_OK) << fovea_last_error();
    expected = output.values();
    ASSERT_TRUE(output.guards_intact()) << "reference wrote outside its output";
  }
  if (test_device() != nullptr) return check_on_test_device(output, expected, tolerance, call);
  for (const int32_t isa : available_isas()) {
    SCOPED_TRACE(isa_name(isa));
    const ForcedIsa forced(isa);
    std::vector<T> first;
    for (const int32_t threads : {1, 2}) {
      for (const bool captured : {false, true}) {
        const StreamPtr stream = make_stream(threads);
        output.poison();
        ASSERT_NO_FATAL_FAILURE(run_call(stream.get(), captured, call));
        ASSERT_TRUE(output.guards_intact()) << "wrote outside its output";
        const std::vector<T> actual = output.values();
        if (first.empty()) {
          first = actual;
          ASSERT_NO_FATAL_FAILURE(expect_near(actual, expected, tolerance));
        } else {
          ASSERT_EQ(std::memcmp(actual.data(), first.data(), actual.size() * sizeof(T)), 0)
              << "not bitwise equal: threads " << threads << ", captured " << captured;
        }
      }
    }
  }
}

// A kernel in a 16-bit type on the backend under test: `reference` computes the same from the same values in f32 on the CPU,
// writing `expected`; `call` writes `output`. Skips without such a backend: the CPU computes in f32 only.
template <class T>
void check_narrow_kernel(Array<T>& output, Array<float>& expected, Tolerance tolerance,
                         const std::function<fovea_status(fovea_stream*)>& reference,
                         const std::function<fovea_status(fovea_stream*)>& call) {
  if (test_device() == nullptr) GTEST_SKIP() << "needs FOVEA_TEST_PLUGIN: the CPU computes in f32 only";
  const ForcedIsa isa(FOVEA_ISA_REFERENCE);
  ASSERT_EQ(reference(make_stream().get()), FOVEA_OK) << fovea_last_error();
  std::vector<T> rounded;
  for (const float v : expected.values()) rounded.push_back(T(v));
  check_on_test_device(output, rounded, tolerance, call);
}

}  // namespace fovea_test
