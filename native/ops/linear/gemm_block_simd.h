// Cache blocking around the register tile. A task of the thread pool is kRowChunk rows times kGroup panels; in it K is cut into
// pieces so that one tile height of x stays in the first-level cache and the panels' piece in the second-level one.
#pragma once

#include "ops/linear/gemm_tile_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kRowChunk = 84;  // a multiple of every tile height
inline constexpr int64_t kGroup = 4;
// Words of a row per piece of K. Reading x in place is free up to there, and longer pieces save nothing.
inline constexpr int64_t kPiece = 256;
// Weights that are not packed lie whole rows apart: a shorter piece keeps their pages in the TLB.
inline constexpr int64_t kDirectPiece = 64;
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

// Rows a multiple of 2 KB apart fall into one or two sets of the first-level cache and evict each other: the tile then works on
// a copy. Rows stored k-major are copied when they are too far apart to share pages.
template <bool kKMajor>
FOVEA_INLINE bool copy_rows(int64_t rows, int64_t steps, int64_t pitch) {
  return kKMajor ? steps * pitch > 8192 : rows > 6 && pitch % 512 == 0;
}

// `words` words of `height` rows, to rows of kCopyPitch or, k-major, to steps of 16.
inline constexpr int64_t kCopyPitch = kPiece + 16;
template <bool kKMajor>
void copy_piece(const float* x, int64_t pitch, int64_t height, int64_t words, float* copy) {
  if (kKMajor) {
    for (int64_t k = 0; k < words; ++k)
      for (int64_t r = 0; r < height; r += kLanes)
        store_upto(copy + k * 16 + r, load_upto(x + k * pitch + r, height - r), height - r);
  } else {
    for (int64_t r = 0; r < height; ++r)
      for (int64_t k = 0; k < words; k += kLanes)
        store_upto(copy + r * kCopyPitch + k, load_upto(x + r * pitch + k, words - k), words - k);
  }
}

// weights(panel) gives a panel's weights. epilogue(row, rows, column, columns) sees finished blocks of y while they are in the
// first-level cache.
template <class Math, bool kKMajor, class Weights, class Epilogue>
void gemm_block(const GemmBlock& b, const Weights& weights, const Epilogue& epilogue) {
  alignas(64) float copy[kTileRows * kCopyPitch > kPiece * 16 ? kTileRows * kCopyPitch : kPiece * 16];
  const int64_t blocks = (b.rows + kTileRows - 1) / kTileRows;
  const bool copied = Math::kWords == 1 && copy_rows<kKMajor>(b.rows < kTileRows ? b.rows : kTileRows, b.steps, b.x_pitch);
  const bool packed = weights(b.panel).packed;
  int64_t piece = b.steps;
  if (blocks > 1 || copied || !packed) piece = packed ? kPiece / Math::kWords : kDirectPiece;
  int64_t begin = 0;
  do {
    const int64_t rest = b.steps - begin, steps = rest < piece + piece / 2 && (!copied || rest <= kPiece) ? rest
                                                  : rest < piece                                          ? rest
                                                                                                          : piece;
    const bool last = begin + steps == b.steps;
    int64_t row = 0;
    for (int64_t i = 0; i < blocks; ++i) {
      const int64_t height = b.rows / blocks + (i < b.rows % blocks ? 1 : 0);
      const float* x = kKMajor ? b.x + begin * b.x_pitch + row : b.x + row * b.x_pitch + begin * Math::kWords;
      int64_t x_pitch = b.x_pitch;
      if (copied) {
        copy_piece<kKMajor>(x, x_pitch, height, steps, copy);
        x = copy, x_pitch = kKMajor ? 16 : kCopyPitch;
      }
      float* const y = b.y + row * b.y_pitch;
      for (int64_t p = b.panel; p < b.panel_end; ++p) {
        const PanelWeights panel = weights(p);
        const int64_t first = p * kPanel, columns = b.columns - first < kPanel ? b.columns - first : kPanel;
        int64_t width = 0;
        const TileFunction tile = choose_tile<Math, kKMajor>(height, panel_width(b.columns, p), &width);
        for (int64_t c = 0; c < columns; c += width)
          tile({x, x_pitch, panel.data + begin * panel.stride + c, panel.stride,
                panel.packed ? kPrefetchSteps * panel.stride : kPanel, y + first + c, b.y_pitch, steps,
                columns - c < width ? columns - c : width, b.start == nullptr ? nullptr : b.start + first + c, begin > 0,
                last ? b.scale : 1.0f});
      }
      if (last) {
        const int64_t first = b.panel * kPanel, end = b.panel_end * kPanel < b.columns ? b.panel_end * kPanel : b.columns;
        epilogue(row, height, first, end - first);
      }
      row += height;
    }
    begin += steps;
  } while (begin < b.steps);
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
