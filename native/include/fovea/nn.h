/* Fovea C ABI, part 3: dense kernels of neural networks.
 *
 * Shared contract, unless a function says otherwise:
 * - Tensors are f32 on the stream's device. Images are [N][H][W][C]; convolution weights [out][kh][kw][in/groups].
 * - Outputs and workspace belong to the caller; outputs must not overlap inputs except where "in place" is allowed, which
 *   means the very same data pointer and pitch.
 * - `live` of the first input limits the leading dimension that is computed.
 * - A dimension of 0 is legal and computes nothing. NaN propagates.
 * - Same inputs, same instruction set: same bits, whatever the number of threads. */
#ifndef FOVEA_NN_H
#define FOVEA_NN_H

#include "device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- activations ----------------------------------------------------------------------------------------------------- */

typedef enum fovea_activation {
  FOVEA_ACTIVATION_NONE = 0,
  FOVEA_ACTIVATION_RELU = 1,
  FOVEA_ACTIVATION_RELU6 = 2,
  FOVEA_ACTIVATION_LEAKY_RELU = 3, /* x >= 0 ? x : alpha*x */
  FOVEA_ACTIVATION_PRELU = 4,      /* like leaky, slope per channel (last dimension) from a tensor */
  FOVEA_ACTIVATION_SIGMOID = 5,
  FOVEA_ACTIVATION_TANH = 6,
  FOVEA_ACTIVATION_SILU = 7,          /* x*sigmoid(x) */
  FOVEA_ACTIVATION_MISH = 8,          /* x*tanh(softplus(x)) */
  FOVEA_ACTIVATION_GELU = 9,          /* x/2*(1+erf(x/sqrt 2)) */
  FOVEA_ACTIVATION_GELU_TANH = 10,    /* the tanh approximation */
  FOVEA_ACTIVATION_HARD_SIGMOID = 11, /* clamp(alpha*x+beta, 0, 1); ONNX defaults alpha 0.2, beta 0.5 */
  FOVEA_ACTIVATION_HARD_SWISH = 12,   /* x*clamp(x/6+0.5, 0, 1) */
  FOVEA_ACTIVATION_ELU = 13,          /* x > 0 ? x : alpha*(exp(x)-1) */
  FOVEA_ACTIVATION_SELU = 14,         /* beta*(x > 0 ? x : alpha*(exp(x)-1)); alpha 1.6732632, beta 1.0507010 */
  FOVEA_ACTIVATION_SOFTPLUS = 15,     /* log(1+exp(x)), without overflow */
  FOVEA_ACTIVATION_SOFTSIGN = 16,     /* x/(1+|x|) */
  FOVEA_ACTIVATION_CLAMP = 17         /* min(max(x, alpha), beta) */
} fovea_activation;

/* y = activation(x). slope: [C] with C the last dimension of x, PRELU only, else NULL. In place allowed. */
typedef struct fovea_activation_params {
  int32_t kind; /* fovea_activation */
  float alpha;
  float beta;
  int32_t reserved;
} fovea_activation_params;

FOVEA_API fovea_status fovea_activate(const fovea_activation_params* params, const fovea_tensor* x, const fovea_tensor* slope,
                                      const fovea_tensor* y, fovea_stream* stream);

/* ---- convolution and linear ------------------------------------------------------------------------------------------ */

/* y[n][oy][ox][o] = activation(bias[o] + residual[n][oy][ox][o] + sum over kh,kw,i of x[n][oy*stride_h - pad_top +
 * kh*dilation_h][..][i] * w[o][kh][kw][i]) with zeros outside x. Output size: floor((H + pad_top + pad_bottom -
 * dilation_h*(kernel_h-1) - 1) / stride_h) + 1. groups == in_channels == out_channels is depthwise. */
typedef struct fovea_conv2d_params {
  int32_t in_channels;
  int32_t out_channels;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t pad_top, pad_bottom, pad_left, pad_right;
  int32_t dilation_h, dilation_w;
  int32_t groups;
  fovea_activation_params activation;
  int32_t allow_winograd; /* 1: 3x3 stride-1 layers may use Winograd, whose error is a few times that of the direct sum */
  int32_t algorithm;      /* fovea_conv2d_algorithm; 0 leaves the choice to a cost model over parameters and shapes */
} fovea_conv2d_params;

/* A measured override: C# times the algorithms on the shape at hand and prepares the weights for the winner. Prepared weights
 * hold what their algorithm needs; an algorithm that a layer cannot use is refused by prepare. */
typedef enum fovea_conv2d_algorithm {
  FOVEA_CONV2D_AUTO = 0,
  FOVEA_CONV2D_DIRECT = 1,
  FOVEA_CONV2D_WINOGRAD_2X2 = 2, /* F(2x2, 3x3): 2.25 times fewer products, error about that of the direct sum */
  FOVEA_CONV2D_WINOGRAD_4X4 = 3  /* F(4x4, 3x3): 4 times fewer products */
} fovea_conv2d_algorithm;

/* The algorithm that fovea_conv2d will use for this input; never AUTO. */
FOVEA_API fovea_status fovea_conv2d_chosen(const fovea_conv2d_params* params, const fovea_tensor* x, int32_t* algorithm);

/* Weights are packed once. The packed form depends on params but not on the instruction set. */
FOVEA_API fovea_status fovea_conv2d_prepared_bytes(fovea_device* device, const fovea_conv2d_params* params, int64_t* bytes);
/* weights: [out][kh][kw][in/groups]; prepared: rank-1 u8 of that many bytes, 64-byte aligned. Enqueued. */
FOVEA_API fovea_status fovea_conv2d_prepare(const fovea_conv2d_params* params, const fovea_tensor* weights,
                                            const fovea_tensor* prepared, fovea_stream* stream);
FOVEA_API fovea_status fovea_conv2d_workspace(const fovea_conv2d_params* params, const fovea_tensor* x, int64_t* bytes);
/* bias [out], slope [out] and residual (shape of y, added before the activation) may be NULL. */
FOVEA_API fovea_status fovea_conv2d(const fovea_conv2d_params* params, const fovea_tensor* x, const fovea_tensor* prepared,
                                    const fovea_tensor* bias, const fovea_tensor* slope, const fovea_tensor* residual,
                                    const fovea_tensor* y, const fovea_workspace* workspace, fovea_stream* stream);

/* Gradients of conv2d without its activation and residual; dy has the shape of y. Sums run in a fixed order.
 *   dx[n][iy][ix][i] = sum over o, kh, kw of dy[n][oy][ox][o]*w[o][kh][kw][i] with oy*stride_h - pad_top + kh*dilation_h == iy
 * Weights are packed from the forward layout [out][kh][kw][in/groups]. params->activation is ignored. */
FOVEA_API fovea_status fovea_conv2d_backward_data_prepared_bytes(fovea_device* device, const fovea_conv2d_params* params,
                                                                 int64_t* bytes);
FOVEA_API fovea_status fovea_conv2d_backward_data_prepare(const fovea_conv2d_params* params, const fovea_tensor* weights,
                                                          const fovea_tensor* prepared, fovea_stream* stream);
FOVEA_API fovea_status fovea_conv2d_backward_data_workspace(const fovea_conv2d_params* params, const fovea_tensor* dy,
                                                            const fovea_tensor* dx, int64_t* bytes);
FOVEA_API fovea_status fovea_conv2d_backward_data(const fovea_conv2d_params* params, const fovea_tensor* dy,
                                                  const fovea_tensor* prepared, const fovea_tensor* dx,
                                                  const fovea_workspace* workspace, fovea_stream* stream);
/* dw [out][kh][kw][in/groups] = sum over n, oy, ox of dy*x; dbias [out] = sum of dy; either may be NULL. accumulate 1 adds to
 * what is there. */
FOVEA_API fovea_status fovea_conv2d_backward_weights_workspace(const fovea_conv2d_params* params, const fovea_tensor* x,
                                                               const fovea_tensor* dy, int64_t* bytes);
FOVEA_API fovea_status fovea_conv2d_backward_weights(const fovea_conv2d_params* params, const fovea_tensor* x,
                                                     const fovea_tensor* dy, const fovea_tensor* dw, const fovea_tensor* dbias,
                                                     int32_t accumulate, const fovea_workspace* workspace,
                                                     fovea_stream* stream);

/* Transposed convolution: y[n][iy*stride_h - pad_top + kh*dilation_h][..][o] += x[n][iy][ix][i] * w[o][kh][kw][i], then bias
 * and activation. conv.in_channels is the depth of x, conv.out_channels that of y; weights [out][kh][kw][in/groups]. Output
 * size: (H-1)*stride_h - pad_top - pad_bottom + dilation_h*(kernel_h-1) + 1 + output_pad_h. conv.algorithm must be AUTO. */
typedef struct fovea_conv_transpose2d_params {
  fovea_conv2d_params conv;
  int32_t output_pad_h, output_pad_w; /* below max(stride, dilation) of the axis */
} fovea_conv_transpose2d_params;

FOVEA_API fovea_status fovea_conv_transpose2d_prepared_bytes(fovea_device* device, const fovea_conv_transpose2d_params* params,
                                                             int64_t* bytes);
FOVEA_API fovea_status fovea_conv_transpose2d_prepare(const fovea_conv_transpose2d_params* params, const fovea_tensor* weights,
                                                      const fovea_tensor* prepared, fovea_stream* stream);
FOVEA_API fovea_status fovea_conv_transpose2d_workspace(const fovea_conv_transpose2d_params* params, const fovea_tensor* x,
                                                        int64_t* bytes);
FOVEA_API fovea_status fovea_conv_transpose2d(const fovea_conv_transpose2d_params* params, const fovea_tensor* x,
                                              const fovea_tensor* prepared, const fovea_tensor* bias, const fovea_tensor* slope,
                                              const fovea_tensor* y, const fovea_workspace* workspace, fovea_stream* stream);

/* Depthwise convolution and the 1x1 convolution behind it in one pass: the depthwise result of a few rows stays in the cache.
 * depthwise.groups == in_channels == out_channels; its activation is applied in between; pointwise maps in_channels to
 * out_channels with activation. Weights: depthwise [C][kh][kw], pointwise [out][C]. */
typedef struct fovea_separable_conv2d_params {
  fovea_conv2d_params depthwise;
  int32_t out_channels;
  fovea_activation_params activation;
} fovea_separable_conv2d_params;

FOVEA_API fovea_status fovea_separable_conv2d_prepared_bytes(fovea_device* device, const fovea_separable_conv2d_params* params,
                                                             int64_t* bytes);
FOVEA_API fovea_status fovea_separable_conv2d_prepare(const fovea_separable_conv2d_params* params,
                                                      const fovea_tensor* depthwise_weights,
                                                      const fovea_tensor* pointwise_weights, const fovea_tensor* prepared,
                                                      fovea_stream* stream);
FOVEA_API fovea_status fovea_separable_conv2d_workspace(const fovea_separable_conv2d_params* params, const fovea_tensor* x,
                                                        int64_t* bytes);
/* depthwise_bias [C], bias [out], slope [out] and residual (shape of y) may be NULL; the depthwise activation cannot be PRELU.
 */
FOVEA_API fovea_status fovea_separable_conv2d(const fovea_separable_conv2d_params* params, const fovea_tensor* x,
                                              const fovea_tensor* prepared, const fovea_tensor* depthwise_bias,
                                              const fovea_tensor* bias, const fovea_tensor* slope, const fovea_tensor* residual,
                                              const fovea_tensor* y, const fovea_workspace* workspace, fovea_stream* stream);

/* How a linear layer's weights are stored. Narrow formats trade accuracy for memory traffic:
 *   BF16: weights and x are rounded to bf16 (nearest even), products are exact, sums f32.
 *   INT8: weights in [-127, 127] with one scale per output, x quantised row by row to [-127, 127] (scale max|x|/127); sums are
 *         exact in int32, then scaled in f32.
 * Both give the same bits for a row whatever the number of rows. INT8: a row of x with a value that is not finite gives NaN
 * for the row, such a row of weights for its output; at most 133144 inputs keep the sums exact. */
typedef enum fovea_weight_format { FOVEA_WEIGHTS_F32 = 0, FOVEA_WEIGHTS_BF16 = 1, FOVEA_WEIGHTS_INT8 = 2 } fovea_weight_format;

/* y[m][n] = activation(bias[n] + sum over k of x[m][k]*w[n][k]); leading dimensions of x are flattened into m. */
typedef struct fovea_linear_params {
  int32_t in_features;
  int32_t out_features;
  fovea_activation_params activation;
  int32_t weights; /* fovea_weight_format */
  int32_t reserved;
} fovea_linear_params;

FOVEA_API fovea_status fovea_linear_prepared_bytes(fovea_device* device, const fovea_linear_params* params, int64_t* bytes);
FOVEA_API fovea_status fovea_linear_prepare(const fovea_linear_params* params, const fovea_tensor* weights,
                                            const fovea_tensor* prepared, fovea_stream* stream);
FOVEA_API fovea_status fovea_linear_workspace(const fovea_linear_params* params, const fovea_tensor* x, int64_t* bytes);
FOVEA_API fovea_status fovea_linear(const fovea_linear_params* params, const fovea_tensor* x, const fovea_tensor* prepared,
                                    const fovea_tensor* bias, const fovea_tensor* slope, const fovea_tensor* y,
                                    const fovea_workspace* workspace, fovea_stream* stream);

/* y[..][m][n] = alpha * sum over k of op(a)[..][m][k] * op(b)[..][k][n]; batch dimensions broadcast. */
typedef struct fovea_matmul_params {
  float alpha;
  int32_t transpose_a; /* a is stored [..][k][m] */
  int32_t transpose_b; /* b is stored [..][n][k] */
  int32_t reserved;
} fovea_matmul_params;

FOVEA_API fovea_status fovea_matmul_workspace(const fovea_matmul_params* params, const fovea_tensor* a, const fovea_tensor* b,
                                              int64_t* bytes);
FOVEA_API fovea_status fovea_matmul(const fovea_matmul_params* params, const fovea_tensor* a, const fovea_tensor* b,
                                    const fovea_tensor* y, const fovea_workspace* workspace, fovea_stream* stream);

/* ---- pooling --------------------------------------------------------------------------------------------------------- */

typedef enum fovea_pool_mode { FOVEA_POOL_MAX = 0, FOVEA_POOL_AVERAGE = 1 } fovea_pool_mode;

/* ceil_mode rounds the output size up, but a window that would start in the bottom/right padding is dropped (PyTorch and
 * ONNX rule). Max ignores padding; average divides by the window's cells inside the image, or with count_include_pad by
 * the cells inside the padded image. */
typedef struct fovea_pool2d_params {
  int32_t mode; /* fovea_pool_mode */
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t pad_top, pad_bottom, pad_left, pad_right;
  int32_t dilation_h, dilation_w; /* max only; 1 for average */
  int32_t ceil_mode;
  int32_t count_include_pad;
  int32_t reserved;
} fovea_pool2d_params;

FOVEA_API fovea_status fovea_pool2d(const fovea_pool2d_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                    fovea_stream* stream);

/* Bin (i, j) covers rows floor(i*H/oh) .. ceil((i+1)*H/oh); oh and ow come from y, 1x1 is global pooling. */
FOVEA_API fovea_status fovea_adaptive_pool2d(int32_t mode, const fovea_tensor* x, const fovea_tensor* y, fovea_stream* stream);

/* ---- elementwise ----------------------------------------------------------------------------------------------------- */

typedef enum fovea_unary_op {
  FOVEA_UNARY_ABS = 0,
  FOVEA_UNARY_NEG = 1,
  FOVEA_UNARY_EXP = 2,
  FOVEA_UNARY_LOG = 3,
  FOVEA_UNARY_SQRT = 4,
  FOVEA_UNARY_RSQRT = 5,
  FOVEA_UNARY_RECIPROCAL = 6,
  FOVEA_UNARY_SQUARE = 7,
  FOVEA_UNARY_FLOOR = 8,
  FOVEA_UNARY_CEIL = 9,
  FOVEA_UNARY_ROUND = 10, /* halves to even */
  FOVEA_UNARY_SIGN = 11,
  FOVEA_UNARY_SIN = 12,
  FOVEA_UNARY_COS = 13,
  FOVEA_UNARY_ERF = 14,
  FOVEA_UNARY_AFFINE = 15 /* alpha*x + beta */
} fovea_unary_op;

typedef struct fovea_unary_params {
  int32_t op; /* fovea_unary_op */
  float alpha;
  float beta;
  int32_t reserved;
} fovea_unary_params;

/* In place allowed. */
FOVEA_API fovea_status fovea_unary(const fovea_unary_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                   fovea_stream* stream);

typedef enum fovea_binary_op {
  FOVEA_BINARY_ADD = 0,
  FOVEA_BINARY_SUB = 1,
  FOVEA_BINARY_MUL = 2,
  FOVEA_BINARY_DIV = 3,
  FOVEA_BINARY_MAX = 4, /* NaN if either is NaN */
  FOVEA_BINARY_MIN = 5,
  FOVEA_BINARY_POW = 6
} fovea_binary_op;

/* y = a op b with NumPy broadcasting (shapes aligned at the right). In place allowed for an operand of y's shape. */
FOVEA_API fovea_status fovea_binary(int32_t op, const fovea_tensor* a, const fovea_tensor* b, const fovea_tensor* y,
                                    fovea_stream* stream);

/* y = x, element by element, for any pair of f32, f16, bf16, u8, i32, i64 (same shape, pitches may differ). Float to u8
 * rounds halves to even and saturates; to i32/i64 it truncates. Concatenation is one copy per input into a channel slice or
 * a range of rows; a split is a view. */
FOVEA_API fovea_status fovea_copy(const fovea_tensor* x, const fovea_tensor* y, fovea_stream* stream);

/* ---- softmax, reductions, ranking ------------------------------------------------------------------------------------- */

typedef struct fovea_softmax_params {
  int32_t axis; /* negative counts from the end */
  int32_t log;  /* 1: log-softmax */
} fovea_softmax_params;

/* In place allowed. A row of -inf gives NaN, as the formula does. */
FOVEA_API fovea_status fovea_softmax(const fovea_softmax_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                     fovea_stream* stream);

typedef enum fovea_reduce_op {
  FOVEA_REDUCE_SUM = 0,
  FOVEA_REDUCE_MEAN = 1,
  FOVEA_REDUCE_MAX = 2,
  FOVEA_REDUCE_MIN = 3,
  FOVEA_REDUCE_PROD = 4,
  FOVEA_REDUCE_L1 = 5,
  FOVEA_REDUCE_L2 = 6,
  FOVEA_REDUCE_LOG_SUM_EXP = 7
} fovea_reduce_op;

typedef struct fovea_reduce_params {
  int32_t op;    /* fovea_reduce_op */
  uint32_t axes; /* bit i: reduce dimension i */
} fovea_reduce_params;

/* y has the reduced dimensions as 1 or without them. An empty sum is 0, product 1, max -inf, min +inf, mean NaN. */
FOVEA_API fovea_status fovea_reduce(const fovea_reduce_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                    fovea_stream* stream);

typedef struct fovea_arg_params {
  int32_t axis;
  int32_t minimum; /* 1: arg-min */
} fovea_arg_params;

/* indices: i32 or i64, x's shape with the axis as 1 or removed. Ties: lowest index. NaN is ignored unless all are NaN (0). */
FOVEA_API fovea_status fovea_argmax(const fovea_arg_params* params, const fovea_tensor* x, const fovea_tensor* indices,
                                    fovea_stream* stream);

typedef struct fovea_topk_params {
  int32_t k;
  int32_t smallest; /* 1: the k smallest, ascending */
} fovea_topk_params;

/* Over the last dimension, sorted; equal values by ascending index; NaN ranks last. values [..][k], indices i32 or i64
 * [..][k]; either output may be NULL. k must not exceed the last dimension. */
FOVEA_API fovea_status fovea_topk_workspace(const fovea_topk_params* params, const fovea_tensor* x, int64_t* bytes);
FOVEA_API fovea_status fovea_topk(const fovea_topk_params* params, const fovea_tensor* x, const fovea_tensor* values,
                                  const fovea_tensor* indices, const fovea_workspace* workspace, fovea_stream* stream);

/* ---- normalisation ----------------------------------------------------------------------------------------------------- */

typedef struct fovea_norm_params {
  float epsilon;  /* added to the variance (or mean square) */
  int32_t rms;    /* 1: x / sqrt(mean(x^2) + epsilon), no mean subtracted */
  int32_t groups; /* group norm only */
  int32_t reserved;
} fovea_norm_params;

/* Over the last dimension [C]: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, biased variance; rms as above. gamma,
 * beta [C] or NULL. residual, of x's shape or NULL, is added to x first; sum, of x's shape or NULL, receives x + residual.
 * In place allowed (y = x, sum = residual). */
FOVEA_API fovea_status fovea_layer_norm(const fovea_norm_params* params, const fovea_tensor* x, const fovea_tensor* residual,
                                        const fovea_tensor* gamma, const fovea_tensor* beta, const fovea_tensor* sum,
                                        const fovea_tensor* y, fovea_stream* stream);

/* x [N][..][C]: each image's C/groups neighbouring channels over all positions share mean and variance; groups 1 normalises the
 * image, groups C each channel (instance norm). gamma, beta [C] or NULL. In place allowed. */
FOVEA_API fovea_status fovea_group_norm(const fovea_norm_params* params, const fovea_tensor* x, const fovea_tensor* gamma,
                                        const fovea_tensor* beta, const fovea_tensor* y, fovea_stream* stream);

/* Per channel (last dimension) over all other dimensions. Inference (training 0): mean and variance are read. Training: the
 * batch's own biased statistics normalise, saved_mean and saved_rstd [C] receive mean and 1/sqrt(variance + epsilon), and
 * mean = (1-momentum)*mean + momentum*batch mean, variance likewise with the unbiased batch variance (PyTorch).
 * gamma, beta [C] or NULL. y = activation(..); in place allowed. */
typedef struct fovea_batch_norm_params {
  float epsilon;
  float momentum;
  int32_t training;
  fovea_activation_params activation; /* PRELU is refused */
} fovea_batch_norm_params;

FOVEA_API fovea_status fovea_batch_norm(const fovea_batch_norm_params* params, const fovea_tensor* x, const fovea_tensor* gamma,
                                        const fovea_tensor* beta, const fovea_tensor* mean, const fovea_tensor* variance,
                                        const fovea_tensor* saved_mean, const fovea_tensor* saved_rstd, const fovea_tensor* y,
                                        fovea_stream* stream);

/* ---- gather ------------------------------------------------------------------------------------------------------------ */

/* y[i][..] = x[indices[i]][..]: embedding lookup. x [N][..], indices i32 or i64 of any shape S, y S + x's row shape, f32. An
 * index outside [0, N) gives a row of zeros (padding). */
FOVEA_API fovea_status fovea_gather_rows(const fovea_tensor* x, const fovea_tensor* indices, const fovea_tensor* y,
                                         fovea_stream* stream);
/* Its gradient: dx[indices[i]] += dy[i] in ascending i, so equal indices sum in a fixed order. dx is not cleared first. */
FOVEA_API fovea_status fovea_scatter_add_rows(const fovea_tensor* dy, const fovea_tensor* indices, const fovea_tensor* dx,
                                              fovea_stream* stream);

/* ---- rows with a count on the device ---------------------------------------------------------------------------------- */

/* Appends x[indices[i]] for i below indices->live (all of them when NULL) to y behind its first *count rows and raises
 * *count; indices NULL takes the live rows of x in order. x [N][..], indices i32 [K] (negative entries are skipped),
 * y [capacity][..] of the same row shape, count i32 [1]. Rows beyond the capacity are dropped. f32 or i32 rows. */
FOVEA_API fovea_status fovea_append_rows(const fovea_tensor* x, const fovea_tensor* indices, const fovea_tensor* y,
                                         const fovea_tensor* count, fovea_stream* stream);

/* counts[k] = clamp(count[0] - k*chunk, 0, chunk): turns one dynamic batch into fixed chunks. count i32 [1], counts i32 [K]. */
FOVEA_API fovea_status fovea_split_count(int32_t chunk, const fovea_tensor* count, const fovea_tensor* counts,
                                         fovea_stream* stream);

#ifdef __cplusplus
}
#endif
#endif
