// Two bodies with the same result. Up to 2048 candidates of one class lie in blocks, and every kept box strikes out later ones
// (marked_list_simd.h). More of them, classes and the other overlaps: each candidate meets the few kept boxes that lie near
// (kept_field_simd.h). Images of a batch run in parallel; one image is sequential by nature.
#include "ops/nms/nms.h"

#include "core/thread_pool.h"
#include "ops/nms/kept_field_simd.h"
#include "ops/nms/marked_list_simd.h"
#include "ops/nms/rank_scan.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

int64_t count_of(const int32_t* labels, int64_t n, int32_t label) {
  int64_t found = 0, k = 0;
  for (; k + kLanes <= n; k += kLanes) found += __builtin_popcount(bits(loadi(labels + k) == seti(label)));
  for (; k < n; ++k) found += labels[k] == label ? 1 : 0;
  return found;
}

// The grid covers the centres of a sample of the candidates; what lies outside belongs to the cells at its edge.
void place_grid(KeptField& f, const float* boxes, int64_t pitch, int64_t n) {
  const float inf = __builtin_inff();
  float left = inf, top = inf, right = -inf, bottom = -inf;
  for (int64_t i = 0; i < n; i += 8) {
    const float* box = boxes + i * pitch;
    const float x = 0.5f * (box[0] + box[2]), y = 0.5f * (box[1] + box[3]);
    if (!(__builtin_fabsf(x) < inf && __builtin_fabsf(y) < inf)) continue;
    left = x < left ? x : left;
    top = y < top ? y : top;
    right = x > right ? x : right;
    bottom = y > bottom ? y : bottom;
  }
  // Without extent the factor is infinite or NaN: everything is in the first or the last cell.
  f.left = left;
  f.top = top;
  f.per_x = static_cast<float>(f.side) / (right - left);
  f.per_y = static_cast<float>(f.side) / (bottom - top);
}

// What the comparison of two boxes needs to know; no lists yet.
KeptField make_rule(const fovea_nms_params& p) {
  KeptField f{};
  f.pixel = p.plus_one != 0 ? 1.0f : 0.0f;
  f.threshold = p.iou_threshold;
  f.overlap = p.overlap;
  f.inclusive = p.inclusive != 0;
  const float slack = 1.0f - 0x1p-18f, t = p.iou_threshold;
  f.quotient = slack * (p.overlap == FOVEA_OVERLAP_MIN || t > 1e30f ? t : t / (1.0f + t));
  return f;
}

KeptField make_field(const NmsJob& j, const fovea_nms_params& p, int64_t n, bool classes, char* memory) {
  KeptField f = make_rule(p);
  const int64_t most = n < j.capacity ? n : j.capacity;
  // Classes divide a few thousand boxes well enough.
  f.side = reaches_apart(p) || (classes && most <= NmsWorkspace::kMarked) ? 1 : NmsWorkspace::side(most);
  f.cells = f.side * f.side;
  f.hashes = classes ? NmsWorkspace::hashes(most) : 1;
  const int64_t lists = f.hashes * f.cells, stride = NmsWorkspace::padded(NmsWorkspace::lists(j.boxes_per_image));
  f.head = reinterpret_cast<int32_t*>(memory);
  f.tail = f.head + stride;
  f.x1 = reinterpret_cast<float*>(f.tail + stride);
  f.y1 = f.x1 + stride;
  f.x2 = f.y1 + stride;
  f.y2 = f.x2 + stride;
  f.chunks = reinterpret_cast<KeptChunk*>(f.y2 + stride);
  for (int64_t list = 0; list < lists; ++list) {
    f.head[list] = f.tail[list] = -1;
    f.x1[list] = f.y1[list] = __builtin_inff();
    f.x2[list] = f.y2[list] = -__builtin_inff();
  }
  return f;
}

// One image's candidates, as nms_image finds them.
struct Ranking {
  const float* boxes;
  const int32_t* classes;
  uint64_t *keys, *scratch;
  int64_t n, most;    // candidates; boxes that are kept at most
  int64_t per_class;  // limit of each class, 0: none
  int32_t *keep, *labels;
  char* memory;
};

// True when the candidates shall lie in blocks: few, of one class, not only the best of them, and an overlap that its
// bytes understand.
bool fits_marked_list(const fovea_nms_params& p, const Ranking& from) {
  return kLanes > 1 && from.classes == nullptr && from.n > 64 && from.n <= NmsWorkspace::kMarked && from.most >= from.n / 4 &&
         p.overlap != FOVEA_OVERLAP_MIN && p.plus_one == 0 && p.iou_threshold >= 1e-6f && p.iou_threshold <= 1.0f;
}

int64_t keep_from_marked_list(const NmsJob& j, const Ranking& from) {
  const KeptField rule = make_rule(j.params);
  // Runs follow each other in memory: together they are all keys in order.
  const uint64_t *ranked = nullptr, *run = nullptr;
  RankedQueue queue(from.keys, from.scratch, from.n);
  for (int64_t in_run = 0; queue.next(&run, &in_run);) ranked = ranked == nullptr ? run : ranked;
  auto* const blocks = reinterpret_cast<MarkedBlock*>(from.memory + sizeof(MarkedState));
  MarkedState& state = *reinterpret_cast<MarkedState*>(from.memory);
  fill_marked(state, blocks, rule, ranked, from.n, from.boxes, j.boxes_pitch);
  const int64_t used = (from.n + MarkedBlock::kBoxes - 1) / MarkedBlock::kBoxes;
  state.found = 0;
  int64_t kept = 0;
  for (int64_t w = 0; w < used; ++w) {
    for (uint64_t& alive = state.alive[w]; alive != 0;) {
      if (kept == from.most) return kept;
      const int64_t k = __builtin_ctzll(alive);
      alive &= alive - 1;
      from.keep[kept++] = static_cast<int32_t>(rank_index(ranked[MarkedBlock::kBoxes * w + k]));
      strike_own(state, blocks, w, used, k, rule);
      if (state.found > MarkedState::kHits - MarkedState::kBlocks) strike_behind(state, blocks, w, rule);
    }
    strike_behind(state, blocks, w, rule);
  }
  return kept;
}

int64_t keep_from_field(const NmsJob& j, const Ranking& from, int64_t all) {
  const fovea_nms_params& p = j.params;
  KeptField field = make_field(j, p, from.n, from.classes != nullptr, from.memory);
  if (field.cells > 1) place_grid(field, from.boxes, j.boxes_pitch, all);
  const Suppressed test =
      choose_suppressed(reaches_apart(p) ? kExact
                                         : (p.overlap == FOVEA_OVERLAP_MIN ? kMinimum : 0) | (p.plus_one != 0 ? kPlusOne : 0) |
                                               (from.classes != nullptr ? kClasses : 0));
  RankedQueue queue(from.keys, from.scratch, from.n);
  const uint64_t* run = nullptr;
  int64_t kept = 0;
  for (int64_t in_run = 0; kept < from.most && queue.next(&run, &in_run);)
    for (int64_t r = 0; r < in_run && kept < from.most; ++r) {
      const int64_t at = rank_index(run[r]);
      const int32_t label = from.classes == nullptr ? 0 : from.classes[at];
      const NmsCandidate candidate = nms_candidate(field, from.boxes + at * j.boxes_pitch, label);
      if (!suppresses_all(p) && test(field, candidate)) continue;
      if (from.per_class > 0 && from.classes != nullptr && count_of(from.labels, kept, label) >= from.per_class) continue;
      from.keep[kept] = static_cast<int32_t>(at);
      from.labels[kept++] = label;
      keep_box(field, candidate);
    }
  return kept;
}

void nms_image(const NmsJob& j, int64_t image) {
  const fovea_nms_params& p = j.params;
  int32_t* keep = j.keep + image * j.keep_stride;
  int64_t kept = 0;
  if (j.workspace != nullptr) {
    const int64_t length = NmsWorkspace::padded(j.boxes_per_image), all = nms_candidates(j, image);
    auto* const keys = reinterpret_cast<uint64_t*>(j.workspace + image * j.workspace_stride);
    auto* const labels = reinterpret_cast<int32_t*>(keys + 2 * length);
    const int64_t n = rank_scan(j.scores + image * j.scores_stride, j.scores_pitch, all, p.score_threshold, true, keys);
    // A limit per class bounds what a whole class may keep; an overlap of 0 that suppresses is a limit of 1.
    const int64_t per_class = suppresses_all(p) ? 1 : p.max_per_class;
    const Ranking from{j.boxes + image * j.boxes_per_image * j.boxes_pitch,
                       j.classes == nullptr ? nullptr : j.classes + image * j.classes_stride,
                       keys,
                       keys + length,
                       n,
                       per_class > 0 && j.classes == nullptr && per_class < j.capacity ? per_class : j.capacity,
                       per_class,
                       keep,
                       labels,
                       reinterpret_cast<char*>(labels + length)};
    kept = fits_marked_list(p, from) ? keep_from_marked_list(j, from) : keep_from_field(j, from, all);
  }
  j.count[image] = static_cast<int32_t>(kept);
  for (int64_t k = kept; k < j.capacity; ++k) keep[k] = -1;
}

}  // namespace

void nms(const NmsJob& j) {
  const int64_t images = j.batched ? live_rows(j.live, j.images) : j.images;
  parallel_for(images, 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t image = begin; image < end; ++image) nms_image(j, image);
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
