/* Fovea C ABI, part 4: images and boxes.
 *
 * Images are [N][H][W][C], u8 or f32. Boxes are rows x1, y1, x2, y2 in pixels, width = x2 - x1; the inclusive-pixel
 * convention (width = x2 - x1 + 1) of Caffe-era detectors is always a flag, never a default. The shared contract of nn.h
 * applies. */
#ifndef FOVEA_VISION_H
#define FOVEA_VISION_H

#include "nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- resampling ------------------------------------------------------------------------------------------------------ */

typedef enum fovea_resize_mode {
  FOVEA_RESIZE_NEAREST = 0,       /* source index floor(i*in/out) */
  FOVEA_RESIZE_NEAREST_EXACT = 1, /* floor((i+0.5)*in/out) */
  FOVEA_RESIZE_BILINEAR = 2,
  FOVEA_RESIZE_BICUBIC = 3,
  FOVEA_RESIZE_AREA = 4 /* shrinking: mean of the source interval with fractional ends; enlarging: OpenCV's INTER_AREA rule */
} fovea_resize_mode;

typedef struct fovea_resize_params {
  int32_t mode;          /* fovea_resize_mode */
  int32_t align_corners; /* bilinear, bicubic: src = i*(in-1)/(out-1); otherwise half-pixel centres */
  int32_t antialias;     /* bilinear, bicubic: widen the kernel when shrinking, as Pillow does */
  float cubic_a;         /* bicubic: -0.75 (OpenCV, PyTorch, ONNX) or -0.5 (Pillow) */
  float scale;           /* y = scale*resized + offset, fused; 1 and 0 for none. Ignored for u8 output */
  float offset;
} fovea_resize_params;

/* x [N][H][W][C] to y [N][h][w][C]; u8->u8 (rounded once, halves to even), u8->f32, f32->f32. Separable; f32 accumulation. */
FOVEA_API fovea_status fovea_resize_workspace(const fovea_resize_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                              int64_t* bytes);
FOVEA_API fovea_status fovea_resize(const fovea_resize_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                    const fovea_workspace* workspace, fovea_stream* stream);

/* Resizes x to place_h x place_w (modes as above), writes it at (place_y, place_x) of y and fills the rest:
 * y[..][c] = (v[order ? C-1-c : c] - mean[c]) * scale[c], where v is pad_value outside the placed image. C <= 4. */
typedef struct fovea_letterbox_params {
  fovea_resize_params resize; /* its scale and offset are ignored */
  int32_t place_x, place_y, place_w, place_h;
  int32_t reverse_channels; /* 1: RGB <-> BGR */
  float pad_value;          /* in input units, before mean and scale */
  float mean[4];
  float scale[4];
} fovea_letterbox_params;

/* x u8 or f32 [N][H][W][C], y f32 [N][h][w][C]. */
FOVEA_API fovea_status fovea_letterbox_workspace(const fovea_letterbox_params* params, const fovea_tensor* x,
                                                 const fovea_tensor* y, int64_t* bytes);
FOVEA_API fovea_status fovea_letterbox(const fovea_letterbox_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                       const fovea_workspace* workspace, fovea_stream* stream);

typedef struct fovea_crop_resize_params {
  fovea_resize_params resize; /* antialias, align_corners as above; scale and offset apply to padding too */
  int32_t plus_one; /* 1: a box covers pixels x1..x2 inclusive, 1-based (Matlab and MTCNN); 0: the interval [x1, x2) */
  float pad_value;  /* value outside the image, in input units; it takes part in the resampling */
} fovea_crop_resize_params;

/* One crop per box: x [N][H][W][C] u8 or f32, boxes f32 [R][4] (live rows), batch_index i32 [R] or NULL (image 0),
 * y f32 [R][h][w][C]. Nearest, bilinear and area modes. Empty and non-finite boxes give padding. Box edges are not rounded. */
FOVEA_API fovea_status fovea_crop_resize(const fovea_crop_resize_params* params, const fovea_tensor* x,
                                         const fovea_tensor* boxes, const fovea_tensor* batch_index, const fovea_tensor* y,
                                         fovea_stream* stream);

/* Boxes in whole pixels, as cascades of crops want them. */
typedef enum fovea_rounding {
  FOVEA_ROUNDING_NONE = 0,
  FOVEA_ROUNDING_TRUNCATE = 1, /* toward zero */
  FOVEA_ROUNDING_NEAREST = 2   /* halves to even */
} fovea_rounding;

/* ---- proposals and boxes --------------------------------------------------------------------------------------------- */

/* Cells of a dense score map that pass the threshold become boxes, best first: cell (row i, column j) covers
 * x from (stride*j + origin)/scale_x to (stride*j + origin + cell - 1 + (plus_one ? 0 : 1))/scale_x, y likewise, then
 * rounded. With MTCNN's stride 2, cell 12, origin 1, plus_one 1 that is (2j+1)/s .. (2j+12)/s. Coordinates are computed in
 * double, and truncation takes a quotient within a float's rounding error of an integer for that integer: 18/0.6f is 30. */
typedef struct fovea_grid_proposals_params {
  float threshold; /* keep scores >= threshold; NaN never passes */
  int32_t stride;
  int32_t cell;
  float origin;
  float scale_x, scale_y; /* score-map input pixels per image pixel */
  int32_t plus_one;
  int32_t rounding; /* fovea_rounding */
} fovea_grid_proposals_params;

/* score: [H][W][1] view, deltas: [H][W][4] view or NULL. rows: f32 [capacity][5] = x1 y1 x2 y2 score, or [capacity][9] with
 * the deltas behind. count i32 [1] is set. Order: score descending, then cell index; more cells than capacity: the best. */
FOVEA_API fovea_status fovea_grid_proposals_workspace(const fovea_grid_proposals_params* params, const fovea_tensor* score,
                                                      int64_t* bytes);
FOVEA_API fovea_status fovea_grid_proposals(const fovea_grid_proposals_params* params, const fovea_tensor* score,
                                            const fovea_tensor* deltas, const fovea_tensor* rows, const fovea_tensor* count,
                                            const fovea_workspace* workspace, fovea_stream* stream);

typedef enum fovea_delta_mode {
  FOVEA_DELTA_CORNERS = 0, /* MTCNN: x1 += dx1*w, y1 += dy1*h, x2 += dx2*w, y2 += dy2*h */
  FOVEA_DELTA_CENTRE = 1   /* R-CNN: centre += d*size, size *= exp(min(d, log(1000/16))) */
} fovea_delta_mode;

typedef struct fovea_box_deltas_params {
  int32_t mode; /* fovea_delta_mode */
  int32_t plus_one;
} fovea_box_deltas_params;

/* boxes, deltas, y: f32 [R][4] views. In place allowed. */
FOVEA_API fovea_status fovea_box_deltas(const fovea_box_deltas_params* params, const fovea_tensor* boxes,
                                        const fovea_tensor* deltas, const fovea_tensor* y, fovea_stream* stream);

/* Grows each box to a square about its centre, side max(w, h) without +1. `rounding` is a fovea_rounding: truncation moves the
 * four coordinates toward zero (facenet); nearest rounds the first corner and the side, so the result stays square (other
 * ports). In place allowed. */
FOVEA_API fovea_status fovea_box_square(int32_t rounding, const fovea_tensor* boxes, const fovea_tensor* y,
                                        fovea_stream* stream);

typedef struct fovea_box_points_params {
  int32_t plus_one; /* 1: x = (x2 - x1 + 1)*p + x1 - 1 (MTCNN, 1-based boxes); 0: x = (x2 - x1)*p + x1 */
  int32_t planar;   /* 1: points are x1..xP, y1..yP; 0: x1, y1, .. */
} fovea_box_points_params;

/* Box-relative points to image pixels: boxes [R][4], points [R][2P] views, y [R][2P] always interleaved x, y. In place
 * only when not planar. */
FOVEA_API fovea_status fovea_box_points(const fovea_box_points_params* params, const fovea_tensor* boxes,
                                        const fovea_tensor* points, const fovea_tensor* y, fovea_stream* stream);

/* ---- greedy non-maximum suppression ----------------------------------------------------------------------------------- */

typedef enum fovea_overlap {
  FOVEA_OVERLAP_UNION = 0,
  FOVEA_OVERLAP_MIN = 1 /* intersection over the smaller area */
} fovea_overlap;

typedef struct fovea_nms_params {
  float iou_threshold;   /* box j falls to a kept box i when overlap(i, j) > threshold (>= when inclusive) */
  float score_threshold; /* only boxes with score > threshold take part; -inf for all */
  int32_t overlap;       /* fovea_overlap */
  int32_t plus_one;      /* widths with +1 */
  int32_t inclusive;
  int32_t max_per_class; /* 0: no limit */
} fovea_nms_params;

/* boxes [N][4] with scores [N] or [N][1], classes i32 [N] or NULL, keep i32 [K], count i32 [1];
 * or batched: boxes [B][N][4], scores [B][N], classes [B][N], keep [B][K], count [B].
 * valid: i32 [1] or [B], boxes that take part, or NULL for all N. keep lists indices by score descending, equal scores by
 * ascending index, over all classes; at most K; the rest is -1. Boxes of different classes never suppress each other. NaN
 * scores are dropped; a NaN overlap counts as 0; corners may come in any order. */
FOVEA_API fovea_status fovea_nms_workspace(const fovea_nms_params* params, const fovea_tensor* boxes, int64_t* bytes);
FOVEA_API fovea_status fovea_nms(const fovea_nms_params* params, const fovea_tensor* boxes, const fovea_tensor* scores,
                                 const fovea_tensor* classes, const fovea_tensor* valid, const fovea_tensor* keep,
                                 const fovea_tensor* count, const fovea_workspace* workspace, fovea_stream* stream);

#ifdef __cplusplus
}
#endif
#endif
