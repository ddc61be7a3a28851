// ldmatrix, stmatrix and mma.sync: 32 lanes deposit their registers, the last to arrive computes for the warp.
#include "tensor_internal.h"

namespace fovea::emulator {
namespace {

struct MatrixArgument {
  uint32_t* registers;
  int count;
  bool transposed;
  char* row;
};

// The 16-bit element (row, column) of matrix m is half `column % 2` of register m of lane row * 4 + column / 2.
void load_matrices(void* const* arguments, unsigned) {
  const MatrixArgument& first = *static_cast<MatrixArgument*>(arguments[0]);
  for (int m = 0; m < first.count; m++) {
    uint16_t tile[8][8];
    unsigned used = 0;  // sixteen-byte columns of the banks
    for (int i = 0; i < 8; i++) {
      const char* row = static_cast<MatrixArgument*>(arguments[8 * m + i])->row;
      memcpy(tile[i], row, 16);
      used |= 1u << (uintptr_t(row) / 16 % 8);
    }
    __atomic_fetch_add(&stats().ldmatrix, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&stats().ldmatrix_conflicts, 8 - __builtin_popcount(used), __ATOMIC_RELAXED);
    for (int l = 0; l < 32; l++) {
      const int i = l / 4, j = l % 4 * 2;
      const uint32_t low = first.transposed ? tile[j][i] : tile[i][j],
                     high = first.transposed ? tile[j + 1][i] : tile[i][j + 1];
      static_cast<MatrixArgument*>(arguments[l])->registers[m] = low | high << 16;
    }
  }
}
void store_matrices(void* const* arguments, unsigned) {
  const MatrixArgument& first = *static_cast<MatrixArgument*>(arguments[0]);
  for (int m = 0; m < first.count; m++) {
    uint16_t tile[8][8];
    for (int l = 0; l < 32; l++) {
      const int i = l / 4, j = l % 4 * 2;
      const uint32_t r = static_cast<MatrixArgument*>(arguments[l])->registers[m];
      (first.transposed ? tile[j][i] : tile[i][j]) = uint16_t(r);
      (first.transposed ? tile[j + 1][i] : tile[i][j + 1]) = uint16_t(r >> 16);
    }
    for (int i = 0; i < 8; i++) memcpy(static_cast<MatrixArgument*>(arguments[8 * m + i])->row, tile[i], 16);
  }
}

// Element e of a 32-bit register.
struct Bf16 {
  static constexpr int per_register = 2;
  using Value = float;
  static float get(uint32_t r, int e) { return bf16_value(uint16_t(r >> 16 * e)); }
};
struct F16 {
  static constexpr int per_register = 2;
  using Value = float;
  static float get(uint32_t r, int e) { return f16_value(uint16_t(r >> 16 * e)); }
};
struct Tf32 {  // the tensor core ignores the low 13 bits
  static constexpr int per_register = 1;
  using Value = float;
  static float get(uint32_t r, int) { return __uint_as_float(r & ~0x1fffu); }
};
struct S8 {
  static constexpr int per_register = 4;
  using Value = int;
  static int get(uint32_t r, int e) { return int8_t(r >> 8 * e); }
};
struct U8 {
  static constexpr int per_register = 4;
  using Value = int;
  static int get(uint32_t r, int e) { return uint8_t(r >> 8 * e); }
};

struct MmaArgument {
  void* d;
  const uint32_t *a, *b;
};

// Every shape m16n8kK has the same pattern: lane 4 g + t holds rows g and g + 8 of A and column g of B, and of each group of
// four registers' worth of K the elements that start at t.
template <class A, class B, int a_registers>
void multiply_fragments(void* const* arguments, unsigned) {
  using Value = typename A::Value;
  constexpr int E = A::per_register, K = a_registers / 2 * 4 * E;
  alignas(32) Value a[16 * K], b[K * 8], d[16 * 8];
  for (int l = 0; l < 32; l++) {
    const MmaArgument& x = *static_cast<MmaArgument*>(arguments[l]);
    const int g = l / 4, t = l % 4;
    for (int r = 0; r < a_registers; r++)
      for (int e = 0; e < E; e++) a[(g + r % 2 * 8) * K + t * E + r / 2 * 4 * E + e] = A::get(x.a[r], e);
    for (int r = 0; r < a_registers / 2; r++)
      for (int e = 0; e < E; e++) b[(t * E + r * 4 * E + e) * 8 + g] = B::get(x.b[r], e);
    for (int r = 0; r < 4; r++) d[(g + r / 2 * 8) * 8 + t * 2 + r % 2] = static_cast<Value*>(x.d)[r];
  }
  for (int i = 0; i < 16; i++)
    for (int k = 0; k < K; k++)
      for (int j = 0; j < 8; j++) {
        if constexpr (std::is_same_v<Value, int>)
          d[i * 8 + j] = int(unsigned(d[i * 8 + j]) + unsigned(a[i * K + k] * b[k * 8 + j]));  // wraps
        else
          d[i * 8 + j] += a[i * K + k] * b[k * 8 + j];
      }
  for (int l = 0; l < 32; l++) {
    Value* out = static_cast<Value*>(static_cast<MmaArgument*>(arguments[l])->d);
    for (int r = 0; r < 4; r++) out[r] = d[(l / 4 + r / 2 * 8) * 8 + l % 4 * 2 + r % 2];
  }
}

WarpFn mma_body(MmaType type, int a_registers) {
  switch (type) {
    case MmaType::bf16:
      return a_registers == 4 ? multiply_fragments<Bf16, Bf16, 4> : multiply_fragments<Bf16, Bf16, 2>;
    case MmaType::f16:
      return a_registers == 4 ? multiply_fragments<F16, F16, 4> : multiply_fragments<F16, F16, 2>;
    case MmaType::tf32:
      return a_registers == 4 ? multiply_fragments<Tf32, Tf32, 4> : multiply_fragments<Tf32, Tf32, 2>;
    case MmaType::s8:
      return a_registers == 4 ? multiply_fragments<S8, S8, 4> : multiply_fragments<S8, S8, 2>;
    case MmaType::u8s8:
      return a_registers == 4 ? multiply_fragments<U8, S8, 4> : multiply_fragments<U8, S8, 2>;
  }
  return nullptr;
}

void check_row(const char* what, const void* row, int count, Kind kind, void* caller, const char* file, int line) {
  if (int(self().lane) >= 8 * count) return;  // only the first lanes' addresses are used
  if (uintptr_t(row) % 16) fail("%s at %s:%d: row address %p is not 16-byte aligned", what, file, line, row);
  smem_address(row);  // fails for anything but shared memory
  access(row, 16, kind, caller);
}

}  // namespace

void ldmatrix(uint32_t* r, int count, bool transposed, const void* row, const char* file, int line) {
  check_row("ldmatrix", row, count, Read, FOVEA_CALLER, file, line);
  MatrixArgument a{r, count, transposed, const_cast<char*>(static_cast<const char*>(row))};
  warp_op(~0u, transposed ? "ldmatrix.trans" : "ldmatrix", &a, load_matrices, file, line);
}
void stmatrix(const uint32_t* r, int count, bool transposed, void* row, const char* file, int line) {
  check_row("stmatrix", row, count, Write, FOVEA_CALLER, file, line);
  MatrixArgument a{const_cast<uint32_t*>(r), count, transposed, static_cast<char*>(row)};
  warp_op(~0u, transposed ? "stmatrix.trans" : "stmatrix", &a, store_matrices, file, line);
}
void mma(void* d, const uint32_t* a, const uint32_t* b, MmaType type, int a_registers, const char* file, int line) {
  MmaArgument x{d, a, b};
  warp_op(~0u, "mma.sync", &x, mma_body(type, a_registers), file, line);
}

// 16 rows; products of 16-bit floats are exact in float, so fused or not makes no difference.
__attribute__((target_clones("arch=haswell", "default"))) void multiply(float* d, const float* a, const float* b, int n,
                                                                        int k) {
  for (int i = 0; i < 16; i++)
    for (int q = 0; q < k; q++)
      for (int j = 0; j < n; j++) d[i * n + j] += a[i * k + q] * b[q * n + j];
}

}  // namespace fovea::emulator
