// Gradients of the selective scan. With gated dy' = dy * silu(z), a_t = exp(delta_t A), b_t = delta_t B_t u_t:
//   g_t = C_t dy'_t + a_{t+1} g_{t+1}                       from the last step back, starting at d_final_state
//   dC_t = dy'_t h_t,  dB_t = g_t delta_t u_t,  dA += delta_t g_t (a_t h_{t-1})
//   du_t = skip dy'_t + delta_t sum(g_t B_t),  d_delta_t = u_t sum(g_t B_t) + sum(g_t A a_t h_{t-1})
// The states h come from a forward pass that keeps every kBackwardSteps-th of them; between two of those they are recomputed.
#pragma once

#include "ops/selective_scan/selective_scan.h"

namespace fovea {

inline constexpr int64_t kBackwardSteps = 16;     // a tile: its decays and states fit the first-level cache
inline constexpr int64_t kBackwardChannels = 64;  // of a task
// Everything per state is padded to a multiple of this, so that vector bodies handle whole groups of states only.
inline constexpr int64_t kStateGroup = 8;

struct SelectiveScanBackwardJob {
  SelectiveScanJob scan;      // inputs; y is unused, state is read only and means the initial state
  const float *dy, *d_final;  // d_final may be NULL
  float *du, *d_delta, *da, *db, *dc, *d_skip, *dz, *d_bias, *d_initial;  // may be NULL
  int64_t dy_pitch, d_final_pitch, du_pitch, d_delta_pitch, da_pitch, db_pitch, dc_pitch, dz_pitch, d_initial_pitch;
  void* scratch;  // layout: ScanBackwardScratch
  int32_t threads;
};

// Offsets in floats. Each (batch, block of channels) leaves sums that a second pass adds up in the order of blocks and batches:
// whoever computed them, the bits are the same.
struct ScanBackwardScratch {
  int64_t states, blocks, tiles;
  int64_t step_sums;     // [batch][block][length][2 * states]: dB and dC summed over the block's channels
  int64_t channel_sums;  // [batch][block][states + 2][kBackwardChannels]: dA, d_skip, d_delta_bias summed over time
  // [thread][thread_size]: checkpoints [tiles][states][channels]; delta and its slope of every step,
  // [tiles][2][steps][channels]; A and g, [states][channels] each.
  int64_t thread, thread_deltas, thread_tables, thread_size;
  int64_t size;
};

static constexpr ScanBackwardScratch scan_backward_scratch(int64_t batch, int64_t length, int64_t channels, int64_t states,
                                                           int32_t threads) {
  ScanBackwardScratch s{};
  s.states = (states + kStateGroup - 1) / kStateGroup * kStateGroup;
  s.blocks = (channels + kBackwardChannels - 1) / kBackwardChannels;
  s.tiles = (length + kBackwardSteps - 1) / kBackwardSteps;
  s.channel_sums = batch * s.blocks * length * 2 * s.states;
  s.thread = s.channel_sums + batch * s.blocks * (s.states + 2) * kBackwardChannels;
  s.thread_deltas = s.tiles * s.states * kBackwardChannels;
  s.thread_tables = s.thread_deltas + s.tiles * 2 * kBackwardSteps * kBackwardChannels;
  s.thread_size = s.thread_tables + 2 * s.states * kBackwardChannels;
  s.size = s.thread + threads * s.thread_size;
  return s;
}

// The reference loops' doubles: per step h, dB, dC [3][length][states] of one batch entry; per channel dA [channels][states],
// d_skip and d_delta_bias.
static constexpr int64_t scan_backward_doubles(int64_t length, int64_t channels, int64_t states) {
  return 3 * length * states + channels * (states + 2);
}

}  // namespace fovea
