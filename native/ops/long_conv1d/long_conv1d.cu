#include "ops/long_conv1d/long_conv1d.h"

#include "cuda/runtime.h"
#include "ops/long_conv1d/conv_device.h"

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_long_conv1d_workspace(const fovea_tensor* x, const fovea_tensor* kernel, int64_t* bytes) {
  *bytes = workspace_bytes(long_conv1d_job(*x, *kernel, nullptr, *x));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_long_conv1d(const fovea_tensor* x, const fovea_tensor* kernel, const fovea_tensor* skip,
                                          const fovea_tensor* y, const fovea_workspace* workspace, fovea_stream* stream) {
  if (elements(*x) == 0) return FOVEA_OK;
  const LongConv1dJob job = long_conv1d_job(*x, *kernel, skip, *y);
  FOVEA_TRY(check_workspace("long_conv1d", workspace, workspace_bytes(job)));
  const Spectra spectra = spectra_in(job, workspace);
  return submit(stream, "long_conv1d", [&](cudaStream_t s) {
    const cudaError_t e = transforms(job) ? launch_table(job, spectra, s) : cudaSuccess;
    return e != cudaSuccess ? e : launch_convolution<false>(job, spectra, {job.x, job.x_pitch}, job.y, job.y_pitch, s);
  });
}
