#include <algorithm>
#include <limits>

#include "every_isa.h"

using namespace fovea_test;

namespace {

// One division of two floats, rounded once; in the reference twice.
constexpr Tolerance kTolerance{0x1p-23, 0};

template <class T>
struct CallOf {
  fovea_dropout_params params;
  Array<int64_t> state{{2}};
  Array<T> x, y;

  CallOf(float rate, const std::vector<int64_t>& shape, int64_t x_pitch = 0, int64_t y_pitch = 0)
      : params{rate, 0, 3}, x(shape, x_pitch), y(shape, y_pitch) {
    state[0] = 0x123456789abcdef, state[1] = 77;
    x.fill(1, 0.5, 2);  // no zeros: they would look dropped
  }
  fovea_status run(fovea_stream* stream, const int32_t* live = nullptr) {
    fovea_tensor xt = x.view();
    xt.live = live;
    const fovea_tensor st = state.view(), yt = y.view();
    return fovea_dropout(&params, &st, &xt, &yt, stream);
  }
};
using Call = CallOf<float>;

TEST(Dropout, MatchesReference) {
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{}, {0}, {1}, {3}, {257}, {2, 7, 9, 17}, {0, 4}, {4, 0}, {20000}}) {
    Call c(0.3f, shape);
    check_kernel<float>(c.y, kTolerance, [&](fovea_stream* s) { return c.run(s); });
  }
  Call packed(0.3f, {13, 32}, 40, 36), pitched(0.3f, {50, 31}, 40, 33), narrow(0.3f, {300, 1}, 2, 3);
  for (Call* c : {&packed, &pitched, &narrow})
    check_kernel<float>(c->y, kTolerance, [&](fovea_stream* s) { return c->run(s); });
}

// The published vectors of Random123 for philox4x32, 10 rounds. A word's upper 24 bits are the one number in 2^24 that stays at
// rate number / 2^24 and goes at the next rate, so the output shows all of them.
TEST(Dropout, KnownAnswers) {
  struct Answer {
    int64_t counter_low, counter_high, key;
    uint32_t words[4];
  };
  const Answer answers[] = {
      {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {-1, -1, -1, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {static_cast<int64_t>(0x85a308d3243f6a88),
       0x0370734413198a2e,
       0x299f31d0a4093822,
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  on_every_isa([&] {
    for (const Answer& a : answers)
      for (int64_t i = 0; i < 4; ++i) {
        const float number = static_cast<float>(a.words[i] >> 8) * 0x1p-24f;
        for (const bool stays : {true, false}) {
          Call c(stays ? number : number + 0x1p-24f, {64});
          c.state[0] = a.key, c.state[1] = a.counter_low, c.params.sequence = a.counter_high;
          const StreamPtr stream = make_stream();
          ASSERT_EQ(finish(stream, c.run(stream.get())), FOVEA_OK) << fovea_last_error();
          EXPECT_EQ(c.y[i] != 0, stays) << std::hex << a.words[i];
        }
      }
  });
}

// Element 4 * k of one call is element 0 of a call whose offset is k more, also where the counter's words carry and where all
// 64 bits wrap around.
TEST(Dropout, CountersCarry) {
  on_every_isa([&] {
    for (const int64_t offset : {int64_t{0xFFFFFFFA}, int64_t{-6}}) {
      Call all(0.5f, {128});
      all.state[1] = offset;
      const StreamPtr stream = make_stream();
      ASSERT_EQ(finish(stream, all.run(stream.get())), FOVEA_OK) << fovea_last_error();
      for (int64_t k = 0; k < 32; ++k) {
        Call one(0.5f, {4});
        one.state[1] = static_cast<int64_t>(static_cast<uint64_t>(offset) + static_cast<uint64_t>(k));
        ASSERT_EQ(finish(stream, one.run(stream.get())), FOVEA_OK) << fovea_last_error();
        for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(one.y[i] != 0, all.y[4 * k + i] != 0) << "block " << k;
      }
    }
  });
}

// 40000 elements at rate 0.3: the share that stays is within 5 standard deviations, 0.0115, of 0.7. Another seed, offset or
// sequence gives another choice: about 42 % of the elements differ.
TEST(Dropout, SharesAndIndependence) {
  constexpr int64_t n = 40000;
  Call c(0.3f, {n});
  const ForcedIsa isa(available_isas().back());
  const StreamPtr stream = make_stream();
  const auto stays = [&] {
    EXPECT_EQ(c.run(stream.get()), FOVEA_OK) << fovea_last_error();
    std::vector<bool> result;
    for (int64_t i = 0; i < n; ++i) result.push_back(c.y[i] != 0);
    return result;
  };
  const std::vector<bool> first = stays();
  EXPECT_NEAR(static_cast<double>(std::count(first.begin(), first.end(), true)) / n, 0.7, 0.0115);
  const auto differing = [&] {
    const std::vector<bool> other = stays();
    int64_t count = 0;
    for (size_t i = 0; i < other.size(); ++i) count += other[i] != first[i];
    return static_cast<double>(count) / n;
  };
  EXPECT_EQ(differing(), 0);
  ++c.state[0];
  EXPECT_NEAR(differing(), 0.42, 0.0125);
  --c.state[0], c.state[1] += n / 4;
  EXPECT_NEAR(differing(), 0.42, 0.0125);
  c.state[1] -= n / 4, ++c.params.sequence;
  EXPECT_NEAR(differing(), 0.42, 0.0125);
}

// Dropping goes by the element's number alone: not by pitch, shape or type of backend. The gradient is the same call on dy.
TEST(Dropout, PitchAndShapePlayNoPart) {
  on_every_isa([&] {
    Call flat(0.4f, {19 * 23}), rows(0.4f, {19, 23}, 32, 29);
    for (int64_t i = 0; i < flat.x.size(); ++i) rows.x[i] = flat.x[i];
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, flat.run(stream.get())), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(finish(stream, rows.run(stream.get())), FOVEA_OK) << fovea_last_error();
    for (int64_t i = 0; i < flat.y.size(); ++i) ASSERT_EQ(rows.y[i], flat.y[i]) << i;
  });
}

TEST(Dropout, RateZeroAndSpecialValues) {
  on_every_isa([&] {
    Call none(0, {67}), half(0.5f, {67});
    for (int64_t i = 0; i < 67; ++i)
      half.x[i] = i % 2 == 0 ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, none.run(stream.get())), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(finish(stream, half.run(stream.get())), FOVEA_OK) << fovea_last_error();
    for (int64_t i = 0; i < 67; ++i) {
      EXPECT_EQ(none.y[i], none.x[i]);
      if (i % 2 == 0)
        EXPECT_TRUE(half.y[i] == 0 || std::isnan(half.y[i])) << half.y[i];
      else
        EXPECT_TRUE(half.y[i] == 0 || std::isinf(half.y[i])) << half.y[i];
    }
  });
}

// The state is read when a graph runs, not when it is captured.
TEST(Dropout, ReplaysReadTheState) {
  on_every_isa([&] {
    Call c(0.5f, {256}), expected(0.5f, {256});
    const StreamPtr stream = make_stream();
    fovea_graph* graph = nullptr;
    ASSERT_EQ(fovea_capture_begin(stream.get()), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(c.run(stream.get()), FOVEA_OK) << fovea_last_error();
    ASSERT_EQ(fovea_capture_end(stream.get(), &graph), FOVEA_OK) << fovea_last_error();
    for (const int64_t seed : {1, 2}) {
      c.state[0] = expected.state[0] = seed;
      ASSERT_EQ(finish(stream, expected.run(stream.get())), FOVEA_OK) << fovea_last_error();
      ASSERT_EQ(finish(stream, fovea_graph_replay(graph, stream.get())), FOVEA_OK) << fovea_last_error();
      EXPECT_EQ(std::memcmp(c.y.data(), expected.y.data(), 256 * sizeof(float)), 0);
    }
    EXPECT_EQ(fovea_graph_destroy(graph), FOVEA_OK);
  });
}

TEST(Dropout, InPlaceAndLive) {
  on_every_isa([&] {
    for (const std::vector<int64_t>& shape : {std::vector<int64_t>{6, 11}, {66}}) {
      Call all(0.25f, shape), c(0.25f, shape);
      const Live live(shape.size() == 1 ? 33 : 3);
      const StreamPtr stream = make_stream();
      ASSERT_EQ(finish(stream, all.run(stream.get())), FOVEA_OK) << fovea_last_error();
      fovea_tensor xt = c.x.view();
      xt.live = live.get();
      const fovea_tensor st = c.state.view();
      const std::vector<float> before = c.x.values();
      ASSERT_EQ(finish(stream, fovea_dropout(&c.params, &st, &xt, &xt, stream.get())), FOVEA_OK) << fovea_last_error();
      for (int64_t i = 0; i < 66; ++i) EXPECT_EQ(c.x[i], i < 33 ? all.y[i] : before[static_cast<size_t>(i)]) << i;
    }
  });
}

// Backends with narrow types compute in f32 and round once, and drop the same elements.
template <class T>
void check_narrow(double relative) {
  for (const int64_t columns : {40, 31}) {
    CallOf<T> c(0.3f, {13, columns});
    Call wide(0.3f, {13, columns});
    for (int64_t i = 0; i < c.x.size(); ++i) wide.x[i] = static_cast<float>(c.x[i]);
    check_narrow_kernel<T>(
        c.y, wide.y, {relative, 0}, [&](fovea_stream* s) { return wide.run(s); }, [&](fovea_stream* s) { return c.run(s); });
  }
}
TEST(Dropout, HalfPrecision) { check_narrow<Half>(0x1p-11 + 0x1p-23); }
TEST(Dropout, BFloat16) { check_narrow<BFloat16>(0x1p-8 + 0x1p-23); }

TEST(DropoutArguments, AreChecked) {
  Call c(0.5f, {4, 3});
  Array<int64_t> three({3});
  Array<float> other({3, 4});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = c.x.view(), yt = c.y.view(), st = c.state.view(), tt = three.view(), ot = other.view();
  const auto refused = [&](float rate, const fovea_tensor* state, const fovea_tensor* y, const char* message) {
    const fovea_dropout_params p{rate, 0, 0};
    EXPECT_EQ(fovea_dropout(&p, state, &xt, y, stream.get()), FOVEA_INVALID_ARGUMENT);
    EXPECT_STREQ(fovea_last_error(), message);
  };
  refused(1, &st, &yt, "dropout: rate is 1, it must be in [0, 1)");
  refused(-0.1f, &st, &yt, "dropout: rate is -0.1, it must be in [0, 1)");
  refused(std::numeric_limits<float>::quiet_NaN(), &st, &yt, "dropout: rate is nan, it must be in [0, 1)");
  refused(0.5f, nullptr, &yt, "dropout: state is NULL");
  refused(0.5f, &tt, &yt, "dropout: state must be [2], it is [3] i64");
  refused(0.5f, &xt, &yt, "dropout: state must have rank 1, it is [4, 3] f32");
  refused(0.5f, &st, &ot, "dropout: x is [4, 3] f32 but y is [3, 4] f32");
}

}  // namespace
