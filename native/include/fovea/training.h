/* Fovea C ABI, part 7: gradients, losses and dropout. The shared contract of nn.h applies, and:
 *
 * - dy is the gradient of a scalar loss by y, of y's shape; d<name> that by <name>. Gradients that are NULL are not computed.
 * - Outputs are written, not added to, unless a function says so: the tape adds in its own fixed order.
 * - Sums (over rows, positions, windows) run in a fixed order: same inputs, same bits.
 * - The gradients of conv2d, attention and the selective scan stand beside their forward functions; that of gather_rows is
 *   scatter_add_rows; those of linear and matmul are matrix products. */
#ifndef FOVEA_TRAINING_H
#define FOVEA_TRAINING_H

#include "nn.h"
#include "sequence.h"
#include "vision.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- elementwise ------------------------------------------------------------------------------------------------------- */

/* dx = dy * activation'(x), from the input x. At a kink the derivative of the side that contains 0 in PyTorch: relu'(0) = 0,
 * relu6'(6) = 0, clamp' = 1 on both ends. In place allowed (dx = dy). PRELU: slope [C], and d_slope [C] or NULL = sum over the
 * other dimensions of dy * x where x < 0; the workspace serves that sum. */
FOVEA_API fovea_status fovea_activate_backward_workspace(const fovea_activation_params* params, const fovea_tensor* x,
                                                         int64_t* bytes);
FOVEA_API fovea_status fovea_activate_backward(const fovea_activation_params* params, const fovea_tensor* x,
                                               const fovea_tensor* slope, const fovea_tensor* dy, const fovea_tensor* dx,
                                               const fovea_tensor* d_slope, const fovea_workspace* workspace,
                                               fovea_stream* stream);

/* dx = dy * op'(x), from the input x; 0 for the operations that are constant almost everywhere (sign, floor, ceil, round) and
 * for abs at 0. In place allowed (dx = dy). */
FOVEA_API fovea_status fovea_unary_backward(const fovea_unary_params* params, const fovea_tensor* x, const fovea_tensor* dy,
                                            const fovea_tensor* dx, fovea_stream* stream);

/* da and db have dy's shape: what broadcasting repeated is for the caller to sum (fovea_reduce). a, b broadcast to dy's shape.
 * Equal operands of max and min get half of dy each; pow: da = dy*b*a^(b-1), db = dy*a^b*log(a), 0 for a = 0. */
FOVEA_API fovea_status fovea_binary_backward(int32_t op, const fovea_tensor* a, const fovea_tensor* b, const fovea_tensor* dy,
                                             const fovea_tensor* da, const fovea_tensor* db, fovea_stream* stream);

/* y = the forward result. Sum, mean, L1, L2, log-sum-exp; max and min share dy evenly between equal extremes; prod is refused.
 * L2 and log-sum-exp of a row whose result is 0 or -inf have the gradient 0. */
FOVEA_API fovea_status fovea_reduce_backward(const fovea_reduce_params* params, const fovea_tensor* x, const fovea_tensor* y,
                                             const fovea_tensor* dy, const fovea_tensor* dx, fovea_stream* stream);

/* From the forward result y: dx = y * (dy - sum(dy*y)), log-softmax dx = dy - exp(y)*sum(dy), over params->axis. In place
 * allowed (dx = dy). */
FOVEA_API fovea_status fovea_softmax_backward(const fovea_softmax_params* params, const fovea_tensor* y, const fovea_tensor* dy,
                                              const fovea_tensor* dx, fovea_stream* stream);

/* Philox4x32-10 (Salmon et al., 2011). y = x / (1 - rate) where the element's uniform number is at least rate, else 0; rate in
 * [0, 1). Element i (row-major, pitch ignored) takes word i % 4 of the block with counter (offset + i / 4, sequence) and key
 * seed, as (word >> 8) * 2^-24. state: i64 [2] on the device = seed, offset; nothing is written to it. The same call on dy
 * gives dx. In place allowed. */
typedef struct fovea_dropout_params {
  float rate;
  int32_t reserved;
  int64_t sequence; /* tells the dropouts of a model apart */
} fovea_dropout_params;

FOVEA_API fovea_status fovea_dropout(const fovea_dropout_params* params, const fovea_tensor* state, const fovea_tensor* x,
                                     const fovea_tensor* y, fovea_stream* stream);

/* ---- losses ------------------------------------------------------------------------------------------------------------ */

/* Softmax cross-entropy of rows: logits [N][K], targets i32 or i64 [N], class_weights [K] or NULL. With w = class weight of the
 * target: losses[n] = w * (log_sum_exp - logit of the target), smoothed as PyTorch does: (1-e)*that + e/K * sum over k of
 * weight[k] * (log_sum_exp - logit[k]). weights[n] = w, or 0 for a row whose target is ignore_index; a mean is sum(losses) /
 * sum(weights), which the caller defines for an empty sum. log_sum_exp [N] is kept for the gradient. A target outside
 * [0, K) that is not ignore_index gives NaN, as loss and as gradient. weights or losses may be NULL. */
typedef struct fovea_cross_entropy_params {
  float label_smoothing; /* e, in [0, 1) */
  int32_t reserved;
  int64_t ignore_index; /* -1 or -100 by habit; any value outside [0, K) */
} fovea_cross_entropy_params;

FOVEA_API fovea_status fovea_cross_entropy(const fovea_cross_entropy_params* params, const fovea_tensor* logits,
                                           const fovea_tensor* targets, const fovea_tensor* class_weights,
                                           const fovea_tensor* losses, const fovea_tensor* weights,
                                           const fovea_tensor* log_sum_exp, fovea_stream* stream);
/* d_logits [N][K] from d_losses [N]. In place allowed (d_logits = logits). */
FOVEA_API fovea_status fovea_cross_entropy_backward(const fovea_cross_entropy_params* params, const fovea_tensor* logits,
                                                    const fovea_tensor* targets, const fovea_tensor* class_weights,
                                                    const fovea_tensor* log_sum_exp, const fovea_tensor* d_losses,
                                                    const fovea_tensor* d_logits, fovea_stream* stream);

/* Losses of single numbers; x and target f32 of one shape. The first five take logits and targets in [0, 1]; with p =
 * sigmoid(x) and BCE the binary cross-entropy of x and target t. */
typedef enum fovea_pointwise_loss_kind {
  FOVEA_LOSS_BCE = 0,
  FOVEA_LOSS_FOCAL = 1, /* (t*alpha*(1-p)^gamma + (1-t)*(1-alpha)*p^gamma) * the matching half of BCE (Lin et al., 2017);
                           alpha < 0: no weighting */
  FOVEA_LOSS_QUALITY_FOCAL = 2, /* |t - p|^gamma * BCE (Li et al., 2020) */
  FOVEA_LOSS_VARIFOCAL = 3,     /* (t > 0 ? t : alpha*p^gamma) * BCE (Zhang et al., 2021); p in the weight is differentiated */
  FOVEA_LOSS_HEAT_MAP = 4,      /* t == 1: -(1-p)^alpha log p, else -(1-t)^beta p^alpha log(1-p) (Law and Deng, 2018) */
  FOVEA_LOSS_SMOOTH_L1 = 5,     /* 0.5*d^2/beta where d = |x - t| < beta, else d - beta/2; beta 0: L1 */
  FOVEA_LOSS_SQUARED = 6        /* (x - t)^2 */
} fovea_pointwise_loss_kind;

typedef struct fovea_pointwise_loss_params {
  int32_t kind; /* fovea_pointwise_loss_kind */
  float alpha, beta, gamma;
} fovea_pointwise_loss_params;

FOVEA_API fovea_status fovea_pointwise_loss(const fovea_pointwise_loss_params* params, const fovea_tensor* x,
                                            const fovea_tensor* target, const fovea_tensor* losses, fovea_stream* stream);
/* dx from d_losses, all of x's shape; targets get no gradient. In place allowed (dx = x). */
FOVEA_API fovea_status fovea_pointwise_loss_backward(const fovea_pointwise_loss_params* params, const fovea_tensor* x,
                                                     const fovea_tensor* target, const fovea_tensor* d_losses,
                                                     const fovea_tensor* dx, fovea_stream* stream);

/* losses[n] = 1 - overlap(boxes[n], targets[n]); x1 y1 x2 y2 [N][4]. Boxes without area: IoU 0, the other terms as they are,
 * gradients finite. */
typedef struct fovea_box_loss_params {
  int32_t overlap;      /* fovea_overlap except MIN */
  int32_t detach_alpha; /* CIOU: 1: its alpha is a constant, as its authors differentiate it */
  float power;          /* > 0: 1 - IoU^power + penalty^power (He et al., "Alpha-IoU", 2021; not SIOU); 0 means 1 */
  int32_t reserved;
} fovea_box_loss_params;

FOVEA_API fovea_status fovea_box_loss(const fovea_box_loss_params* params, const fovea_tensor* boxes,
                                      const fovea_tensor* targets, const fovea_tensor* losses, fovea_stream* stream);
/* d_boxes [N][4] from d_losses [N]; targets get no gradient. */
FOVEA_API fovea_status fovea_box_loss_backward(const fovea_box_loss_params* params, const fovea_tensor* boxes,
                                               const fovea_tensor* targets, const fovea_tensor* d_losses,
                                               const fovea_tensor* d_boxes, fovea_stream* stream);

/* ---- normalisation ----------------------------------------------------------------------------------------------------- */

/* x: what was normalised (the forward call's `sum` where it had a residual). Mean and variance are computed again. dgamma,
 * dbeta [C]. */
FOVEA_API fovea_status fovea_layer_norm_backward_workspace(const fovea_norm_params* params, const fovea_tensor* x,
                                                           int64_t* bytes);
FOVEA_API fovea_status fovea_layer_norm_backward(const fovea_norm_params* params, const fovea_tensor* x,
                                                 const fovea_tensor* gamma, const fovea_tensor* dy, const fovea_tensor* dx,
                                                 const fovea_tensor* dgamma, const fovea_tensor* dbeta,
                                                 const fovea_workspace* workspace, fovea_stream* stream);

FOVEA_API fovea_status fovea_group_norm_backward_workspace(const fovea_norm_params* params, const fovea_tensor* x,
                                                           int64_t* bytes);
FOVEA_API fovea_status fovea_group_norm_backward(const fovea_norm_params* params, const fovea_tensor* x,
                                                 const fovea_tensor* gamma, const fovea_tensor* dy, const fovea_tensor* dx,
                                                 const fovea_tensor* dgamma, const fovea_tensor* dbeta,
                                                 const fovea_workspace* workspace, fovea_stream* stream);

/* mean, rstd [C]: the forward call's saved_mean and saved_rstd. training 0: they are constants (frozen statistics). The
 * activation of params must be NONE. */
FOVEA_API fovea_status fovea_batch_norm_backward_workspace(const fovea_batch_norm_params* params, const fovea_tensor* x,
                                                           int64_t* bytes);
FOVEA_API fovea_status fovea_batch_norm_backward(const fovea_batch_norm_params* params, const fovea_tensor* x,
                                                 const fovea_tensor* gamma, const fovea_tensor* mean, const fovea_tensor* rstd,
                                                 const fovea_tensor* dy, const fovea_tensor* dx, const fovea_tensor* dgamma,
                                                 const fovea_tensor* dbeta, const fovea_workspace* workspace,
                                                 fovea_stream* stream);

/* ---- images ------------------------------------------------------------------------------------------------------------ */

/* Max: dy goes to the first (row, then column) of the largest values of a window, found again in x; a NaN counts as largest.
 * Average: x is not read and may be NULL. Overlapping windows add up in ascending order of the window. */
FOVEA_API fovea_status fovea_pool2d_backward(const fovea_pool2d_params* params, const fovea_tensor* x, const fovea_tensor* dy,
                                             const fovea_tensor* dx, fovea_stream* stream);
FOVEA_API fovea_status fovea_adaptive_pool2d_backward(int32_t mode, const fovea_tensor* x, const fovea_tensor* dy,
                                                      const fovea_tensor* dx, fovea_stream* stream);

/* The transpose of fovea_resize (f32, every mode): dy [N][h][w][C] to dx [N][H][W][C]. */
FOVEA_API fovea_status fovea_resize_backward_workspace(const fovea_resize_params* params, const fovea_tensor* dy,
                                                       const fovea_tensor* dx, int64_t* bytes);
FOVEA_API fovea_status fovea_resize_backward(const fovea_resize_params* params, const fovea_tensor* dy, const fovea_tensor* dx,
                                             const fovea_workspace* workspace, fovea_stream* stream);

/* ---- sequences --------------------------------------------------------------------------------------------------------- */

/* state: what it held before the forward call, or NULL; d_final_state [B][K-1][D], the gradient of what it left, or NULL.
 * dx [B][L][D], dw [D][K], dbias [D], d_state [B][K-1][D]. */
FOVEA_API fovea_status fovea_causal_conv1d_backward_workspace(const fovea_activation_params* activation, const fovea_tensor* x,
                                                              const fovea_tensor* w, int64_t* bytes);
FOVEA_API fovea_status fovea_causal_conv1d_backward(const fovea_activation_params* activation, const fovea_tensor* x,
                                                    const fovea_tensor* w, const fovea_tensor* bias, const fovea_tensor* state,
                                                    const fovea_tensor* dy, const fovea_tensor* d_final_state,
                                                    const fovea_tensor* dx, const fovea_tensor* dw, const fovea_tensor* dbias,
                                                    const fovea_tensor* d_state, const fovea_workspace* workspace,
                                                    fovea_stream* stream);

/* Gradients of fovea_linear_attention. initial_state: what `state` held before, or NULL; d_final_state or NULL. d_log_decay has
 * log_decay's shape ([H] sums over batch and positions). */
typedef struct fovea_linear_attention_gradients {
  const fovea_tensor* dq;
  const fovea_tensor* dk;
  const fovea_tensor* dv;
  const fovea_tensor* d_log_decay;
  const fovea_tensor* d_initial_state;
} fovea_linear_attention_gradients;

FOVEA_API fovea_status fovea_linear_attention_backward_workspace(const fovea_linear_attention_params* params,
                                                                 const fovea_tensor* q, const fovea_tensor* v, int64_t* bytes);
FOVEA_API fovea_status fovea_linear_attention_backward(const fovea_linear_attention_params* params, const fovea_tensor* q,
                                                       const fovea_tensor* k, const fovea_tensor* v,
                                                       const fovea_tensor* log_decay, const fovea_tensor* initial_state,
                                                       const fovea_tensor* d_o, const fovea_tensor* d_final_state,
                                                       const fovea_linear_attention_gradients* gradients,
                                                       const fovea_workspace* workspace, fovea_stream* stream);

/* Gradients of fovea_recurrent by backpropagation through time. Inputs: the forward call's x, lengths and y, h and c as they
 * were before it (NULL: zeros), and the unpacked weights; gates, and an LSTM's c, are computed again from them. dy
 * [B][L][hidden]; d_final_h, d_final_c [B][hidden] or NULL. Positions behind lengths get and give nothing. */
typedef struct fovea_recurrent_inputs {
  const fovea_tensor* x;
  const fovea_tensor* weights;
  const fovea_tensor* recurrent;
  const fovea_tensor* bias;
  const fovea_tensor* recurrent_bias;
  const fovea_tensor* lengths;
  const fovea_tensor* initial_h;
  const fovea_tensor* initial_c;
  const fovea_tensor* y;
  const fovea_tensor* dy;
  const fovea_tensor* d_final_h;
  const fovea_tensor* d_final_c;
} fovea_recurrent_inputs;

typedef struct fovea_recurrent_gradients {
  const fovea_tensor* dx;
  const fovea_tensor* d_weights;
  const fovea_tensor* d_recurrent;
  const fovea_tensor* d_bias;
  const fovea_tensor* d_recurrent_bias;
  const fovea_tensor* d_initial_h;
  const fovea_tensor* d_initial_c;
} fovea_recurrent_gradients;

FOVEA_API fovea_status fovea_recurrent_backward_workspace(const fovea_recurrent_params* params, const fovea_tensor* x,
                                                          int64_t* bytes);
FOVEA_API fovea_status fovea_recurrent_backward(const fovea_recurrent_params* params, const fovea_recurrent_inputs* inputs,
                                                const fovea_recurrent_gradients* gradients, const fovea_workspace* workspace,
                                                fovea_stream* stream);

/* Gradients of fovea_diagonal_scan from its inputs and y. da has a's shape ([D]: the sum over batch and positions in a fixed
 * order). Complex gradients are (d/d re, d/d im). Each output may be NULL; initial_state NULL: zeros. */
FOVEA_API fovea_status fovea_diagonal_scan_backward_workspace(const fovea_diagonal_scan_params* params, const fovea_tensor* x,
                                                              int64_t* bytes);
FOVEA_API fovea_status fovea_diagonal_scan_backward(const fovea_diagonal_scan_params* params, const fovea_tensor* x,
                                                    const fovea_tensor* a, const fovea_tensor* initial_state,
                                                    const fovea_tensor* y, const fovea_tensor* dy,
                                                    const fovea_tensor* d_final_state, const fovea_tensor* dx,
                                                    const fovea_tensor* da, const fovea_tensor* d_initial_state,
                                                    const fovea_workspace* workspace, fovea_stream* stream);

/* d_exponents, d_weights [D][N][2] from dk [D][L]. */
FOVEA_API fovea_status fovea_exponential_kernel_backward(const fovea_tensor* exponents, const fovea_tensor* weights,
                                                         const fovea_tensor* dk, const fovea_tensor* d_exponents,
                                                         const fovea_tensor* d_weights, fovea_stream* stream);

/* dx [B][L][D], d_kernel [D][K], d_skip [D]; each may be NULL. */
FOVEA_API fovea_status fovea_long_conv1d_backward_workspace(const fovea_tensor* x, const fovea_tensor* kernel, int64_t* bytes);
FOVEA_API fovea_status fovea_long_conv1d_backward(const fovea_tensor* x, const fovea_tensor* kernel, const fovea_tensor* skip,
                                                  const fovea_tensor* dy, const fovea_tensor* dx, const fovea_tensor* d_kernel,
                                                  const fovea_tensor* d_skip, const fovea_workspace* workspace,
                                                  fovea_stream* stream);

/* Gradients of fovea_wkv from a zero initial state; d_decay is with respect to w as given (already -exp(raw)). */
FOVEA_API fovea_status fovea_wkv_backward_workspace(const fovea_tensor* k, int64_t* bytes);
FOVEA_API fovea_status fovea_wkv_backward(const fovea_tensor* decay, const fovea_tensor* bonus, const fovea_tensor* k,
                                          const fovea_tensor* v, const fovea_tensor* dy, const fovea_tensor* d_decay,
                                          const fovea_tensor* d_bonus, const fovea_tensor* dk, const fovea_tensor* dv,
                                          const fovea_workspace* workspace, fovea_stream* stream);

/* Gradients of fovea_gated_linear_attention from a zero initial state; those of absent inputs must be NULL, each may be. */
typedef struct fovea_gated_linear_attention_gradients {
  const fovea_tensor* dq;
  const fovea_tensor* dk;
  const fovea_tensor* dv;
  const fovea_tensor* d_log_decay;
  const fovea_tensor* d_bonus;
  const fovea_tensor* d_removal;
  const fovea_tensor* d_replacement;
} fovea_gated_linear_attention_gradients;

FOVEA_API fovea_status fovea_gated_linear_attention_backward_workspace(const fovea_tensor* q, const fovea_tensor* v,
                                                                       int64_t* bytes);
FOVEA_API fovea_status fovea_gated_linear_attention_backward(const fovea_gated_linear_attention_inputs* inputs,
                                                             const fovea_tensor* d_o,
                                                             const fovea_gated_linear_attention_gradients* gradients,
                                                             const fovea_workspace* workspace, fovea_stream* stream);

#ifdef __cplusplus
}
#endif
#endif
