// Gradients of the selective scan (the equations are in selective_scan_backward.h). As in the forward kernel a channel's states
// lie in neighbouring lanes. A block first runs forward through time and keeps the states before every tile of steps; then it
// walks back over the tiles, recomputes a tile's states into shared memory and runs the recurrence of the gradients.
//
// Sums over channels (dB, dC) and over batch entries (dA, d_skip, d_delta_bias) go to the workspace, by block and by entry, and
// are added up in that order by a second and a third kernel.
#include "ops/selective_scan_backward/selective_scan_backward.h"

#include "cuda/kernel.h"
#include "cuda/reduce.h"
#include "cuda/runtime.h"
#include "ops/selective_scan/scan_device.h"

namespace fovea::cuda {
namespace {

constexpr int kThreads = 128;

template <class T>
struct BackwardView {
  ScanView<T> scan;  // its state is the initial state, read only
  const T* dy;
  const float* d_final;  // may be NULL, like every output
  T *du, *d_delta, *dz, *db, *dc;
  float *da, *d_skip, *d_bias, *d_initial;
  int64_t dy_pitch, d_final_pitch, du_pitch, d_delta_pitch, dz_pitch, db_pitch, dc_pitch, da_pitch, d_initial_pitch;
  // In the workspace: states before each tile [batch][tiles][channels][states]; dB and dC of a block's channels
  // [batch][groups][length][2][states]; of each batch entry dA [channels][states], then d_skip and d_delta_bias [channels].
  float *checkpoints, *step_sums, *channel_sums;
  int64_t tiles, groups;
};

// Which kernel handles how many states.
struct Plan {
  int channels, steps;  // of a block, of a tile
};
Plan plan_of(int64_t states) {
  return states <= 4 ? Plan{128, 8} : states <= 16 ? Plan{32, 8} : states <= 64 ? Plan{8, 8} : Plan{4, 4};
}

template <int kOwn, int kLanes, int kSteps>
struct Shared {
  static constexpr int kChannels = kThreads / kLanes, kStates = kOwn * kLanes;
  float h[kSteps][kOwn][kThreads], g[kSteps][kOwn][kThreads];  // states and their gradients, a column per thread
  float b[kSteps][kStates], c[kSteps][kStates];
  float u[kSteps][kChannels], delta[kSteps][kChannels], slope[kSteps][kChannels];  // slope: of softplus
  float dy[kSteps][kChannels];                                                     // gated
  float y[kSteps][kChannels], sum_b[kSteps][kChannels], d_delta[kSteps][kChannels];
};

// Inputs of `steps` steps from row0 on, of the block's channels from d0 on.
template <class T, int kOwn, int kLanes, int kSteps>
FOVEA_DEVICE void load_tile(const BackwardView<T>& v, Shared<kOwn, kLanes, kSteps>& shared, int64_t row0, int steps, int64_t d0,
                            bool backward) {
  using Tiles = Shared<kOwn, kLanes, kSteps>;
  const ScanView<T>& s = v.scan;
  for (int i = int(threadIdx.x); i < steps * Tiles::kStates; i += kThreads) {
    const int t = i / Tiles::kStates, n = i % Tiles::kStates;
    shared.b[t][n] = n < s.states ? to_float(s.b[(row0 + t) * s.b_pitch + n]) : 0.0f;
    if (backward) shared.c[t][n] = n < s.states ? to_float(s.c[(row0 + t) * s.c_pitch + n]) : 0.0f;
  }
  for (int i = int(threadIdx.x); i < steps * Tiles::kChannels; i += kThreads) {
    const int t = i / Tiles::kChannels, c = i % Tiles::kChannels;
    const int64_t row = row0 + t, d = d0 + c;
    const bool exists = d < s.channels;
    const float raw = exists ? raw_delta(s, row, d) : 0.0f;
    shared.u[t][c] = exists ? to_float(s.u[row * s.u_pitch + d]) : 0.0f;
    shared.delta[t][c] = s.delta_softplus ? softplus(raw) : raw;
    if (!backward) continue;
    shared.slope[t][c] = s.delta_softplus ? sigmoid(raw) : 1.0f;
    float dy = exists ? to_float(v.dy[row * v.dy_pitch + d]) : 0.0f;
    if (exists && s.z != nullptr) {
      const float z = to_float(s.z[row * s.z_pitch + d]);
      dy *= z * sigmoid(z);
    }
    shared.dy[t][c] = dy;
  }
}

// du, d_delta and dz of a tile's steps; dB and dC summed over the block's channels, in their order.
template <class T, int kOwn, int kLanes, int kSteps>
FOVEA_DEVICE void store_tile(const BackwardView<T>& v, const Shared<kOwn, kLanes, kSteps>& shared, int64_t item, int64_t t0,
                             int64_t row0, int steps, int64_t d0) {
  using Tiles = Shared<kOwn, kLanes, kSteps>;
  const ScanView<T>& s = v.scan;
  const int channels = int(s.channels - d0 < Tiles::kChannels ? s.channels - d0 : Tiles::kChannels);
  for (int i = int(threadIdx.x); i < steps * Tiles::kChannels; i += kThreads) {
    const int t = i / Tiles::kChannels, c = i % Tiles::kChannels;
    if (c >= channels) continue;
    const int64_t row = row0 + t, d = d0 + c;
    if (v.du != nullptr) {
      const float skip = s.skip == nullptr ? 0.0f : s.skip[d] * shared.dy[t][c];
      v.du[row * v.du_pitch + d] = from_float<T>(fmaf(shared.delta[t][c], shared.sum_b[t][c], skip));
    }
    if (v.d_delta != nullptr) v.d_delta[row * v.d_delta_pitch + d] = from_float<T>(shared.d_delta[t][c]);
    if (v.dz != nullptr) {
      const float z = to_float(s.z[row * s.z_pitch + d]), gate = sigmoid(z);
      const float y = s.skip == nullptr ? shared.y[t][c] : fmaf(s.skip[d], shared.u[t][c], shared.y[t][c]);
      const float dy = to_float(v.dy[row * v.dy_pitch + d]);
      v.dz[row * v.dz_pitch + d] = from_float<T>(dy * y * gate * (1.0f + z * (1.0f - gate)));
    }
  }
  if (v.db == nullptr && v.dc == nullptr) return;
  for (int i = int(threadIdx.x); i < steps * Tiles::kStates; i += kThreads) {
    const int t = i / Tiles::kStates, n = i % Tiles::kStates;
    if (n >= s.states) continue;
    float db = 0.0f, dc = 0.0f;
    for (int c = 0; c < channels; ++c) {
      const int thread = c * kLanes + n / kOwn;
      db = fmaf(shared.g[t][n % kOwn][thread], shared.delta[t][c] * shared.u[t][c], db);
      dc = fmaf(shared.h[t][n % kOwn][thread], shared.dy[t][c], dc);
    }
    float* sums = v.step_sums + (item * s.length + t0 + t) * 2 * s.states + n;
    sums[0] = db, sums[s.states] = dc;
  }
}

template <class T, int kOwn, int kLanes, int kSteps>
__global__ void __launch_bounds__(kThreads, 2) selective_scan_backward_kernel(BackwardView<T> v) {
  using Tiles = Shared<kOwn, kLanes, kSteps>;
  auto& shared = *dynamic_shared<Tiles>();
  const ScanView<T>& s = v.scan;
  const int lane = int(threadIdx.x) % kLanes, channel = int(threadIdx.x) / kLanes, first = lane * kOwn;
  const int64_t work = live_count(s.live, s.batch) * v.groups;
  for (int64_t item = blockIdx.x; item < work; item += gridDim.x) {
    const int64_t batch = item / v.groups, d0 = item % v.groups * Tiles::kChannels, d = d0 + channel;
    const int64_t rest = d < s.channels ? s.states - first : 0;  // states from `first` on that exist
    const int64_t entry = batch * s.channels + d;
    float a[kOwn], h[kOwn], carry[kOwn], da[kOwn], d_skip = 0.0f, d_bias = 0.0f;
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      a[i] = i < rest ? s.a[d * s.a_pitch + first + i] * kLog2E : 0.0f;
      h[i] = i < rest && s.state != nullptr ? s.state[entry * s.state_pitch + first + i] : 0.0f;
      carry[i] = i < rest && v.d_final != nullptr ? v.d_final[entry * v.d_final_pitch + first + i] : 0.0f;
      da[i] = 0.0f;
    }
    const auto checkpoint = [&](int64_t tile, int i) {
      return v.checkpoints + ((batch * v.tiles + tile) * s.channels + d) * s.states + first + i;
    };
    const auto advance = [&](int t) {
#pragma unroll
      for (int i = 0; i < kOwn; ++i)
        if (i < rest)
          h[i] = fmaf(exp2f(shared.delta[t][channel] * a[i]), h[i],
                      shared.delta[t][channel] * shared.b[t][first + i] * shared.u[t][channel]);
    };
    for (int64_t tile = 0; tile < v.tiles; ++tile) {
#pragma unroll
      for (int i = 0; i < kOwn; ++i)
        if (i < rest) *checkpoint(tile, i) = h[i];
      if (tile + 1 == v.tiles) break;
      __syncthreads();
      load_tile(v, shared, batch * s.length + tile * kSteps, kSteps, d0, false);
      __syncthreads();
#pragma unroll 1
      for (int t = 0; t < kSteps; ++t) advance(t);
    }
    for (int64_t tile = v.tiles - 1; tile >= 0; --tile) {
      const int64_t t0 = tile * kSteps, row0 = batch * s.length + t0;
      const int steps = int(s.length - t0 < kSteps ? s.length - t0 : kSteps);
      __syncthreads();
      load_tile(v, shared, row0, steps, d0, true);
      __syncthreads();
#pragma unroll
      for (int i = 0; i < kOwn; ++i) h[i] = i < rest ? *checkpoint(tile, i) : 0.0f;
#pragma unroll 1
      for (int t = 0; t < steps; ++t) {
        advance(t);
        float y = 0.0f;
#pragma unroll
        for (int i = 0; i < kOwn; ++i) {
          shared.h[t][i][threadIdx.x] = h[i];
          if (i < rest) y = fmaf(shared.c[t][first + i], h[i], y);
        }
        if (v.dz == nullptr) continue;
        y = warp_reduce<kLanes>(y, Sum{});
        if (lane == 0) shared.y[t][channel] = y;
      }
#pragma unroll 1
      for (int t = steps - 1; t >= 0; --t) {
        const float delta = shared.delta[t][channel], u = shared.u[t][channel], dy = shared.dy[t][channel];
        float sum_b = 0.0f, sum_a = 0.0f;
#pragma unroll
        for (int i = 0; i < kOwn; ++i) {
          if (i >= rest) continue;
          const float before = t > 0 ? shared.h[t - 1][i][threadIdx.x] : *checkpoint(tile, i);
          const float decay = exp2f(delta * a[i]), g = fmaf(shared.c[t][first + i], dy, carry[i]);
          const float left = decay * before;
          da[i] = fmaf(delta * g, left, da[i]);
          sum_b = fmaf(g, shared.b[t][first + i], sum_b);
          sum_a = fmaf(g * left, a[i], sum_a);
          shared.g[t][i][threadIdx.x] = g;
          carry[i] = g * decay;
        }
        sum_b = warp_reduce<kLanes>(sum_b, Sum{}), sum_a = warp_reduce<kLanes>(sum_a, Sum{});
        if (lane != 0) continue;
        const float d_delta = fmaf(u, sum_b, sum_a * (1.0f / kLog2E)) * shared.slope[t][channel];
        d_skip = fmaf(dy, u, d_skip), d_bias += d_delta;
        shared.sum_b[t][channel] = sum_b, shared.d_delta[t][channel] = d_delta;
      }
      __syncthreads();
      store_tile(v, shared, item, t0, row0, steps, d0);
    }
    float* sums = v.channel_sums + batch * s.channels * (s.states + 2);
#pragma unroll
    for (int i = 0; i < kOwn; ++i) {
      if (i >= rest) continue;
      sums[d * s.states + first + i] = da[i];
      if (v.d_initial != nullptr) v.d_initial[entry * v.d_initial_pitch + first + i] = carry[i];
    }
    if (lane == 0 && rest > 0) {
      sums[s.channels * s.states + d] = d_skip;
      sums[s.channels * (s.states + 1) + d] = d_bias;
    }
  }
}

// dB and dC: sums over the groups of channels.
template <class T>
__global__ void __launch_bounds__(kThreads) add_groups_kernel(BackwardView<T> v) {
  const ScanView<T>& s = v.scan;
  const int64_t row_size = 2 * s.states, n = live_count(s.live, s.batch) * s.length * row_size;
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    const int64_t row = i / row_size, batch = row / s.length, t = row % s.length, at = i % row_size;
    float sum = 0.0f;
    for (int64_t group = 0; group < v.groups; ++group)
      sum += v.step_sums[((batch * v.groups + group) * s.length + t) * row_size + at];
    if (at < s.states) {
      if (v.db != nullptr) v.db[row * v.db_pitch + at] = from_float<T>(sum);
    } else {
      if (v.dc != nullptr) v.dc[row * v.dc_pitch + at - s.states] = from_float<T>(sum);
    }
  }
}

// dA, d_skip and d_delta_bias: sums over the batch entries.
template <class T>
__global__ void __launch_bounds__(kThreads) add_entries_kernel(BackwardView<T> v) {
  const ScanView<T>& s = v.scan;
  const int64_t n = s.channels * (s.states + 2), live = live_count(s.live, s.batch);
  for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += int64_t{gridDim.x} * kThreads) {
    float sum = 0.0f;
    for (int64_t batch = 0; batch < live; ++batch) sum += v.channel_sums[batch * n + i];
    if (i < s.channels * s.states) {
      if (v.da != nullptr) v.da[i / s.states * v.da_pitch + i % s.states] = sum;
    } else if (i < s.channels * (s.states + 1)) {
      if (v.d_skip != nullptr) v.d_skip[i - s.channels * s.states] = sum;
    } else {
      if (v.d_bias != nullptr) v.d_bias[i - s.channels * (s.states + 1)] = sum;
    }
  }
}

template <class T, int kOwn, int kLanes, int kSteps>
cudaError_t launch_scan(const BackwardView<T>& v, cudaStream_t stream) {
  const int64_t blocks = v.scan.batch * v.groups;
  return launch(selective_scan_backward_kernel<T, kOwn, kLanes, kSteps>, unsigned(blocks < INT32_MAX ? blocks : INT32_MAX),
                kThreads, sizeof(Shared<kOwn, kLanes, kSteps>), stream, v);
}

template <class T>
cudaError_t launch_backward(const BackwardView<T>& v, cudaStream_t stream) {
  const ScanView<T>& s = v.scan;
  cudaError_t e = cudaSuccess;
  if (s.batch > 0)
    e = s.states <= 4    ? launch_scan<T, 4, 1, 8>(v, stream)
        : s.states <= 16 ? launch_scan<T, 4, 4, 8>(v, stream)
        : s.states <= 64 ? launch_scan<T, 4, 16, 8>(v, stream)
                         : launch_scan<T, 8, 32, 4>(v, stream);
  const int64_t step_values = s.batch * s.length * 2 * s.states, channel_values = s.channels * (s.states + 2);
  if (e == cudaSuccess && step_values > 0 && (v.db != nullptr || v.dc != nullptr))
    e = launch(add_groups_kernel<T>, grid_for(step_values, kThreads), kThreads, 0, stream, v);
  if (e == cudaSuccess && (v.da != nullptr || v.d_skip != nullptr || v.d_bias != nullptr))
    e = launch(add_entries_kernel<T>, grid_for(channel_values, kThreads), kThreads, 0, stream, v);
  return e;
}

// Sizes in floats.
struct Layout {
  int64_t tiles, groups, checkpoints, step_sums, channel_sums;
};
Layout layout_of(const fovea_tensor& u, int64_t states) {
  const int64_t batch = u.shape[0], length = u.shape[1], channels = u.shape[2];
  const Plan plan = plan_of(states);
  const int64_t tiles = (length + plan.steps - 1) / plan.steps, groups = (channels + plan.channels - 1) / plan.channels;
  return {tiles, groups, batch * tiles * channels * states, batch * groups * length * 2 * states,
          batch * channels * (states + 2)};
}
int64_t bytes_of(const Layout& l) { return (l.checkpoints + l.step_sums + l.channel_sums) * int64_t{sizeof(float)}; }

template <class T>
T* output(const fovea_tensor* t, int64_t* pitch) {
  if (t == nullptr) return nullptr;
  *pitch = t->pitch;
  return static_cast<T*>(t->data);
}

}  // namespace
}  // namespace fovea::cuda

using namespace fovea;
using namespace fovea::cuda;

extern "C" fovea_status fovea_selective_scan_backward_workspace(const fovea_selective_scan_params*, const fovea_tensor* u,
                                                                const fovea_tensor* A, int64_t* bytes) {
  *bytes = bytes_of(layout_of(*u, A->shape[1]));
  return FOVEA_OK;
}

extern "C" fovea_status fovea_selective_scan_backward(const fovea_selective_scan_params* params, const fovea_tensor* u,
                                                      const fovea_tensor* delta, const fovea_tensor* A, const fovea_tensor* Bm,
                                                      const fovea_tensor* C, const fovea_tensor* skip, const fovea_tensor* z,
                                                      const fovea_tensor* delta_bias, const fovea_tensor* initial_state,
                                                      const fovea_tensor* dy, const fovea_tensor* d_final_state,
                                                      const fovea_selective_scan_gradients* gradients,
                                                      const fovea_workspace* workspace, fovea_stream* stream) {
  if (u->shape[2] == 0 || A->shape[1] == 0) return FOVEA_OK;
  const Layout layout = layout_of(*u, A->shape[1]);
  FOVEA_TRY(check_workspace("selective_scan_backward", workspace, bytes_of(layout)));
  return with_float_type(u->dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    BackwardView<T> v{};
    v.scan = scan_view<T>({params, u, delta, A, Bm, C, skip, z, delta_bias, "initial_state", initial_state});
    v.dy = data_of<T>(dy), v.dy_pitch = dy->pitch;
    v.d_final = data_of<float>(d_final_state), v.d_final_pitch = pitch_of(d_final_state);
    int64_t vector_pitch = 0;
    v.du = output<T>(gradients->du, &v.du_pitch), v.d_delta = output<T>(gradients->d_delta, &v.d_delta_pitch);
    v.dz = output<T>(gradients->dz, &v.dz_pitch);
    v.db = output<T>(gradients->dB, &v.db_pitch), v.dc = output<T>(gradients->dC, &v.dc_pitch);
    v.da = output<float>(gradients->dA, &v.da_pitch);
    v.d_skip = output<float>(gradients->d_skip, &vector_pitch);
    v.d_bias = output<float>(gradients->d_delta_bias, &vector_pitch);
    v.d_initial = output<float>(gradients->d_initial_state, &v.d_initial_pitch);
    v.tiles = layout.tiles, v.groups = layout.groups;
    v.checkpoints = static_cast<float*>(workspace->data);
    v.step_sums = v.checkpoints + layout.checkpoints;
    v.channel_sums = v.step_sums + layout.step_sums;
    return submit(stream, "selective_scan_backward", [&](cudaStream_t s) { return launch_backward(v, s); });
  });
}
