// TMA copies land late.
#include "tensor_internal.h"

namespace fovea::emulator {
template <class F>
static void tile_rows(const CUtensorMap& m, const int* c0, F f) {  // f(byte offset in the tile, address, inside)
  unsigned n = 1;
  for (unsigned d = 1; d < m.rank; d++) n *= m.box[d];
  for (unsigned r = 0; r < n; r++) {
    const char* src = m.base;
    bool in = true;
    for (unsigned d = 1, q = r; d < m.rank; q /= m.box[d], d++) {
      int64_t c = int64_t(c0[d]) + q % m.box[d];
      in &= c >= 0 && c < int64_t(m.dim[d]);
      src += c * int64_t(m.stride[d]);
    }
    f(r * m.box[0] * m.elem, src, in);
  }
}
void tma_load(void* dst, const CUtensorMap& m, uint64_t* bar, const int* coord) {
  unsigned bytes = m.elem;
  for (unsigned d = 0; d < m.rank; d++) bytes *= m.box[d];
  uint32_t at = smem_address(dst);
  if (at % (m.swizzle ? 1024 : 128)) fail("tma_load: destination must be aligned to %d bytes", m.swizzle ? 1024 : 128);
  if (!mbar(bar).fenced) fail("tma_load on an mbarrier that no fence_mbar_init() has published");
  int c[5] = {};
  for (unsigned d = 0; d < m.rank; d++) c[d] = coord[d];
  int64_t lo = std::max(0, -c[0]), hi = std::min<int64_t>(m.box[0], int64_t(m.dim[0]) - c[0]);
  tile_rows(m, c, [&](unsigned, const char* src, bool in) {
    if (in && hi > lo) access(src + (c[0] + lo) * m.elem, (hi - lo) * m.elem, Read, FOVEA_CALLER);
  });
  access(dst, bytes, AsyncWrite, FOVEA_CALLER);
  memset(dst, POISON, bytes);
  Fiber& f = self();
  char* arena = w.gang->arena;
  unsigned rank = f.blk->rank * unsigned(f.blk->fibers.size()) + f.rank;
  w.gang->async.push_back({[=, map = m, seen = f.seen, now = f.now] {
    tile_rows(map, c, [&](unsigned off, const char* src, bool in) {
      char row[4096] = {};
      if (in && hi > lo) memcpy(row + lo * map.elem, src + (c[0] + lo) * map.elem, (hi - lo) * map.elem);
      for (unsigned b = 0; b < map.box[0] * map.elem; b += 16)
        memcpy(arena + (map.swizzle ? swizzle128(at + off + b) : at + off + b), row + b, 16);
    });
    merge_into(w.gang->clocks[bar], seen, rank, now);
    MBar& q = mbar(bar);
    q.tx -= int(bytes);
    check_phase(q);
  }});
  f.now++;
}
cudaError_t make_tensor_map(CUtensorMap* m, const void* base, unsigned rank, const uint64_t* dims, const uint64_t* strides,
                            const unsigned* box, bool swizzle) {
  *m = {};
  m->base = (char*)base;
  m->rank = rank;
  m->elem = 2;
  m->swizzle = swizzle;
  bool ok = rank >= 1 && rank <= 5 && uintptr_t(base) % 16 == 0 && box[0] * 2 % 16 == 0 && (!swizzle || box[0] * 2 <= 128);
  for (unsigned d = 0; d < rank; d++) {
    m->dim[d] = dims[d];
    m->box[d] = box[d];
    ok &= box[d] >= 1 && box[d] <= 256 && dims[d] >= 1;
    if (d) {
      m->stride[d] = strides[d - 1];
      ok &= strides[d - 1] % 16 == 0;
    }
  }
  return ok ? cudaSuccess : cudaErrorInvalidValue;
}
}  // namespace fovea::emulator
