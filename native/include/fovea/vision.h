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

/* ---- regions ----------------------------------------------------------------------------------------------------------- */

typedef enum fovea_roi_mode {
  FOVEA_ROI_ALIGN = 0,     /* mean of bilinear samples (He et al., "Mask R-CNN", 2017) */
  FOVEA_ROI_ALIGN_MAX = 1, /* ONNX RoiAlign, mode max: the largest of the weighted corner values of all samples */
  FOVEA_ROI_POOL = 2       /* Girshick, "Fast R-CNN", 2015: corners rounded to cells, maximum of each bin, 0 for an empty bin */
} fovea_roi_mode;

typedef struct fovea_roi_align_params {
  int32_t mode;           /* fovea_roi_mode */
  float spatial_scale;    /* feature cells per unit of the boxes */
  int32_t sampling_ratio; /* samples per bin and axis; 0: ceil(box size / bins), ROI_POOL ignores it */
  int32_t aligned; /* 1: coordinates shifted by half a cell (detectron2, ONNX half_pixel); 0: and sizes at least 1 cell */
} fovea_roi_align_params;

/* x [N][H][W][C], boxes [R][4], images i32 or i64 [R] (which image of x) or NULL for image 0; y [R][oh][ow][C]. An image index
 * outside [0, N) gives zeros. A box with a NaN or infinite corner gives zeros. At most 2^20 samples count per bin. */
FOVEA_API fovea_status fovea_roi_align(const fovea_roi_align_params* params, const fovea_tensor* x, const fovea_tensor* boxes,
                                       const fovea_tensor* images, const fovea_tensor* y, fovea_stream* stream);
/* dx is written whole; boxes get no gradient. x is read for the two maxima only and may be NULL for ROI_ALIGN. */
FOVEA_API fovea_status fovea_roi_align_backward_workspace(const fovea_roi_align_params* params, const fovea_tensor* dy,
                                                          const fovea_tensor* dx, int64_t* bytes);
FOVEA_API fovea_status fovea_roi_align_backward(const fovea_roi_align_params* params, const fovea_tensor* x,
                                                const fovea_tensor* boxes, const fovea_tensor* images, const fovea_tensor* dy,
                                                const fovea_tensor* dx, const fovea_workspace* workspace, fovea_stream* stream);

/* Deformable convolution (Dai et al., 2017; v2 with mask: Zhu et al., 2019). Each tap (kh, kw) of position (oy, ox) samples x
 * bilinearly, zero outside, at its usual place plus an offset:
 * offsets [N][oh][ow][offset_groups * kernel_h * kernel_w * 2] (y, then x), mask [N][oh][ow][offset_groups * kernel_h *
 * kernel_w] or NULL for ones; the in_channels split into offset_groups neighbouring parts. Weights as conv2d's, conv.groups
 * allowed; conv.activation is applied; conv.algorithm must be AUTO. */
typedef struct fovea_deform_conv2d_params {
  fovea_conv2d_params conv;
  int32_t offset_groups;
  int32_t reserved;
} fovea_deform_conv2d_params;

FOVEA_API fovea_status fovea_deform_conv2d_workspace(const fovea_deform_conv2d_params* params, const fovea_tensor* x,
                                                     int64_t* bytes);
FOVEA_API fovea_status fovea_deform_conv2d(const fovea_deform_conv2d_params* params, const fovea_tensor* x,
                                           const fovea_tensor* offsets, const fovea_tensor* mask, const fovea_tensor* weights,
                                           const fovea_tensor* bias, const fovea_tensor* y, const fovea_workspace* workspace,
                                           fovea_stream* stream);
/* Without the activation. A sample outside the image gives no gradient; on a cell's border the derivative is that of the cell
 * to the lower right. */
typedef struct fovea_deform_conv2d_gradients {
  const fovea_tensor* dx;
  const fovea_tensor* d_offsets;
  const fovea_tensor* d_mask;
  const fovea_tensor* dw;
  const fovea_tensor* dbias;
} fovea_deform_conv2d_gradients;

FOVEA_API fovea_status fovea_deform_conv2d_backward_workspace(const fovea_deform_conv2d_params* params, const fovea_tensor* x,
                                                              int64_t* bytes);
FOVEA_API fovea_status fovea_deform_conv2d_backward(const fovea_deform_conv2d_params* params, const fovea_tensor* x,
                                                    const fovea_tensor* offsets, const fovea_tensor* mask,
                                                    const fovea_tensor* weights, const fovea_tensor* dy,
                                                    const fovea_deform_conv2d_gradients* gradients,
                                                    const fovea_workspace* workspace, fovea_stream* stream);

typedef enum fovea_corner {
  FOVEA_CORNER_TOP = 0,    /* y[i][j] = max over i' >= i of x[i'][j]: looks down from a top edge */
  FOVEA_CORNER_LEFT = 1,   /* ... over j' >= j */
  FOVEA_CORNER_BOTTOM = 2, /* ... over i' <= i */
  FOVEA_CORNER_RIGHT = 3   /* ... over j' <= j */
} fovea_corner;

/* Corner pooling (Law and Deng, "CornerNet", 2018): running maximum of x [N][H][W][C] towards one side. `corner` is a
 * fovea_corner. In place allowed. Backward: dy goes to the element whose value was taken, the first reached on ties. */
FOVEA_API fovea_status fovea_corner_pool(int32_t corner, const fovea_tensor* x, const fovea_tensor* y, fovea_stream* stream);
FOVEA_API fovea_status fovea_corner_pool_backward(int32_t corner, const fovea_tensor* x, const fovea_tensor* dy,
                                                  const fovea_tensor* dx, fovea_stream* stream);

/* ---- non-maximum suppression ------------------------------------------------------------------------------------------ */

typedef enum fovea_overlap {
  FOVEA_OVERLAP_UNION = 0,
  FOVEA_OVERLAP_MIN = 1,  /* intersection over the smaller area */
  FOVEA_OVERLAP_DIOU = 2, /* IoU - (centre distance / diagonal of the enclosing box)^2 (Zheng et al., 2020) */
  FOVEA_OVERLAP_GIOU = 3, /* IoU - (enclosing area - union) / enclosing area (Rezatofighi et al., 2019) */
  FOVEA_OVERLAP_CIOU = 4, /* DIoU - alpha*v of the aspect ratios (Zheng et al., 2020) */
  FOVEA_OVERLAP_EIOU =
      5, /* DIoU - squared differences of width and height over those of the enclosing box (Zhang et al., 2021) */
  FOVEA_OVERLAP_SIOU = 6 /* IoU - (distance + shape cost) / 2 with the angle cost (Gevorgyan, 2022) */
} fovea_overlap;

/* y[i][j] = overlap(a[i], b[j]); a [N][4], b [M][4], y [N][M]. `overlap` is a fovea_overlap. A box without area overlaps with
 * nothing: 0 where the formula has no value. */
FOVEA_API fovea_status fovea_box_overlaps(int32_t overlap, int32_t plus_one, const fovea_tensor* a, const fovea_tensor* b,
                                          const fovea_tensor* y, fovea_stream* stream);

/* The same, IoU only, of turned boxes: a [N][5], b [M][5] = centre x, centre y, width, height, angle in radians from x towards
 * y; y [N][M]. The intersection is the clipped polygon's area. */
FOVEA_API fovea_status fovea_rotated_overlaps(const fovea_tensor* a, const fovea_tensor* b, const fovea_tensor* y,
                                              fovea_stream* stream);

typedef struct fovea_nms_params {
  float iou_threshold;   /* box j falls to a kept box i when overlap(i, j) > threshold (>= when inclusive) */
  float score_threshold; /* only boxes with score > threshold take part; -inf for all */
  int32_t overlap;       /* fovea_overlap; CIOU and above are refused */
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

/* Variants that lower scores instead of, or beside, dropping boxes; systems of the same name in the literature. */
typedef enum fovea_soft_nms_method {
  FOVEA_SOFT_NMS_LINEAR =
      0, /* Bodla et al., 2017: s *= 1 - IoU when IoU > iou_threshold, best box first, re-ranked each time */
  FOVEA_SOFT_NMS_GAUSSIAN = 1, /* the same with s *= exp(-IoU^2 / sigma) for every box */
  FOVEA_MATRIX_NMS_LINEAR = 2, /* Wang et al., SOLOv2, 2020: s_j *= min over i ranked before of (1-IoU_ij) / (1-max_k IoU_ki) */
  FOVEA_MATRIX_NMS_GAUSSIAN = 3, /* ... of exp(-sigma*IoU_ij^2) / exp(-sigma*(max_k IoU_ki)^2) */
  FOVEA_FAST_NMS = 4,            /* Bolya et al., YOLACT, 2019: drops j when a better box, even a dropped one, overlaps it */
  FOVEA_CLUSTER_NMS = 5,         /* Zheng et al., 2020: FAST repeated until nothing changes; keeps what greedy keeps */
  FOVEA_CLUSTER_NMS_SPM = 6      /* ... and its score penalty: s_j *= product over better kept i of exp(-IoU_ij^2 / sigma) */
} fovea_soft_nms_method;

typedef struct fovea_soft_nms_params {
  int32_t method; /* fovea_soft_nms_method */
  float iou_threshold;
  float sigma;
  float score_threshold; /* boxes at or below it, before or after, are dropped */
  int32_t plus_one;
} fovea_soft_nms_params;

/* boxes [N][4], scores [N] or [N][1], classes i32 [N] or NULL, valid i32 [1] or NULL; keep i32 [K], keep_scores f32 [K] (the
 * lowered ones), count i32 [1]. keep is by lowered score descending, ties by index; the rest of keep is -1, of scores 0. Boxes
 * of different classes do not meet. */
FOVEA_API fovea_status fovea_soft_nms_workspace(const fovea_soft_nms_params* params, const fovea_tensor* boxes, int64_t* bytes);
FOVEA_API fovea_status fovea_soft_nms(const fovea_soft_nms_params* params, const fovea_tensor* boxes,
                                      const fovea_tensor* scores, const fovea_tensor* classes, const fovea_tensor* valid,
                                      const fovea_tensor* keep, const fovea_tensor* keep_scores, const fovea_tensor* count,
                                      const fovea_workspace* workspace, fovea_stream* stream);

/* Variants whose results are new boxes: a group's mean, weighted by score. */
typedef enum fovea_weighted_nms_method {
  FOVEA_WEIGHTED_NMS = 0, /* groups of greedy suppression around the best box, with its score (MediaPipe's BlazeFace) */
  FOVEA_BOX_FUSION =
      1 /* groups around the running mean; score = mean score * min(models, n) / models (Solovyev et al., 2021) */
} fovea_weighted_nms_method;

typedef struct fovea_weighted_nms_params {
  int32_t method; /* fovea_weighted_nms_method */
  float iou_threshold;
  float score_threshold; /* only boxes with a higher score take part */
  int32_t models;        /* BOX_FUSION: how many detectors gave the boxes, at least 1 */
  int32_t plus_one;
  int32_t reserved;
} fovea_weighted_nms_params;

/* rows [N][C], C >= 4: a box, then what is averaged with it (landmarks); scores, classes, valid as for fovea_nms. y [K][C],
 * y_scores f32 [K], y_classes i32 [K] (NULL exactly when classes is), count i32 [1]: groups by score descending, then by the
 * index of their first box; the rest is 0, of classes -1. */
FOVEA_API fovea_status fovea_weighted_nms_workspace(const fovea_weighted_nms_params* params, const fovea_tensor* rows,
                                                    int64_t* bytes);
FOVEA_API fovea_status fovea_weighted_nms(const fovea_weighted_nms_params* params, const fovea_tensor* rows,
                                          const fovea_tensor* scores, const fovea_tensor* classes, const fovea_tensor* valid,
                                          const fovea_tensor* y, const fovea_tensor* y_scores, const fovea_tensor* y_classes,
                                          const fovea_tensor* count, const fovea_workspace* workspace, fovea_stream* stream);

/* IoU-guided suppression (Jiang et al., "IoU-Net", 2018): the box with the best localisation [N] (any score of how well it
 * fits) stays, takes the highest score of the boxes that overlap it by more than iou_threshold, and removes them. Other
 * arguments as for fovea_soft_nms; keep is by score descending, ties by index. */
FOVEA_API fovea_status fovea_guided_nms_workspace(const fovea_soft_nms_params* params, const fovea_tensor* boxes,
                                                  int64_t* bytes);
FOVEA_API fovea_status fovea_guided_nms(const fovea_soft_nms_params* params, const fovea_tensor* boxes,
                                        const fovea_tensor* scores, const fovea_tensor* localisation,
                                        const fovea_tensor* classes, const fovea_tensor* valid, const fovea_tensor* keep,
                                        const fovea_tensor* keep_scores, const fovea_tensor* count,
                                        const fovea_workspace* workspace, fovea_stream* stream);

/* ---- fused detector heads --------------------------------------------------------------------------------------------- */

typedef enum fovea_score_mode {
  FOVEA_SCORE_PLAIN = 0,   /* the inputs are probabilities */
  FOVEA_SCORE_SIGMOID = 1, /* one logit per class */
  FOVEA_SCORE_SOFTMAX = 2  /* over all C columns; column `background` is no class */
} fovea_score_mode;

typedef enum fovea_box_mode {
  FOVEA_BOX_PLAIN = 0,     /* x1 y1 x2 y2 */
  FOVEA_BOX_CENTRE = 1,    /* cx cy w h in pixels (DETR after scaling, YOLOv5..v8 exports) */
  FOVEA_BOX_DELTAS = 2,    /* R-CNN deltas of anchors [N][4], divided by delta_weights */
  FOVEA_BOX_DISTANCES = 3, /* left, top, right, bottom from anchors [N][3] = x, y, stride, times the stride (FCOS, YOLOv8) */
  FOVEA_BOX_GRID = 4, /* YOLOX: centre = (d + cell)*stride, size = exp(d)*stride, anchors [N][3] = cell x, cell y, stride */
  FOVEA_BOX_BINS = 5  /* DISTANCES as expectations over `bins` softmax logits each (distribution focal loss) */
} fovea_box_mode;

typedef struct fovea_decode_params {
  int32_t score_mode; /* fovea_score_mode */
  int32_t box_mode;   /* fovea_box_mode */
  int32_t background; /* SOFTMAX: column of the background, or -1 */
  int32_t bins;       /* BINS only, 2..64 */
  int32_t best_class; /* 1: only the best class of a row (lowest index on ties), 0: every class over the threshold */
  int32_t top_k;      /* keep the best top_k candidates; 0: the capacity of rows */
  float score_threshold;
  float delta_weights[4]; /* DELTAS: usually 1 1 1 1 or 10 10 5 5; 0 means 1 */
  float clip_w, clip_h;   /* > 0: boxes are clipped to [0, clip] */
} fovea_decode_params;

/* One pass over a head's output: scores, threshold, top-k, and boxes of the survivors only.
 * scores f32 [N][C], objectness f32 [N][1] or NULL (its score mode: sigmoid unless PLAIN; multiplies), regression f32
 * [N][4 or 4*bins], anchors as the box mode says or NULL; views with a pitch, so that one [N][5+C] tensor can serve as all
 * three. rows f32 [capacity][6] = x1 y1 x2 y2 score class, appended behind the *count rows that are there (count i32 [1],
 * raised): levels of a pyramid are one call each. Order inside a call: score descending, then row, then class. NaN scores are
 * dropped. */
FOVEA_API fovea_status fovea_decode_boxes_workspace(const fovea_decode_params* params, const fovea_tensor* scores,
                                                    int64_t* bytes);
FOVEA_API fovea_status fovea_decode_boxes(const fovea_decode_params* params, const fovea_tensor* scores,
                                          const fovea_tensor* objectness, const fovea_tensor* regression,
                                          const fovea_tensor* anchors, const fovea_tensor* rows, const fovea_tensor* count,
                                          const fovea_workspace* workspace, fovea_stream* stream);

/* decode_boxes of a whole head followed by greedy suppression of the candidates: detections [K][6] as above, best first, count
 * i32 [1] set. params->top_k > 0 bounds the candidates. */
FOVEA_API fovea_status fovea_detect_boxes_workspace(const fovea_decode_params* decode, const fovea_nms_params* nms,
                                                    const fovea_tensor* scores, int64_t* bytes);
FOVEA_API fovea_status fovea_detect_boxes(const fovea_decode_params* decode, const fovea_nms_params* nms,
                                          const fovea_tensor* scores, const fovea_tensor* objectness,
                                          const fovea_tensor* regression, const fovea_tensor* anchors,
                                          const fovea_tensor* detections, const fovea_tensor* count,
                                          const fovea_workspace* workspace, fovea_stream* stream);

typedef enum fovea_peak_size {
  FOVEA_PEAK_EXTENT = 0,   /* width, height; the centre is the peak's cell plus offset */
  FOVEA_PEAK_DISTANCES = 1 /* left, top, right, bottom from there */
} fovea_peak_size;

typedef struct fovea_peak_params {
  int32_t score_mode; /* PLAIN or SIGMOID */
  int32_t size_mode;  /* fovea_peak_size */
  int32_t window;     /* odd: a peak equals the maximum of window x window cells around it; 1: every cell is one */
  int32_t top_k;      /* 0: the capacity of rows */
  float score_threshold;
  float stride;         /* pixels per cell; multiplies cell and offset */
  float size_scale;     /* multiplies sizes: the stride where they are in cells, 1 where they are in pixels */
  float clip_w, clip_h; /* > 0: boxes are clipped to [0, clip] */
} fovea_peak_params;

/* CenterNet's decoding (Zhou et al., "Objects as Points", 2019) in one pass: maxima of the heat map, the best top_k of all
 * classes, boxes. heat [H][W][C], size [H][W][2 or 4], offset [H][W][2] or NULL, by cell (x, y). rows f32 [capacity][6] and
 * count as for fovea_decode_boxes; order: score descending, then cell, then class. Cells of equal value that are both maxima
 * are both peaks; NaN is none. */
FOVEA_API fovea_status fovea_peak_boxes_workspace(const fovea_peak_params* params, const fovea_tensor* heat, int64_t* bytes);
FOVEA_API fovea_status fovea_peak_boxes(const fovea_peak_params* params, const fovea_tensor* heat, const fovea_tensor* size,
                                        const fovea_tensor* offset, const fovea_tensor* rows, const fovea_tensor* count,
                                        const fovea_workspace* workspace, fovea_stream* stream);

/* ---- assignment ------------------------------------------------------------------------------------------------------- */

/* Linear assignment: the one-to-one pairs of rows and columns whose costs have the least sum, by shortest augmenting paths with
 * f64 potentials (Jonker and Volgenant, 1987; Crouse, "On implementing 2D rectangular assignment algorithms", 2016).
 * costs f32 [B][Q][T] or [Q][T]; counts i32 [B] or NULL: columns of each problem that take part, the first ones (T where NULL);
 * min(Q, count) pairs are made. rows i32 [B][T]: the row of each column, -1 for none; columns i32 [B][Q]: the column of each
 * row, -1 for none; totals f32 [B]: the sum, or NULL. Either of rows and columns may be NULL. +inf forbids a pair. A problem
 * with a NaN or -inf among its costs, or without a finite sum, gets -1 everywhere and NaN. Every backend finds the same pairs,
 * also where several have the least sum. */
FOVEA_API fovea_status fovea_linear_assignment_workspace(const fovea_tensor* costs, int64_t* bytes);
FOVEA_API fovea_status fovea_linear_assignment(const fovea_tensor* costs, const fovea_tensor* counts, const fovea_tensor* rows,
                                               const fovea_tensor* columns, const fovea_tensor* totals,
                                               const fovea_workspace* workspace, fovea_stream* stream);

#ifdef __cplusplus
}
#endif
#endif
