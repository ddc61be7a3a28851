// dx: a block for each group of each image, which leaves mean and rstd for the sums over the rows.
//
// Workspace: the sums of channel_sums.h over all images' rows, then Moments [images][groups].
#include "ops/group_norm_backward/group_norm_backward.h"

#include "cuda/rows.h"
#include "ops/layer_norm_backward/channel_sums_device.h"

namespace fovea::cuda {
namespace {

using Block = Team<8>;

// x, dy and dx of the job are not used: they are float.
template <class T>
__global__ void __launch_bounds__(Block::kThreads)
    group_norm_backward_kernel(GroupNormBackwardJob j, const T* all_x, const T* all_dy, T* all_dx, Moments* all_moments) {
  __shared__ double scratch[8];
  const int64_t items = live_count(j.live, j.images) * j.groups, n = j.positions * j.width;
  for (int64_t item = Block::first(); item < items; item += Block::stride()) {
    const int64_t image = item / j.groups, first = (item - image * j.groups) * j.width, row = image * j.positions;
    const T *const x = all_x + row * j.x_pitch + first, *const dy = all_dy + row * j.dy_pitch + first;
    const Moments m = moments<Block>(n, j.rms, j.epsilon, scratch, [&](int64_t i) {
      const int64_t p = quotient(i, j.width);
      return to_float(x[p * j.x_pitch + i - p * j.width]);
    });
    if (Block::lane() == 0) all_moments[item] = m;
    if (all_dx == nullptr) continue;
    // body(z, g, position, channel of the group) for this thread's share
    const auto each = [&](const auto& body) {
      for (int64_t i = Block::lane(); i < n; i += Block::kLanes) {
        const int64_t p = quotient(i, j.width), c = i - p * j.width;
        const double gamma = j.gamma == nullptr ? 1.0 : double(j.gamma[first + c]);
        body((double(to_float(x[p * j.x_pitch + c])) - m.mean) * m.rstd, double(to_float(dy[p * j.dy_pitch + c])) * gamma, p,
             c);
      }
    };
    double sum_g = 0, sum_gz = 0;
    each([&](double z, double g, int64_t, int64_t) { sum_g += g, sum_gz += g * z; });
    const double mean_g = j.rms ? 0.0 : Block::reduce(sum_g, scratch, Sum{}) / double(n);
    const double mean_gz = Block::reduce(sum_gz, scratch, Sum{}) / double(n);
    T* const dx = all_dx + row * j.dx_pitch + first;
    each([&](double z, double g, int64_t p, int64_t c) {
      dx[p * j.dx_pitch + c] = from_float<T>(float(m.rstd * (g - mean_g - z * mean_gz)));
    });
  }
}

struct MomentsOfGroup {
  const Moments* groups_of_images;
  int64_t positions, groups, width;
  FOVEA_DEVICE Moments operator()(int64_t row, int64_t channel) const {
    return groups_of_images[quotient(row, positions) * groups + quotient(channel, width)];
  }
};

ChannelSums row_sums(const fovea_tensor& x) { return channel_sums(rows(x), last(x), 64); }

int64_t workspace_bytes(const fovea_norm_params& params, const fovea_tensor& x) {
  return channel_sums_bytes(row_sums(x)) + x.shape[0] * params.groups * int64_t{sizeof(Moments)};
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_group_norm_backward_workspace(const fovea_norm_params* params, const fovea_tensor* x,
                                                            int64_t* bytes) {
  *bytes = workspace_bytes(*params, *x);
  return FOVEA_OK;
}

extern "C" fovea_status fovea_group_norm_backward(const fovea_norm_params* params, const fovea_tensor* x,
                                                  const fovea_tensor* gamma, const fovea_tensor* dy, const fovea_tensor* dx,
                                                  const fovea_tensor* dgamma, const fovea_tensor* dbeta,
                                                  const fovea_workspace* workspace, fovea_stream* stream) {
  constexpr const char* op = "group_norm_backward";
  if (last(*x) == 0) return FOVEA_OK;
  FOVEA_TRY(check_workspace(op, workspace, workspace_bytes(*params, *x)));
  GroupNormBackwardJob job = group_norm_backward_job(*params, *x, gamma, *dy, dx, dgamma, dbeta);
  job.sums = row_sums(*x);
  job.sums.sums = static_cast<double*>(workspace->data);
  auto* const moments = reinterpret_cast<Moments*>(static_cast<char*>(workspace->data) + channel_sums_bytes(job.sums));
  return with_float_type(x->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return submit(stream, op, [&](cudaStream_t s) {
      const auto *from_x = static_cast<const T*>(x->data), *from_dy = static_cast<const T*>(dy->data);
      const cudaError_t error =
          launch(group_norm_backward_kernel<T>, Block::blocks(job.images * job.groups), Block::kThreads, 0, s, job, from_x,
                 from_dy, dx == nullptr ? nullptr : static_cast<T*>(dx->data), moments);
      if (error != cudaSuccess || (dgamma == nullptr && dbeta == nullptr)) return error;
      const ChannelSumsView<T> sums{from_x,     from_dy,       x->pitch, dy->pitch, last(*x),
                                    job.images, job.positions, x->live,  nullptr,   job.sums};
      return launch_channel_sums(sums, MomentsOfGroup{moments, job.positions, job.groups, job.width}, job.dgamma, job.dbeta, s);
    });
  });
}
