#include <limits>

#include "every_backend.h"

using namespace fovea_test;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Case {
  std::vector<int64_t> shape;
  int32_t axis;
  int64_t x_pitch = 0;
  int64_t y_pitch = 0;  // with kept dimensions
};

template <class Index>
void matches_reference() {
  for (const Case& c : {Case{{1}, 0}, Case{{1000}, 0}, Case{{2, 1500}, 1}, Case{{33, 2}, 1}, Case{{9, 80}, -1, 84, 3},
                        Case{{5, 7, 31}, 2}, Case{{5, 7, 31}, 1, 33, 40}, Case{{5, 7, 31}, 0, 33}, Case{{2, 3, 5, 16}, 1},
                        Case{{0, 4}, 1}, Case{{4, 0}, 1}, Case{{4, 0, 3}, 0}}) {
    std::vector<int64_t> kept = c.shape, removed = c.shape;
    const size_t axis = static_cast<size_t>(c.axis < 0 ? c.axis + static_cast<int32_t>(c.shape.size()) : c.axis);
    kept[axis] = 1;
    removed.erase(removed.begin() + static_cast<std::ptrdiff_t>(axis));
    Array<float> x(c.shape, c.x_pitch);
    // Few distinct values make many ties; some NaN.
    x.fill(1, 0, 5);
    for (int64_t i = 0; i < x.size(); ++i) x[i] = i % 11 == 3 ? kNan : std::floor(x[i]);
    for (const int32_t minimum : {0, 1})
      for (const bool keep : {true, false}) {
        SCOPED_TRACE(::testing::PrintToString(c.shape) + " axis " + std::to_string(c.axis) + " minimum " +
                     std::to_string(minimum));
        Array<Index> y(keep ? kept : removed, keep ? c.y_pitch : 0);
        const fovea_arg_params p{c.axis, minimum};
        check_kernel<Index>(y, {}, [&](fovea_stream* s) {
          const fovea_tensor xt = x.view(), yt = y.view();
          return fovea_argmax(&p, &xt, &yt, s);
        });
      }
  }
}

TEST(Argmax, MatchesReferenceWithInt32) { matches_reference<int32_t>(); }
TEST(Argmax, MatchesReferenceWithInt64) { matches_reference<int64_t>(); }

TEST(Argmax, TiesAndNan) {
  struct Line {
    std::vector<float> x;
    int32_t largest, smallest;
  };
  const Line lines[] = {{{1, 5, 5, 1}, 1, 0},
                        {{kNan, kNan, kNan, kNan}, 0, 0},
                        {{kNan, -kInf, kNan, -kInf}, 1, 1},
                        {{-kInf, -kInf, -kInf, -kInf}, 0, 0},
                        {{kNan, kInf, 1, kNan}, 1, 2},
                        {{-0.0f, 0.0f, 0.0f, -0.0f}, 0, 0},
                        {{-1, -2, -2, -1}, 0, 1}};
  on_every_backend([&](fovea_stream* stream, bool) {
    for (const Line& line : lines)
      for (const int32_t minimum : {0, 1})
        for (const int32_t axis : {0, 1}) {
          Array<float> x(axis == 1 ? std::vector<int64_t>{1, 4} : std::vector<int64_t>{4, 1});
          Array<int32_t> y({1});
          x.assign(line.x);
          const fovea_tensor xt = x.view(), yt = y.view();
          const fovea_arg_params p{axis, minimum};
          ASSERT_EQ(finish(fovea_argmax(&p, &xt, &yt, stream), stream), FOVEA_OK) << fovea_last_error();
          EXPECT_EQ(y[0], minimum != 0 ? line.smallest : line.largest) << "first " << line.x[0];
        }
  });
}

TEST(Argmax, LiveLimitsTheLeadingDimension) {
  Array<float> x({4, 2});
  x.assign({0, 1, 2, 1, 5, 6, 7, 8});
  Array<int32_t> rows({4}), columns({2});
  Array<int32_t> live({1});
  live[0] = 2;
  on_every_backend([&](fovea_stream* stream, bool) {
    fovea_tensor xt = x.view();
    xt.live = live.data();
    const fovea_tensor rt = rows.view(), ct = columns.view();
    const fovea_arg_params along_columns{1, 0}, along_rows{0, 0};
    rows.poison();
    ASSERT_EQ(finish(fovea_argmax(&along_columns, &xt, &rt, stream), stream), FOVEA_OK);
    EXPECT_EQ(rows.values(), (std::vector<int32_t>{1, 0, -1, -1}));
    ASSERT_EQ(finish(fovea_argmax(&along_rows, &xt, &ct, stream), stream), FOVEA_OK);
    EXPECT_EQ(columns.values(), (std::vector<int32_t>{1, 0}));
  });
}

// Comparing narrow values is comparing their f32 ones.
template <class T>
void check_narrow() {
  for (const int32_t axis : {0, 1}) {
    Array<float> wide({9, 80});
    Array<T> x({9, 80}, 88);
    Array<int32_t> y({axis == 0 ? 80 : 9});
    x.fill(1);
    for (int64_t i = 0; i < x.size(); ++i) wide[i] = static_cast<float>(x[i]);
    const fovea_arg_params p{axis, 0};
    check_kernel<int32_t>(y, {}, [&](fovea_stream* s) {
      const fovea_tensor xt = current_device() == nullptr ? wide.view() : x.view(), yt = y.view();
      return fovea_argmax(&p, &xt, &yt, s);
    });
  }
}
TEST(Argmax, HalfPrecision) { check_narrow<Half>(); }
TEST(Argmax, BFloat16) { check_narrow<BFloat16>(); }

TEST(Argmax, ArgumentsAreChecked) {
  Array<float> x({4, 3}), floats({4});
  Array<int32_t> y({4}), wrong({3});
  const StreamPtr stream = make_stream();
  const fovea_tensor xt = x.view(), ft = floats.view(), yt = y.view(), wt = wrong.view();
  const fovea_arg_params good{1, 0}, high{2, 0};
  EXPECT_EQ(fovea_argmax(&good, &xt, &wt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "argmax: indices are [3] i32, which is not [4, 3] f32 without axis 1");
  EXPECT_EQ(fovea_argmax(&good, &xt, &ft, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_argmax(&high, &xt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_argmax(nullptr, &xt, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_argmax(&good, nullptr, &yt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_argmax(&good, &xt, nullptr, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_argmax(&good, &xt, &yt, nullptr), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
