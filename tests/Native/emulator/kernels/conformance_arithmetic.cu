// Conformance: integers, conversions and 16-bit arithmetic whose results are exact or rounded once.
#include "conformance.h"

using namespace fovea::cuda;
namespace {
__global__ void integer_case(const uint32_t* in, uint32_t* out) {
  const uint32_t l = threadIdx.x, a = in[l], b = in[l + 32], c = in[l + 64];
  int n = 0;
  auto put = [&](uint32_t v) { out[n++ * 32 + int(l)] = v; };
  put(__brev(a));
  put(__byte_perm(a, b, c & 0x7777));
  put(__funnelshift_l(a, b, c));
  put(__funnelshift_r(a, b, c));
  put(__funnelshift_lc(a, b, c % 40));
  put(__funnelshift_rc(a, b, c % 40));
  put(uint32_t(__dp4a(int(a), int(b), int(c))));
  put(__dp4a(a, b, c));
  put(uint32_t(__mulhi(int(a), int(b))));
  put(uint32_t(__popcll((unsigned long long)a << 32 | b)));
  put(uint32_t(__clzll((long long)(a >> (c & 31)))));
  put(uint32_t(__ffsll((long long)a << (c & 31))));
  put(uint32_t(__umul64hi((unsigned long long)a << 32 | b, (unsigned long long)c << 32 | a)));
  int same = -1;
  put(__match_all_sync(~0u, a & 0, &same));
  put(uint32_t(same));
  put(__match_all_sync(~0u, a, &same));
  put(uint32_t(same));
}
__global__ void rounding_case(uint32_t* out) {
  const float special[] = {0.f,
                           -0.f,
                           0.5f,
                           1.5f,
                           2.5f,
                           -2.5f,
                           1e10f,
                           -1e10f,
                           3e38f,
                           1.f + 1.f / 2048,
                           1.f + 1.f / 1024,
                           1.f + 3.f / 2048,
                           1e-40f,
                           65520.f,
                           65519.f,
                           6e-8f,
                           2.9e-8f,
                           -1e-3f};
  const int count = sizeof special / sizeof *special, t = int(threadIdx.x);
  if (t >= count) return;
  const float f = special[t];
  int n = 0;
  auto put = [&](uint32_t v) { out[n++ * 32 + t] = v; };
  put(round_tf32(f));
  put(pack_f16(f, -f));
  put(pack_bf16(-f, f));
  put(uint32_t(__float2int_rn(f)));
  put(uint32_t(__float2int_rz(f)));
  put(uint32_t(__float2int_rd(f)));
  put(uint32_t(__float2int_ru(f)));
  put(__float2uint_rn(f));
  put(__float_as_uint(__saturatef(f)));
  put(__float_as_uint(unpack_f16(pack_f16(f, 1.f)).x));
  uint32_t big, small;
  split_tf32(f, big, small);
  put(big);
  put(small);
}
template <class T, class Pair>
__device__ void narrow(uint32_t* out, T a, T b, T c, Pair p, Pair q) {
  int n = 0;
  auto put = [&](T v) { out[n++ * 32 + int(threadIdx.x)] = *reinterpret_cast<uint16_t*>(&v); };
  auto put2 = [&](Pair v) { out[n++ * 32 + int(threadIdx.x)] = *reinterpret_cast<uint32_t*>(&v); };
  put(__hadd(a, b));
  put(__hsub(a, b));
  put(__hmul(a, b));
  put(__hfma(a, b, c));
  put(__hneg(a));
  put(__habs(b));
  put(__hmax(a, b));
  put(__hmin(a, b));
  put2(__hadd2(p, q));
  put2(__hmul2(p, q));
  put2(__hfma2(p, q, p));
  put2(__hmax2(p, q));
  out[n++ * 32 + int(threadIdx.x)] = uint32_t(__hlt(a, b)) | uint32_t(__hge(a, b)) << 1 | uint32_t(__heq(a, a)) << 2;
}
__global__ void half_case(const uint32_t* in, uint32_t* out) {
  const float a = float(int(in[threadIdx.x])) * 1e-8f, b = float(int(in[threadIdx.x + 32])) * 1e-9f,
              c = float(int(in[threadIdx.x + 64])) * 1e-7f;
  narrow(out, __float2half(a), __float2half(b), __float2half(c), __floats2half2_rn(a, b), __floats2half2_rn(c, a));
}
__global__ void bfloat_case(const uint32_t* in, uint32_t* out) {
  const float a = float(int(in[threadIdx.x])) * 1e-8f, b = float(int(in[threadIdx.x + 32])) * 1e-9f,
              c = float(int(in[threadIdx.x + 64])) * 1e-7f;
  narrow(out, __float2bfloat16(a), __float2bfloat16(b), __float2bfloat16(c), __floats2bfloat162_rn(a, b),
         __floats2bfloat162_rn(c, a));
}
__global__ void wide_atomic_case(uint32_t* out) {  // order-independent results only
  const uint32_t t = threadIdx.x;
  atomicAdd(reinterpret_cast<unsigned long long*>(out), (unsigned long long)mix(t) << 20);
  atomicMax(reinterpret_cast<unsigned long long*>(out + 2), (unsigned long long)mix(t) << 20);
  atomicMin(reinterpret_cast<long long*>(out + 4), (long long)mix(t) - (1ll << 40));
  atomicAdd(reinterpret_cast<double*>(out + 6), 0.25 * t);
  atomicAdd(reinterpret_cast<__half2*>(out + 8), __floats2half2_rn(0.5f, 1.f));
  atomicAdd(reinterpret_cast<__nv_bfloat162*>(out + 9), __floats2bfloat162_rn(1.f, 2.f));
  atomicMax(reinterpret_cast<int*>(out + 10), __float_as_int(float(mix(t) % 1000)));
  if (t == 5) atomicExch(out + 11, 99u);
  atomicCAS(out + 12, 0u, 42u);
}
}  // namespace

void conformance_arithmetic(const Conformance& c) {
  c.record("integers", [&] { launch(integer_case, 1, 32, 0, nullptr, c.in, c.out); });
  c.record("rounding", [&] { launch(rounding_case, 1, 32, 0, nullptr, c.out); });
  c.record("half arithmetic", [&] { launch(half_case, 1, 32, 0, nullptr, c.in, c.out); });
  c.record("bfloat16 arithmetic", [&] { launch(bfloat_case, 1, 32, 0, nullptr, c.in, c.out); });
  c.record("wide atomics", [&] { launch(wide_atomic_case, 1, 64, 0, nullptr, c.out); });
}
