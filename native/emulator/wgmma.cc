// wgmma: m64 n k32-bytes, B and usually A in shared memory, computed at the wait. Late reading of the operands catches a tile
// that is released too early; the poisoned accumulators catch a missing wait.
#include "tensor_internal.h"

namespace fovea::emulator {
namespace {

// Shared-memory descriptor: address >> 4, leading and stride offsets >> 4, and the layout (0 none, 1, 2, 3: 128, 64, 32 bytes).
struct Descriptor {
  uint32_t start, leading, stride, span;  // span: bytes of a swizzled row
  unsigned mode;                          // as in swizzle()

  explicit Descriptor(uint64_t d)
      : start(unsigned(d & 0x3FFF) << 4),
        leading(unsigned(d >> 16 & 0x3FFF) << 4),
        stride(unsigned(d >> 32 & 0x3FFF) << 4),
        span(0),
        mode(d >> 62 ? 4 - unsigned(d >> 62) : 0) {
    span = 16u << mode;
  }
  // Where the element lies whose index along M or N is mn and along K is k (both in elements of `size` bytes).
  uint32_t offset(unsigned mn, unsigned k, unsigned size, bool mn_major) const {
    const unsigned per_chunk = 16 / size;
    if (!mn_major) {
      if (!mode) return start + mn / 8 * stride + k / per_chunk * leading + mn % 8 * 16 + k % per_chunk * size;
      return swizzle(start + mn / 8 * stride + mn % 8 * span + k * size, mode);
    }
    const unsigned chunk = mn / per_chunk, rest = mn % per_chunk * size;
    if (!mode) return start + chunk * stride + k / 8 * leading + k % 8 * 16 + rest;
    const unsigned chunks = span / 16;
    return swizzle(start + chunk / chunks * leading + k / 8 * stride + k % 8 * span + chunk % chunks * 16 + rest, mode);
  }
};

unsigned element_size(MmaType t) { return t == MmaType::tf32 ? 4 : 2; }

float element(const Wgmma& o, const Descriptor& d, unsigned mn, unsigned k, bool mn_major) {
  const unsigned size = element_size(o.operands.type);
  const char* p = self().block->smem + d.offset(mn, k, size, mn_major) % ARENA;
  if (size == 4) {
    uint32_t bits;
    memcpy(&bits, p, 4);
    return __uint_as_float(bits & ~0x1fffu);
  }
  uint16_t bits;
  memcpy(&bits, p, 2);
  return o.operands.type == MmaType::bf16 ? bf16_value(bits) : f16_value(bits);
}

// Tells the race detector what a warp reads; one lane speaks for all.
void touch([[maybe_unused]] const Wgmma& o, [[maybe_unused]] unsigned warp) {
#if FOVEA_EMULATOR_RACE || FOVEA_EMULATOR_ASAN
  const unsigned size = element_size(o.operands.type), per_chunk = 16 / size, deep = 32 / size;
  auto read = [&](uint64_t descriptor, unsigned first, unsigned count, bool mn_major) {
    const Descriptor d(descriptor);
    for (unsigned mn = first; mn < first + count; mn += mn_major ? per_chunk : 1)
      for (unsigned k = 0; k < deep; k += mn_major ? 1 : per_chunk)
        access(self().block->smem + d.offset(mn, k, size, mn_major) % ARENA, 16, AsyncRead, o.pc);
  };
  if (!o.operands.a_registers) read(o.operands.a, warp * 16, 16, o.operands.a_mn_major);
  read(o.operands.b, 0, unsigned(o.n), o.operands.b_mn_major);
#endif
}

// The accumulator of lane l: row l / 4 (+ 8), columns in pairs.
int accumulator_at(int lane, int i, int n) { return (lane / 4 + i / 2 % 2 * 8) * n + i / 4 * 8 + lane % 4 * 2 + i % 2; }

void run(Fiber* const* lanes, size_t which) {
  const Wgmma& o = lanes[0]->pending().wgroups.front()[which];
  const int n = o.n, deep = 32 / int(element_size(o.operands.type)), per_register = deep / 8;
  const unsigned warp = lanes[0]->rank / 32 % 4;
  alignas(32) float a[16 * 16], b[16 * 256], d[16 * 256];
  for (int l = 0; l < 32; l++) {
    auto& groups = lanes[l]->pending().wgroups;
    if (groups.empty() || groups.front().size() <= which) fail("wgmma: lanes of a warp issued different sequences");
    const Wgmma& x = groups.front()[which];
    if (x.operands.a != o.operands.a || x.operands.b != o.operands.b || x.operands.accumulate != o.operands.accumulate)
      fail("wgmma: lanes of a warp passed different operands");
    if (!x.start.empty()) memcpy(x.d, x.start.data(), x.start.size() * sizeof(float));
    for (int i = 0; i < n / 2; i++) d[accumulator_at(l, i, n)] = o.operands.accumulate ? x.d[i] : 0.f;
    if (!o.operands.a_registers) continue;
    for (int r = 0; r < 4; r++)
      for (int e = 0; e < per_register; e++) {
        const uint32_t bits = x.a[r] >> (per_register == 2 ? 16 * e : 0);
        const float v = o.operands.type == MmaType::tf32   ? __uint_as_float(bits & ~0x1fffu)
                        : o.operands.type == MmaType::bf16 ? bf16_value(uint16_t(bits))
                                                           : f16_value(uint16_t(bits));
        a[(l / 4 + r % 2 * 8) * deep + l % 4 * per_register + r / 2 * 4 * per_register + e] = v;
      }
  }
  const Descriptor da(o.operands.a), db(o.operands.b);
  if (!o.operands.a_registers)
    for (unsigned m = 0; m < 16; m++)
      for (int k = 0; k < deep; k++) a[int(m) * deep + k] = element(o, da, warp * 16 + m, unsigned(k), o.operands.a_mn_major);
  for (int k = 0; k < deep; k++)
    for (int j = 0; j < n; j++) b[k * n + j] = element(o, db, unsigned(j), unsigned(k), o.operands.b_mn_major);
  multiply(d, a, b, n, deep);
  for (int l = 0; l < 32; l++) {
    float* out = lanes[l]->pending().wgroups.front()[which].d;
    for (int i = 0; i < n / 2; i++) out[i] = d[accumulator_at(l, i, n)];
  }
}

}  // namespace

void wgmma_fence() { self().pending().wfenced = true; }

void wgmma(float* d, int n, const WgmmaOperands& operands) {
  Fiber& me = self();
  Pending& p = me.pending();
  if (!p.wfenced) fail("wgmma without a wgmma_fence() since the last wgmma_wait()");
  if ((me.rank / 128 + 1) * 128 > me.block->fibers.size()) fail("wgmma by warps that are no whole warp group of 128 threads");
  Wgmma o{d, n, operands, {}, {}, FOVEA_CALLER};
  if (operands.a_registers) memcpy(o.a, operands.a_registers, sizeof o.a);
  bool chained = false;  // an earlier product in flight already owns these accumulators
  for (auto& group : p.wgroups)
    for (auto& x : group) chained |= x.d == d;
  for (auto& x : p.wopen) chained |= x.d == d;
  if (!chained) {
    o.start.assign(d, d + n / 2);
    for (int i = 0; i < n / 2; i++) d[i] = garbage<float>();
  }
  if (me.lane == 0) touch(o, me.rank / 32 % 4);
  p.wopen.push_back(std::move(o));
}

void wgmma_commit() {
  Pending& p = self().pending();
  p.wgroups.push_back(std::move(p.wopen));
  p.wopen.clear();
}

void wgmma_wait(int pending, const char* file, int line) {
  Fiber& me = self();
  Pending& p = me.pending();
  p.wfenced = false;
  if (!p.wopen.empty()) fail("wgmma_wait at %s:%d with uncommitted wgmma", file, line);
  while (int(p.wgroups.size()) > pending) {
    warp_op(
        ~0u, "wgmma_wait", &me,
        [](void* const* lanes, unsigned) {
          Fiber* const* fibers = reinterpret_cast<Fiber* const*>(lanes);
          for (size_t i = 0; i < fibers[0]->pending().wgroups.front().size(); i++) run(fibers, i);
        },
        file, line);
    if (me.lane == 0)
      for (auto& o : p.wgroups.front()) touch(o, me.rank / 32 % 4);
    p.wgroups.pop_front();
  }
}

}  // namespace fovea::emulator
