/* Fovea C ABI, part 6: optimiser steps, f32. The shared contract of nn.h applies.
 *
 * What changes from step to step lies in device memory, so that a captured training step can be replayed. */
#ifndef FOVEA_OPTIM_H
#define FOVEA_OPTIM_H

#include "nn.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fovea_optimizer {
  FOVEA_OPTIMIZER_SGD = 0,      /* g += decay*p; p -= rate*g */
  FOVEA_OPTIMIZER_MOMENTUM = 1, /* m = g at step 1, else beta1*m + (1-dampening)*g; p -= rate*m */
  FOVEA_OPTIMIZER_NESTEROV = 2, /* ... p -= rate*(g + beta1*m) */
  FOVEA_OPTIMIZER_ADAM = 3,     /* decay added to the gradient (L2) */
  FOVEA_OPTIMIZER_ADAMW = 4,    /* p *= 1 - rate*decay first (Loshchilov and Hutter, 2019) */
  FOVEA_OPTIMIZER_LION = 5      /* p *= 1 - rate*decay; p -= rate*sign(beta1*m + (1-beta1)*g); m = beta2*m + (1-beta2)*g */
} fovea_optimizer;

typedef struct fovea_optimizer_params {
  int32_t kind; /* fovea_optimizer */
  float beta1;  /* momentum of SGD */
  float beta2;
  float epsilon; /* Adam: added to sqrt(second / (1 - beta2^step)) (PyTorch) */
  float weight_decay;
  float dampening;
} fovea_optimizer_params;

/* One step of one parameter tensor (or of a flat buffer that holds many). parameter, gradient, and the moments the kind needs:
 * first (all but SGD), second (Adam, AdamW), same shape, contiguous; others NULL. schedule f32 [3] on the device: learning
 * rate, step number from 1, and a factor for the gradient (clipping, loss scale; 1 for none). A factor that is not finite
 * skips the step: nothing is written. */
FOVEA_API fovea_status fovea_optimizer_step(const fovea_optimizer_params* params, const fovea_tensor* parameter,
                                            const fovea_tensor* gradient, const fovea_tensor* first, const fovea_tensor* second,
                                            const fovea_tensor* schedule, fovea_stream* stream);

/* result f32 [2] = norm of all gradients together (double sums, fixed order) and the clip factor min(1, max_norm/(norm +
 * 1e-6)), NaN when the norm is not finite. */
FOVEA_API fovea_status fovea_global_norm_workspace(const fovea_tensor* const* gradients, int64_t count, int64_t* bytes);
FOVEA_API fovea_status fovea_global_norm(const fovea_tensor* const* gradients, int64_t count, float max_norm,
                                         const fovea_tensor* result, const fovea_workspace* workspace, fovea_stream* stream);

#ifdef __cplusplus
}
#endif
#endif
