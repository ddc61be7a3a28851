/* Fovea C ABI, part 5: kernels of sequence models, f32. The shared contract of nn.h applies.
 *
 * Dimensions: B batch, L sequence length, H heads, D head size or channels, N state size. Sequences are [B][L][..]. */
#ifndef FOVEA_SEQUENCE_H
#define FOVEA_SEQUENCE_H

#include "nn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- attention ------------------------------------------------------------------------------------------------------- */

/* o = softmax(softmax_scale * q k^T + mask) v, one pass over the keys with a running maximum (Dao et al., FlashAttention), so
 * nothing of size Lq x Lk is stored. */
typedef struct fovea_attention_params {
  float softmax_scale; /* 0: 1/sqrt(D) */
  int32_t causal;      /* 1: query i sees keys j <= i + (keys - Lq), the last query the last key */
  int32_t window;      /* > 0: and only the last `window` of those keys; needs causal */
  float softcap;       /* > 0: scores become softcap * tanh(score / softcap) before the mask */
} fovea_attention_params;

FOVEA_API fovea_status fovea_attention_workspace(const fovea_attention_params* params, const fovea_tensor* q,
                                                 const fovea_tensor* k, int64_t* bytes);
/* q, o [B][Lq][H][D]; k, v [B][Lk][G][D] with H a multiple of G (grouped-query attention: head h reads group h / (H/G)).
 * key_lengths: i32 [B], keys that count per batch entry (a KV cache filled so far, or ragged sequences), or NULL for Lk; values
 * outside [0, Lk] are clamped. lse: f32 [B][H][Lq], log of the softmax denominator, or NULL. A query that sees no key gives
 * zeros and lse -inf. D is at most 256. */
FOVEA_API fovea_status fovea_attention(const fovea_attention_params* params, const fovea_tensor* q, const fovea_tensor* k,
                                       const fovea_tensor* v, const fovea_tensor* key_lengths, const fovea_tensor* o,
                                       const fovea_tensor* lse, const fovea_workspace* workspace, fovea_stream* stream);

/* Sequences of different lengths packed without padding: q, o [Tq][H][D], k, v [Tk][G][D]; query_offsets, key_offsets i32
 * [B+1], ascending from 0: sequence b is rows offsets[b] .. offsets[b+1]. Offsets are read on the device and clamped to
 * ascending values inside [0, T]. Causal alignment is per sequence. lse: f32 [H][Tq] or NULL. */
FOVEA_API fovea_status fovea_attention_ragged_workspace(const fovea_attention_params* params, const fovea_tensor* q,
                                                        const fovea_tensor* k, int64_t sequences, int64_t* bytes);
FOVEA_API fovea_status fovea_attention_ragged(const fovea_attention_params* params, const fovea_tensor* q,
                                              const fovea_tensor* k, const fovea_tensor* v, const fovea_tensor* query_offsets,
                                              const fovea_tensor* key_offsets, const fovea_tensor* o, const fovea_tensor* lse,
                                              const fovea_workspace* workspace, fovea_stream* stream);

/* Gradients of fovea_attention from its inputs, its o and lse and dO (Dao, "FlashAttention-2", algorithm 2): probabilities are
 * recomputed tile by tile. dq, dk, dv have the shapes of q, k, v; keys beyond key_lengths get 0. Sums over the H/G heads of a
 * group and over queries run in a fixed order. softcap is differentiated through. */
FOVEA_API fovea_status fovea_attention_backward_workspace(const fovea_attention_params* params, const fovea_tensor* q,
                                                          const fovea_tensor* k, int64_t* bytes);
FOVEA_API fovea_status fovea_attention_backward(const fovea_attention_params* params, const fovea_tensor* q,
                                                const fovea_tensor* k, const fovea_tensor* v, const fovea_tensor* key_lengths,
                                                const fovea_tensor* o, const fovea_tensor* lse, const fovea_tensor* d_o,
                                                const fovea_tensor* dq, const fovea_tensor* dk, const fovea_tensor* dv,
                                                const fovea_workspace* workspace, fovea_stream* stream);

/* Causal linear attention with a scalar decay per head, in chunks (Sun et al., "Retentive Network", 2023; Dao and Gu,
 * "Transformers are SSMs", 2024):
 *   S = exp(log_decay[t][h]) * S + k[t][h] v[t][h]^T;  o[t][h] = scale * q[t][h] S
 * q, k [B][L][G][D] (head h reads group h / (H/G)), v, o [B][L][H][P]; log_decay [H] (constant), [B][L][H], or NULL for none;
 * state f32 [B][H][D][P], read and written, or NULL for zeros. Inside a chunk the quadratic form is used; sums of log decays
 * are masked partial sums, never differences of one long sum. */
typedef struct fovea_linear_attention_params {
  float scale;   /* 0: 1 */
  int32_t chunk; /* positions per chunk, at most 256; 0: by shape. Changes the result by rounding only */
} fovea_linear_attention_params;

FOVEA_API fovea_status fovea_linear_attention_workspace(const fovea_linear_attention_params* params, const fovea_tensor* q,
                                                        const fovea_tensor* v, int64_t* bytes);
FOVEA_API fovea_status fovea_linear_attention(const fovea_linear_attention_params* params, const fovea_tensor* q,
                                              const fovea_tensor* k, const fovea_tensor* v, const fovea_tensor* log_decay,
                                              const fovea_tensor* state, const fovea_tensor* o,
                                              const fovea_workspace* workspace, fovea_stream* stream);

/* ---- selective scan (Mamba) ------------------------------------------------------------------------------------------- */

typedef struct fovea_selective_scan_params {
  int32_t delta_softplus; /* 1: delta = softplus(delta + delta_bias) */
  int32_t reserved;
} fovea_selective_scan_params;

/* For each batch entry and channel d, with h[N] starting at `state` (or 0):
 *   h[n] = exp(delta[t][d]*A[d][n]) * h[n] + delta[t][d] * Bm[t][n] * u[t][d]
 *   y[t][d] = (sum over n of C[t][n]*h[n] + skip[d]*u[t][d]) * (z == NULL ? 1 : silu(z[t][d]))
 * (Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", 2023.)
 * u, delta, z, y [B][L][D]; A [D][N]; Bm, C [B][L][N]; skip, delta_bias [D] or NULL; state [B][D][N], read and written, or
 * NULL. One step of streaming inference is L = 1 with a state. N is at most 256. */
FOVEA_API fovea_status fovea_selective_scan(const fovea_selective_scan_params* params, const fovea_tensor* u,
                                            const fovea_tensor* delta, const fovea_tensor* A, const fovea_tensor* Bm,
                                            const fovea_tensor* C, const fovea_tensor* skip, const fovea_tensor* z,
                                            const fovea_tensor* delta_bias, const fovea_tensor* state, const fovea_tensor* y,
                                            fovea_stream* stream);

/* Gradients of fovea_selective_scan. initial_state: what `state` held before the forward call, or NULL; d_final_state, the
 * gradient of the state it left, or NULL. States are recomputed from checkpoints inside the workspace. Outputs: du, d_delta,
 * dz of u's shape; dA [D][N]; dB, dC [B][L][N]; d_skip, d_delta_bias [D]; d_initial_state [B][D][N]; each may be NULL, and
 * those of absent inputs must be. Sums over batch and channels run in a fixed order. */
typedef struct fovea_selective_scan_gradients {
  const fovea_tensor* du;
  const fovea_tensor* d_delta;
  const fovea_tensor* dA;
  const fovea_tensor* dB;
  const fovea_tensor* dC;
  const fovea_tensor* d_skip;
  const fovea_tensor* dz;
  const fovea_tensor* d_delta_bias;
  const fovea_tensor* d_initial_state;
} fovea_selective_scan_gradients;

FOVEA_API fovea_status fovea_selective_scan_backward_workspace(const fovea_selective_scan_params* params, const fovea_tensor* u,
                                                               const fovea_tensor* A, int64_t* bytes);
FOVEA_API fovea_status fovea_selective_scan_backward(const fovea_selective_scan_params* params, const fovea_tensor* u,
                                                     const fovea_tensor* delta, const fovea_tensor* A, const fovea_tensor* Bm,
                                                     const fovea_tensor* C, const fovea_tensor* skip, const fovea_tensor* z,
                                                     const fovea_tensor* delta_bias, const fovea_tensor* initial_state,
                                                     const fovea_tensor* dy, const fovea_tensor* d_final_state,
                                                     const fovea_selective_scan_gradients* gradients,
                                                     const fovea_workspace* workspace, fovea_stream* stream);

/* Depthwise convolution that looks back only: y[t][d] = activation(bias[d] + sum over k of w[d][k] * x[t - (K-1) + k][d]).
 * x, y [B][L][D]; w [D][K], K at most 16; state [B][K-1][D] holds the inputs before x, oldest first (NULL: zeros), and is
 * replaced by the last K-1 inputs. Not in place. */
FOVEA_API fovea_status fovea_causal_conv1d(const fovea_activation_params* activation, const fovea_tensor* x,
                                           const fovea_tensor* w, const fovea_tensor* bias, const fovea_tensor* state,
                                           const fovea_tensor* y, fovea_stream* stream);

/* ---- diagonal recurrences ---------------------------------------------------------------------------------------------- */

/* y[t][d] = a[t][d] * y[t-1][d] + x[t][d], y[-1] = state (the core of LRU, S4D, RG-LRU and other linear recurrences).
 * x, y [B][L][D]; a [D] (constant) or [B][L][D]; state [B][D], read and written, or NULL for zeros. Complex numbers are pairs
 * re, im along the last dimension, which is then even. Long sequences are cut by a rule of the shape alone; pieces are joined
 * by their products of a. */
typedef struct fovea_diagonal_scan_params {
  int32_t is_complex;
  int32_t reserved;
} fovea_diagonal_scan_params;

FOVEA_API fovea_status fovea_diagonal_scan_workspace(const fovea_diagonal_scan_params* params, const fovea_tensor* x,
                                                     int64_t* bytes);
FOVEA_API fovea_status fovea_diagonal_scan(const fovea_diagonal_scan_params* params, const fovea_tensor* x,
                                           const fovea_tensor* a, const fovea_tensor* state, const fovea_tensor* y,
                                           const fovea_workspace* workspace, fovea_stream* stream);

/* The impulse response of a diagonal state space: k[d][l] = Re sum over n of weights[d][n] * exp(l * exponents[d][n]), l < L.
 * exponents, weights [D][N][2] (re, im); k [D][L]. Powers come from exp(l * exponent), not from repeated products. */
FOVEA_API fovea_status fovea_exponential_kernel(const fovea_tensor* exponents, const fovea_tensor* weights,
                                                const fovea_tensor* k, fovea_stream* stream);

/* Causal convolution with a kernel as long as the sequence, by fast Fourier transforms of at least L + K - 1 points, or
 * directly where that is quicker: y[t][d] = sum over k <= min(t, K-1) of kernel[d][k] * x[t-k][d] + skip[d]*x[t][d].
 * x, y [B][L][D]; kernel [D][K]; skip [D] or NULL. */
FOVEA_API fovea_status fovea_long_conv1d_workspace(const fovea_tensor* x, const fovea_tensor* kernel, int64_t* bytes);
FOVEA_API fovea_status fovea_long_conv1d(const fovea_tensor* x, const fovea_tensor* kernel, const fovea_tensor* skip,
                                         const fovea_tensor* y, const fovea_workspace* workspace, fovea_stream* stream);

/* ---- RWKV --------------------------------------------------------------------------------------------------------------- */

/* RWKV-4's mixer (Peng et al., "RWKV: Reinventing RNNs for the Transformer Era", 2023), by channel, shifted by running maxima:
 *   y[t] = (sum over i < t of e^((t-1-i)*decay + k[i]) v[i] + e^(bonus + k[t]) v[t]) / (the same without v)
 * decay (< 0, that is -exp of the trained number), bonus [C]; k, v, y [B][L][C]; state [B][3][C] = numerator, denominator,
 * their common exponent, read and written (start: 0, 0, -1e38), or NULL for the start. */
FOVEA_API fovea_status fovea_wkv(const fovea_tensor* decay, const fovea_tensor* bonus, const fovea_tensor* k,
                                 const fovea_tensor* v, const fovea_tensor* state, const fovea_tensor* y, fovea_stream* stream);

/* Linear attention whose decay is per key and which may rewrite its memory (Yang et al., "Gated Linear Attention", 2023;
 * RWKV-5, -6, -7; gated delta rule), per head with S [D][P]:
 *
 *   S = diag(exp(log_decay[t])) S + replacement[t] (removal[t]^T S_old) + k[t] v[t]^T
 *
 *   o[t] = q[t] S
 *
 * With a bonus, o[t] = q[t] (S_old + (bonus * k[t]) v[t]^T): the memory before this position (RWKV-5, -6). S_old is the memory
 * before the position. q, k, removal, replacement [B][L][H][D], v, o [B][L][H][P]; log_decay [H][D] or [B][L][H][D], or NULL
 * for none; bonus [H][D] or NULL; removal and replacement both or neither; state f32 [B][H][D][P], read and written, or NULL
 * for zeros. */
typedef struct fovea_gated_linear_attention_inputs {
  const fovea_tensor* q;
  const fovea_tensor* k;
  const fovea_tensor* v;
  const fovea_tensor* log_decay;
  const fovea_tensor* bonus;
  const fovea_tensor* removal;
  const fovea_tensor* replacement;
} fovea_gated_linear_attention_inputs;

FOVEA_API fovea_status fovea_gated_linear_attention(const fovea_gated_linear_attention_inputs* inputs,
                                                    const fovea_tensor* state, const fovea_tensor* o, fovea_stream* stream);

/* ---- recurrent cells -------------------------------------------------------------------------------------------------- */

typedef enum fovea_recurrent_cell {
  FOVEA_CELL_RNN_TANH = 0, /* h = tanh(W x + b + R h + r) */
  FOVEA_CELL_RNN_RELU = 1,
  FOVEA_CELL_LSTM = 2,            /* gates i, f, g, o: c = f*c + i*g; h = o*tanh(c) (PyTorch's order) */
  FOVEA_CELL_GRU = 3,             /* gates r, z, n: n = tanh(W x + b + r*(R h + r_bias)); h = (1-z)*n + z*h (PyTorch, cuDNN) */
  FOVEA_CELL_GRU_RESET_BEFORE = 4 /* n = tanh(W x + b + R (r*h) + r_bias): ONNX linear_before_reset = 0 */
} fovea_recurrent_cell;

typedef struct fovea_recurrent_params {
  int32_t cell; /* fovea_recurrent_cell */
  int32_t input_size;
  int32_t hidden_size;
  int32_t reverse; /* 1: from the last valid position to the first */
} fovea_recurrent_params;

/* weights [gates*hidden][input], recurrent [gates*hidden][hidden], bias and recurrent_bias [gates*hidden] or NULL. */
FOVEA_API fovea_status fovea_recurrent_prepared_bytes(fovea_device* device, const fovea_recurrent_params* params,
                                                      int64_t* bytes);
FOVEA_API fovea_status fovea_recurrent_prepare(const fovea_recurrent_params* params, const fovea_tensor* weights,
                                               const fovea_tensor* recurrent, const fovea_tensor* bias,
                                               const fovea_tensor* recurrent_bias, const fovea_tensor* prepared,
                                               fovea_stream* stream);
FOVEA_API fovea_status fovea_recurrent_workspace(const fovea_recurrent_params* params, const fovea_tensor* x, int64_t* bytes);
/* x [B][L][input] to y [B][L][hidden]. lengths: i32 [B], valid positions (the state freezes and y is 0 behind them), or NULL
 * for L. h, c [B][hidden], read and written, or NULL for zeros; c is the LSTM's. The input products of all positions are one
 * matrix product; the recurrent part keeps its packed weights in cache. */
FOVEA_API fovea_status fovea_recurrent(const fovea_recurrent_params* params, const fovea_tensor* x,
                                       const fovea_tensor* prepared, const fovea_tensor* lengths, const fovea_tensor* h,
                                       const fovea_tensor* c, const fovea_tensor* y, const fovea_workspace* workspace,
                                       fovea_stream* stream);

#ifdef __cplusplus
}
#endif
#endif
