// Lanes are terms of one output (contiguous reduced dimension) or neighbouring outputs (contiguous kept dimension).
// Sums: float partials over a bounded number of terms, collected in double or in a cascade, so the error does not grow with the
// length. Products run in double, one term at a time: they are rare, and float partial products leave the range too easily.
#include "ops/reduce/reduce.h"

#include "core/thread_pool.h"
#include "ops/activation/activation_simd.h"
#include "ops/reduce/lanes_simd.h"

namespace fovea::FOVEA_ISA_NAMESPACE {
namespace {

struct Identity {
  FOVEA_INLINE F operator()(F x) const { return x; }
};
struct Negate {
  FOVEA_INLINE F operator()(F x) const { return set(-0.0f) - x; }  // keeps the sign of zeros
};
struct Magnitude {
  FOVEA_INLINE F operator()(F x) const { return abs(x); }
};
struct Square {
  FOVEA_INLINE F operator()(F x) const { return x * x; }
};
struct Exponential {
  F shift;
  FOVEA_INLINE F operator()(F x) const { return exp(x - shift); }
};

// body(pointer, n, stride) for each run of the innermost reduced dimension.
template <class Body>
FOVEA_INLINE void for_each_run(const ReduceJob& j, const float* x, const Body& body) {
  const int32_t inner = j.reduced.rank - 1;
  const int64_t runs = count(j.reduced, inner);
  for (int64_t i = 0; i < runs; ++i)
    body(x + offset(j.reduced, kOfX, inner, i), j.reduced.size[inner], j.reduced.stride[kOfX][inner]);
}

double product(const ReduceJob& j, const float* x) {
  double result = 1;
  for_each_run(j, x, [&](const float* p, int64_t n, int64_t stride) {
    for (int64_t i = 0; i < n; ++i) result *= static_cast<double>(p[i * stride]);
  });
  return result;
}

// Squares of finite floats overflow above 1.8e19; then the norm is taken again in double.
double wide_norm(const ReduceJob& j, const float* x) {
  double squares = 0;
  for_each_run(j, x, [&](const float* p, int64_t n, int64_t stride) {
    for (int64_t i = 0; i < n; ++i) squares += static_cast<double>(p[i * stride]) * static_cast<double>(p[i * stride]);
  });
  return __builtin_sqrt(squares);
}

// ---- lanes are terms ---------------------------------------------------------------------------------------------------

template <class Map>
double sum_terms(const ReduceJob& j, const float* x, const Map& map) {
  double total = 0;
  for_each_run(j, x, [&](const float* p, int64_t n, int64_t) {
    constexpr int64_t kBlock = 256 * kLanes;  // terms per float partial: 64 additions deep in each of 4 accumulators
    for (int64_t begin = 0; begin < n; begin += kBlock) {
      const int64_t end = begin + kBlock < n ? begin + kBlock : n;
      F s0 = zero(), s1 = zero(), s2 = zero(), s3 = zero();
      int64_t i = begin;
      for (; i + 4 * kLanes <= end; i += 4 * kLanes) {
        s0 = s0 + map(load(p + i));
        s1 = s1 + map(load(p + i + kLanes));
        s2 = s2 + map(load(p + i + 2 * kLanes));
        s3 = s3 + map(load(p + i + 3 * kLanes));
      }
      for (; i < end; i += kLanes) s0 = s0 + keep_first(map(load_upto(p + i, end - i)), end - i);
      total += static_cast<double>(sum((s0 + s1) + (s2 + s3)));
    }
  });
  return total;
}

// The largest map(x); NaN if any is NaN; -inf without terms.
template <class Map>
float max_terms(const ReduceJob& j, const float* x, const Map& map) {
  const F lowest = set(-__builtin_inff());
  F m0 = lowest, m1 = lowest;
  M nan = is_nan(zero());
  for_each_run(j, x, [&](const float* p, int64_t n, int64_t) {
    int64_t i = 0;
    for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
      const F a = map(load(p + i)), b = map(load(p + i + kLanes));
      nan = nan | is_nan(a) | is_nan(b);
      m0 = max(m0, a);
      m1 = max(m1, b);
    }
    for (; i < n; i += kLanes) {
      const int64_t rest = n - i;
      const F loaded = load_upto(p + i, rest);
      const F a = rest >= kLanes ? map(loaded) : select(to_float(iota()) < set(static_cast<float>(rest)), map(loaded), lowest);
      nan = nan | is_nan(a);
      m0 = max(m0, a);
    }
  });
  return bits(nan) != 0 ? __builtin_nanf("") : max_lanes(max(m0, m1));
}

float reduce_terms(const ReduceJob& j, const float* x) {
  switch (j.op) {
    case FOVEA_REDUCE_MAX:
      return max_terms(j, x, Identity{});
    case FOVEA_REDUCE_MIN:
      return -max_terms(j, x, Negate{});
    case FOVEA_REDUCE_PROD:
      return static_cast<float>(product(j, x));
    case FOVEA_REDUCE_L1:
      return static_cast<float>(sum_terms(j, x, Magnitude{}));
    case FOVEA_REDUCE_L2: {
      const double squares = sum_terms(j, x, Square{});
      return static_cast<float>(squares <= 3.4e38 ? __builtin_sqrt(squares) : wide_norm(j, x));
    }
    case FOVEA_REDUCE_LOG_SUM_EXP: {
      const float shift = max_terms(j, x, Identity{});
      if (!(__builtin_fabsf(shift) <= 3.4028235e38f)) return shift;  // NaN, or an infinity that decides the result
      return static_cast<float>(static_cast<double>(shift) + __builtin_log(sum_terms(j, x, Exponential{set(shift)})));
    }
    case FOVEA_REDUCE_MEAN:
      return static_cast<float>(sum_terms(j, x, Identity{}) / static_cast<double>(count(j.reduced, j.reduced.rank)));
    default:
      return static_cast<float>(sum_terms(j, x, Identity{}));
  }
}

// ---- lanes are outputs -------------------------------------------------------------------------------------------------

// A cascade of three accumulators of up to 64 terms each bounds the depth of any addition chain for 64^3 terms and shortens it
// by 4096 beyond.
template <class Map>
F sum_columns(const ReduceJob& j, const float* x, int64_t columns, const Map& map) {
  F low = zero(), middle = zero(), high = zero();
  int64_t terms = 0;
  for_each_run(j, x, [&](const float* p, int64_t n, int64_t stride) {
    for (int64_t i = 0; i < n; ++i) {
      low = low + map(load_upto(p + i * stride, columns));
      if ((++terms & 63) != 0) continue;
      middle = middle + low;
      low = zero();
      if ((terms & 4095) != 0) continue;
      high = high + middle;
      middle = zero();
    }
  });
  return high + (middle + low);
}

template <class Map>
F max_columns(const ReduceJob& j, const float* x, int64_t columns, const Map& map) {
  F m = set(-__builtin_inff());
  M nan = is_nan(zero());
  for_each_run(j, x, [&](const float* p, int64_t n, int64_t stride) {
    for (int64_t i = 0; i < n; ++i) {
      const F a = map(load_upto(p + i * stride, columns));
      nan = nan | is_nan(a);
      m = max(m, a);
    }
  });
  return select(nan, set(__builtin_nanf("")), m);
}

F reduce_columns(const ReduceJob& j, const float* x, int64_t columns) {
  switch (j.op) {
    case FOVEA_REDUCE_MAX:
      return max_columns(j, x, columns, Identity{});
    case FOVEA_REDUCE_MIN:
      return Negate{}(max_columns(j, x, columns, Negate{}));
    case FOVEA_REDUCE_L1:
      return sum_columns(j, x, columns, Magnitude{});
    case FOVEA_REDUCE_L2:
    case FOVEA_REDUCE_PROD: {
      alignas(64) float lanes[kLanes] = {};
      if (j.op == FOVEA_REDUCE_L2) store(lanes, sqrt(sum_columns(j, x, columns, Square{})));
      for (int64_t c = 0; c < kLanes && c < columns; ++c) {
        if (j.op == FOVEA_REDUCE_PROD) lanes[c] = static_cast<float>(product(j, x + c));
        if (j.op == FOVEA_REDUCE_L2 && !(lanes[c] <= 3.4e38f)) lanes[c] = static_cast<float>(wide_norm(j, x + c));
      }
      return load(lanes);
    }
    case FOVEA_REDUCE_LOG_SUM_EXP: {
      const F shift = max_columns(j, x, columns, Identity{});
      const F result = shift + log_positive(sum_columns(j, x, columns, Exponential{shift}));
      return select(abs(shift) < set(__builtin_inff()), result, shift);
    }
    case FOVEA_REDUCE_MEAN:
      return sum_columns(j, x, columns, Identity{}) / set(static_cast<float>(count(j.reduced, j.reduced.rank)));
    default:
      return sum_columns(j, x, columns, Identity{});
  }
}

}  // namespace

void reduce(const ReduceJob& job) {
  const ReduceJob j = with_live(job);
  constexpr int64_t kWork = 16384;  // terms per chunk of the pool
  const int64_t terms = count(j.reduced, j.reduced.rank);
  if (!j.columns) {
    parallel_for(count(j.kept, j.kept.rank), kWork / (terms + 8) + 1, [&](int64_t begin, int64_t end, int32_t) {
      for (int64_t o = begin; o < end; ++o)
        j.y[offset(j.kept, kOfY, j.kept.rank, o)] = reduce_terms(j, j.x + offset(j.kept, kOfX, j.kept.rank, o));
    });
    return;
  }
  const int32_t outer = j.kept.rank - 1;
  const int64_t columns = j.kept.size[outer], vectors = (columns + kLanes - 1) / kLanes;
  parallel_for(count(j.kept, outer) * vectors, kWork / ((terms + 8) * kLanes) + 1, [&](int64_t begin, int64_t end, int32_t) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t c = task % vectors * kLanes, o = task / vectors;
      const F result = reduce_columns(j, j.x + offset(j.kept, kOfX, outer, o) + c, columns - c);
      store_upto(j.y + offset(j.kept, kOfY, outer, o) + c, result, columns - c);
    }
  });
}

}  // namespace fovea::FOVEA_ISA_NAMESPACE
