#include "every_isa.h"

#include <algorithm>

using namespace fovea_test;

namespace {

struct Case {
  fovea_decode_params decode{FOVEA_SCORE_SIGMOID, FOVEA_BOX_CENTRE, -1, 0, 0, 60, .3f, {0, 0, 0, 0}, 0, 0};
  fovea_nms_params nms{.4f, 0, FOVEA_OVERLAP_UNION, 0, 0, 0};
  Array<float> table{{150, 4 + 1 + 6}};

  Case() {
    table.fill(3, -2, 2);
    for (int64_t r = 0; r < 150; ++r)
      for (int c = 0; c < 4; ++c) table[r * 11 + c] = c < 2 ? 50 + 20 * table[r * 11 + c] : 20 + 5 * table[r * 11 + c];
  }
  fovea_tensor view(int64_t first, int64_t columns) {
    fovea_tensor t = table.view();
    t.data = table.data() + first;
    t.shape[1] = columns;
    return t;
  }
  fovea_tensor regression() { return view(0, 4); }
  fovea_tensor objectness() { return view(4, 1); }
  fovea_tensor scores() { return view(5, 6); }
};

TEST(DetectBoxes, IsDecodeThenNms) {
  Case c;
  for (const int64_t capacity : {0, 1, 7, 60, 90})
    for (const int32_t top_k : {0, 60})
      for (const bool objectness : {false, true}) {
        c.decode.top_k = top_k;
        const fovea_tensor cs = c.scores(), co = c.objectness(), cr = c.regression(), *o = objectness ? &co : nullptr;
        Array<float> detections({capacity, 6}, 8), rows({900, 6}), boxes({900, 4}), scores({900});
        Array<int32_t> count({1}), found({1}), classes({900}), keep({capacity}), kept({1});
        const fovea_tensor rt = rows.view(), ft = found.view(), bt = boxes.view(), st = scores.view(), lt = classes.view(),
                           kt = keep.view(), nt = kept.view();
        const Workspace scratch(1 << 20);
        const StreamPtr stream = make_stream();
        found[0] = 0;
        ASSERT_EQ(fovea_decode_boxes(&c.decode, &cs, o, &cr, nullptr, &rt, &ft, scratch.get(), stream.get()), FOVEA_OK);
        for (int64_t i = 0; i < found[0]; ++i) {
          for (int k = 0; k < 4; ++k) boxes[4 * i + k] = rows[6 * i + k];
          scores[i] = rows[6 * i + 4];
          classes[i] = static_cast<int32_t>(rows[6 * i + 5]);
        }
        ASSERT_EQ(fovea_nms(&c.nms, &bt, &st, &lt, &ft, &kt, &nt, scratch.get(), stream.get()), FOVEA_OK) << fovea_last_error();
        if (test_device() != nullptr && capacity != 0 && (capacity != 7 || !objectness) && (capacity != 90 || objectness))
          continue;
        std::vector<std::unique_ptr<Workspace>> workspaces;  // until captured graphs have run
        const auto call = [&](fovea_stream* s) {
          const fovea_tensor hs = c.scores(), ho = c.objectness(), hr = c.regression(), dt = detections.view(),
                             ct = count.view();
          int64_t bytes = 0;
          EXPECT_EQ(fovea_detect_boxes_workspace(&c.decode, &c.nms, &hs, &bytes), FOVEA_OK);
          workspaces.push_back(std::make_unique<Workspace>(bytes));
          return fovea_detect_boxes(&c.decode, &c.nms, &hs, objectness ? &ho : nullptr, &hr, nullptr, &dt, &ct,
                                    workspaces.back()->get(), s);
        };
        check_kernel<int32_t>(count, {0, 0}, call);
        check_kernel<float>(detections, {1e-6, 1e-5}, call);
        for (const auto& workspace : workspaces) EXPECT_TRUE(workspace->guards_intact());
        ASSERT_EQ(count[0], kept[0]);
        for (int64_t k = 0; k < count[0]; ++k)
          for (int i = 0; i < 6; ++i) {
            // A device decodes boxes in double precision.
            if (test_device() != nullptr && i < 4)
              EXPECT_NEAR(detections[6 * k + i], rows[6 * keep[k] + i], 1e-4) << k << ' ' << i;
            else
              EXPECT_EQ(detections[6 * k + i], rows[6 * keep[k] + i]) << k << ' ' << i;
          }
      }
}

TEST(DetectBoxes, EmptyHeadsAndArguments) {
  Case c;
  Array<float> detections({5, 6}), five({5, 5}), none({0, 6}), nothing({0, 4});
  Array<int32_t> count({1});
  const fovea_tensor dt = detections.view(), vt = five.view(), ct = count.view(), nt = none.view(), bt = nothing.view();
  const StreamPtr stream = make_stream();
  const fovea_tensor cs = c.scores(), cr = c.regression();
  count[0] = 9;
  int64_t bytes = -1;
  ASSERT_EQ(fovea_detect_boxes_workspace(&c.decode, &c.nms, &nt, &bytes), FOVEA_OK);
  EXPECT_EQ(bytes, 0);
  EXPECT_EQ(fovea_detect_boxes(&c.decode, &c.nms, &nt, nullptr, &bt, nullptr, &dt, &ct, nullptr, stream.get()), FOVEA_OK)
      << fovea_last_error();
  EXPECT_EQ(count[0], 0);
  const Workspace workspace(1 << 20), small(64);
  const auto call = [&](const fovea_nms_params* nms, const fovea_tensor* out, const Workspace& w) {
    return fovea_detect_boxes(&c.decode, nms, &cs, nullptr, &cr, nullptr, out, &ct, w.get(), stream.get());
  };
  EXPECT_EQ(call(&c.nms, &dt, workspace), FOVEA_OK) << fovea_last_error();
  EXPECT_EQ(call(&c.nms, &dt, small), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(&c.nms, &vt, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_EQ(call(nullptr, &dt, workspace), FOVEA_INVALID_ARGUMENT);
  c.nms.overlap = 4;
  EXPECT_EQ(call(&c.nms, &dt, workspace), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(fovea_last_error(), "detect_boxes: overlap 4 does not suppress, only UNION, MIN, DIOU and GIOU do");
}

}  // namespace
