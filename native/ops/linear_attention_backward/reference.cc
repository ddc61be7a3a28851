// All pairs of positions in double: no state is stored. The log decay of a pair is summed outwards from one of the two.
#include "ops/linear_attention_backward/reference.h"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

using Job = LinearAttentionBackwardJob;

constexpr int64_t kColumns = 64;  // values per pass over the other positions

double widen(float x) { return static_cast<double>(x); }

// One head of one batch entry.
struct Head {
  const Job& j;
  int64_t batch, head;

  const LinearAttentionJob& f() const { return j.forward; }
  int64_t group() const { return head / (f().heads / f().groups); }
  const float* q(int64_t t) const { return f().q + f().group_row(batch, t, group()) * f().q_pitch; }
  const float* k(int64_t t) const { return f().k + f().group_row(batch, t, group()) * f().k_pitch; }
  const float* v(int64_t t) const { return f().v + f().head_row(batch, t, head) * f().v_pitch; }
  const float* d_o(int64_t t) const { return j.d_o + f().head_row(batch, t, head) * j.d_o_pitch; }
  double log_decay(int64_t t) const { return widen(f().decay_at(batch, t, head)); }
  double scale() const { return widen(f().scale); }
  double initial(int64_t d, int64_t p) const { return f().state == nullptr ? 0.0 : widen(f().state_row(batch, head, d)[p]); }
  double final(int64_t d, int64_t p) const {
    return j.d_final == nullptr ? 0.0 : widen(j.d_final[j.state_row(batch, head, d) * j.d_final_pitch + p]);
  }

  double score(int64_t i, int64_t t) const {
    double sum = 0;
    for (int64_t d = 0; d < f().key_size; ++d) sum += widen(q(i)[d]) * widen(k(t)[d]);
    return sum;
  }
  double value_score(int64_t i, int64_t t) const {
    double sum = 0;
    for (int64_t p = 0; p < f().value_size; ++p) sum += widen(d_o(i)[p]) * widen(v(t)[p]);
    return sum;
  }
  // body(position j <= i, decay between them), and returns the decay from before the sequence to i.
  template <class Body>
  double back_from(int64_t i, const Body& body) const {
    double sum = 0;
    for (int64_t t = i; t >= 0; --t) {
      body(t, std::exp(sum));
      sum += log_decay(t);
    }
    return std::exp(sum);
  }
  // body(position i >= t, decay between them), and returns the decay from t to the end.
  template <class Body>
  double ahead_of(int64_t t, const Body& body) const {
    double sum = 0;
    for (int64_t i = t; i < f().length; ++i) {
      if (i > t) sum += log_decay(i);
      body(i, std::exp(sum));
    }
    return std::exp(sum);
  }
  double whole_decay() const {
    return back_from(f().length - 1, [](int64_t, double) {});
  }

  // Columns [first, first + count) of the head's part of dq_i and dk_t, added to sum.
  void add_dq(int64_t i, int64_t first, int64_t count, double* sum) const {
    const double in = back_from(i, [&](int64_t t, double w) {
      const double weight = scale() * w * value_score(i, t);
      for (int64_t d = 0; d < count; ++d) sum[d] += weight * widen(k(t)[first + d]);
    });
    for (int64_t d = 0; f().state != nullptr && d < count; ++d)
      for (int64_t p = 0; p < f().value_size; ++p) sum[d] += scale() * in * initial(first + d, p) * widen(d_o(i)[p]);
  }
  void add_dk(int64_t t, int64_t first, int64_t count, double* sum) const {
    const double out = ahead_of(t, [&](int64_t i, double w) {
      const double weight = scale() * w * value_score(i, t);
      for (int64_t d = 0; d < count; ++d) sum[d] += weight * widen(q(i)[first + d]);
    });
    for (int64_t d = 0; j.d_final != nullptr && d < count; ++d)
      for (int64_t p = 0; p < f().value_size; ++p) sum[d] += out * final(first + d, p) * widen(v(t)[p]);
  }
  void write_dv(int64_t t, int64_t first, int64_t count) const {
    double sum[kColumns] = {};
    const double out = ahead_of(t, [&](int64_t i, double w) {
      const double weight = scale() * w * score(i, t);
      for (int64_t p = 0; p < count; ++p) sum[p] += weight * widen(d_o(i)[first + p]);
    });
    for (int64_t d = 0; j.d_final != nullptr && d < f().key_size; ++d)
      for (int64_t p = 0; p < count; ++p) sum[p] += out * widen(k(t)[d]) * final(d, first + p);
    float* dv = j.dv + f().head_row(batch, t, head) * j.dv_pitch + first;
    for (int64_t p = 0; p < count; ++p) dv[p] = static_cast<float>(sum[p]);
  }
  void write_initial(int64_t d, int64_t p, double whole) const {
    double sum = whole * final(d, p), in = 0;
    for (int64_t i = 0; i < f().length; ++i) {
      in += log_decay(i);
      sum += scale() * std::exp(in) * widen(q(i)[d]) * widen(d_o(i)[p]);
    }
    j.d_initial[j.state_row(batch, head, d) * j.d_initial_pitch + p] = static_cast<float>(sum);
  }

  // Of every position: the gradient at t is that of the one behind plus q_t dq_t - k_t dk_t, for the state before t is that
  // after it without t's own key. In double the difference costs nothing.
  template <class Write>
  void each_decay_gradient(const Write& write) const {
    const auto to_end = [&](int64_t t) {  // what position t leaves in the last state
      double sum = 0;
      for (int64_t d = 0; j.d_final != nullptr && d < f().key_size; ++d)
        for (int64_t p = 0; p < f().value_size; ++p) sum += widen(k(t)[d]) * final(d, p) * widen(v(t)[p]);
      return sum;
    };
    const double whole = whole_decay();
    double gradient = 0;
    for (int64_t d = 0; j.d_final != nullptr && d < f().key_size; ++d)
      for (int64_t p = 0; p < f().value_size; ++p) gradient += whole * initial(d, p) * final(d, p);
    for (int64_t t = 0; t < f().length; ++t) gradient += ahead_of(t, [](int64_t, double) {}) * to_end(t);
    for (int64_t t = f().length - 1; t >= 0; --t) {
      const double in = back_from(t, [&](int64_t i, double w) { gradient += scale() * w * score(t, i) * value_score(t, i); });
      for (int64_t d = 0; f().state != nullptr && d < f().key_size; ++d)
        for (int64_t p = 0; p < f().value_size; ++p)
          gradient += scale() * in * widen(q(t)[d]) * initial(d, p) * widen(d_o(t)[p]);
      const double out = ahead_of(t, [&](int64_t i, double w) { gradient -= scale() * w * score(i, t) * value_score(i, t); });
      gradient -= out * to_end(t);
      write(t, gradient);
    }
  }
};

}  // namespace

void linear_attention_backward_reference(const LinearAttentionBackwardJob& j) {
  const LinearAttentionJob& f = j.forward;
  const int64_t batch = live_rows(f.live, f.batch), per_group = f.groups == 0 ? 0 : f.heads / f.groups;
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t row = 0; row < f.length * f.groups; ++row)
      for (int64_t first = 0; first < f.key_size; first += kColumns) {
        const int64_t t = row / f.groups, group = row % f.groups, count = std::min(f.key_size - first, kColumns);
        double dq[kColumns] = {}, dk[kColumns] = {};
        for (int64_t head = group * per_group; head < (group + 1) * per_group; ++head) {
          if (j.dq != nullptr) Head{j, b, head}.add_dq(t, first, count, dq);
          if (j.dk != nullptr) Head{j, b, head}.add_dk(t, first, count, dk);
        }
        for (int64_t d = 0; d < count; ++d) {
          if (j.dq != nullptr) j.dq[f.group_row(b, t, group) * j.dq_pitch + first + d] = static_cast<float>(dq[d]);
          if (j.dk != nullptr) j.dk[f.group_row(b, t, group) * j.dk_pitch + first + d] = static_cast<float>(dk[d]);
        }
      }
    for (int64_t head = 0; head < f.heads; ++head) {
      const Head h{j, b, head};
      for (int64_t t = 0; j.dv != nullptr && t < f.length; ++t)
        for (int64_t first = 0; first < f.value_size; first += kColumns)
          h.write_dv(t, first, std::min(f.value_size - first, kColumns));
      const double whole = h.whole_decay();
      for (int64_t d = 0; j.d_initial != nullptr && d < f.key_size; ++d)
        for (int64_t p = 0; p < f.value_size; ++p) h.write_initial(d, p, whole);
      if (j.d_decay != nullptr && !f.constant_decay)
        h.each_decay_gradient(
            [&](int64_t t, double g) { j.d_decay[(b * f.length + t) * j.d_decay_pitch + head] = static_cast<float>(g); });
    }
  }
  for (int64_t head = 0; j.d_decay != nullptr && f.constant_decay && head < f.heads; ++head) {
    double sum = 0;
    for (int64_t b = 0; b < batch; ++b) Head{j, b, head}.each_decay_gradient([&](int64_t, double g) { sum += g; });
    j.d_decay[head] = static_cast<float>(sum);
  }
}

}  // namespace fovea
