// Cache blocking around the register tile. A task of the thread pool is kRowChunk rows times kGroup panels; in it K is cut into
// pieces so that one tile height of x stays in the first-level cache and the panels' piece in the second-level one.
#pragma once

#include "ops/linear/gemm_tile_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kRowChunk = 84;  // a multiple of every tile height
inline constexpr int64_t kGroup = 4;
// Words of a row per piece of K: copied, and read in place, where longer pieces save partial sums.
inline constexpr int64_t kPiece = 256, kLongPiece = 512;
// Weights that are not packed lie whole rows apart: a shorter piece keeps their pages in the TLB.
inline constexpr int64_t kDirectPiece = 64;
// Up to kStreamRows rows the weights may well come from memory; their piece is then 16 KB, half the first-level cache. Up to
// kContiguousRows, one tile, they are read in one go.
inline constexpr int64_t kStreamRows = 28, kStreamPiece = 128;
#if defined(__AVX2__) && !defined(__AVX512F__)
inline constexpr int64_t kContiguousRows = 3;
#else
inline constexpr int64_t kContiguousRows = kTileRows;
#endif
// A packed weight stream is prefetched this many steps of k ahead: with few rows it comes from memory, and the hardware
// prefetcher alone leaves bandwidth unused.
inline constexpr int64_t kPrefetchSteps = 64;

// One panel's weights: packed, or rows of an unpacked matrix.
struct PanelWeights {
  const float* data;
  int64_t stride;
  bool packed;
};

struct GemmBlock {
  const float* x;  // first row of the chunk
  int64_t x_pitch;
  float* y;  // first row of the chunk, column 0
  int64_t y_pitch;
  int64_t rows, steps;
  int64_t panel, panel_end, columns;  // panels of this task; columns of the whole product
  const float* start;                 // [columns] or NULL
  float scale;
};

// Rows a multiple of 4 KB apart fall into one set of the first-level cache, of eight lines, and evict each other: tiles of more
// than eight rows (and the lower ones of AVX2, which share the set with the weights) then work on a copy. At 2 KB, seven rows
// to a set, they survive, and copying costs more than it saves. Rows stored k-major are copied when they are too far apart to
// share pages.
template <bool kKMajor>
FOVEA_INLINE bool copy_rows(int64_t rows, int64_t steps, int64_t pitch) {
  return kKMajor ? steps * pitch > 8192 : rows > 8 && pitch % 1024 == 0;
}

// `words` words of `height` rows, to rows of kCopyPitch or, k-major, to steps of 16.
inline constexpr int64_t kCopyPitch = kPiece + 16;
// Words of one copied row block when all blocks are copied (kStreamPiece words of a row), and of the whole buffer.
template <bool kKMajor>
inline constexpr int64_t kCopyBlock = kKMajor ? kStreamPiece * 16 : kTileRows* kCopyPitch;
inline constexpr int64_t kStreamBlocks = (kStreamRows + kTileRows - 1) / kTileRows;
inline constexpr int64_t kCopyWords =
    kStreamBlocks * (kCopyBlock<false> > kCopyBlock<true> ? kCopyBlock<false> : kCopyBlock<true>);
static_assert(kCopyWords >= kPiece * 16);

template <bool kKMajor>
void copy_piece(const float* x, int64_t pitch, int64_t height, int64_t words, float* copy) {
  if (kKMajor) {
    for (int64_t k = 0; k < words; ++k)
      for (int64_t r = 0; r < height; r += kLanes)
        store_upto(copy + k * 16 + r, load_upto(x + k * pitch + r, height - r), height - r);
  } else {
    for (int64_t r = 0; r < height; ++r)
      for (int64_t k = 0; k < words; k += kLanes) {
        __builtin_prefetch(x + (r + height) * pitch + k, 0, 2);  // the next block of rows, to the second-level cache
        store_upto(copy + r * kCopyPitch + k, load_upto(x + r * pitch + k, words - k), words - k);
      }
  }
}

// The loops over row blocks and panels for one piece of K.
template <class Math, bool kKMajor, class Weights>
struct GemmPiece {
  const GemmBlock& b;
  const Weights& weights;
  int64_t begin, steps;
  bool copied, streamed;

  const float* piece_of(int64_t panel) const {
    const PanelWeights w = weights(panel);
    return w.data + begin * w.stride;
  }

  // Row block `height` rows from `row`, x prepared, times one panel; `tiles` of them share the prefetching, this is number `i`.
  void run(const float* x, int64_t row, int64_t height, int64_t p, int64_t i, int64_t blocks) const {
    const PanelWeights panel = weights(p);
    const int64_t first = p * kPanel, columns = b.columns - first < kPanel ? b.columns - first : kPanel;
    const int64_t width = panel_width(b.columns, p);
    int64_t step = 0;
    const TileFunction tile = choose_tile<Math, kKMajor>(height, width, &step);
    const float* const w = panel.data + begin * panel.stride;
    const float* prefetch = panel.packed ? w + kPrefetchSteps * panel.stride : w + kPanel;
    int64_t prefetch_stride = panel.stride;
    const int64_t tiles = blocks * ((width + step - 1) / step);
    const bool shared = streamed && panel.packed && tiles > 1;
    if (shared) {
      // Each tile fetches its share of the next panel's piece, or of the first panel's next one.
      prefetch = p + 1 < b.panel_end ? piece_of(p + 1) : piece_of(b.panel) + steps * weights(b.panel).stride;
      prefetch_stride = (panel.stride + tiles - 1) / tiles;
      prefetch += i * ((width + step - 1) / step) * steps * prefetch_stride;
    }
    const bool last = begin + steps == b.steps;
    for (int64_t c = 0; c < columns; c += step) {
      tile({x,
            kKMajor && copied ? 16
            : copied          ? kCopyPitch
                              : b.x_pitch,
            w + c, panel.stride, shared ? prefetch : prefetch + c, prefetch_stride, b.y + row * b.y_pitch + first + c,
            b.y_pitch, steps, columns - c < step ? columns - c : step, b.start == nullptr ? nullptr : b.start + first + c,
            begin > 0, last ? b.scale : 1.0f});
      if (shared) prefetch += steps * prefetch_stride;
    }
  }
};

// weights(panel) gives a panel's weights. epilogue(row, rows, column, columns) sees finished blocks of y while they are in the
// first-level cache.
//
// With many rows the loop over panels is inside, so that a block of x stays in the first-level cache. With few, when the
// weights may well come from memory, the panel's piece stays there, and the tiles share the work of prefetching the next one.
template <class Math, bool kKMajor, class Weights, class Epilogue>
void gemm_block(const GemmBlock& b, const Weights& weights, const Epilogue& epilogue) {
  alignas(64) float copy[kCopyWords];
  const int64_t blocks = (b.rows + kTileRows - 1) / kTileRows;
  const bool streamed = b.rows <= kStreamRows, packed = weights(b.panel).packed;
  const bool copied = Math::kWords == 1 && copy_rows<kKMajor>(b.rows, b.steps, b.x_pitch);
  int64_t piece = (streamed ? kStreamPiece : copied ? kPiece : kLongPiece) / Math::kWords;
  if (!packed) piece = kDirectPiece;
  if (packed && streamed && !copied && b.rows <= kContiguousRows) piece = b.steps;
  for (int64_t begin = 0; begin == 0 || begin < b.steps;) {
    const int64_t rest = b.steps - begin, steps = rest < piece + piece / 4 && !copied ? rest : rest < piece ? rest : piece;
    const bool last = begin + steps == b.steps;
    const GemmPiece<Math, kKMajor, Weights> run{b, weights, begin, steps, copied, streamed};
    const auto row_block = [&](int64_t i, int64_t* height) {
      const int64_t base = b.rows / blocks, longer = b.rows % blocks;
      *height = base + (i < longer ? 1 : 0);
      return i * base + (i < longer ? i : longer);
    };
    const auto rows_of_x = [&](int64_t row) {
      return kKMajor ? b.x + begin * b.x_pitch + row : b.x + row * b.x_pitch + begin * Math::kWords;
    };
    const int64_t copy_block = streamed ? kCopyBlock<kKMajor> : 0;
    if (streamed) {
      for (int64_t i = 0; copied && i < blocks; ++i) {
        int64_t height = 0;
        const int64_t row = row_block(i, &height);
        copy_piece<kKMajor>(rows_of_x(row), b.x_pitch, height, steps, copy + i * copy_block);
      }
      for (int64_t p = b.panel; p < b.panel_end; ++p)
        for (int64_t i = 0; i < blocks; ++i) {
          int64_t height = 0;
          const int64_t row = row_block(i, &height);
          run.run(copied ? copy + i * copy_block : rows_of_x(row), row, height, p, i, blocks);
        }
    }
    for (int64_t i = 0; i < blocks && (!streamed || last); ++i) {
      int64_t height = 0;
      const int64_t row = row_block(i, &height);
      if (!streamed) {
        if (copied) copy_piece<kKMajor>(rows_of_x(row), b.x_pitch, height, steps, copy);
        for (int64_t p = b.panel; p < b.panel_end; ++p) run.run(copied ? copy : rows_of_x(row), row, height, p, i, blocks);
      }
      const int64_t first = b.panel * kPanel, end = b.panel_end * kPanel < b.columns ? b.panel_end * kPanel : b.columns;
      if (last) epilogue(row, height, first, end - first);
    }
    begin += steps;
    if (steps == 0) break;
  }
}

struct GemmTasks {
  int64_t chunks, groups;
  int64_t
      grain;  // tasks per chunk of parallel_for: about a quarter million multiply-adds, well above the price of waking a thread
};

inline GemmTasks gemm_tasks(int64_t rows, int64_t steps, int64_t columns) {
  const int64_t panels = panel_count(columns), group = panels < kGroup ? panels : kGroup;
  const int64_t task = (rows < kRowChunk ? rows : kRowChunk) * (steps + 1) * kPanel * group;
  return {(rows + kRowChunk - 1) / kRowChunk, (panels + kGroup - 1) / kGroup, task >= 262144 ? 1 : 262144 / (task + 1) + 1};
}

}  // namespace
}  // namespace fovea::FOVEA_ISA_NAMESPACE
