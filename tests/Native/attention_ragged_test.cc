#include <algorithm>
#include <limits>
#include <memory>

#include "every_backend.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

template <class T>
struct RaggedOf {
  int64_t heads, groups, head_size;
  std::vector<int32_t> query_offsets, key_offsets;
  fovea_attention_params params;
  Array<T> q, k, v, o;
  Array<float> lse;
  Array<int32_t> q_offsets, k_offsets;
  std::unique_ptr<Workspace> workspace;  // of the last call

  RaggedOf(int64_t H, int64_t G, int64_t D, std::vector<int32_t> queries, std::vector<int32_t> keys,
           fovea_attention_params p = {}, int64_t gap = 0, int64_t tail = 0)
      : heads(H),
        groups(G),
        head_size(D),
        query_offsets(queries),
        key_offsets(keys),
        params(p),
        q({queries.back() + tail, H, D}, D + gap),
        k({keys.back() + tail, G, D}, D + gap),
        v({keys.back() + tail, G, D}, D + gap),
        o({queries.back() + tail, H, D}, D + gap),
        lse({H, queries.back() + tail}, queries.back() + tail + gap),
        q_offsets({static_cast<int64_t>(queries.size())}),
        k_offsets({static_cast<int64_t>(keys.size())}) {
    q.fill(1, -4, 4);
    k.fill(2);
    v.fill(3);
    q_offsets.assign(queries);
    k_offsets.assign(keys);
  }
  int64_t bytes() {
    int64_t n = -1;
    const fovea_tensor qt = q.view(), kt = k.view();
    EXPECT_EQ(fovea_attention_ragged_workspace(&params, &qt, &kt, q_offsets.size() - 1, &n), FOVEA_OK) << fovea_last_error();
    return n;
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr, bool with_lse = true) {
    fovea_tensor qt = q.view();
    qt.live = live;
    const fovea_tensor kt = k.view(), vt = v.view(), ot = o.view(), lt = lse.view(), qo = q_offsets.view(),
                       ko = k_offsets.view();
    workspace = std::make_unique<Workspace>(bytes());
    return fovea_attention_ragged(&params, &qt, &kt, &vt, &qo, &ko, &ot, with_lse ? &lt : nullptr, workspace->get(), stream);
  }
};
using Ragged = RaggedOf<float>;

// The tolerance of fovea_attention (attention_test.cc): D roundings in a score, some more in the softmax.
Tolerance tolerance_of(const Ragged& r) {
  return {1e-6, 2e-6 + 1.2e-7 * static_cast<double>(r.head_size) + 2.5e-7 * static_cast<double>(r.params.softcap)};
}

void check(Ragged& r) {
  std::vector<float> lse;  // of the reference, which runs first
  check_kernel<float>(r.o, tolerance_of(r), [&](fovea_stream* s) {
    const fovea_status status = r.run(s);
    if (lse.empty()) lse = r.lse.values();
    return status;
  });
  if (test_device() != nullptr)
    expect_near(r.lse.values(), lse, tolerance_of(r));
  else
    check_kernel<float>(r.lse, tolerance_of(r), [&](fovea_stream* s) { return r.run(s); });
  EXPECT_TRUE(r.workspace->guards_intact());
}

// Sequence `index` through fovea_attention.
void expect_same_as_dense(Ragged& r, size_t index, fovea_stream* stream, double tolerance) {
  const int64_t q0 = r.query_offsets[index], lq = r.query_offsets[index + 1] - q0;
  const int64_t k0 = r.key_offsets[index], lk = r.key_offsets[index + 1] - k0;
  if (lq == 0) return;
  Array<float> o({1, lq, r.heads, r.head_size}), lse({1, r.heads, lq});
  const auto slice = [](Array<float>& a, int64_t first, int64_t rows) {
    fovea_tensor t = a.view();
    t.data = static_cast<float*>(t.data) + first * t.shape[1] * t.pitch;
    t.shape[3] = t.shape[2], t.shape[2] = t.shape[1], t.shape[1] = rows, t.shape[0] = 1;
    t.rank = 4;
    return t;
  };
  const fovea_tensor q = slice(r.q, q0, lq), k = slice(r.k, k0, lk), v = slice(r.v, k0, lk), ot = o.view(), lt = lse.view();
  int64_t bytes = 0;
  ASSERT_EQ(fovea_attention_workspace(&r.params, &q, &k, &bytes), FOVEA_OK);
  const Workspace workspace(bytes);
  ASSERT_EQ(finish(fovea_attention(&r.params, &q, &k, &v, nullptr, &ot, &lt, workspace.get(), stream), stream), FOVEA_OK)
      << fovea_last_error();
  for (int64_t i = 0; i < o.size(); ++i)
    ASSERT_TRUE(near(r.o[q0 * r.heads * r.head_size + i], o[i], tolerance, tolerance))
        << "sequence " << index << " element " << i;
  for (int64_t h = 0; h < r.heads; ++h)
    for (int64_t i = 0; i < lq; ++i)
      ASSERT_TRUE(near(r.lse[h * r.q.rows() / r.heads + q0 + i], lse[h * lq + i], tolerance, tolerance));
}

constexpr fovea_attention_params kPlain{}, kCausal{0, 1, 0, 0}, kWindow{0, 1, 7, 0}, kEverything{0.3f, 1, 20, 3};

TEST(AttentionRagged, MatchesReference) {
  for (const fovea_attention_params& params : {kPlain, kCausal, kWindow, kEverything}) {
    SCOPED_TRACE("causal " + std::to_string(params.causal) + " window " + std::to_string(params.window));
    Ragged mixed(4, 2, 24, {0, 1, 40, 40, 43, 60}, {0, 300, 345, 350, 350, 380}, params, 3);
    check(mixed);
    Ragged decoding(6, 2, 16, {0, 1, 2, 3}, {0, 130, 131, 700}, params);
    check(decoding);
    Ragged many_heads(20, 1, 8, {0, 1, 3, 10}, {0, 50, 90, 100}, params);
    check(many_heads);
  }
}

// Both entries run the same tiles, so that only what depends on all shapes at once (pieces of keys) rounds differently.
TEST(AttentionRagged, EqualsDenseSequenceBySequence) {
  Ragged r(4, 2, 40, {0, 33, 33, 34, 74, 80}, {0, 33, 40, 640, 655, 700}, kCausal);
  on_every_backend([&](fovea_stream* stream, bool is_reference) {
    if (is_reference) return;
    ASSERT_EQ(finish(r.run(stream), stream), FOVEA_OK) << fovea_last_error();
    for (size_t i = 0; i + 1 < r.query_offsets.size(); ++i)
      expect_same_as_dense(r, i, stream, r.query_offsets[i + 1] - r.query_offsets[i] > 8 ? 0.0 : 2e-6);
  });
}

// Probabilities and results are rounded to the narrow type (attention_test.cc).
template <class T>
void check_narrow(double unit) {
  RaggedOf<T> narrow(4, 2, 32, {0, 1, 60, 60, 99}, {0, 80, 150, 155, 240}, kCausal, 8);
  Ragged wide(4, 2, 32, {0, 1, 60, 60, 99}, {0, 80, 150, 155, 240}, kCausal, 8);
  for (int64_t i = 0; i < wide.q.size(); ++i) wide.q[i] = static_cast<float>(narrow.q[i]);
  for (int64_t i = 0; i < wide.k.size(); ++i) wide.k[i] = static_cast<float>(narrow.k[i]);
  for (int64_t i = 0; i < wide.v.size(); ++i) wide.v[i] = static_cast<float>(narrow.v[i]);
  const Tolerance f32 = tolerance_of(wide);
  check_narrow_kernel<T>(
      narrow.o, wide.o, {2 * unit + f32.relative, unit + f32.absolute}, [&](fovea_stream* s) { return wide.run(s); },
      [&](fovea_stream* s) { return narrow.run(s); });
  if (test_device() == nullptr) return;
  for (int64_t i = 0; i < wide.lse.size(); ++i) ASSERT_TRUE(near(narrow.lse[i], wide.lse[i], f32.relative, f32.absolute)) << i;
}
TEST(AttentionRagged, HalfPrecision) { check_narrow<Half>(0x1p-11); }
TEST(AttentionRagged, BFloat16) { check_narrow<BFloat16>(0x1p-8); }

TEST(AttentionRagged, SequencesWithoutKeysGiveZeros) {
  Ragged r(2, 1, 8, {0, 2, 30}, {0, 0, 0});
  check(r);
  for (int64_t i = 0; i < r.o.size(); ++i) ASSERT_EQ(r.o[i], 0.0f);
  for (int64_t i = 0; i < r.lse.size(); ++i) ASSERT_EQ(r.lse[i], -kInf);
}

// Offsets are data: descending, negative and huge ones must stay inside the tensors, and rows of no sequence stay untouched.
TEST(AttentionRagged, HostileOffsetsAreClamped) {
  Ragged r(2, 2, 16, {0, 20, 50}, {0, 60, 90}, kCausal, 0, 7);
  struct {
    std::vector<int32_t> queries, keys;
  } const cases[] = {{{0, 20, 1000000}, {0, INT32_MAX, INT32_MAX}},
                     {{INT32_MIN, 20, 5}, {-7, 60, -1}},
                     {{30, 20, 50}, {1000, 3, 90}},
                     {{0, 0, 0}, {0, 60, 90}},
                     {{50, 50, 57}, {97, 97, 97}}};
  for (const auto& c : cases) {
    r.q_offsets.assign(c.queries);
    r.k_offsets.assign(c.keys);
    const auto begin = std::clamp<int64_t>(c.queries[0], 0, 57), middle = std::clamp<int64_t>(c.queries[1], begin, 57),
               end = std::clamp<int64_t>(c.queries[2], middle, 57);
    // Untouched rows stay NaN, which the comparison accepts on both sides.
    check_kernel<float>(r.o, tolerance_of(r), [&](fovea_stream* s) { return r.run(s); });
    EXPECT_TRUE(r.workspace->guards_intact());
    for (int64_t row = 0; row < 57; ++row) EXPECT_EQ(std::isnan(r.o[row * 32]), row < begin || row >= end) << row;
  }
}

TEST(AttentionRagged, LiveLimitsTheQueries) {
  Ragged r(2, 2, 8, {0, 3, 30}, {0, 9, 60}, kCausal);
  Array<int32_t> count({1});
  on_every_backend([&](fovea_stream* stream, bool) {
    for (const int32_t live : {-1, 0, 2, 11, 30, 99}) {
      count[0] = live;
      r.o.poison();
      ASSERT_EQ(finish(r.run(stream, count.data()), stream), FOVEA_OK);
      for (int64_t row = 0; row < 30; ++row) EXPECT_EQ(std::isnan(r.o[row * 16]), row >= live) << live << " " << row;
    }
  });
}

TEST(AttentionRagged, EmptyDimensions) {
  const StreamPtr stream = make_stream();
  Ragged none(2, 1, 8, {0}, {0});
  EXPECT_EQ(none.run(stream.get()), FOVEA_OK) << fovea_last_error();
  Ragged no_queries(2, 1, 8, {0, 0}, {0, 5});
  EXPECT_EQ(no_queries.run(stream.get()), FOVEA_OK) << fovea_last_error();
  Ragged no_heads(0, 0, 8, {0, 4}, {0, 5});
  EXPECT_EQ(no_heads.run(stream.get()), FOVEA_OK) << fovea_last_error();
}

TEST(AttentionRagged, ArgumentsAreChecked) {
  Ragged r(4, 2, 8, {0, 3, 9}, {0, 5, 12});
  const StreamPtr stream = make_stream();
  fovea_tensor q = r.q.view(), k = r.k.view(), v = r.v.view(), o = r.o.view(), lse = r.lse.view(), qo = r.q_offsets.view(),
               ko = r.k_offsets.view();
  fovea_attention_params params{};
  const Workspace memory(r.bytes());
  const fovea_workspace* workspace = memory.get();
  const auto run = [&] { return fovea_attention_ragged(&params, &q, &k, &v, &qo, &ko, &o, &lse, workspace, stream.get()); };
  const auto refused = [&](auto& field, auto value) {
    const auto previous = field;
    field = value;
    const fovea_status status = run();
    field = previous;
    return status == FOVEA_INVALID_ARGUMENT;
  };
  ASSERT_EQ(run(), FOVEA_OK) << fovea_last_error();
  EXPECT_TRUE(refused(params.window, 4));
  EXPECT_STREQ(fovea_last_error(), "attention_ragged: a window (4) needs causal");
  EXPECT_TRUE(refused(q.rank, 2));
  EXPECT_TRUE(refused(k.shape[2], int64_t{7}));
  EXPECT_TRUE(refused(v.shape[0], int64_t{11}));
  EXPECT_TRUE(refused(lse.shape[0], int64_t{3}));
  EXPECT_TRUE(refused(ko.shape[0], int64_t{2}));
  EXPECT_STREQ(fovea_last_error(), "attention_ragged: key_offsets is [2] i32, expected 3 entries");
  EXPECT_TRUE(refused(qo.shape[0], int64_t{0}));
  EXPECT_TRUE(refused(qo.rank, 2));
  EXPECT_TRUE(refused(qo.dtype, q.dtype));
  EXPECT_TRUE(refused(qo.data, r.o.data()));
  EXPECT_TRUE(refused(lse.data, r.o.data()));
  EXPECT_TRUE(refused(workspace, static_cast<const fovea_workspace*>(nullptr)));
  const fovea_workspace small{workspace->data, 64};
  EXPECT_TRUE(refused(workspace, &small));
  EXPECT_EQ(fovea_attention_ragged(&params, &q, &k, &v, nullptr, &ko, &o, &lse, workspace, stream.get()),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_attention_ragged(&params, &q, &k, &v, &qo, &ko, &o, &lse, workspace, nullptr), FOVEA_INVALID_ARGUMENT);
  int64_t bytes = -1;
  EXPECT_EQ(fovea_attention_ragged_workspace(&params, &q, &k, -1, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_attention_ragged_workspace(&params, &q, &k, INT64_MAX, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_attention_ragged_workspace(&params, &q, &k, 2, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
