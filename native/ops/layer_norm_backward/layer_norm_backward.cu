// dx: a team per row, which leaves mean and rstd for the sums over the rows.
//
// Workspace: the sums of channel_sums.h, then Moments [rows].
#include "ops/layer_norm_backward/layer_norm_backward.h"

#include "ops/layer_norm_backward/channel_sums_device.h"

namespace fovea::cuda {
namespace {

// The pointers of the job are not used: they are float.
template <class T>
struct Rows {
  const T* x;
  const T* dy;
  T* dx;  // or NULL
  Moments* moments;
};

template <class T, class Row>
__global__ void __launch_bounds__(Row::kThreads) layer_norm_backward_kernel(LayerNormBackwardJob j, Rows<T> t) {
  __shared__ double scratch[8];
  const AxisView& v = j.view;
  const int64_t rows = v.is_leading || v.leading == 0 ? v.outer : v.outer / v.leading * live_count(v.live, v.leading);
  const int64_t n = v.is_leading ? live_count(v.live, v.axis) : v.axis;
  for (int64_t row = Row::first(); row < rows; row += Row::stride()) {
    const T *const x = t.x + row * v.pitch, *const dy = t.dy + row * j.dy_pitch;
    const Moments m = moments<Row>(n, j.rms, j.epsilon, scratch, [&](int64_t i) { return to_float(x[i]); });
    if (Row::lane() == 0) t.moments[row] = m;
    if (t.dx == nullptr) continue;
    const auto z = [&](int64_t i) { return (double(to_float(x[i])) - m.mean) * m.rstd; };
    const auto g = [&](int64_t i) { return double(to_float(dy[i])) * (j.gamma == nullptr ? 1.0 : double(j.gamma[i])); };
    double sum_g = 0, sum_gz = 0;
    for (int64_t i = Row::lane(); i < n; i += Row::kLanes) sum_g += g(i), sum_gz += g(i) * z(i);
    const double mean_g = j.rms ? 0.0 : Row::reduce(sum_g, scratch, Sum{}) / double(n);
    const double mean_gz = Row::reduce(sum_gz, scratch, Sum{}) / double(n);
    for (int64_t i = Row::lane(); i < n; i += Row::kLanes)
      t.dx[row * j.dx_pitch + i] = from_float<T>(float(m.rstd * (g(i) - mean_g - z(i) * mean_gz)));
  }
}

struct MomentsOfRow {
  const Moments* rows;
  FOVEA_DEVICE Moments operator()(int64_t row, int64_t) const { return rows[row]; }
};

template <class T>
T* data(const fovea_tensor* t) {
  return t == nullptr ? nullptr : static_cast<T*>(t->data);
}

int64_t workspace_bytes(const fovea_tensor& x) {
  return channel_sums_bytes(layer_norm_sums(x)) + rows(x) * int64_t{sizeof(Moments)};
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_layer_norm_backward_workspace(const fovea_norm_params*, const fovea_tensor* x, int64_t* bytes) {
  *bytes = workspace_bytes(*x);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_layer_norm_backward(const fovea_norm_params* params, const fovea_tensor* x,
                                                  const fovea_tensor* gamma, const fovea_tensor* dy, const fovea_tensor* dx,
                                                  const fovea_tensor* dgamma, const fovea_tensor* dbeta,
                                                  const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "layer_norm_backward";
  if (last(*x) == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace(op, workspace, workspace_bytes(*x)));
  const LayerNormBackwardJob job = layer_norm_backward_job(*params, *x, gamma, *dy, dx, dgamma, dbeta, workspace->data);
  auto* const moments = reinterpret_cast<Moments*>(static_cast<char*>(workspace->data) + channel_sums_bytes(job.sums));
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, op, [&](cudaStream_t s) {
      const Rows<T> tensors{data<T>(x), data<T>(dy), data<T>(dx), moments};
      const cudaError_t error = with_team(job.view.axis, [&](auto team) {
        using Row = decltype(team);
        return launch(layer_norm_backward_kernel<T, Row>, Row::blocks(job.view.outer), Row::kThreads, 0, s, job, tensors);
      });
      if (error != cudaSuccess || (dgamma == nullptr && dbeta == nullptr)) return error;
      const AxisView& v = job.view;
      ChannelSumsView<T> sums{tensors.x, tensors.dy, v.pitch, job.dy_pitch, job.channels,
                              rows(*x),  1,          nullptr, nullptr,      job.sums};
      if (v.is_leading)  // a vector
        sums.live_channels = v.live;
      else if (v.leading > 0)
        sums.leading = v.leading, sums.inner = rows(*x) / v.leading, sums.live = v.live;
      return launch_channel_sums(sums, MomentsOfRow{moments}, job.dgamma, job.dbeta, s);
    });
  });
}
