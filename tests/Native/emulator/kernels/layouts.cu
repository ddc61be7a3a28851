// wgmma in every layout: the tile arrives by TMA, the descriptor says how it lies.
#include "layouts.h"

#include <cstring>

using namespace fovea::cuda;
namespace {
constexpr int M = 64, N = 64, MAX_K = 64;
struct alignas(1024) Smem {
  unsigned char a[M * MAX_K * 4], b[N * MAX_K * 4];
  uint64_t bar;
};

// One operand: 64 along M or N, `k` along K. K-major boxes hold a swizzle row of K and all of M or N; the other kind holds a
// swizzle row of M or N and all of K.
struct Operand {
  bool mn_major;
  int k, span, size;  // span: bytes of a swizzle row; size: bytes of an element
  __device__ __host__ int boxes() const { return (mn_major ? M : k) * size / span; }
  __device__ __host__ int box_bytes() const { return (mn_major ? k : M) * span; }
  __device__ uint64_t descriptor(const unsigned char* tile, int step, Swizzle swizzle) const {
    if (mn_major) return wgmma_descriptor(tile + step * (32 / size) * span, unsigned(box_bytes()), unsigned(8 * span), swizzle);
    const int bytes = step * 32;
    return wgmma_descriptor(tile + bytes / span * box_bytes() + bytes % span, 16, unsigned(8 * span), swizzle);
  }
};

template <int type, bool a_mn, bool b_mn>
__global__ void __launch_bounds__(128)
    product(const __grid_constant__ CUtensorMap map_a, const __grid_constant__ CUtensorMap map_b, const uint32_t* a_registers,
            float* out, int k, Swizzle swizzle) {
#if FOVEA_CUDA_SM90A
  Smem& s = *dynamic_shared<Smem>();
  const int size = type == LayoutCase::tf32 ? 4 : 2, span = 16 << int(swizzle);
  const Operand a{a_mn, k, span, size}, b{b_mn, k, span, size};
  if (threadIdx.x == 0) {
    mbarrier_init(&s.bar, 1);
    fence_mbarrier_init();
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    mbarrier_arrive_expect(&s.bar, a.boxes() * a.box_bytes() + b.boxes() * b.box_bytes());
    for (int i = 0; i < a.boxes(); i++) tma_load(s.a + i * a.box_bytes(), map_a, &s.bar, i * span / size, 0);
    for (int i = 0; i < b.boxes(); i++) tma_load(s.b + i * b.box_bytes(), map_b, &s.bar, i * span / size, 0);
  }
  mbarrier_wait(&s.bar, 0);
  float d[N / 2];
  wgmma_fence();
  for (int step = 0; step < k * size / 32; step++) {
    const uint64_t db = b.descriptor(s.b, step, swizzle), da = a.descriptor(s.a, step, swizzle);
    uint32_t r[4];
    if (a_registers)
      for (int i = 0; i < 4; i++) r[i] = a_registers[(step * 128 + int(threadIdx.x)) * 4 + i];
    if constexpr (type == LayoutCase::tf32) {
      if (a_registers)
        wgmma_tf32<N>(d, r, db, step > 0);
      else
        wgmma_tf32<N>(d, da, db, step > 0);
    } else if constexpr (type == LayoutCase::bf16) {
      if (a_registers)
        wgmma_bf16<N, b_mn>(d, r, db, step > 0);
      else
        wgmma_bf16<N, a_mn, b_mn>(d, da, db, step > 0);
    } else {
      if (a_registers)
        wgmma_f16<N, b_mn>(d, r, db, step > 0);
      else
        wgmma_f16<N, a_mn, b_mn>(d, da, db, step > 0);
    }
  }
  wgmma_commit();
  wgmma_wait<0>(d);
  const int lane = threadIdx.x % 32, row = threadIdx.x / 32 * 16 + lane / 4;
  for (int i = 0; i < N / 2; i++) out[(row + i / 2 % 2 * 8) * N + i / 4 * 8 + lane % 4 * 2 + i % 2] = d[i];
#endif
}

// The element's bits in the type under test.
uint32_t bits_of(LayoutCase::Type type, float f) {
  if (type == LayoutCase::tf32) return __builtin_bit_cast(uint32_t, f);
  if (type == LayoutCase::bf16) return __builtin_bit_cast(uint16_t, __float2bfloat16(f));
  return __builtin_bit_cast(uint16_t, __float2half(f));
}
}  // namespace

std::vector<float> run_layout(const LayoutCase& c, const std::vector<float>& a, const std::vector<float>& b, int k) {
  const int size = c.type == LayoutCase::tf32 ? 4 : 2, span = 16 << int(c.swizzle);
  // a is [64][k], b is [k][64]; in memory the major index is contiguous.
  auto device_copy = [&](const std::vector<float>& v, bool mn_major, bool rows_are_k) {
    std::vector<unsigned char> bytes(v.size() * size_t(size));
    for (int mn = 0; mn < 64; mn++)
      for (int q = 0; q < k; q++) {
        const uint32_t bits = bits_of(c.type, rows_are_k ? v[size_t(q * 64 + mn)] : v[size_t(mn * k + q)]);
        memcpy(&bytes[size_t(mn_major ? q * 64 + mn : mn * k + q) * size_t(size)], &bits, size_t(size));
      }
    void* p = nullptr;
    cudaMalloc(&p, bytes.size());
    cudaMemcpy(p, bytes.data(), bytes.size(), cudaMemcpyHostToDevice);
    return p;
  };
  auto map_of = [&](CUtensorMap* map, void* p, bool mn_major) {
    const uint64_t dims[] = {uint64_t(mn_major ? 64 : k), uint64_t(mn_major ? k : 64)}, stride = dims[0] * uint64_t(size);
    const unsigned box[] = {unsigned(span / size), unsigned(dims[1])};
    const TensorType types[] = {TensorType::bf16, TensorType::f16, TensorType::f32};
    return make_tensor_map(map, types[c.type], p, 2, dims, &stride, box, c.swizzle);
  };
  void *da = device_copy(a, c.a_mn_major, false), *db = device_copy(b, c.b_mn_major, true), *registers = nullptr;
  if (c.a_in_registers) {
    const int deep = 32 / size, per = deep / 8;
    std::vector<uint32_t> r(size_t(k / deep) * 128 * 4);
    for (size_t i = 0; i < r.size(); i++) {
      const int j = int(i % 4), t = int(i / 4 % 128), step = int(i / 512), row = t / 32 * 16 + t % 32 / 4 + j % 2 * 8;
      for (int e = 0; e < per; e++)
        r[i] |= bits_of(c.type, a[size_t(row * k + step * deep + t % 4 * per + j / 2 * 4 * per + e)]) << (16 * e);
    }
    cudaMalloc(&registers, r.size() * 4);
    cudaMemcpy(registers, r.data(), r.size() * 4, cudaMemcpyHostToDevice);
  }
  CUtensorMap map_a, map_b;
  std::vector<float> out(64 * 64, -1.f);
  float* device_out = nullptr;
  cudaMalloc(&device_out, out.size() * 4);
  auto run = [&](auto kernel) {
    if (map_of(&map_a, da, c.a_mn_major) == cudaSuccess && map_of(&map_b, db, c.b_mn_major) == cudaSuccess)
      launch(kernel, 1, 128, sizeof(Smem), nullptr, map_a, map_b, static_cast<const uint32_t*>(registers), device_out, k,
             c.swizzle);
  };
  auto run_type = [&]<int type>() {
    if constexpr (type == LayoutCase::tf32)
      run(product<type, false, false>);
    else if (c.a_mn_major)
      c.b_mn_major ? run(product<type, true, true>) : run(product<type, true, false>);
    else
      c.b_mn_major ? run(product<type, false, true>) : run(product<type, false, false>);
  };
  if (c.type == LayoutCase::bf16)
    run_type.template operator()<LayoutCase::bf16>();
  else if (c.type == LayoutCase::f16)
    run_type.template operator()<LayoutCase::f16>();
  else
    run_type.template operator()<LayoutCase::tf32>();
  cudaMemcpy(out.data(), device_out, out.size() * 4, cudaMemcpyDeviceToHost);
  for (void* p : {da, db, registers, static_cast<void*>(device_out)}) cudaFree(p);
  return out;
}
