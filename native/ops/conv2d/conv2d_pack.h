// The direct (or depthwise) form, for plain code that packs weights.
#pragma once

#include "ops/conv2d/conv2d.h"

namespace fovea {

// Packs the taps of `part`, which is job.params or a layer of fewer taps; tap_of says which tap of job.params each one is.
// Block by block with its 16 outputs innermost, so that writes are runs, and reads are too, or 16 streams.
template <class TapOf>
void pack_direct(const Conv2dPrepareJob& job, const fovea_conv2d_params& part, float* packed, const TapOf& tap_of) {
  const int64_t per_group = is_depthwise(part) ? part.out_channels : group_out(part);
  for (int64_t first = 0; first < part.out_channels; first += per_group)
    for (int64_t channel = 0; channel < per_group; channel += kChannelBlock) {
      const int64_t lanes = per_group - channel < kChannelBlock ? per_group - channel : kChannelBlock;
      float* out = packed + packed_index(part, first + channel, 0, 0);
      for (int64_t tap = 0; tap < taps(part); ++tap) {
        // Inputs of a tap are evenly spaced too: a job with one input has no second to measure by.
        const int64_t from = tap_of(tap), channels = group_in(part);
        const WeightRun run = weight_run(job, first + channel, from, 0);
        const int64_t step = channels > 1 ? weight_run(job, first + channel, from, 1).first - run.first : 0;
        const float* w = run.first;
        for (int64_t i = 0; i < channels; ++i, w += step, out += kChannelBlock)
          for (int64_t lane = 0; lane < lanes; ++lane) out[lane] = w[lane * run.stride];
      }
    }
}

}  // namespace fovea
