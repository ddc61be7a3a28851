#include "conformance.h"
using namespace fovea::cuda;
namespace {
using bf16 = __nv_bfloat16;
__global__ void ldmatrix_case(uint32_t* out, int kind) {
  uint16_t* s = dynamic_shared<uint16_t>();
  for (int i = threadIdx.x; i < 512; i += 32) s[i] = uint16_t(i);
  __syncthreads();
  const void* row = s + threadIdx.x * 8 % 256;
  uint32_t r[4] = {}, q[2] = {};
  if (kind == 0)
    ldmatrix_x4(r, row);
  else if (kind == 1)
    ldmatrix_x4_trans(r, row);
  else if (kind == 2) {
    ldmatrix_x2(q, row);
    r[0] = q[0];
    r[1] = q[1];
  } else {
    ldmatrix_x2_trans(q, row);
    r[0] = q[0];
    r[1] = q[1];
  }
  for (int i = 0; i < 4; i++) out[threadIdx.x * 4 + i] = r[i];
}
__global__ void mma_case(uint32_t* out, bool half) {
  const int l = threadIdx.x;
  uint32_t a[4], b[2];
  float d[4];
  auto pair = [&](uint32_t i) {
    if (half) {
      __half2 h = __floats2half2_rn(small_number(i), small_number(i + 777));
      return *reinterpret_cast<uint32_t*>(&h);
    }
    return pack_bf16(small_number(i), small_number(i + 777));
  };
  for (int i = 0; i < 4; i++) {
    a[i] = pair(l * 8 + i);
    d[i] = small_number(l * 4 + i + 5000);
  }
  for (int i = 0; i < 2; i++) b[i] = pair(l * 8 + 4 + i);
  if (half)
    mma_f16(d, a, b);
  else
    mma_bf16(d, a, b);
  for (int i = 0; i < 4; i++) out[l * 4 + i] = __float_as_uint(d[i]);
}
__global__ void shuffle_case(uint32_t* out) {
  const int l = threadIdx.x;
  int n = 0;
  auto put = [&](uint32_t v) { out[n++ * 32 + l] = v; };
  const uint32_t v = mix(l);
  put(__shfl_sync(~0u, v, 5));
  put(__shfl_sync(~0u, v, l + 40));
  put(__shfl_sync(~0u, v, 3, 8));
  put(__shfl_sync(~0u, v, 13, 8));
  put(__shfl_up_sync(~0u, v, 3));
  put(__shfl_up_sync(~0u, v, 3, 8));
  put(__shfl_down_sync(~0u, v, 5));
  put(__shfl_down_sync(~0u, v, 5, 16));
  put(__shfl_xor_sync(~0u, v, 9));
  put(__shfl_xor_sync(~0u, v, 4, 8));
  put(__shfl_xor_sync(~0u, v, 12, 8));
  put(__ballot_sync(~0u, v & 1));
  put(__any_sync(~0u, l == 7));
  put(__all_sync(~0u, l < 31));
  put(__match_any_sync(~0u, v % 5));
  put(__reduce_add_sync(~0u, v));
  put(__reduce_max_sync(~0u, int(v)));
  put(__reduce_min_sync(~0u, v));
  put(__reduce_xor_sync(~0u, v));
  put(__popc(v));
  put(__clz(int(v)));
  put(__ffs(int(v)));
  put(__umulhi(v, 12345));
  put(__clz(0));
  if (l < 20) {
    const unsigned m = (1u << 20) - 1;
    put(__shfl_xor_sync(m, v, 1));
    put(__reduce_or_sync(m, v));
    put(__ballot_sync(m, v & 2));
  }
}
__global__ void atomic_case(uint32_t* out) {  // order-independent results only
  atomicAdd(&out[0], threadIdx.x);
  atomicMax(&out[1], mix(threadIdx.x));
  atomicMin(&out[2], mix(threadIdx.x));
  atomicXor(&out[3], mix(threadIdx.x));
  atomicInc(&out[4], 10);
  atomicDec(&out[5], 10);
  atomicOr(&out[6], 1u << threadIdx.x % 32);
  atomicAdd(reinterpret_cast<float*>(&out[7]), 0.5f);
  atomicMax(reinterpret_cast<int*>(&out[8]), int(mix(threadIdx.x)));
  out[16 + threadIdx.x] = uint32_t(__syncthreads_count(threadIdx.x % 3 == 0)) +
                          1000u * uint32_t(__syncthreads_or(threadIdx.x == 5)) +
                          2000u * uint32_t(__syncthreads_and(threadIdx.x < 128));
}
__global__ void convert_case(uint32_t* out) {
  const uint32_t bits[] = {0,          0x80000000, 0x3f800000, 0x3f808000, 0x3f818000, 0x3f808001,
                           0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 1,
                           0x007fffff, 0x477ff000, 0x33000001, 0x38800000, 0x387fc000, 0xc2f70a3d};
  const int n = sizeof bits / 4;
  if (threadIdx.x < n) {
    const float f = __uint_as_float(bits[threadIdx.x]);
    const bf16 b = __float2bfloat16(f);
    const __half h = __float2half(f);
    out[threadIdx.x] = *reinterpret_cast<const uint16_t*>(&b);
    out[n + threadIdx.x] = *reinterpret_cast<const uint16_t*>(&h);
    out[2 * n + threadIdx.x] = pack_bf16(f, 1.f);
    const float from_half = __half2float(h), from_bfloat = __bfloat162float(b);  // what a NaN carries is not compared
    out[3 * n + threadIdx.x] = from_half != from_half ? 0x7fc00000u : __float_as_uint(from_half);
    out[4 * n + threadIdx.x] = from_bfloat != from_bfloat ? 0x7fc00000u : __float_as_uint(from_bfloat);
  }
}
__global__ void cp_async_zfill_case(const uint32_t* in, uint32_t* out) {
  uint32_t* s = dynamic_shared<uint32_t>();
  cp_async16(&s[threadIdx.x * 4], in + (threadIdx.x % 3 ? threadIdx.x * 4 : 0), threadIdx.x % 3 != 0);
  cp_async_commit();
  cp_async_wait<0>();
  __syncthreads();
  for (int i = 0; i < 4; i++) out[threadIdx.x * 4 + i] = s[(127 - threadIdx.x) * 4 + i];
}
#if FOVEA_CUDA_SM90A
#define SM90 1
#else
#define SM90 0
#endif
struct alignas(1024) Tiles {
  bf16 a[64 * 64], b[128 * 64];
  uint64_t bar;
};
__global__ void tma_case(const __grid_constant__ CUtensorMap m, uint32_t* out, int rank, int bytes, int c0, int c1, int c2,
                         int c3) {  // shared memory as TMA leaves it
#if SM90
  Tiles& s = *dynamic_shared<Tiles>();
  if (threadIdx.x == 0) {
    mbarrier_init(&s.bar, 1);
    fence_mbarrier_init();
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    mbarrier_arrive_expect(&s.bar, bytes);
    if (rank == 2)
      tma_load(s.a, m, &s.bar, c0, c1);
    else
      tma_load(s.a, m, &s.bar, c0, c1, c2, c3);
  }
  mbarrier_wait(&s.bar, 0);
  for (int i = threadIdx.x; i < bytes / 4; i += blockDim.x) out[i] = reinterpret_cast<const uint32_t*>(s.a)[i];
#endif
}
template <int N>
__global__ void wgmma_case(uint32_t* out, int swizzle) {  // raw accumulators; operands written by hand in the layout under test
#if SM90
  Tiles& s = *dynamic_shared<Tiles>();
  auto at = [&](int row, int k) {                                           // element offset in the tile
    if (!swizzle) return (row / 8 * 8 + k / 8) * 64 + row % 8 * 8 + k % 8;  // core matrices: lbo 128, sbo 1024
    return row * 64 + (k / 8 ^ row % 8) * 8 + k % 8;
  };
  for (int i = threadIdx.x; i < 64 * 64; i += 128) s.a[at(i / 64, i % 64)] = __float2bfloat16(small_number(i));
  for (int i = threadIdx.x; i < N * 64; i += 128) s.b[at(i / 64, i % 64)] = __float2bfloat16(small_number(i + 100000));
  fence_proxy_async();
  __syncthreads();
  float acc[N / 2];
  for (int i = 0; i < N / 2; i++) acc[i] = float(i);
  const uint64_t da = wgmma_descriptor(s.a, 128, 1024, swizzle ? Swizzle::bytes128 : Swizzle::none),
                 db = wgmma_descriptor(s.b, 128, 1024, swizzle ? Swizzle::bytes128 : Swizzle::none);
  wgmma_fence();
#pragma unroll
  for (int k = 0; k < 4; k++) wgmma_bf16<N>(acc, da + k * (swizzle ? 2 : 16), db + k * (swizzle ? 2 : 16), k != 0);
  wgmma_commit();
  wgmma_wait<0>(acc);
  for (int i = 0; i < N / 2; i++) out[threadIdx.x * (N / 2) + i] = __float_as_uint(acc[i]);
#endif
}
}  // namespace

std::vector<std::pair<std::string, std::vector<uint32_t>>> conformance() {
  std::vector<std::pair<std::string, std::vector<uint32_t>>> all;
  uint32_t* out;
  cudaMalloc(&out, kWords * 4);
  std::vector<uint32_t> in(kWords);
  for (int i = 0; i < kWords; i++) in[i] = mix(i);
  uint32_t* src;
  cudaMalloc(&src, kWords * 4);
  cudaMemcpy(src, in.data(), kWords * 4, cudaMemcpyHostToDevice);
  auto record = [&](const std::string& name, const std::function<void()>& f) {
    cudaMemset(out, 0, kWords * 4);
    f();
    std::vector<uint32_t> v(kWords);
    cudaError_t e = cudaMemcpy(v.data(), out, kWords * 4, cudaMemcpyDeviceToHost);
    all.push_back({e == cudaSuccess ? name : name + " " + cudaGetErrorName(e), v});
  };
  const char* lm[] = {"ldmatrix.x4", "ldmatrix.x4.trans", "ldmatrix.x2", "ldmatrix.x2.trans"};
  for (int k = 0; k < 4; k++) record(lm[k], [&] { launch(ldmatrix_case, 1, 32, 1024, nullptr, out, k); });
  record("mma.bf16", [&] { launch(mma_case, 1, 32, 0, nullptr, out, false); });
  record("mma.f16", [&] { launch(mma_case, 1, 32, 0, nullptr, out, true); });
  record("shuffles", [&] { launch(shuffle_case, 1, 32, 0, nullptr, out); });
  record("atomics", [&] { launch(atomic_case, 1, 128, 0, nullptr, out); });
  record("conversions", [&] { launch(convert_case, 1, 32, 0, nullptr, out); });
  record("cp.async zfill", [&] { launch(cp_async_zfill_case, 1, 128, 2048, nullptr, src, out); });
  for (int sw = 0; sw < 2; sw++) {
    CUtensorMap m2, m4;
    const uint64_t d2[] = {100, 50}, s2[] = {208}, d4[] = {64, 9, 7, 3}, s4[] = {128, 128 * 9, 128 * 63};
    const unsigned b2[] = {64, 16}, b4[] = {64, 4, 3, 1};
    make_tensor_map(&m2, TensorType::bf16, src, 2, d2, s2, b2, sw ? Swizzle::bytes128 : Swizzle::none);
    make_tensor_map(&m4, TensorType::bf16, src, 4, d4, s4, b4, sw ? Swizzle::bytes128 : Swizzle::none);
    record(sw ? "TMA 2d swizzle128" : "TMA 2d",
           [&] { launch(tma_case, 1, 64, sizeof(Tiles), nullptr, m2, out, 2, 64 * 16 * 2, 48, 40, 0, 0); });
    record(sw ? "TMA 4d swizzle128, negative start" : "TMA 4d, negative start",
           [&] { launch(tma_case, 1, 64, sizeof(Tiles), nullptr, m4, out, 4, 64 * 12 * 2, 0, -1, 5, 1); });
    record(sw ? "wgmma n64 swizzle128" : "wgmma n64 no swizzle",
           [&] { launch(wgmma_case<64>, 1, 128, sizeof(Tiles), nullptr, out, sw); });
    record(sw ? "wgmma n128 swizzle128" : "wgmma n128 no swizzle",
           [&] { launch(wgmma_case<128>, 1, 128, sizeof(Tiles), nullptr, out, sw); });
  }
  const Conformance c{src, out, record};
  conformance_mma(c);
  conformance_copies(c);
  conformance_arithmetic(c);
  cudaFree(out);
  cudaFree(src);
  return all;
}

std::string conformance_line(const std::string& name, const std::vector<uint32_t>& words) {
  uint64_t h = 1469598103934665603u;
  for (uint32_t v : words) h = (h ^ v) * 1099511628211u;
  char text[256];
  int n = snprintf(text, sizeof text, "%-36s %016llx ", name.c_str(), (unsigned long long)h);
  for (int i = 0; i < 6; i++) n += snprintf(text + n, sizeof text - size_t(n), " %08x", words[size_t(i)]);
  return text;
}
