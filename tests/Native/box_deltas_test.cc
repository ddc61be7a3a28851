#include "every_isa.h"

using namespace fovea_test;

namespace {

// Boxes with positive sides, deltas of a usual size.
void fill_boxes(Array<float>& boxes, uint32_t seed) {
  boxes.fill(seed, 0, 100);
  for (int64_t r = 0; r < boxes.rows(); ++r)
    for (int c = 0; c < 2; ++c) boxes[r * 4 + c + 2] += boxes[r * 4 + c] + 1;
}

TEST(BoxDeltas, MatchesReference) {
  for (const int32_t mode : {FOVEA_DELTA_CORNERS, FOVEA_DELTA_CENTRE}) {
    for (const int32_t plus_one : {0, 1}) {
      for (const auto& [rows, pitch] : {std::array<int64_t, 2>{0, 4}, {1, 4}, {7, 9}, {33, 4}, {4500, 5}}) {
        SCOPED_TRACE(::testing::Message() << "mode " << mode << " plus_one " << plus_one << " rows " << rows);
        Array<float> boxes({rows, 4}, pitch), deltas({rows, 4}, pitch), y({rows, 4}, pitch);
        fill_boxes(boxes, 1);
        deltas.fill(2, -2, 5);  // log sizes beyond the limit of log(1000/16) too
        const fovea_box_deltas_params p{mode, plus_one};
        // Values up to 300 * 62 (exp at the limit) with a handful of roundings and exp's 2 ulp: 1e-6 relative to the
        // largest term, 2e4, of which the result may be a small difference.
        const Tolerance tolerance = mode == FOVEA_DELTA_CORNERS ? Tolerance{1e-6, 4e-4} : Tolerance{4e-6, 1e-2};
        check_kernel<float>(y, tolerance, [&](fovea_stream* s) {
          const fovea_tensor bt = boxes.view(), dt = deltas.view(), yt = y.view();
          return fovea_box_deltas(&p, &bt, &dt, &yt, s);
        });
      }
    }
  }
}

TEST(BoxDeltas, KnownBoxes) {
  Array<float> boxes({1, 4}), deltas({1, 4}), y({1, 4});
  boxes.assign({10, 20, 29, 59});
  const auto move = [&](int32_t mode, int32_t plus_one, const std::vector<float>& d) {
    deltas.assign(d);
    const fovea_box_deltas_params p{mode, plus_one};
    const StreamPtr stream = make_stream();
    const fovea_tensor bt = boxes.view(), dt = deltas.view(), yt = y.view();
    EXPECT_EQ(finish(stream, fovea_box_deltas(&p, &bt, &dt, &yt, stream.get())), FOVEA_OK);
    return y.values();
  };
  on_every_isa([&] {
    // Sides 20 x 40 with the inclusive pixel.
    EXPECT_EQ(move(FOVEA_DELTA_CORNERS, 1, {0.25f, -0.25f, 0.5f, 0.125f}), (std::vector<float>{15, 10, 39, 64}));
    EXPECT_EQ(move(FOVEA_DELTA_CENTRE, 1, {0, 0, 0, 0}), (std::vector<float>{10, 20, 29, 59}));
    EXPECT_EQ(move(FOVEA_DELTA_CENTRE, 0, {1, -1, 0, 0}), (std::vector<float>{29, -19, 48, 20}));
    // The size grows at most 62.5 times: 19 * 62.5 / 2 to either side of 19.5.
    const std::vector<float> limited = move(FOVEA_DELTA_CENTRE, 0, {0, 0, 50, 0});
    EXPECT_NEAR(limited[0], -574.25f, 2e-3);
    EXPECT_NEAR(limited[2], 613.25f, 2e-3);
    EXPECT_TRUE(std::isnan(move(FOVEA_DELTA_CENTRE, 0, {0, 0, NAN, 0})[0]));
  });
}

TEST(BoxDeltas, InPlaceOnColumnsOfATable) {
  // Table rows: 4 box columns, 1 score, 4 deltas; boxes are replaced, everything else stays.
  constexpr int64_t n = 37;
  Array<float> table({n, 9}), expected({n, 4});
  const Live live(30);
  on_every_isa([&] {
    table.fill(5, 0, 10);
    fovea_tensor boxes = table.view();
    boxes.shape[1] = 4;
    fovea_tensor deltas = boxes;
    deltas.data = table.data() + 5;
    const fovea_tensor et = expected.view();
    const fovea_box_deltas_params p{FOVEA_DELTA_CORNERS, 0};
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, fovea_box_deltas(&p, &boxes, &deltas, &et, stream.get())), FOVEA_OK) << fovea_last_error();
    const std::vector<float> before = table.values();
    boxes.live = live.get();
    ASSERT_EQ(finish(stream, fovea_box_deltas(&p, &boxes, &deltas, &boxes, stream.get())), FOVEA_OK) << fovea_last_error();
    for (int64_t r = 0; r < n; ++r)
      for (int64_t c = 0; c < 9; ++c)
        EXPECT_EQ(table[r * 9 + c], c < 4 && r < 30 ? expected[r * 4 + c] : before[static_cast<size_t>(r * 9 + c)]);
  });
}

TEST(BoxDeltas, InstructionSetsAndDevicesAgreeOnCorners) {
  Array<float> boxes({1001, 4}), deltas({1001, 4}), y({1001, 4});
  fill_boxes(boxes, 3);
  deltas.fill(4, -0.3, 0.3);
  const fovea_box_deltas_params p{FOVEA_DELTA_CORNERS, 1};
  const auto run = [&] {
    const StreamPtr stream = make_stream();
    const fovea_tensor bt = boxes.view(), dt = deltas.view(), yt = y.view();
    EXPECT_EQ(finish(stream, fovea_box_deltas(&p, &bt, &dt, &yt, stream.get())), FOVEA_OK);
    return y.values();
  };
  std::vector<float> expected;  // of the CPU's vector bodies; the reference loops round once where they round twice
  {
    const ForcedIsa forced(FOVEA_ISA_SCALAR);
    expected = run();
  }
  for (const int32_t isa : available_isas()) {
    const ForcedIsa forced(isa);
    EXPECT_EQ(expected, run()) << isa_name(isa);
  }
  if (test_device() == nullptr) return;
  on_every_isa([&] { EXPECT_EQ(expected, run()); });
}

TEST(BoxDeltas, ArgumentsAreChecked) {
  Array<float> boxes({4, 4}), five({4, 5}), short_y({3, 4});
  const fovea_tensor bt = boxes.view(), ft = five.view(), st = short_y.view();
  fovea_tensor shifted = bt;
  shifted.data = boxes.data() + 1;
  shifted.shape[0] = 3;
  fovea_tensor front = bt;
  front.shape[0] = 3;
  const StreamPtr stream = make_stream();
  const fovea_box_deltas_params p{}, unknown{7, 0};
  EXPECT_EQ(fovea_box_deltas(&unknown, &bt, &bt, &bt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_box_deltas(nullptr, &bt, &bt, &bt, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_box_deltas(&p, &ft, &ft, &ft, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "box_deltas: boxes must be [R][4], it is [4, 5] f32");
  EXPECT_EQ(fovea_box_deltas(&p, &bt, &bt, &st, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_box_deltas(&p, &front, &st, &shifted, stream.get()), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "box_deltas: boxes and y overlap in memory");
}

}  // namespace
