// Bulk copies (TMA). A load lands when nothing else can run or at a random moment, and is poison until then; a store reads
// shared memory as late as its wait allows.
#include "tensor_internal.h"

namespace fovea::emulator {
namespace {

constexpr unsigned kElementBytes[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};  // by CUtensorMapDataType

// A box at a place: calls f(offset in the tile, address, bytes) for every run of bytes along the innermost dimension that lies
// inside the tensor, and outside(offset, bytes) for what lies beyond.
struct Tile {
  CUtensorMap map;
  int at[5];

  unsigned bytes() const {
    unsigned n = map.element;
    for (unsigned d = 0; d < map.rank; d++) n *= map.box[d];
    return n;
  }
  template <class Inside, class Outside>
  void rows(Inside inside, Outside outside) const {
    unsigned count = 1;
    for (unsigned d = 1; d < map.rank; d++) count *= map.box[d];
    const unsigned pitch = map.box[0] * map.element;
    const int64_t low = std::max(0, -at[0]), high = std::min<int64_t>(map.box[0], int64_t(map.dim[0]) - at[0]);
    for (unsigned r = 0; r < count; r++) {
      char* row = map.base;
      bool in = high > low;
      for (unsigned d = 1, q = r; d < map.rank; q /= map.box[d], d++) {
        const int64_t c = int64_t(at[d]) + q % map.box[d];
        in &= c >= 0 && c < int64_t(map.dim[d]);
        row += c * int64_t(map.stride[d]);
      }
      const unsigned offset = r * pitch;
      if (!in) {
        outside(offset, pitch);
        continue;
      }
      const unsigned head = unsigned(low) * map.element, tail = unsigned(high) * map.element;
      if (head) outside(offset, head);
      inside(offset + head, row + (int64_t(at[0]) + low) * map.element, tail - head);
      if (tail < pitch) outside(offset + tail, pitch - tail);
    }
  }
};

// Shared memory under a swizzle: byte `offset` of the tile that starts at arena offset `start`.
char* shared_byte(uint32_t start, uint32_t offset, unsigned mode) { return worker.gang->arena + swizzle(start + offset, mode); }

Tile checked_tile(const CUtensorMap& map, const int* coordinates, unsigned rank, const void* shared, const char* what) {
  if (map.rank != rank) fail("%s with %u coordinates on a tensor map of rank %u", what, rank, map.rank);
  const unsigned align = map.swizzle ? 128u << map.swizzle : 128u;  // the swizzle pattern repeats after so many bytes
  if (smem_address(shared) % align) fail("%s: shared memory must be aligned to %u bytes", what, align);
  Tile t{map, {}};
  for (unsigned d = 0; d < rank; d++) t.at[d] = coordinates[d];
  return t;
}

void check_published(uint64_t* bar, const char* what) {
  if (!mbar(bar).fenced) fail("%s on an mbarrier that no fence_mbarrier_init() has published", what);
}

// Lands late: `run` copies, then the bytes complete on the barrier.
void complete_later(uint64_t* bar, unsigned bytes, std::function<void()> run) {
  Fiber& f = self();
  const unsigned rank = f.block->rank * unsigned(f.block->fibers.size()) + f.rank;
  worker.gang->async.push_back([=, seen = f.seen, now = f.now] {
    run();
    merge_into(worker.gang->clocks[bar], seen, rank, now);
    MBar& m = mbar(bar);
    m.bytes -= int(bytes);
    check_phase(m);
  });
}

}  // namespace

void tma_load(void* dst, const CUtensorMap& map, uint64_t* bar, const int* coordinates, unsigned rank, unsigned multicast) {
  const Tile tile = checked_tile(map, coordinates, rank, dst, "tma_load");
  const unsigned bytes = tile.bytes();
  tile.rows([&](unsigned, char* src, unsigned n) { access(src, n, Read, FOVEA_CALLER); }, [](unsigned, unsigned) {});
  Fiber& f = self();
  const unsigned mask = multicast ? multicast : 1u << f.block->rank;
  for (unsigned r = 0; r < 32; r++) {
    if (!(mask >> r & 1)) continue;
    char* to = static_cast<char*>(map_to_rank(dst, r));
    uint64_t* its_bar = static_cast<uint64_t*>(map_to_rank(bar, r));
    check_published(its_bar, "tma_load");
    access(to, bytes, AsyncWrite, FOVEA_CALLER);
    memset(to, POISON, bytes);
    complete_later(its_bar, bytes, [tile, start = smem_address(to)] {
      const unsigned mode = tile.map.swizzle;
      tile.rows(
          [&](unsigned offset, const char* src, unsigned n) {
            for (unsigned i = 0; i < n; i++) *shared_byte(start, offset + i, mode) = src[i];
          },
          [&](unsigned offset, unsigned n) {
            for (unsigned i = 0; i < n; i++) *shared_byte(start, offset + i, mode) = 0;
          });
    });
  }
  f.now++;
}

void bulk_load(void* dst, const void* src, unsigned bytes, uint64_t* bar) {
  if (uintptr_t(dst) % 16 || uintptr_t(src) % 16 || bytes % 16) fail("bulk_load: addresses and size must be multiples of 16");
  check_published(bar, "bulk_load");
  smem_address(dst);
  access(src, bytes, Read, FOVEA_CALLER);
  access(dst, bytes, AsyncWrite, FOVEA_CALLER);
  memset(dst, POISON, bytes);
  complete_later(bar, bytes, [=] { memcpy(dst, src, bytes); });
  self().now++;
}

void tma_store(const CUtensorMap& map, const void* src, const int* coordinates, unsigned rank, bool add) {
  const Tile tile = checked_tile(map, coordinates, rank, src, "tma_store");
  access(src, tile.bytes(), AsyncRead, FOVEA_CALLER);
  tile.rows([&](unsigned, char* dst, unsigned n) { access(dst, n, add ? Atomic : Write, FOVEA_CALLER); },
            [](unsigned, unsigned) {});
  const uint32_t start = smem_address(src);
  BulkStore store;
  store.read = [tile, start] {
    std::vector<char> data(tile.bytes());
    for (unsigned i = 0; i < data.size(); i++) data[i] = *shared_byte(start, i, tile.map.swizzle);
    return data;
  };
  store.write = [tile, add](const std::vector<char>& data) {
    tile.rows([&](unsigned offset, char* dst,
                  unsigned n) { add ? reduce_add(dst, &data[offset], n, tile.map.type) : (void)memcpy(dst, &data[offset], n); },
              [](unsigned, unsigned) {});
  };
  self().pending().bulk_open.push_back(std::move(store));
}

void bulk_store(void* dst, const void* src, unsigned bytes) {
  if (uintptr_t(dst) % 16 || uintptr_t(src) % 16 || bytes % 16) fail("bulk_store: addresses and size must be multiples of 16");
  smem_address(src);
  access(src, bytes, AsyncRead, FOVEA_CALLER);
  access(dst, bytes, Write, FOVEA_CALLER);
  BulkStore store;
  store.read = [=] { return std::vector<char>(static_cast<const char*>(src), static_cast<const char*>(src) + bytes); };
  store.write = [=](const std::vector<char>& data) { memcpy(dst, data.data(), bytes); };
  self().pending().bulk_open.push_back(std::move(store));
}

}  // namespace fovea::emulator

cudaError_t fovea::emulator::make_tensor_map(CUtensorMap* m, unsigned type, const void* base, unsigned rank,
                                             const uint64_t* dims, const uint64_t* strides, const unsigned* box,
                                             unsigned swizzle) {
  *m = {};
  if (rank < 1 || rank > 5 || type >= std::size(kElementBytes) || swizzle > 3) return cudaErrorInvalidValue;
  m->base = static_cast<char*>(const_cast<void*>(base));
  m->rank = rank;
  m->type = type;
  m->element = kElementBytes[type];
  m->swizzle = swizzle;
  const unsigned inner = box[0] * m->element;
  bool ok = uintptr_t(base) % 16 == 0 && inner % 16 == 0 && (!swizzle || inner <= 16u << swizzle);
  for (unsigned d = 0; d < rank; d++) {
    m->dim[d] = dims[d];
    m->box[d] = box[d];
    ok &= box[d] >= 1 && box[d] <= 256 && dims[d] >= 1 && dims[d] <= uint64_t(1) << 32;
    if (d) {
      m->stride[d] = strides[d - 1];
      ok &= strides[d - 1] % 16 == 0 && strides[d - 1] < uint64_t(1) << 40;
    }
  }
  return ok ? cudaSuccess : cudaErrorInvalidValue;
}
