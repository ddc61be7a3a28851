// wgmma: computed at the wait.
#include "tensor_internal.h"

namespace fovea::emulator {
void wgmma_fence() { self().pending().wfenced = true; }
static const char* element(uint64_t desc, unsigned mn, unsigned k, bool trans) {
  unsigned start = (desc & 0x3FFF) << 4, lbo = (desc >> 16 & 0x3FFF) << 4, sbo = (desc >> 32 & 0x3FFF) << 4, mode = desc >> 62;
  char* base = self().blk->smem;
  if (mode == 0) return base + start + mn / 8 * sbo + k / 8 * lbo + mn % 8 * 16 + k % 8 * 2;
  uint32_t a =
      trans ? start + mn / 64 * lbo + k / 8 * sbo + k % 8 * 128 + mn % 64 * 2 : start + mn / 8 * sbo + mn % 8 * 128 + k * 2;
  return base + swizzle128(a);
}
static void touch(const Wgmma& o, unsigned warp) {  // one lane speaks for its warp
#if FOVEA_EMULATOR_RACE || FOVEA_EMULATOR_ASAN
  for (unsigned m = 0; m < 16; m++)
    for (unsigned k = 0; k < 16; k += 8) access(element(o.a, warp * 16 + m, k, false), 16, AsyncRead, o.pc);
  for (int n = 0; n < o.n; n += o.trans_b ? 8 : 1)
    for (unsigned k = 0; k < 16; k += o.trans_b ? 1 : 8) access(element(o.b, n, k, o.trans_b), 16, AsyncRead, o.pc);
#else
  (void)o;
  (void)warp;
#endif
}
void wgmma(float* d, int n, uint64_t a, uint64_t b, bool add, bool trans_b) {
  Pending& f = self().pending();
  Fiber& me = self();
  if (!f.wfenced) fail("wgmma without a wgmma_fence() since the last wgmma_wait()");
  if ((a >> 62) > 1 || (b >> 62) > 1) fail("wgmma: the emulator knows no swizzle and 128-byte swizzle only");
  Wgmma o{d, n, a, b, add, trans_b, {}, FOVEA_CALLER};
  bool chained = false;
  for (auto& g : f.wgroups)
    for (auto& x : g) chained |= x.d == d;
  for (auto& x : f.wopen) chained |= x.d == d;
  if (!chained) {
    o.start.assign(d, d + n / 2);
    for (int i = 0; i < n / 2; i++) d[i] = garbage<float>();
  }
  if (me.lane == 0) touch(o, me.rank / 32 % 4);
  f.wopen.push_back(std::move(o));
}
void wgmma_commit() {
  Pending& p = self().pending();
  p.wgroups.push_back(std::move(p.wopen));
  p.wopen.clear();
}
static void run_wgmma(Fiber* const* lanes, size_t op) {
  Wgmma& o = lanes[0]->pending().wgroups.front()[op];
  int n = o.n;
  unsigned warp = lanes[0]->rank / 32 % 4;
  alignas(32) float A[256], B[16 * 256], D[16 * 256];
  for (int l = 0; l < 32; l++) {
    if (lanes[l]->pending().wgroups.empty() || lanes[l]->pending().wgroups.front().size() <= op)
      fail("wgmma: lanes of a warp issued different sequences");
    Wgmma& x = lanes[l]->pending().wgroups.front()[op];
    if (x.a != o.a || x.b != o.b || x.add != o.add) fail("wgmma: lanes of a warp passed different descriptors");
    if (!x.start.empty()) memcpy(x.d, x.start.data(), x.start.size() * 4);
    for (int i = 0; i < n / 2; i++) D[(l / 4 + i / 2 % 2 * 8) * n + i / 4 * 8 + l % 4 * 2 + i % 2] = o.add ? x.d[i] : 0.f;
  }
  auto get = [](const char* p) {
    uint16_t v;
    memcpy(&v, p, 2);
    return value<true>(v);
  };
  for (unsigned m = 0; m < 16; m++)
    for (unsigned k = 0; k < 16; k++) A[m * 16 + k] = get(element(o.a, warp * 16 + m, k, false));
  for (int j = 0; j < n; j++)
    for (unsigned k = 0; k < 16; k++) B[k * n + j] = get(element(o.b, j, k, o.trans_b));
  multiply(D, A, B, n);
  for (int l = 0; l < 32; l++) {
    float* d = lanes[l]->pending().wgroups.front()[op].d;
    for (int i = 0; i < n / 2; i++) d[i] = D[(l / 4 + i / 2 % 2 * 8) * n + i / 4 * 8 + l % 4 * 2 + i % 2];
  }
}
void wgmma_wait(int pending, const char* file, int line) {
  Pending& f = self().pending();
  Fiber& me = self();
  f.wfenced = false;
  if (!f.wopen.empty()) fail("wgmma_wait at %s:%d with uncommitted wgmma", file, line);
  while (int(f.wgroups.size()) > pending) {
    warp_op(
        ~0u, "wgmma_wait", &me,
        [](void* const* p, unsigned) {
          Fiber* const* lanes = (Fiber* const*)p;
          for (size_t i = 0; i < lanes[0]->pending().wgroups.front().size(); i++) run_wgmma(lanes, i);
        },
        file, line);
    if (me.lane == 0)
      for (auto& o : f.wgroups.front()) touch(o, me.rank / 32 % 4);
    f.wgroups.pop_front();
  }
}
}  // namespace fovea::emulator
