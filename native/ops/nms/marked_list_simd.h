// Suppression among few candidates: all of them lie in ranked order as columns, and every kept box strikes out the later ones.
// Lanes are candidates, so nothing stops early and there is little for the branch predictor to miss.
//
// An overlap of at least t takes t of each box's width and height. So of candidate and kept box in one dimension
//   X1 <= x2 - t*w  and  X2 >= x1 + t*w
// hold where the kept box suppresses. Both sides are compared as bytes, a 250th of the image each, 64 candidates at a time;
// rounding is covered by a 64th of that. The few that pass are decided by the exact rule.
#pragma once

#include "ops/nms/kept_field_simd.h"
#include "ops/nms/ranking.h"

namespace fovea::FOVEA_ISA_NAMESPACE {

struct MarkedBlock {
  static constexpr int64_t kBoxes = 64;
  float x1[kBoxes], y1[kBoxes], x2[kBoxes], y2[kBoxes], area[kBoxes];
  uint8_t low[2][kBoxes], high[2][kBoxes];      // corners of each box, per dimension
  uint8_t first[2][kBoxes], latest[2][kBoxes];  // x1 + t*w and x2 - t*w
};
static_assert(sizeof(MarkedBlock) == NmsWorkspace::kMarkedBytes);

// One array after the other, within a page: a store to one and a load from another never agree in their low 12 bits, which the
// processor would take for the same address (20 us became 33 us now and then).
struct MarkedState {
  static constexpr int64_t kBlocks = NmsWorkspace::kMarked / MarkedBlock::kBoxes, kHits = NmsWorkspace::kMarkedHits;
  uint64_t alive[kBlocks];  // candidates that nothing suppressed and whose turn has not come, per block
  uint64_t hits[kHits];     // lanes of a block that a kept box met
  int32_t where[kHits];     // that block << 8 | the kept box in its own block
  int64_t found;            // hits listed
  int64_t padding[7];
};
static_assert(sizeof(MarkedState) == NmsWorkspace::kMarkedStateBytes);

FOVEA_INLINE void store_bytes(uint8_t* to, I a) {
#if defined(__AVX512F__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtepi32_epi8(a.v));
#elif defined(__AVX2__)
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(a.v), _mm256_extracti128_si256(a.v, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packus_epi16(words, words));
#else
  *to = static_cast<uint8_t>(a.v);
#endif
}

struct MarkedBytes {
  uint8_t low[2], high[2];
};

// Bit i: low <= latest[i] and high >= first[i] in both dimensions.
FOVEA_INLINE uint64_t meeting(const MarkedBlock& block, const MarkedBytes& kept) {
#if defined(__AVX512F__)
  const auto bytes = [](const uint8_t* p) { return _mm512_loadu_si512(p); };
  const auto all = [](uint8_t x) { return _mm512_set1_epi8(static_cast<char>(x)); };
  __mmask64 m = ~uint64_t{0};
  for (int d = 0; d < 2; ++d) {
    m = _mm512_mask_cmple_epu8_mask(m, all(kept.low[d]), bytes(block.latest[d]));
    m = _mm512_mask_cmpge_epu8_mask(m, all(kept.high[d]), bytes(block.first[d]));
  }
  return m;
#elif defined(__AVX2__)
  uint64_t result = 0;
  for (int half = 0; half < 64; half += 32) {
    const auto bytes = [&](const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + half)); };
    const auto all = [](uint8_t x) { return _mm256_set1_epi8(static_cast<char>(x)); };
    __m256i m = _mm256_set1_epi8(-1);
    for (int d = 0; d < 2; ++d) {
      const __m256i low = all(kept.low[d]), high = all(kept.high[d]);
      m = _mm256_and_si256(m, _mm256_cmpeq_epi8(_mm256_min_epu8(low, bytes(block.latest[d])), low));
      m = _mm256_and_si256(m, _mm256_cmpeq_epi8(_mm256_max_epu8(high, bytes(block.first[d])), high));
    }
    result |= uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(m))} << half;
  }
  return result;
#else
  uint64_t result = 0;
  for (int i = 0; i < 64; ++i) {
    bool m = true;
    for (int d = 0; d < 2; ++d) m = m && kept.low[d] <= block.latest[d][i] && kept.high[d] >= block.first[d][i];
    result |= uint64_t{m} << i;
  }
  return result;
#endif
}

// 0 to 255; NaN gives 0. `at` counts from the first corner of the image, which takes 2 to 252. `slack` is added before the
// fraction is dropped.
FOVEA_INLINE I byte_of(F at, F scale, float slack) {
  const F value = floor(at * scale + set(2.0f + slack));
  return to_int(min(max(value, zero()), set(255.0f)));
}

// The least and the most of finite corners: those at infinity do not stretch the image.
struct MarkedRange {
  F least = set(__builtin_inff()), most = set(-__builtin_inff());

  FOVEA_INLINE void add(F a) {
    const M finite = abs(a) < set(__builtin_inff());
    least = select(finite, min(least, a), least);
    most = select(finite, max(most, a), most);
  }
  // The first corner and bytes per pixel; no scale, so that every pair passes, where there is no finite extent.
  FOVEA_INLINE void scale(float* origin, float* per_pixel) const {
    float low[kLanes], high[kLanes];
    store(low, least);
    store(high, most);
    for (int lane = 1; lane < kLanes; ++lane) {
      low[0] = low[lane] < low[0] ? low[lane] : low[0];
      high[0] = high[lane] > high[0] ? high[lane] : high[0];
    }
    const float bytes = 250.0f / (high[0] - low[0]);
    const bool usable = bytes > 0.0f && bytes < __builtin_inff();
    *origin = usable ? low[0] : 0.0f;
    *per_pixel = usable ? bytes : 0.0f;
  }
};

// Corners in order and areas, as nms_box has them.
FOVEA_INLINE void order_corners(MarkedBlock& block, int64_t k, float pixel, MarkedRange* ranges) {
  const F a = load(block.x1 + k), b = load(block.y1 + k), c = load(block.x2 + k), d = load(block.y2 + k);
  const F inf = set(__builtin_inff()), one = set(pixel);
  const M bad = is_nan(a) | is_nan(b) | is_nan(c) | is_nan(d);
  const F x1 = select(bad, inf, min(a, c)), y1 = select(bad, inf, min(b, d));
  const F x2 = select(bad, zero() - inf, max(c, a)), y2 = select(bad, zero() - inf, max(d, b));
  const F area = (x2 - x1 + one) * (y2 - y1 + one);
  store(block.x1 + k, x1);
  store(block.y1 + k, y1);
  store(block.x2 + k, x2);
  store(block.y2 + k, y2);
  store(block.area + k, select(bad | is_nan(area), zero(), area));
  ranges[0].add(x1);
  ranges[0].add(x2);
  ranges[1].add(y1);
  ranges[1].add(y2);
}

// Boxes of four keys become columns k to k + 3.
FOVEA_INLINE void gather_four(MarkedBlock& block, int64_t k, const uint64_t* keys, const float* boxes, int64_t pitch) {
#if defined(__AVX2__)
  const auto box = [&](int i) { return _mm_loadu_ps(boxes + rank_index(keys[i]) * pitch); };
  __m128 a = box(0), b = box(1), c = box(2), d = box(3);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  _mm_storeu_ps(block.x1 + k, a);
  _mm_storeu_ps(block.y1 + k, b);
  _mm_storeu_ps(block.x2 + k, c);
  _mm_storeu_ps(block.y2 + k, d);
#else
  for (int64_t i = 0; i < 4; ++i) {
    const float* box = boxes + rank_index(keys[i]) * pitch;
    block.x1[k + i] = box[0];
    block.y1[k + i] = box[1];
    block.x2[k + i] = box[2];
    block.y2[k + i] = box[3];
  }
#endif
}

// Lanes behind the last candidate are empty boxes and not alive.
inline void fill_marked(MarkedState& state, MarkedBlock* blocks, const KeptField& f, const uint64_t* keys, int64_t n,
                        const float* boxes, int64_t pitch) {
  constexpr int64_t kBoxes = MarkedBlock::kBoxes;
  const int64_t used = (n + kBoxes - 1) / kBoxes;
  MarkedRange ranges[2];
  for (int64_t w = 0; w < used; ++w) {
    MarkedBlock& block = blocks[w];
    const int64_t here = n - kBoxes * w < kBoxes ? n - kBoxes * w : kBoxes;
    int64_t k = 0;
    for (; k + 4 <= here; k += 4) gather_four(block, k, keys + kBoxes * w + k, boxes, pitch);
    for (; k < here; ++k) {
      const float* box = boxes + rank_index(keys[kBoxes * w + k]) * pitch;
      block.x1[k] = box[0];
      block.y1[k] = box[1];
      block.x2[k] = box[2];
      block.y2[k] = box[3];
    }
    for (; k < kBoxes; ++k) block.x1[k] = block.y1[k] = block.x2[k] = block.y2[k] = __builtin_nanf("");
    state.alive[w] = here == kBoxes ? ~uint64_t{0} : (uint64_t{1} << here) - 1;
    for (k = 0; k < kBoxes; k += kLanes) order_corners(block, k, f.pixel, ranges);
  }
  for (int d = 0; d < 2; ++d) {
    float from, per_pixel;
    ranges[d].scale(&from, &per_pixel);
    const F origin = set(from), scale = set(per_pixel);
    for (int64_t w = 0; w < used; ++w)
      for (int64_t k = 0; k < kBoxes; k += kLanes) {
        MarkedBlock& block = blocks[w];
        const F a = load((d == 0 ? block.x1 : block.y1) + k), b = load((d == 0 ? block.x2 : block.y2) + k);
        // From the origin first: far from 0, a + shrink would lose more than the slack covers.
        const F low = a - origin, high = b - origin;
        // Areas that come near underflow are too coarse for the argument: such boxes only have to touch.
        const F shrink = select(load(block.area + k) > set(1e-30f), (b - a) * set(f.threshold), zero());
        store_bytes(block.low[d] + k, byte_of(low, scale, 0.0f));
        store_bytes(block.high[d] + k, byte_of(high, scale, 0.0f));
        store_bytes(block.first[d] + k, byte_of(low + shrink, scale, -0x1p-6f));
        store_bytes(block.latest[d] + k, byte_of(high - shrink, scale, 0x1p-6f));
      }
  }
}

// Decides by the exact rule the first of the lanes that met box `k` of block `own`, takes those that it suppresses from block
// `at` and returns the lanes that are left.
FOVEA_INLINE uint64_t strike_lanes(MarkedState& state, const MarkedBlock* blocks, const MarkedBlock& own, int64_t k, int64_t at,
                                   uint64_t met, const KeptField& f) {
  const NmsCandidate box{{own.x1[k], own.y1[k], own.x2[k], own.y2[k], own.area[k]}, 0.0f, 0, 0};
  const MarkedBlock& block = blocks[at];
  const int lane = __builtin_ctzll(met) & -kLanes;
  const Boxes boxes{load(block.x1 + lane), load(block.y1 + lane), load(block.x2 + lane), load(block.y2 + lane),
                    load(block.area + lane)};
  const uint64_t struck = uint64_t{suppress(f, boxes, seti(0), box)} << lane;
  state.alive[at] -= state.alive[at] & struck;  // as alive & ~struck, which GCC moves through mask registers
  return met & ~uint64_t{0} << kLanes << lane;  // all bits below are gone already
}

// Strikes out what box `k` of block `own` suppresses there, and lists what it meets in the blocks behind. Nothing depends on
// the list until `own` is through: boxes that are kept do not wait for each other, and the lengths of the loops over hits are
// guessed wrong once for many of them.
FOVEA_INLINE void strike_own(MarkedState& state, const MarkedBlock* blocks, int64_t own, int64_t n, int64_t k,
                             const KeptField& f) {
  const MarkedBlock& block = blocks[own];
  const MarkedBytes bytes{{block.low[0][k], block.low[1][k]}, {block.high[0][k], block.high[1][k]}};
  for (uint64_t met = meeting(block, bytes) & state.alive[own]; met != 0;)
    met = strike_lanes(state, blocks, block, k, own, met, f);
  int64_t found = state.found;
  for (int64_t w = own + 1; w < n; ++w) {
    const uint64_t behind = meeting(blocks[w], bytes) & state.alive[w];
    state.hits[found] = behind;
    state.where[found] = static_cast<int32_t>(w << 8 | k);
    found += behind != 0 ? 1 : 0;
  }
  state.found = found;
}

// Works the list off in one loop: how many vectors a hit takes would be one more branch to guess.
[[gnu::noinline]] inline void strike_behind(MarkedState& state, const MarkedBlock* blocks, int64_t own, const KeptField& f) {
  const int64_t found = state.found;
  uint64_t met = state.hits[0];
  for (int64_t i = 0; i < found;) {
    met = strike_lanes(state, blocks, blocks[own], state.where[i] & 255, state.where[i] >> 8, met, f);
    const auto through = uint64_t{met == 0};
    i += static_cast<int64_t>(through);
    met |= state.hits[i] & (0 - through);  // not a branch; behind the last hit it takes anything
  }
  state.found = 0;
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
