// ABI entries of roi_align_backward, their validation, and the reference loops.
#include <algorithm>
#include <bit>
#include <cmath>

#include "core/isa.h"
#include "core/plugin_call.h"
#include "core/stream.h"
#include "ops/roi_align/roi_align.h"

namespace fovea {

FOVEA_DECLARE_BODIES(roi_align_backward, const RoiAlignBackwardJob&)

namespace {

// The winner of a bin: the first of the largest values, in the order of samples and their corners. A sample outside counts as 0
// and wins only over negative values.
void find_winner(const RoiAlignBackwardJob& j, const RoiBox& box, int64_t ph, int64_t pw, int64_t c, int64_t element) {
  double most = -HUGE_VAL;
  int32_t winner = -1;
  const auto offer = [&](int64_t row, int64_t column, double weight) {
    const int64_t cell = row * j.boxes.width + column;
    const double v = weight * static_cast<double>(j.x[(box.image * j.boxes.height * j.boxes.width + cell) * j.x_pitch + c]);
    if (!(v > most || (std::isnan(v) && !std::isnan(most)))) return;
    most = v, winner = static_cast<int32_t>(cell);
    if (j.weight != nullptr) j.weight[element] = static_cast<float>(weight);
  };
  bool outside = false;
  if (j.boxes.params.mode == FOVEA_ROI_POOL) {
    const RoiCells rows = roi_cells(box.rows, ph), columns = roi_cells(box.columns, pw);
    for (int64_t row = rows.begin; row < rows.end; ++row)
      for (int64_t column = columns.begin; column < columns.end; ++column) offer(row, column, 1);
  } else {
    for (int64_t iy = 0; iy < box.rows.samples; ++iy)
      for (int side_y = 0; side_y < 2; ++side_y)
        for (int64_t ix = 0; ix < box.columns.samples; ++ix)
          for (int side_x = 0; side_x < 2; ++side_x) {
            const RoiSample y = roi_sample(box.rows, ph, iy), x = roi_sample(box.columns, pw, ix);
            if (y.inside && x.inside)
              offer(side_y == 0 ? y.low : y.high, side_x == 0 ? x.low : x.high,
                    (side_y == 0 ? y.low_weight : y.high_weight) * (side_x == 0 ? x.low_weight : x.high_weight));
            else
              outside = true;
          }
  }
  j.winner[element] = std::bit_cast<float>(outside && most < 0 ? -1 : winner);
}

// What the samples of a bin weigh along one axis in a cell.
double weight_of(const RoiAxis& a, int64_t bin, int64_t cell) {
  double sum = 0;
  for (int64_t i = 0; i < a.samples; ++i) {
    const RoiSample s = roi_sample(a, bin, i);
    if (s.inside) sum += (s.low == cell ? s.low_weight : 0) + (s.high == cell ? s.high_weight : 0);
  }
  return sum;
}

// All that a cell gets, for up to 16 channels.
constexpr int64_t kSums = 16;
void gather(const RoiAlignBackwardJob& j, int64_t image, int64_t y, int64_t x, int64_t channel, double (&sums)[kSums]) {
  const int64_t count = live_rows(j.boxes.live, j.boxes.count), lanes = std::min(kSums, j.channels - channel);
  const auto cell = static_cast<int32_t>(y * j.boxes.width + x);
  for (int64_t r = 0; r < count; ++r) {
    RoiBox box{};
    if (!roi_box(j.boxes, r, box) || box.image != image) continue;
    for (int64_t ph = 0; ph < j.boxes.bins_h; ++ph) {
      const double row_weight = j.winner == nullptr ? weight_of(box.rows, ph, y) * roi_share(box) : 1;
      if (row_weight == 0) continue;
      for (int64_t pw = 0; pw < j.boxes.bins_w; ++pw) {
        const int64_t bin = (r * j.boxes.bins_h + ph) * j.boxes.bins_w + pw;
        const double mean_weight = j.winner == nullptr ? weight_of(box.columns, pw, x) * row_weight : 0;
        if (j.winner == nullptr && mean_weight == 0) continue;
        for (int64_t c = 0; c < lanes; ++c) {
          const double gradient = static_cast<double>(j.dy[bin * j.dy_pitch + channel + c]);
          const int64_t element = bin * j.channels + channel + c;
          if (j.winner == nullptr)
            sums[c] += mean_weight * gradient;
          else if (std::bit_cast<int32_t>(j.winner[element]) == cell)
            sums[c] += (j.weight == nullptr ? 1 : static_cast<double>(j.weight[element])) * gradient;
        }
      }
    }
  }
}

void roi_align_backward_reference(const RoiAlignBackwardJob& j) {
  const int64_t count = live_rows(j.boxes.live, j.boxes.count), bins = j.boxes.bins_h * j.boxes.bins_w;
  for (int64_t r = 0; r < count && j.winner != nullptr; ++r) {
    RoiBox box{};
    if (!roi_box(j.boxes, r, box)) continue;
    for (int64_t bin = 0; bin < bins; ++bin)
      for (int64_t c = 0; c < j.channels; ++c)
        find_winner(j, box, bin / j.boxes.bins_w, bin % j.boxes.bins_w, c, (r * bins + bin) * j.channels + c);
  }
  float* dx = j.dx;
  for (int64_t n = 0; n < j.boxes.batch; ++n)
    for (int64_t y = 0; y < j.boxes.height; ++y)
      for (int64_t x = 0; x < j.boxes.width; ++x, dx += j.dx_pitch)
        for (int64_t c = 0; c < j.channels; c += kSums) {
          double sums[kSums] = {};
          gather(j, n, y, x, c, sums);
          for (int64_t i = 0; i < std::min(kSums, j.channels - c); ++i) dx[c + i] = static_cast<float>(sums[i]);
        }
}

// Winners of all bins, and for ROI_ALIGN_MAX their weights.
int64_t winner_floats(const fovea_tensor& dy) { return elements(dy); }
int64_t workspace_bytes(const fovea_roi_align_params& p, const fovea_tensor& dy) {
  const int64_t arrays = p.mode == FOVEA_ROI_ALIGN ? 0 : p.mode == FOVEA_ROI_POOL ? 1 : 2;
  return winner_floats(dy) * arrays * int64_t{sizeof(float)};
}

}  // namespace
}  // namespace fovea

using namespace fovea;

extern "C" fovea_status fovea_roi_align_backward_workspace(const fovea_roi_align_params* params, const fovea_tensor* dy,
                                                           const fovea_tensor* dx, int64_t* bytes) {
  constexpr const char* op = "roi_align_backward_workspace";
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_CHECK(dy != nullptr, "%s: dy is NULL", op);
  FOVEA_CHECK(dx != nullptr, "%s: dx is NULL", op);
  FOVEA_CHECK(bytes != nullptr, "%s: bytes is NULL", op);
  FOVEA_TRY(check_rois(op, params, "dx", *dx, "dy", *dy));
  FOVEA_FORWARD_TENSOR(dy, fovea_roi_align_backward_workspace, params, dy, dx, bytes);
  *bytes = workspace_bytes(*params, *dy);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_roi_align_backward(const fovea_roi_align_params* params, const fovea_tensor* x,
                                                 const fovea_tensor* boxes, const fovea_tensor* images, const fovea_tensor* dy,
                                                 const fovea_tensor* dx, const fovea_workspace* workspace,
                                                 fovea_stream* stream) {
  constexpr const char* op = "roi_align_backward";
  FOVEA_CHECK(stream != nullptr, "%s: stream is NULL", op);
  FOVEA_CHECK(params != nullptr, "%s: params is NULL", op);
  FOVEA_TRY(check_float_tensor(op, "dy", dy, 4, stream));
  FOVEA_TRY(check_tensor(op, "dx", dx, 4, dy->dtype, stream));
  FOVEA_TRY(check_rois(op, params, "dx", *dx, "dy", *dy));
  FOVEA_TRY(check_roi_boxes(op, boxes, images, *dy, stream));
  FOVEA_CHECK(x != nullptr || params->mode == FOVEA_ROI_ALIGN, "%s: x is NULL, but a maximum needs it", op);
  if (x != nullptr) {
    FOVEA_TRY(check_tensor(op, "x", x, 4, dy->dtype, stream));
    FOVEA_TRY(check_same_shape(op, "x", *x, "dx", *dx));
    FOVEA_TRY(check_no_overlap(op, "x", *x, "dx", *dx, false));
  }
  FOVEA_TRY(check_no_overlap(op, "dy", *dy, "dx", *dx, false));
  FOVEA_TRY(check_no_overlap(op, "boxes", *boxes, "dx", *dx, false));
  if (images != nullptr) FOVEA_TRY(check_no_overlap(op, "images", *images, "dx", *dx, false));
  FOVEA_FORWARD(stream, fovea_roi_align_backward, params, x, boxes, images, dy, dx, workspace, stream);
  const int64_t bytes = workspace_bytes(*params, *dy);
  FOVEA_TRY(check_workspace(op, workspace, bytes));
  if (elements(*dx) == 0) return FOVEA_OK;
  float* const winner = bytes == 0 ? nullptr : static_cast<float*>(workspace->data);
  const RoiAlignBackwardJob job{
      roi_boxes(*params, *dx, *boxes, images, *dy),
      x == nullptr ? nullptr : static_cast<const float*>(x->data),
      static_cast<const float*>(dy->data),
      static_cast<float*>(dx->data),
      winner,
      params->mode == FOVEA_ROI_ALIGN_MAX && winner != nullptr ? winner + winner_floats(*dy) : nullptr,
      dx->shape[3],
      x == nullptr ? 0 : x->pitch,
      dy->pitch,
      dx->pitch};
  return enqueue(stream,
                 select_isa(roi_align_backward_reference, scalar::roi_align_backward, avx2::roi_align_backward,
                            avx512::roi_align_backward),
                 job);
}
