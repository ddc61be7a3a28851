// The kept boxes of one image, arranged so that a candidate meets few of them: chunks of 32 boxes, in lists by class hash and
// by cell of a grid over the box centres. A cell knows the bounds of its boxes; a candidate visits its own cell first, where
// its suppressor most likely is, then the cells whose bounds it touches. Which boxes are visited changes nothing but the time.
//
// Almost all pairs do not overlap, so the test of a chunk only has to be certain about misses. With q = t/(1+t)
//   inter > t*(area + AREA - inter)  <=>  inter > q*area + q*AREA
// which takes one fma and a compare when q*area ("share") is stored. Shares are reduced by a relative 2^-18 and an absolute
// 1e-37, more than the rounding of either side, so nothing is missed (DIoU and GIoU never exceed the IoU); a chunk that answers
// is decided again with the exact formula.
#pragma once

#include "ops/nms/overlap_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

// Variants of the quick test, as bits of a template argument. Exact: no quick test, for thresholds that boxes apart can reach.
constexpr int kMinimum = 1, kPlusOne = 2, kClasses = 4, kExact = 8, kVariants = 9;

struct KeptChunk {
  static constexpr int64_t kBoxes = NmsWorkspace::kChunkBoxes;
  float x1[kBoxes], y1[kBoxes], x2[kBoxes], y2[kBoxes], share[kBoxes], area[kBoxes];
  int32_t label[kBoxes];
  int32_t next, count;  // next: -1 at the end of the list
  int32_t padding[14];
};
static_assert(sizeof(KeptChunk) == NmsWorkspace::kChunkBytes);

struct NmsCandidate {
  NmsBox box;
  float share;
  int32_t label, list;  // list: where it would be kept
};

struct KeptField {
  KeptChunk* chunks;
  int32_t *head, *tail;      // first and last chunk of each list
  float *x1, *y1, *x2, *y2;  // bounds of each list; x2 and y2 with the pixel of plus_one
  int32_t used, cells, hashes, side;
  float left, top, per_x, per_y;  // origin and cells per pixel
  float pixel, quotient, threshold, none;
  int32_t overlap;
  bool inclusive;
};

// False for NaN: a box at infinity lies in cell 0.
FOVEA_INLINE int32_t cell_of(float at, int32_t side) {
  return at > 0.0f ? at < static_cast<float>(side) ? static_cast<int32_t>(at) : side - 1 : 0;
}

FOVEA_INLINE NmsCandidate nms_candidate(const KeptField& f, const float* box, int32_t label) {
  NmsCandidate c{nms_box(box, f.pixel), 0.0f, label, 0};
  c.share = c.box.area * f.quotient - 1e-37f;
  if (f.hashes > 1)
    c.list = (static_cast<int32_t>(static_cast<uint32_t>(label) * 2654435769u >> 16) & (f.hashes - 1)) * f.cells;
  if (f.cells > 1)
    c.list += cell_of((0.5f * (c.box.y1 + c.box.y2) - f.top) * f.per_y, f.side) * f.side +
              cell_of((0.5f * (c.box.x1 + c.box.x2) - f.left) * f.per_x, f.side);
  return c;
}

// Lanes that may suppress; certain about the rest.
template <int kVariant>
FOVEA_INLINE M may_suppress(const KeptField& f, const KeptChunk& kept, int64_t k, const NmsCandidate& c) {
  F w = min(load(kept.x2 + k), set(c.box.x2)) - max(load(kept.x1 + k), set(c.box.x1));
  F h = min(load(kept.y2 + k), set(c.box.y2)) - max(load(kept.y1 + k), set(c.box.y1));
  if constexpr ((kVariant & kPlusOne) != 0) {
    w = w + set(1.0f);
    h = h + set(1.0f);
  }
  // A negative h gives a product of at most 0, which is less than the shares as 0 would be.
  const F positive = max(w, set(f.none)), share = load(kept.share + k);
  M result;
  if constexpr ((kVariant & kMinimum) != 0)
    result = positive * h > min(share, set(c.share));
  else
    result = fma(positive, h, zero() - share) > set(c.share);
  if constexpr ((kVariant & kClasses) != 0) result = result & (loadi(kept.label + k) == seti(c.label));
  return result;
}

// The rule itself. 0/0 and inf/inf count as no overlap; the strict comparison rejects both by itself.
FOVEA_INLINE uint32_t suppress(const KeptField& f, const Boxes& boxes, I label, const NmsCandidate& c) {
  const Boxes box = broadcast(c.box);
  const F one = set(f.pixel), none = set(f.none), threshold = set(f.threshold);
  M result;
  if (f.overlap == FOVEA_OVERLAP_DIOU || f.overlap == FOVEA_OVERLAP_GIOU) {
    const F value = overlap(f.overlap, boxes, box, one, none);
    result = f.inclusive ? value >= threshold : value > threshold;
  } else {
    const F inter = intersection(boxes, box, one, none), limit = threshold * whole(f.overlap, box, boxes, inter);
    result = f.inclusive ? (inter >= limit) & (inter > zero()) & (inter < set(__builtin_inff())) : inter > limit;
  }
  return bits(result & (label == seti(c.label)));
}

FOVEA_INLINE uint32_t suppress(const KeptField& f, const KeptChunk& kept, int64_t k, const NmsCandidate& c) {
  const Boxes boxes{load(kept.x1 + k), load(kept.y1 + k), load(kept.x2 + k), load(kept.y2 + k), load(kept.area + k)};
  uint32_t lanes = suppress(f, boxes, loadi(kept.label + k), c);
  const int64_t here = kept.count - k;  // lanes behind the last box are empty boxes, which a negative threshold would count
  if (here < kLanes) lanes &= here <= 0 ? 0u : (1u << here) - 1u;
  return lanes;
}

template <int kVariant>
FOVEA_INLINE bool list_suppresses(const KeptField& f, int32_t list, const NmsCandidate& c) {
  for (int32_t at = f.head[list]; at >= 0; at = f.chunks[at].next) {
    const KeptChunk& kept = f.chunks[at];
    if constexpr ((kVariant & kExact) == 0) {
      constexpr int64_t kStep = kLanes == 1 ? 1 : KeptChunk::kBoxes;
      for (int64_t first = 0; first < kept.count; first += kStep) {
        M any = may_suppress<kVariant>(f, kept, first, c);
        for (int64_t k = first + kLanes; k < first + kStep; k += kLanes) any = any | may_suppress<kVariant>(f, kept, k, c);
        if (bits(any) == 0) continue;
        for (int64_t k = first; k < first + kStep; k += kLanes)
          if (suppress(f, kept, k, c) != 0) return true;
      }
    } else {
      for (int64_t k = 0; k < kept.count; k += kLanes)
        if (suppress(f, kept, k, c) != 0) return true;
    }
  }
  return false;
}

template <int kVariant>
bool suppressed(const KeptField& f, const NmsCandidate& c) {
  if (list_suppresses<kVariant>(f, c.list, c)) return true;
  if (f.cells == 1) return false;
  const int32_t first = c.list - c.list % f.cells;
  const F left = set(c.box.x1), top = set(c.box.y1), right = set(c.box.x2 + f.pixel), bottom = set(c.box.y2 + f.pixel);
  for (int32_t list = first; list < first + f.cells; list += kLanes) {
    uint32_t touched = bits((load(f.x1 + list) <= right) & (load(f.x2 + list) >= left) & (load(f.y1 + list) <= bottom) &
                            (load(f.y2 + list) >= top));
    for (; touched != 0; touched &= touched - 1) {
      const int32_t other = list + __builtin_ctz(touched);
      if (other != c.list && list_suppresses<kVariant>(f, other, c)) return true;
    }
  }
  return false;
}

using Suppressed = bool (*)(const KeptField&, const NmsCandidate&);

template <int kVariant = 0>
Suppressed choose_suppressed(int variant) {
  if constexpr (kVariant == kVariants)
    return nullptr;
  else
    return variant == kVariant ? suppressed<kVariant> : choose_suppressed<kVariant + 1>(variant);
}

// An empty box overlaps nothing: lanes behind the last need no mask in the quick test.
FOVEA_INLINE void keep_box(KeptField& f, const NmsCandidate& c) {
  const float inf = __builtin_inff();
  int32_t& tail = f.tail[c.list];
  if (tail < 0 || f.chunks[tail].count == KeptChunk::kBoxes) {
    KeptChunk& fresh = f.chunks[f.used];
    for (int64_t k = 0; k < KeptChunk::kBoxes; ++k) {
      fresh.x1[k] = fresh.y1[k] = inf;
      fresh.x2[k] = fresh.y2[k] = -inf;
      fresh.share[k] = fresh.area[k] = 0.0f;
      fresh.label[k] = c.label;
    }
    fresh.next = -1;
    fresh.count = 0;
    (tail < 0 ? f.head[c.list] : f.chunks[tail].next) = f.used;
    tail = f.used++;
  }
  KeptChunk& chunk = f.chunks[tail];
  const int32_t at = chunk.count++;
  chunk.x1[at] = c.box.x1;
  chunk.y1[at] = c.box.y1;
  chunk.x2[at] = c.box.x2;
  chunk.y2[at] = c.box.y2;
  chunk.share[at] = c.share;
  chunk.area[at] = c.box.area;
  chunk.label[at] = c.label;
  if (f.cells == 1) return;
  const float right = c.box.x2 + f.pixel, bottom = c.box.y2 + f.pixel;
  f.x1[c.list] = c.box.x1 < f.x1[c.list] ? c.box.x1 : f.x1[c.list];
  f.y1[c.list] = c.box.y1 < f.y1[c.list] ? c.box.y1 : f.y1[c.list];
  f.x2[c.list] = right > f.x2[c.list] ? right : f.x2[c.list];
  f.y2[c.list] = bottom > f.y2[c.list] ? bottom : f.y2[c.list];
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
