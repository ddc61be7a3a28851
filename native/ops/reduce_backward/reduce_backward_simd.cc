// Lanes are terms of one output (contiguous reduced dimension) or neighbouring outputs (contiguous kept dimension), as forward.
// Max and min count and write an output at a time; for all others every element stands alone, and pieces of x are dealt out.
#include "ops/reduce_backward/reduce_backward.h"

#include "core/simd.h"
#include "core/thread_pool.h"
#include "ops/reduce/lanes_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

inline constexpr int64_t kWork = 16384;  // elements per chunk of the pool

template <int32_t kOp>
inline constexpr bool kShared = kOp == FOVEA_REDUCE_MAX || kOp == FOVEA_REDUCE_MIN;

// `share` is dy, over the number of terms for the mean, over that of the equal ones for max and min.
template <int32_t kOp>
FOVEA_INLINE F gradient(F x, F y, F share) {
  if constexpr (kShared<kOp>) return select(is_nan(y), y, select(x == y, share, zero()));
  if constexpr (kOp == FOVEA_REDUCE_L1) return select(x > zero(), share, select(x < zero(), share * set(-1.0f), x * share));
  if constexpr (kOp == FOVEA_REDUCE_L2) return select(y == zero(), zero(), x / y * share);
  if constexpr (kOp == FOVEA_REDUCE_LOG_SUM_EXP) return select(y == set(-__builtin_inff()), zero(), exp(x - y) * share);
  return share;
}

FOVEA_INLINE F ones(M m) { return select(m, set(1.0f), zero()); }

// ---- lanes are terms ---------------------------------------------------------------------------------------------------

// Of runs of n terms, `runs` to an output.
struct Runs {
  int64_t runs, n;
  const ReduceBackwardJob& j;
  FOVEA_INLINE int64_t start(ReduceTensor t, int64_t run) const { return offset(j.reduced, t, j.reduced.rank - 1, run); }
};

template <int32_t kOp>
FOVEA_INLINE void write_run(const float* x, float* dx, int64_t n, F y, F share) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(dx + i, gradient<kOp>(load(x + i), y, share));
  if (i < n) store_upto(dx + i, gradient<kOp>(load_upto(x + i, n - i), y, share), n - i);
}

// How many terms equal y. Lanes count exactly in blocks of 2^20 vectors.
int64_t equal_terms(const Runs& r, const float* x, float y) {
  constexpr int64_t kBlock = int64_t{kLanes} << 20;
  int64_t total = 0;
  for (int64_t run = 0; run < r.runs; ++run) {
    const float* p = x + r.start(kOfX, run);
    for (int64_t begin = 0; begin < r.n; begin += kBlock) {
      const int64_t end = begin + kBlock < r.n ? begin + kBlock : r.n;
      F equal = zero();
      for (int64_t i = begin; i < end; i += kLanes)
        equal = equal + keep_first(ones(load_upto(p + i, end - i) == set(y)), end - i);
      float lanes[kLanes];
      store(lanes, equal);
      for (const float lane : lanes) total += static_cast<int64_t>(lane);
    }
  }
  return total;
}

template <int32_t kOp>
void lanes_are_terms(const ReduceBackwardJob& j, int64_t outputs, int64_t terms) {
  const int32_t inner = j.reduced.rank - 1;
  const Runs r{count(j.reduced, inner), j.reduced.size[inner], j};
  const auto in = [&](ReduceTensor t, int64_t o) { return offset(j.kept, t, j.kept.rank, o); };
  if constexpr (kShared<kOp>) {
    parallel_for(outputs, kWork / terms + 1, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t o = begin; o < end; ++o) {
        const float* x = j.x + in(kOfX, o);
        const float y = j.y[in(kOfY, o)];
        const F share = set(j.dy[in(kOfDy, o)] / static_cast<float>(equal_terms(r, x, y)));
        for (int64_t run = 0; run < r.runs; ++run)
          write_run<kOp>(x + r.start(kOfX, run), j.dx + in(kOfDx, o) + r.start(kOfDx, run), r.n, set(y), share);
      }
    });
  } else {
    const int64_t pieces = (r.n - 1) / kWork + 1;
    parallel_for(outputs * r.runs * pieces, kWork / r.n + 1, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t at = task % pieces * kWork, run = task / pieces % r.runs, o = task / pieces / r.runs;
        const float dy = j.dy[in(kOfDy, o)];
        const F share = set(kOp == FOVEA_REDUCE_MEAN ? dy / static_cast<float>(terms) : dy);
        write_run<kOp>(j.x + in(kOfX, o) + r.start(kOfX, run) + at, j.dx + in(kOfDx, o) + r.start(kOfDx, run) + at,
                       r.n - at < kWork ? r.n - at : kWork, set(j.y[in(kOfY, o)]), share);
      }
    });
  }
}

// ---- lanes are outputs -------------------------------------------------------------------------------------------------

template <int32_t kOp>
void lanes_are_outputs(const ReduceBackwardJob& j, int64_t terms) {
  const int32_t outer = j.kept.rank - 1;
  const int64_t columns = j.kept.size[outer], vectors = (columns + kLanes - 1) / kLanes;
  const auto in = [&](ReduceTensor t, int64_t o) { return offset(j.kept, t, outer, o); };
  const auto term = [&](ReduceTensor t, int64_t i) { return offset(j.reduced, t, j.reduced.rank, i); };
  if constexpr (kShared<kOp>) {
    parallel_for(count(j.kept, outer) * vectors, kWork / (terms * kLanes) + 1, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t c = task % vectors * kLanes, o = task / vectors, n = columns - c;
        const float* x = j.x + in(kOfX, o) + c;
        float* dx = j.dx + in(kOfDx, o) + c;
        const F y = load_upto(j.y + in(kOfY, o) + c, n);
        // Two levels: a lane would stand still at 2^24.
        F equal = zero(), part = zero();
        for (int64_t i = 0; i < terms; ++i) {
          part = part + ones(load_upto(x + term(kOfX, i), n) == y);
          if ((i & 0xFFFF) == 0xFFFF) equal = equal + part, part = zero();
        }
        const F share = load_upto(j.dy + in(kOfDy, o) + c, n) / (equal + part);
        for (int64_t i = 0; i < terms; ++i)
          store_upto(dx + term(kOfDx, i), gradient<kOp>(load_upto(x + term(kOfX, i), n), y, share), n);
      }
    });
  } else {
    parallel_for(count(j.kept, outer) * terms, kWork / columns + 1, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t i = task % terms, o = task / terms;
        const float *x = j.x + in(kOfX, o) + term(kOfX, i), *y = j.y + in(kOfY, o), *dy = j.dy + in(kOfDy, o);
        float* dx = j.dx + in(kOfDx, o) + term(kOfDx, i);
        for (int64_t c = 0; c < columns; c += kLanes) {
          const int64_t n = columns - c;
          const F gradients = load_upto(dy + c, n);
          const F share = kOp == FOVEA_REDUCE_MEAN ? gradients / set(static_cast<float>(terms)) : gradients;
          store_upto(dx + c, gradient<kOp>(load_upto(x + c, n), load_upto(y + c, n), share), n);
        }
      }
    });
  }
}

template <int32_t kOp>
void all(const ReduceBackwardJob& j) {
  const int64_t outputs = count(j.kept, j.kept.rank), terms = count(j.reduced, j.reduced.rank);
  if (outputs == 0 || terms == 0) return;
  j.columns ? lanes_are_outputs<kOp>(j, terms) : lanes_are_terms<kOp>(j, outputs, terms);
}

}  // namespace

void reduce_backward(const ReduceBackwardJob& job) {
  const ReduceBackwardJob j = with_live(job);
  switch (j.op) {
    case FOVEA_REDUCE_MEAN:
      return all<FOVEA_REDUCE_MEAN>(j);
    case FOVEA_REDUCE_MAX:
    case FOVEA_REDUCE_MIN:
      return all<FOVEA_REDUCE_MAX>(j);
    case FOVEA_REDUCE_L1:
      return all<FOVEA_REDUCE_L1>(j);
    case FOVEA_REDUCE_L2:
      return all<FOVEA_REDUCE_L2>(j);
    case FOVEA_REDUCE_LOG_SUM_EXP:
      return all<FOVEA_REDUCE_LOG_SUM_EXP>(j);
    default:
      return all<FOVEA_REDUCE_SUM>(j);
  }
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
