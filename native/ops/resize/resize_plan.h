// The sizes and the workspace of a separable resize of x [N][in_h][in_w][C] to out_h x out_w, shared by resize and letterbox.
// Workspace: tap tables of the rows, tap tables of the columns, then per thread one summed source row and one output row.
#pragma once

#include "core/tensor.h"
#include "ops/resize/resample.h"

namespace fovea {

struct ResizePlan {
  ResampleAxis rows, columns;
  int64_t row_taps, column_taps;  // strides of the weight tables
  int64_t in_height, in_width, channels;
  char* workspace;
  int32_t threads;  // with scratch
};

static inline int64_t align_up(int64_t bytes) { return (bytes + 63) / 64 * 64; }
static inline int64_t table_bytes(int64_t samples, int64_t taps) { return align_up(samples * (8 + 4 * taps)); }
static inline int64_t tables_bytes(const ResizePlan& p) {
  return table_bytes(p.rows.out, p.row_taps) + table_bytes(p.columns.out, p.column_taps);
}
// Rows are read and written in 4-lane vectors: 4 floats of slack.
static inline int64_t summed_row_bytes(const ResizePlan& p) { return align_up((p.in_width * p.channels + 4) * 4); }
static inline int64_t scratch_bytes(const ResizePlan& p) {
  return summed_row_bytes(p) + align_up((p.columns.out * p.channels + 4) * 4);
}

// The plan of a resize of x to out_height x out_width, without workspace and threads.
static inline ResizePlan make_resize_plan(const fovea_resize_params& params, const fovea_tensor& x, int64_t out_height,
                                          int64_t out_width) {
  const auto axis = [&](int64_t in, int64_t out) {
    return ResampleAxis{params.mode,
                        params.align_corners,
                        params.antialias,
                        static_cast<double>(params.cubic_a),
                        0,
                        static_cast<double>(in),
                        out,
                        0,
                        in - 1};
  };
  ResizePlan p{};
  p.rows = axis(x.shape[1], out_height), p.columns = axis(x.shape[2], out_width);
  p.row_taps = max_taps(p.rows), p.column_taps = max_taps(p.columns);
  p.in_height = x.shape[1], p.in_width = x.shape[2], p.channels = x.shape[3];
  return p;
}

// Checks params, x (u8 or f32) and the two sizes, without looking at memory or devices. On success the plan has everything
// but its workspace, and *bytes is what fovea_<op>_workspace answers. Messages call the tensors by the names given.
fovea_status plan_resize(const char* op, const fovea_resize_params& params, const fovea_tensor* x, const fovea_tensor* y,
                         int64_t out_height, int64_t out_width, ResizePlan* plan, int64_t* bytes, const char* x_name = "x",
                         const char* y_name = "y");

// Attaches the caller's workspace; fewer threads than planned are used when it is smaller than asked for.
fovea_status attach_workspace(const char* op, const fovea_workspace* workspace, ResizePlan* plan);

}  // namespace fovea
