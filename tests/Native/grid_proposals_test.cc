#include "every_isa.h"

#include <algorithm>

using namespace fovea_test;

namespace {

constexpr fovea_grid_proposals_params kMtcnn{0.6f, 2, 12, 1.0f, 0.6f, 0.6f, 1, 1};

struct Proposals {
  std::vector<float> rows;
  int32_t count;
};

// One eager run; rows beyond the count stay NaN.
Proposals run(const fovea_grid_proposals_params& p, Array<float>& score, Array<float>* deltas, int64_t capacity,
              int64_t pitch = 0) {
  Array<float> rows({capacity, deltas == nullptr ? 5 : 9}, pitch);
  Array<int32_t> count({1});
  rows.poison();
  const fovea_tensor st = score.view(), rt = rows.view(), ct = count.view();
  fovea_tensor dt{};
  if (deltas != nullptr) dt = deltas->view();
  int64_t bytes = 0;
  EXPECT_EQ(fovea_grid_proposals_workspace(&p, &st, &bytes), FOVEA_OK);
  const Workspace workspace(bytes);
  const StreamPtr stream = make_stream();
  EXPECT_EQ(
      finish(stream, fovea_grid_proposals(&p, &st, deltas == nullptr ? nullptr : &dt, &rt, &ct, workspace.get(), stream.get())),
      FOVEA_OK)
      << fovea_last_error();
  EXPECT_TRUE(rows.guards_intact() && count.guards_intact() && workspace.guards_intact());
  return {rows.values(), count[0]};
}

TEST(GridProposals, CellOfMtcnnBecomesItsBox) {
  // x = 3, y = 5, s = 0.6: the box of the published pipeline, although 18 / 0.6f is 29.9999988.
  Array<float> score({7, 6, 1});
  score.fill(1, 0, 0.5);
  score[5 * 6 + 3] = 0.75f;
  on_every_isa([&] {
    const Proposals r = run(kMtcnn, score, nullptr, 4);
    ASSERT_EQ(r.count, 1);
    EXPECT_EQ(std::vector<float>(r.rows.begin(), r.rows.begin() + 5), (std::vector<float>{11, 18, 30, 36, 0.75f}));
    EXPECT_TRUE(std::isnan(r.rows[5])) << "rows behind the count are left alone";
  });
}

TEST(GridProposals, ConventionsOfWidthAndTruncation) {
  Array<float> score({2, 2, 1});
  score.fill(1, 0, 0.5);
  score[3] = 0.9f;
  on_every_isa([&] {
    fovea_grid_proposals_params p{0.6f, 8, 16, -4.0f, 0.5f, 2.0f, 0, 0};
    // Cell (1, 1): edges 8 - 4 = 4 and 4 + 16 = 20.
    Proposals r = run(p, score, nullptr, 1);
    EXPECT_EQ(r.rows, (std::vector<float>{8, 2, 40, 10, 0.9f}));
    p.plus_one = 1;  // the last pixel inside: 19
    r = run(p, score, nullptr, 1);
    EXPECT_EQ(r.rows, (std::vector<float>{8, 2, 38, 9.5f, 0.9f}));
    p.rounding = FOVEA_ROUNDING_TRUNCATE;
    r = run(p, score, nullptr, 1);
    EXPECT_EQ(r.rows, (std::vector<float>{8, 2, 38, 9, 0.9f}));
    p.origin = -9;  // toward zero, not down: (8 - 9) / 2 = -0.5
    r = run(p, score, nullptr, 1);
    EXPECT_EQ(r.rows[1], 0.0f);
    p.rounding = FOVEA_ROUNDING_NEAREST;  // halves to even: -0.5 is 0, (8 - 9 + 15) / 2 = 7 stays, -1 / 0.5 = -2, 14 / 0.5 = 28
    r = run(p, score, nullptr, 1);
    EXPECT_EQ(r.rows, (std::vector<float>{-2, 0, 28, 7, 0.9f}));
  });
}

TEST(GridProposals, MatchesReference) {
  for (const auto& [h, w, pitch] : {std::array<int64_t, 3>{1, 1, 1}, {13, 17, 1}, {13, 17, 2}, {31, 7, 9}, {139, 187, 2}}) {
    for (const int64_t capacity : {int64_t{0}, int64_t{1}, int64_t{40}, h * w}) {
      for (const bool with_deltas : {false, true}) {
        SCOPED_TRACE(::testing::Message() << h << "x" << w << " pitch " << pitch << " capacity " << capacity << " deltas "
                                          << with_deltas);
        Array<float> score({h, w, 1}, pitch), deltas({h, w, 4}, 6), rows({capacity, with_deltas ? 9 : 5}, 11);
        Array<int32_t> count({1});
        score.fill(7, 0, 1);
        deltas.fill(8);
        // Exact ties, the threshold itself, both zeros and NaN.
        for (int64_t i = 0; i < score.size(); i += 3) score[i] = i % 2 == 0 ? 0.6f : 0.875f;
        for (int64_t i = 5; i < score.size(); i += 29) score[i] = std::nanf("");
        if (test_device() != nullptr && h == 139 && (capacity != 40 || !with_deltas)) continue;
        std::vector<std::unique_ptr<Workspace>> workspaces;  // until captured graphs have run
        const auto call = [&](fovea_stream* s) {
          const fovea_tensor st = score.view(), dt = deltas.view(), rt = rows.view(), ct = count.view();
          int64_t bytes = 0;
          EXPECT_EQ(fovea_grid_proposals_workspace(&kMtcnn, &st, &bytes), FOVEA_OK);
          workspaces.push_back(std::make_unique<Workspace>(bytes));
          return fovea_grid_proposals(&kMtcnn, &st, with_deltas ? &dt : nullptr, &rt, &ct, workspaces.back()->get(), s);
        };
        // Copies and one division in double precision: equal.
        check_kernel<float>(rows, {0, 0}, call);
        check_kernel<int32_t>(count, {0, 0}, call);
        for (const auto& workspace : workspaces) EXPECT_TRUE(workspace->guards_intact());
        int64_t expected = 0;
        for (int64_t i = 0; i < score.size(); ++i) expected += score[i] >= 0.6f;
        EXPECT_EQ(count[0], std::min(expected, capacity));
        for (int64_t k = 1; k < count[0]; ++k) EXPECT_GE(rows[(k - 1) * rows.last() + 4], rows[k * rows.last() + 4]);
      }
    }
  }
}

TEST(GridProposals, TiesKeepCellOrderAndZerosAreEqual) {
  Array<float> score({1, 5, 1});
  score.assign({-0.0f, 0.0f, 0.5f, -0.0f, -1.0f});
  const fovea_grid_proposals_params p{-2.0f, 1, 1, 0.0f, 1.0f, 1.0f, 0, 0};
  on_every_isa([&] {
    const Proposals r = run(p, score, nullptr, 5);
    ASSERT_EQ(r.count, 5);
    std::vector<float> columns;
    for (int k = 0; k < 5; ++k) columns.push_back(r.rows[static_cast<size_t>(5 * k)]);
    EXPECT_EQ(columns, (std::vector<float>{2, 0, 1, 3, 4}));
  });
}

TEST(GridProposals, LiveRowsAndEmptyMaps) {
  Array<float> score({4, 3, 1}), rows({12, 5}), empty({0, 3, 1});
  Array<int32_t> count({1});
  score.fill(3, 0.7, 0.9);
  const Live live(2);
  on_every_isa([&] {
    fovea_tensor st = score.view();
    st.live = live.get();
    const fovea_tensor rt = rows.view(), ct = count.view(), et = empty.view();
    int64_t bytes = 0;
    ASSERT_EQ(fovea_grid_proposals_workspace(&kMtcnn, &st, &bytes), FOVEA_OK);
    const Workspace workspace(bytes);
    const StreamPtr stream = make_stream();
    ASSERT_EQ(finish(stream, fovea_grid_proposals(&kMtcnn, &st, nullptr, &rt, &ct, workspace.get(), stream.get())), FOVEA_OK);
    EXPECT_EQ(count[0], 6);
    ASSERT_EQ(finish(stream, fovea_grid_proposals(&kMtcnn, &et, nullptr, &rt, &ct, nullptr, stream.get())), FOVEA_OK)
        << fovea_last_error();
    EXPECT_EQ(count[0], 0);
  });
}

TEST(GridProposals, ArgumentsAreChecked) {
  Array<float> score({4, 3, 1}), two({4, 3, 2}), deltas({4, 3, 4}), rows5({12, 5}), rows9({12, 9});
  Array<int32_t> count({1}), counts({2});
  const fovea_tensor st = score.view(), tt = two.view(), dt = deltas.view(), r5 = rows5.view(), r9 = rows9.view(),
                     ct = count.view(), c2 = counts.view();
  const Workspace workspace(4 * 3 * 16), small(8);
  const StreamPtr stream = make_stream();
  const auto call = [&](const fovea_grid_proposals_params& p, const fovea_tensor* s, const fovea_tensor* d,
                        const fovea_tensor* r, const fovea_tensor* c,
                        const Workspace& w) { return fovea_grid_proposals(&p, s, d, r, c, w.get(), stream.get()); };
  EXPECT_EQ(call(kMtcnn, &st, &dt, &r9, &ct, workspace), FOVEA_OK);
  EXPECT_EQ(call(kMtcnn, &tt, nullptr, &r5, &ct, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "grid_proposals: score must be [H][W][1], it is [4, 3, 2] f32");
  EXPECT_EQ(call(kMtcnn, &st, &dt, &r5, &ct, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "grid_proposals: rows must have 9 columns with deltas, it is [12, 5] f32");
  EXPECT_EQ(call(kMtcnn, &st, nullptr, &r9, &ct, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(kMtcnn, &st, nullptr, &r5, &c2, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(kMtcnn, &st, nullptr, &r5, &ct, small), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(kMtcnn, nullptr, nullptr, &r5, &ct, workspace), FOVEA_INVALID_ARGUMENT);
  for (const auto& change : std::vector<std::function<void(fovea_grid_proposals_params&)>>{
           [](auto& p) { p.threshold = std::nanf(""); }, [](auto& p) { p.stride = 0; }, [](auto& p) { p.cell = -1; },
           [](auto& p) { p.scale_x = 0; }, [](auto& p) { p.scale_y = INFINITY; }, [](auto& p) { p.origin = NAN; }}) {
    fovea_grid_proposals_params p = kMtcnn;
    change(p);
    EXPECT_EQ(call(p, &st, nullptr, &r5, &ct, workspace), FOVEA_INVALID_ARGUMENT);
  }
  fovea_tensor huge = st;
  huge.shape[0] = huge.shape[1] = int64_t{1} << 40;
  int64_t bytes = 0;
  EXPECT_EQ(fovea_grid_proposals_workspace(&kMtcnn, &huge, &bytes), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(fovea_grid_proposals_workspace(nullptr, &st, &bytes), FOVEA_INVALID_ARGUMENT);
}

}  // namespace
