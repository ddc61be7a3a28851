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

/* Depthwise convolution that looks back only: y[t][d] = activation(bias[d] + sum over k of w[d][k] * x[t - (K-1) + k][d]).
 * x, y [B][L][D]; w [D][K], K at most 16; state [B][K-1][D] holds the inputs before x, oldest first (NULL: zeros), and is
 * replaced by the last K-1 inputs. Not in place. */
FOVEA_API fovea_status fovea_causal_conv1d(const fovea_activation_params* activation, const fovea_tensor* x,
                                           const fovea_tensor* w, const fovea_tensor* bias, const fovea_tensor* state,
                                           const fovea_tensor* y, fovea_stream* stream);

#ifdef __cplusplus
}
#endif
#endif
